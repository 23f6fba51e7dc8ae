"""
Groups: making them, who is in them, who owns them.

A group is its owners' to manage. The group of a gig's team is the ledger's: who is in
it follows the gig, and nobody is added or removed by hand. A community is a group in
which only owners write and whose members the platform manages.
"""

from collections.abc import Collection

from realtime.actions.taking_part import (
    bring_in,
    check_size,
    give_roles,
    let_go,
    set_up,
    tell_joined,
)
from realtime.actions.threads import (
    require_open,
    tell_created,
)
from realtime.actor import Actor
from realtime.errors import (
    BY_CODE,
    Forbidden,
    Invalid,
    NotAParticipant,
    NotFound,
)
from realtime.settings import Settings
from storage.ids import uuid7
from storage.records import ConversationId, GigId, UserId
from storage.threads import Locked
from storage.unit_of_work import UnitOfWork

_FOLLOWS = "This group follows the team of its gig."


async def open_group(
    work: UnitOfWork,
    actor: Actor,
    users: Collection[UserId],
    settings: Settings,
    *,
    title: str | None,
    gig: GigId | None,
    writers: str,
    history: str | None,
) -> tuple[ConversationId, bool]:
    """
    Make a group with people whom the actor may message; the actor is its owner.

    With a gig it is the group of that gig's team, made or found: one a gig, with the
    people that the gig names. Gives the group and whether it is new.

    Raises:
        NotConnected, Blocked, Suspended: The ledger's reason about one of the people;
            `details` name them.
        NotFound: The gig is none of the actor's.
        GigClosed: There is no such group yet, and by the life-cycle rules none begins.
        TooLarge: A group has fewer members than that.
    """
    if gig is not None and users:
        raise Invalid(f"{_FOLLOWS} Leave out user_ids.")
    check_size(len(set(users) | {actor.user_id}), settings)
    await _check_people(work, actor, users)
    opened = await work.threads.open_group(
        ConversationId(uuid7()),
        actor.user_id,
        users,
        title=title,
        writers=writers,
        history=history or settings.group_history,
        gig=gig,
        roles=settings.team_roles,
    )
    if opened.reason is not None:
        raise BY_CODE[opened.reason]
    assert opened.conversation_id is not None  # noqa: S101 - there is no reason
    if opened.is_new:
        if gig is not None:
            await require_open(work, gig, opened.conversation_id, settings)
        await tell_created(work, opened.conversation_id)
        subject = {"conversation_id": opened.conversation_id, "gig_id": gig}
        work.happen("conversation.created", subject)
    return opened.conversation_id, opened.is_new


async def put_participant(
    work: UnitOfWork,
    actor: Actor,
    conversation: ConversationId,
    user: UserId,
    role: str | None,
    settings: Settings,
) -> None:
    """
    Bring somebody into a group, or give them another role; in a gig's thread, back.

    Handing a group over is giving somebody the role `owner` and then oneself `member`.

    Raises:
        NotFound, NotAParticipant: The actor is not in it.
        Forbidden: The actor is no owner, or nobody is brought in by hand there.
        NotConnected, Blocked, Suspended: The ledger's reason about the new one.
        Conflict: A group would be left without an owner.
        TooLarge: The group is full.
    """
    locked = await _lock(work, actor, conversation)
    if locked.kind == "gig":
        await _bring_back(work, locked, conversation, user, settings)
        return
    _require_owner(locked)
    parts = await work.conversations.parts([user], [conversation])
    part = parts.get((conversation, user))
    if part is None:
        await _check_people(work, actor, [user])
        await bring_in(work, conversation, locked, [user], role or "member", settings)
    elif role is not None and role != part.role:
        await give_roles(work, conversation, {user: role})


async def remove_participant(
    work: UnitOfWork, actor: Actor, conversation: ConversationId, user: UserId
) -> None:
    """
    Leave a conversation, or take somebody out of a group; who is not in it stays out.

    When the last owner leaves, whoever has been there longest inherits the group.

    Raises:
        NotFound, NotAParticipant: The actor is not in it.
        Forbidden: The actor is no owner, or people do not leave there: a direct
            conversation, the group of a team, and the applicant's thread for the team.
    """
    locked = await _lock(work, actor, conversation)
    if locked.kind not in {"group", "gig"}:
        raise Forbidden("Nobody leaves a direct conversation; archive it.")
    is_oneself = user == actor.user_id
    if locked.kind == "group" and locked.gig_id is not None:
        raise Forbidden(_FOLLOWS)
    if not is_oneself:
        _require_owner(locked)
        if locked.kind == "gig" and await _is_applicant(work, locked, user):
            raise Forbidden("Whose application it is stays in its conversation.")
    reason = "left" if is_oneself else "removed"
    await let_go(work, conversation, locked, user, reason)


async def change_group(
    work: UnitOfWork,
    actor: Actor,
    conversation: ConversationId,
    *,
    title: str | None = None,
    writers: str | None = None,
) -> None:
    """
    Give a group or a gig's thread another title, or a group other writers.

    Raises:
        NotFound, NotAParticipant: The actor is not in it.
        Forbidden: The actor is no owner of the group, or not of the gig's side.
        Invalid: A direct conversation has neither.
    """
    locked = await _lock(work, actor, conversation)
    if locked.kind not in {"group", "gig"}:
        raise Invalid("A direct conversation has no title.")
    if locked.kind == "group":
        _require_owner(locked)
    elif writers is not None:
        raise Invalid("Only groups choose who writes.")
    elif locked.basis != "team":
        raise Forbidden("Only the gig's side names its conversation.")
    await set_up(work, conversation, locked, title, writers, None)


async def _lock(work: UnitOfWork, actor: Actor, conversation: ConversationId) -> Locked:
    locked = await work.threads.lock(conversation)
    if locked is None:
        reason = await work.ledger.may_write(actor.user_id, conversation)
        raise NotAParticipant if reason == NotAParticipant.code else NotFound
    return locked


def _require_owner(locked: Locked) -> None:
    if locked.kind == "direct":
        raise Forbidden("A direct conversation has its two people.")
    if locked.gig_id is not None and locked.kind == "group":
        raise Forbidden(_FOLLOWS)
    if locked.role != "owner":
        raise Forbidden("Only an owner can do this.")


async def _check_people(
    work: UnitOfWork, actor: Actor, users: Collection[UserId]
) -> None:
    """Bring in only whom the actor may message."""
    refused = await work.threads.may_not_add(actor.user_id, users)
    if refused:
        user, reason = refused[0]
        raise BY_CODE[reason](details={"user_id": str(user)})


async def _is_applicant(work: UnitOfWork, locked: Locked, user: UserId) -> bool:
    if locked.application_id is None:
        return False
    return await work.threads.applicant_of(locked.application_id) == user


async def _bring_back(
    work: UnitOfWork,
    locked: Locked,
    conversation: ConversationId,
    user: UserId,
    settings: Settings,
) -> None:
    """Bring somebody of the gig's side back who had left or was taken out."""
    assert locked.gig_id is not None  # noqa: S101 - a thread has its gig
    if locked.basis != "team":
        raise Forbidden("Only the gig's side can do this.")
    role = await work.threads.role_in_team(locked.gig_id, user, settings.team_roles)
    if role is None and not await _is_applicant(work, locked, user):
        raise Forbidden("Who takes part in a gig's conversation follows the gig.")
    basis = "applicant" if role is None else "team"
    users = await work.threads.bring_in(
        conversation, [user], role=role or "member", basis=basis
    )
    await tell_joined(work, conversation, users)
