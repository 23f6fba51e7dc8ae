"""
Threads of gigs: opening them, and keeping them in step with the market.

Who takes part is never chosen by hand: the gig's owner, its team and its organization
on the one side, the applicant on the other. Whoever changes one of these calls
`follow_gigs` in the same transaction, so that the change holds at once, on open sockets
too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from realtime.actor import Actor
from realtime.errors import BY_CODE, GigClosed, Invalid
from realtime.lifecycle import as_days, words
from realtime.protocol import (
    MANY_CONVERSATIONS,
    ConversationCreated,
    ConversationUpdated,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    Resync,
)
from realtime.settings import Settings
from realtime.telling import tell
from storage import records
from storage.ids import uuid7
from storage.records import ApplicationId, ConversationId, GigId, MessageId, UserId
from storage.threads import Life, Moved, Saying
from storage.unit_of_work import UnitOfWork

# Whoever joins more threads than this at once fetches them instead of being told each.
_TOLD_THREADS = 50


async def open_thread(
    work: UnitOfWork,
    actor: Actor,
    gig: GigId,
    application: ApplicationId | None,
    users: Collection[UserId],
    settings: Settings,
) -> tuple[ConversationId, bool]:
    """
    Find or open the thread of an application, or of a gig and chosen people.

    Without `application` it is found by the one applicant among the people, if there is
    one. Gives the thread and whether it is new.

    Raises:
        NotFound: The actor may not know the gig or the application.
        Forbidden: Somebody named does not belong there, or the actor has not applied.
        NotConnected, Blocked, Suspended: The ledger's reason about chosen people.
        GigClosed: There is no thread yet, and by the life-cycle rules none begins.
        NotAParticipant: The actor was taken out of that thread. Who left it is back.
    """
    opened = await work.threads.open_gig(
        ConversationId(uuid7()),
        actor.user_id,
        gig,
        application,
        users,
        roles=settings.team_roles,
        history=settings.gig_history,
    )
    if opened.reason == Invalid.code:
        raise Invalid("A gig's conversation needs somebody else.")
    if opened.reason is not None:
        raise BY_CODE[opened.reason]
    assert opened.conversation_id is not None  # noqa: S101 - there is no reason
    if opened.is_new:
        await require_open(work, gig, opened.conversation_id, settings)
        await tell_created(work, opened.conversation_id)
        work.happen(
            "conversation.created",
            {
                "conversation_id": opened.conversation_id,
                "gig_id": gig,
                "application_id": application,
            },
        )
    if opened.came_back:
        back = Moved(opened.conversation_id, actor.user_id, "join")
        await tell_moved(work, [back], "")
    return opened.conversation_id, opened.is_new


async def require_open(
    work: UnitOfWork, gig: GigId, conversation: ConversationId, settings: Settings
) -> None:
    """
    Apply the life-cycle rules to a new conversation about a gig.

    Raises:
        GigClosed: By the rules none begins now.
    """
    for life in await work.threads.follow_life([gig], as_days(settings.lifecycle)):
        if life.conversation_id == conversation and _is_closed(life):
            raise GigClosed


async def tell_created(work: UnitOfWork, conversation: ConversationId) -> None:
    """Tell everybody who takes part that a conversation has begun."""
    async with work.as_the_server():
        seen = await work.conversations.as_everybody_sees([conversation])
    _tell_each(work, ConversationCreated, seen)


async def tell_updated(
    work: UnitOfWork, conversations: Collection[ConversationId]
) -> None:
    """Tell everybody who takes part how conversations are now."""
    async with work.as_the_server():
        seen = await work.conversations.as_everybody_sees(list(conversations))
    _tell_each(work, ConversationUpdated, seen)


def _tell_each(
    work: UnitOfWork,
    event: type[ConversationCreated | ConversationUpdated],
    seen: Iterable[tuple[UserId, records.Conversation]],
) -> None:
    """Tell everybody what they themselves see, which differs from person to person."""
    for reader, record in seen:
        tell(work, [reader], event.model_validate({"conversation": record}))


async def follow_gigs(
    work: UnitOfWork, gigs: Collection[GigId], settings: Settings
) -> None:
    """
    Bring the threads of gigs in step with the market, and tell everybody concerned.

    Call it after the change, in its transaction. Who is no longer entitled is out when
    that commits; who is now, is in. Then the life-cycle rules are applied, and what
    they change is said in the threads.
    """
    if not gigs:
        return
    moved = await work.threads.follow(gigs, settings.team_roles)
    if moved:
        await tell_moved(work, moved, "ledger")
    lives = await work.threads.follow_life(gigs, as_days(settings.lifecycle))
    if lives:
        await tell_lives(work, lives)


async def tell_moved(work: UnitOfWork, moved: Sequence[Moved], reason: str) -> None:
    """Tell who has come, who has gone, and whose role is another."""
    came = [one for one in moved if one.change == "join"]
    ids = {one.conversation_id for one in moved}
    async with work.as_the_server():
        audiences = await work.conversations.audiences(ids)
        parts = await work.conversations.parts(
            {one.user_id for one in came}, {one.conversation_id for one in came}
        )
    await _tell_arrivals(work, came)
    newcomers: defaultdict[ConversationId, set[UserId]] = defaultdict(set)
    for one in came:
        newcomers[one.conversation_id].add(one.user_id)
    now = datetime.now(UTC)
    for one in moved:
        last_seq, audience = audiences.get(one.conversation_id, (0, []))
        if one.change == "join":
            others = [u for u in audience if u not in newcomers[one.conversation_id]]
            part = parts[one.conversation_id, one.user_id]
            event = ParticipantJoined(
                conversation_id=one.conversation_id,
                user_id=one.user_id,
                participant=Participant.model_validate(part),
                participant_count=len(audience),
            )
            tell(work, others, event)
            _note(work, "participant.joined", one, {})
        elif one.change == "leave":
            left = ParticipantLeft.model_validate(
                {
                    "conversation_id": one.conversation_id,
                    "user_id": one.user_id,
                    "reason": reason,
                    "last_seq": last_seq,
                    "participant_count": len(audience),
                    "at": now,
                }
            )
            tell(work, [*audience, one.user_id], left)
            _note(work, "participant.left", one, {"reason": reason})
    ranked = {one.conversation_id for one in moved if one.change == "role"}
    if ranked:
        await tell_updated(work, ranked)


async def _tell_arrivals(work: UnitOfWork, came: Sequence[Moved]) -> None:
    """Show newcomers where they are; whoever comes into very many reloads."""
    threads: defaultdict[UserId, set[ConversationId]] = defaultdict(set)
    for one in came:
        threads[one.user_id].add(one.conversation_id)
    flooded = [user for user, ids in threads.items() if len(ids) > _TOLD_THREADS]
    if flooded:
        tell(work, flooded, Resync(reason=MANY_CONVERSATIONS))
    shown = {user: ids for user, ids in threads.items() if user not in flooded}
    if not shown:
        return
    async with work.as_the_server():
        seen = await work.conversations.as_these_see(
            shown, set().union(*shown.values())
        )
    theirs = [(reader, record) for reader, record in seen if record.id in shown[reader]]
    _tell_each(work, ConversationCreated, theirs)


async def tell_lives(work: UnitOfWork, lives: Sequence[Life]) -> None:
    """Say in threads that they close, will close or are open again; then show them."""
    sayings = [saying for life in lives if (saying := _saying(life)) is not None]
    if sayings:
        work.appended += await work.threads.say(sayings)
    await tell_updated(work, [life.conversation_id for life in lives])
    for life in lives:
        work.happen(
            "conversation.archived"
            if life.is_archived
            else "conversation.closed"
            if _is_closed(life)
            else "conversation.reopened"
            if life.closed_by is None
            else "conversation.closing",
            {"conversation_id": life.conversation_id},
            {"rule": life.closed_by or life.was_closed_by},
        )


def _is_closed(life: Life) -> bool:
    is_read_only = life.read_only_at is not None and life.read_only_at <= datetime.now(
        UTC
    )
    return is_read_only or life.is_archived


def _saying(life: Life) -> Saying | None:
    is_closed = _is_closed(life)
    if life.closed_by is None:
        # Only what was said is taken back.
        if life.was_closed_by is None:
            return None
    elif life.read_only_at is None or life.was_said:
        return None
    body, metadata = words(life.closed_by, life.read_only_at, is_closed=is_closed)
    return Saying(
        conversation_id=life.conversation_id,
        id=MessageId(uuid7()),
        body=body,
        metadata=metadata,
        closes=is_closed,
    )


def _note(work: UnitOfWork, kind: str, moved: Moved, data: dict[str, str]) -> None:
    subject = {"conversation_id": moved.conversation_id, "user_id": moved.user_id}
    work.happen(kind, subject, data)
