"""Opening, looking at and arranging conversations."""

from collections.abc import Mapping
from datetime import datetime

from realtime.actions.threads import tell_created
from realtime.actor import Actor
from realtime.errors import BY_CODE, Invalid, NotAParticipant, NotFound
from realtime.protocol import (
    Conversation,
    ConversationUpdated,
    Permission,
)
from realtime.telling import tell
from storage import records
from storage.ids import uuid7
from storage.records import ConversationId, UserId
from storage.unit_of_work import UnitOfWork

# What a person can do about a reason, by its code.
_UNLOCK: Mapping[str, tuple[str, ...]] = {"not_connected": ("connection.request",)}


async def open_direct(work: UnitOfWork, actor: Actor, other: UserId) -> ConversationId:
    """
    Find or make the direct conversation of two people.

    One that exists is found whatever their relation is now: reading stays, and
    whether they may write is asked where a message is written. Two people who open
    it at the same instant get the same one.

    Raises:
        Problem: The ledger's reason why the two may not talk.
    """
    if other == actor.user_id:
        raise Invalid("A direct conversation needs somebody else.")
    existing = await work.conversations.direct_with(actor.user_id, other)
    if existing is not None:
        return existing
    opened = await work.conversations.open_direct(
        ConversationId(uuid7()), actor.user_id, other
    )
    if isinstance(opened, str):
        raise BY_CODE[opened]
    conversation, is_new = opened
    if is_new:
        await tell_created(work, conversation)
        work.happen("conversation.created", {"conversation_id": conversation})
    return conversation


async def get_conversation(
    work: UnitOfWork, actor: Actor, conversation: ConversationId
) -> Conversation:
    """
    Give a conversation as the actor sees it.

    Raises:
        NotFound: The actor is not in it, or there is none.
    """
    return await _seen_by(work, actor.user_id, conversation)


async def arrange_conversation(
    work: UnitOfWork,
    actor: Actor,
    conversation: ConversationId,
    changes: Mapping[str, datetime | None],
) -> Conversation:
    """
    Mute or archive a conversation for oneself; the others do not notice.

    `changes` has `muted_until` or `archived_at`.
    """
    if changes:
        # Whoever else changes it is told of before or after, and so is what they did.
        await work.threads.lock(conversation)
        if not await work.conversations.set_for_me(
            actor.user_id, conversation, **changes
        ):
            raise NotFound
    seen = await _seen_by(work, actor.user_id, conversation)
    if changes:
        tell(work, [actor.user_id], ConversationUpdated(conversation=seen))
    return seen


async def explain_writing(
    work: UnitOfWork, actor: Actor, conversation: ConversationId
) -> Permission:
    """
    Say whether the actor may write into a conversation, and if not, why.

    Raises:
        NotFound: The actor may not know that it exists.
    """
    reason = await work.ledger.may_write(actor.user_id, conversation)
    if reason == NotFound.code:
        raise NotFound
    seen = await work.conversations.get(actor.user_id, conversation)
    people = [] if seen is None else [one.user_id for one in seen.participants]
    others = [user for user in people if user != actor.user_id]
    # A block is between the two where there are two.
    told = await explain(work, actor, reason, others[0] if len(others) == 1 else None)
    if seen is None:
        return told
    return told.model_copy(
        update={"closed_by": seen.closed_by, "read_only_at": seen.read_only_at}
    )


async def explain_messaging(
    work: UnitOfWork, actor: Actor, other: UserId
) -> Permission:
    """Say whether the actor may message somebody, who may not even exist."""
    if other == actor.user_id:
        raise Invalid("One needs no permission to talk to oneself.")
    reason = await work.ledger.may_message(actor.user_id, other)
    return await explain(work, actor, reason, other)


async def explain(
    work: UnitOfWork, actor: Actor, reason: str | None, other: UserId | None
) -> Permission:
    """Add to a reason what would unlock it: only what the actor can do."""
    unlock = list(_UNLOCK.get(reason or "", ()))
    if other is None:
        return Permission(reason=reason, unlock=unlock)
    # Only who blocked can know that they did; both get the same reason.
    if reason == "blocked" and await work.blocks.has(actor.user_id, other):
        unlock.append("user.unblock")
    if reason == "not_connected":
        link = await work.connections.between(actor.user_id, other)
        if link is not None and link.status == "pending":
            # Who has asked can only wait.
            is_asked = link.recipient_id == actor.user_id
            unlock = ["connection.accept"] if is_asked else []
        elif not await work.ledger.takes_requests(actor.user_id, other):
            unlock = []
    return Permission(reason=reason, unlock=unlock)


async def _seen_by(
    work: UnitOfWork, reader: UserId, conversation: ConversationId
) -> Conversation:
    found = await work.conversations.get(reader, conversation)
    if found is None:
        raise NotFound
    return conversation_of(found)


def conversation_of(record: records.Conversation) -> Conversation:
    """Make a wire conversation of a stored one."""
    return Conversation.model_validate(record)


async def require_participant(
    work: UnitOfWork, actor: Actor, conversation: ConversationId
) -> records.Conversation:
    """
    Give a conversation that the actor reads.

    Raises:
        NotAParticipant: They have left it.
        NotFound: They never were in it, or there is none.
    """
    found = await work.conversations.get(actor.user_id, conversation)
    if found is None:
        reason = await work.ledger.may_write(actor.user_id, conversation)
        raise NotAParticipant if reason == NotAParticipant.code else NotFound
    return found
