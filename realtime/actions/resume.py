"""Coming back: everything that a client has missed, or an honest "reload"."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from realtime.actions.notifications import shown
from realtime.actor import Actor
from realtime.encoding import message_object
from realtime.protocol import (
    CONNECTION_EVENTS,
    Connection,
    ConversationCreated,
    ConversationUpdated,
    Event,
    Message,
    MessageCreated,
    MessageDeleted,
    MessageUpdated,
    NotificationCreated,
    NotificationUpdated,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    ReactionChanged,
    ReceiptDelivered,
    ReceiptRead,
    encode_event,
)
from storage.conversations import as_others_see
from storage.records import Unread
from storage.resume import Missed
from storage.snapshots import Snapshot
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Resumed:
    """One moment, and the way from the client's moment to it."""

    snapshot: Snapshot
    is_complete: bool | None
    payloads: Sequence[bytes]
    unread: Unread


async def resume(
    work: UnitOfWork,
    actor: Actor,
    since: Snapshot | None,
    *,
    has_cursor: bool,
    limit: int,
    at: datetime,
) -> Resumed:
    """
    Give what the actor has missed since a snapshot, as events.

    `is_complete` is None where no cursor was given, False where the cursor is unknown
    or more than `limit` things have changed, and then there are no events. Call it in
    a transaction that sees one moment, and that began after `at`: what is told later
    than this is newer.
    """
    snapshot = await work.resume.snapshot()
    unread = await work.conversations.unread(actor.user_id, at)
    if not has_cursor:
        return Resumed(snapshot, is_complete=None, payloads=(), unread=unread)
    missed = None
    if since is not None:
        missed = await work.resume.missed(actor.user_id, since, limit, at)
    if missed is None:
        return Resumed(snapshot, is_complete=False, payloads=(), unread=unread)
    payloads = [payload async for payload in _payloads(work, actor, missed, at)]
    return Resumed(snapshot, is_complete=True, payloads=payloads, unread=unread)


async def _payloads(
    work: UnitOfWork, actor: Actor, missed: Missed, now: datetime
) -> AsyncIterator[bytes]:
    for row in missed.left:
        left = ParticipantLeft.model_validate(row)
        yield encode_event(left.kind, now, left.json_data())
    for event in _links(missed):
        yield encode_event(event.kind, now, event.json_data())
    is_new = dict(missed.conversations)
    for seen in await work.conversations.these(actor.user_id, list(is_new)):
        kind = ConversationCreated if is_new[seen.id] else ConversationUpdated
        event = kind.model_validate({"conversation": seen})
        yield encode_event(event.kind, now, event.json_data())
    for event in _moves(missed):
        yield encode_event(event.kind, now, event.json_data())
    for message in missed.messages:
        # As it is now, with its edits and reactions, which have no other date.
        yield encode_event(
            MessageCreated.kind, now, {"message": message_object(message)}
        )
    for event in _changes(missed):
        yield encode_event(event.kind, now, event.json_data())
    for event in _receipts(missed):
        yield encode_event(event.kind, now, event.json_data())
    for row, is_new_here in missed.notifications:
        told = NotificationCreated if is_new_here else NotificationUpdated
        event = told(notification=shown(row))
        yield encode_event(event.kind, now, event.json_data())


def _links(missed: Missed) -> Iterator[Event]:
    for link in missed.connections:
        yield CONNECTION_EVENTS[link.status](connection=Connection.model_validate(link))


def _moves(missed: Missed) -> Iterator[Event]:
    for row in missed.moved:
        if row.at is not None:
            yield ParticipantLeft.model_validate(row)
            continue
        yield ParticipantJoined(
            conversation_id=row.conversation_id,
            user_id=row.user_id,
            participant=Participant.model_validate(as_others_see(row)),
            participant_count=row.participant_count,
        )


def _changes(missed: Missed) -> Iterator[Event]:
    for message in missed.changed:
        shown = Message.model_validate(message)
        if message.deleted_at is not None:
            yield MessageDeleted(message=shown)
            continue
        if message.edited_at is not None:
            yield MessageUpdated(message=shown)
        # By itself: a client tells a repeat of a message by its dates, and a reaction
        # leaves them as they are.
        yield ReactionChanged(
            conversation_id=message.conversation_id,
            message_id=message.id,
            reactions=shown.reactions,
        )


def _receipts(missed: Missed) -> Iterator[Event]:
    for row in missed.markers:
        yield ReceiptDelivered(
            conversation_id=row.conversation_id,
            user_id=row.user_id,
            seq=row.delivered_seq,
            at=row.delivered_at,
        )
    for row in missed.reads:
        yield ReceiptRead(
            conversation_id=row.conversation_id,
            user_id=row.user_id,
            seq=row.seq,
            at=row.at,
        )
