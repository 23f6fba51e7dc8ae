"""
What people do with messages after they were sent: edit, delete, react, look for them.

Sending stands in `realtime/sender.py`. Every change here locks the conversation first,
so that it takes turns with sends and with people who come and go, and its audience is
who may read the message at that moment.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from realtime.actor import Actor
from realtime.errors import (
    BY_CODE,
    Conflict,
    Forbidden,
    Invalid,
    NotAParticipant,
    NotFound,
)
from realtime.protocol import (
    Message,
    MessageDeleted,
    MessageUpdated,
    ReactionChanged,
)
from realtime.settings import Settings
from realtime.telling import tell
from storage.records import (
    ConversationId,
    FoundMessage,
    LockedMessage,
    MessageEdit,
    MessageId,
    UserId,
)
from storage.unit_of_work import UnitOfWork

# Nobody says a thing better a hundred times; each version is a row.
VERSIONS = 100

# All reactions are told with each one, so there is a bound to them.
EMOJI = 20
REACTIONS = 2000

Reactions = Mapping[str, Sequence[UserId]]


class Place(NamedTuple):
    """Where a page of found messages ended."""

    sent_at: datetime
    id: MessageId


def oldest_editable(settings: Settings, now: datetime) -> datetime | None:
    """Say from when a message must be to be edited now; None where that ends never."""
    if not settings.edit_seconds:
        return None
    return now - timedelta(seconds=settings.edit_seconds)


async def edit_message(
    work: UnitOfWork,
    actor: Actor,
    message: MessageId,
    body: str,
    *,
    since: datetime | None = None,
) -> Message:
    """
    Let one's own message say something else; what it said is kept.

    The same text again changes nothing. `since` is from when messages may be edited.

    Raises:
        NotFound: The actor sees no such message.
        Forbidden: It is another's or the server's own, or too old.
        Conflict: It was deleted, or edited too often.
        Invalid: It would say nothing.
        Problem: The ledger's reason why the actor may not write there.
    """
    locked = await _lock(work, message)
    if locked.sender_id != actor.user_id or locked.kind != "text":
        raise Forbidden("Only who sent a message can edit it.")
    if locked.reason is not None:
        raise BY_CODE[locked.reason]
    if locked.deleted_at is not None:
        raise Conflict("The message was deleted.")
    if not body and not locked.has_attachments:
        raise Invalid("A message has a body or attachments.")
    if body == locked.body:
        return await _get(work, locked, message)
    if since is not None and locked.sent_at < since:
        raise Forbidden("The message is too old to be edited.")
    if locked.versions >= VERSIONS:
        raise Conflict("The message was edited too often.")
    await work.edits.edit(locked.conversation_id, locked.seq, body)
    edited = await _get(work, locked, message)
    readers = await work.edits.readers(locked.conversation_id, locked.seq)
    async with work.as_the_server():
        # Without a quote that not all of them may read.
        told = await _get(work, locked, message)
    tell(work, readers, MessageUpdated(message=told))
    work.happen("message.edited", _subject(locked.conversation_id, edited))
    return edited


async def delete_message(work: UnitOfWork, actor: Actor, message: MessageId) -> Message:
    """
    Take back one's own message, or in a group of which one is an owner anybody's.

    What is left is a tombstone; deleting it again gives the same.

    Raises:
        NotFound: The actor sees no such message.
        NotAParticipant: The actor has left the conversation.
        Forbidden: It is another's, or the server's own.
    """
    locked = await _lock(work, message)
    is_owner = locked.conversation_kind == "group" and locked.role == "owner"
    if locked.kind == "system" or not (is_owner or locked.sender_id == actor.user_id):
        raise Forbidden("Only who sent a message can delete it.")
    if locked.deleted_at is None:
        await work.edits.delete(locked.conversation_id, locked.seq)
        return await _tell_deleted(work, locked.conversation_id, locked.seq, message)
    return await _get(work, locked, message)


async def take_down(work: UnitOfWork, message: MessageId) -> Message | None:
    """
    Delete anybody's message, in a transaction of the service, and tell its readers.

    None where there is no such message, or it is the server's own.
    """
    place = await work.edits.lock_for_service(message)
    if place is None:
        return None
    conversation, seq, is_there = place
    if is_there:
        await work.edits.wipe(conversation, seq)
        return await _tell_deleted(work, conversation, seq, message)
    found = await work.messages.by_id(conversation, message)
    return None if found is None else Message.model_validate(found)


async def add_reaction(
    work: UnitOfWork, actor: Actor, message: MessageId, emoji: str
) -> Reactions:
    """
    React to a message; a second time changes nothing. Gives all reactions to it.

    Whoever reads may react, also where only owners write, as long as the conversation
    lives.

    Raises:
        NotFound: The actor sees no such message.
        Conflict: It was deleted, or has too many reactions.
        Problem: The ledger's reason why nobody writes there.
    """
    locked = await _lock(work, message)
    if locked.reason not in {None, Forbidden.code}:
        raise BY_CODE[str(locked.reason)]
    if locked.deleted_at is not None:
        raise Conflict("The message was deleted.")
    return await _react(work, locked, message, emoji, is_wanted=True)


async def remove_reaction(
    work: UnitOfWork, actor: Actor, message: MessageId, emoji: str
) -> Reactions:
    """
    Take a reaction back; where there is none, nothing happens. Gives those left.

    Raises:
        NotFound: The actor sees no such message.
        NotAParticipant: The actor has left the conversation.
    """
    locked = await _lock(work, message)
    if locked.deleted_at is not None:
        return {}
    return await _react(work, locked, message, emoji, is_wanted=False)


async def list_edits(
    work: UnitOfWork, message: MessageId, after: int, limit: int
) -> list[MessageEdit]:
    """
    Give what a message said before it was edited, the first version first.

    Raises:
        NotFound: Nobody has shown the actor such a message.
    """
    found = await work.messages.named(message)
    if found is None:
        raise NotFound
    return await work.edits.history(found.conversation_id, message, after, limit)


async def search_messages(
    work: UnitOfWork,
    asked: str,
    conversation: ConversationId | None,
    before: Place | None,
    limit: int,
) -> list[FoundMessage]:
    """
    Find messages by their words in what the actor may read, newest first.

    Takes words, "phrases", `or` and `-not`, and never calls a search wrong.
    """
    return await work.search.find(
        asked, conversation=conversation, before=before, limit=limit
    )


async def _lock(work: UnitOfWork, message: MessageId) -> LockedMessage:
    locked = await work.edits.lock(message)
    if locked is None:
        raise NotFound
    if locked.reason == NotAParticipant.code:
        raise NotAParticipant
    return locked


async def _get(work: UnitOfWork, locked: LockedMessage, message: MessageId) -> Message:
    found = await work.messages.by_id(locked.conversation_id, message)
    if found is None:
        raise NotFound
    return Message.model_validate(found)


async def _tell_deleted(
    work: UnitOfWork, conversation: ConversationId, seq: int, message: MessageId
) -> Message:
    async with work.as_the_server():
        found = await work.messages.by_id(conversation, message)
    if found is None:
        raise NotFound
    tombstone = Message.model_validate(found)
    readers = await work.edits.readers(conversation, seq)
    tell(work, readers, MessageDeleted(message=tombstone))
    work.happen("message.deleted", _subject(conversation, tombstone))
    return tombstone


async def _react(
    work: UnitOfWork,
    locked: LockedMessage,
    message: MessageId,
    emoji: str,
    *,
    is_wanted: bool,
) -> Reactions:
    conversation = locked.conversation_id
    is_new = await work.edits.react(
        conversation,
        message,
        emoji,
        is_wanted=is_wanted,
        emoji_limit=EMOJI,
        limit=REACTIONS,
    )
    if is_new is None:
        raise Conflict("The message has too many reactions.")
    reactions = await work.edits.reactions(conversation, message)
    if is_new:
        tell(
            work,
            await work.edits.readers(conversation, locked.seq),
            ReactionChanged(
                conversation_id=conversation, message_id=message, reactions=reactions
            ),
        )
    return reactions


def _subject(conversation: ConversationId, message: Message) -> dict[str, UUID | None]:
    return {
        "message_id": message.id,
        "conversation_id": conversation,
        "user_id": message.sender_id,
    }
