"""What people are shown: seeing, reading, putting away, on every device at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from realtime.actor import Actor
from realtime.clock import Clock
from realtime.protocol import (
    MANY_NOTIFICATIONS,
    Notification,
    NotificationCreated,
    NotificationUpdated,
    Resync,
    Unread,
)
from realtime.telling import tell
from realtime.work import Transactions
from storage import inbox
from storage.domain_events import DomainEvent
from storage.inbox import MARKED, Mark
from storage.records import Connection, ConnectionId, ConversationId, UserId
from storage.unit_of_work import UnitOfWork

# Changes that are told one by one; who has changed more reloads. What a client names
# by id is always told.
TOLD_CHANGES = 200

# After these a request waits for nobody.
_ENDED = frozenset(
    {
        "connection.accepted",
        "connection.rejected",
        "connection.withdrawn",
        "connection.removed",
    }
)


def shown(row: inbox.Notification) -> Notification:
    """Give a notification as its reader sees it."""
    return Notification.model_validate(row)


def tell_created(work: UnitOfWork, row: inbox.Notification) -> None:
    """Show somebody something new, on all their devices, once this has committed."""
    tell(work, [row.user_id], NotificationCreated(notification=shown(row)))


def tell_updated(work: UnitOfWork, row: inbox.Notification) -> None:
    """Show somebody what has become of a notification, on all their devices."""
    tell(work, [row.user_id], NotificationUpdated(notification=shown(row)))


async def mark(
    transactions: Transactions,
    actor: Actor,
    as_what: Mark,
    ids: Sequence[UUID] | None,
    clock: Clock,
) -> Unread:
    """
    Mark some of the actor's notifications, or all, and count what is left.

    What is not theirs or not there is passed over without a word; a second time
    changes nothing.
    """
    while True:
        now = clock()
        async with transactions(actor.user_id) as work:
            changed = await work.inbox.mark(actor.user_id, as_what, ids, now)
            if as_what != "seen" and changed:
                await work.retracts.plan(changed, now)
            await tell_changed(work, actor.user_id, changed)
            unread = await work.conversations.unread(actor.user_id, now)
        if len(changed) < MARKED:
            return Unread.model_validate(unread)


async def settle_conversation(
    work: UnitOfWork,
    user: UserId,
    conversation: ConversationId,
    seq: int,
    now: datetime,
) -> None:
    """
    Take what told somebody of messages for read, once they have read up to `seq`.

    Devices that showed it take it back.
    """
    changed = await work.inbox.settle_conversation(user, conversation, seq, now)
    await work.retracts.plan(changed, now, conversation=conversation, seq=seq)
    await tell_changed(work, user, changed)


async def settle_connections(work: UnitOfWork, links: Sequence[Connection]) -> None:
    """
    Take requests that wait no more for read, whoever ended that.

    Read in the moment of that change. Devices that showed them take them back.
    """
    over = [link for link in links if link.status != "pending"]
    if not over:
        return
    at = max(link.updated_at for link in over)
    async with work.as_the_server():
        changed = await work.inbox.settle_connections([link.id for link in over], at)
        await work.retracts.plan_for(changed, at)
        for row in await work.inbox.these(changed):
            tell_updated(work, row)


async def settle_events(
    work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
) -> None:
    """
    Take for read what was told too late: after it had been seen to.

    A request that was answered before anybody was told of it, and what told somebody
    of messages after which they have spoken themselves: sending reads all before it.
    Devices that showed it take it back, and what they showed of those messages.
    """
    ended = {
        ConnectionId(UUID(event.subject["connection_id"]))
        for event in events
        if event.type in _ENDED
    }
    said = {
        (
            UserId(UUID(said["sender_id"])),
            ConversationId(UUID(said["conversation_id"])),
        ): said["seq"]
        for event in events
        if event.type == "messages.created"
        for said in event.data["messages"]
        if said["sender_id"] is not None
    }
    if not ended and not said:
        return
    spoken = [(*place, seq) for place, seq in said.items()]
    changed = await work.inbox.settle_late(ended, spoken, now)
    await work.retracts.plan_for(changed, now, read=spoken)
    for row in await work.inbox.these(changed):
        tell_updated(work, row)


async def tell_changed(work: UnitOfWork, user: UserId, changed: Sequence[UUID]) -> None:
    """Tell somebody of changes one by one, of very many to reload."""
    if len(changed) > TOLD_CHANGES:
        tell(work, [user], Resync(reason=MANY_NOTIFICATIONS))
    elif changed:
        for row in await work.inbox.these(changed):
            tell_updated(work, row)
