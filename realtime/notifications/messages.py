"""
Of messages: what is unread leaves once for all, and who is named is told by itself.

What was said is nowhere in notifications and deliveries: they name where it stands, and
it is read when it leaves, as it is then.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from realtime.notifications.catalogue import Catalogue, Entry, Waiting
from realtime.notifications.deciding import Planned
from realtime.notifications.notifier import Channel
from realtime.notifications.planning import Intent, carry_out, plan
from realtime.notifications.preferences import resolve
from realtime.notifications.schedule import next_digest
from storage.deliveries import NewDelivery
from storage.domain_events import DomainEvent
from storage.preferences import NotificationSettings
from storage.records import ConversationId, UserId
from storage.unit_of_work import UnitOfWork
from storage.unread_messages import Said, Unheard

CREATED = "messages.created"
RECEIVED = "message_received"
MENTION = "mention"

# Messages that are looked at by one statement.
_AT_ONCE = 2000

_CHANNELS: tuple[Channel, ...] = ("push", "email")

_Told = tuple[UserId, ConversationId, Channel]


async def tell_messages(
    work: UnitOfWork, catalogue: Catalogue, events: Sequence[DomainEvent], now: datetime
) -> None:
    """
    Plan what tells of new messages: to who takes part, has not read, and wants it.

    Of each recipient, conversation, channel and device at most one delivery waits; it
    carries what is unread when it leaves. Who is mentioned is told of that instead,
    where their channels tell of mentions.
    """
    said = _said(events)
    while some := list(islice(said, _AT_ONCE)):
        told = await _tell_mentions(work, catalogue, some, now)
        entry = catalogue.get(RECEIVED)
        if entry is not None:
            await _plan_conversations(
                work, entry, some, told, now, large=catalogue.limits.large_group
            )


def _said(events: Sequence[DomainEvent]) -> Iterator[Said]:
    for event in events:
        if event.type == CREATED:
            for message in event.data["messages"]:
                if message["sender_id"] is not None:
                    yield _of(message)


def _of(message: Mapping[str, Any]) -> Said:
    return Said(
        ConversationId(UUID(message["conversation_id"])),
        UserId(UUID(message["sender_id"])),
        message["seq"],
        message["seq"],
    )


def _joined(said: Sequence[Said]) -> list[Said]:
    """Make one of all that one person said in one conversation."""
    joined: dict[tuple[ConversationId, UserId], Said] = {}
    for each in said:
        key = (each.conversation_id, each.sender_id)
        before = joined.get(key, each)
        joined[key] = Said(
            *key,
            min(before.first_seq, each.first_seq),
            max(before.last_seq, each.last_seq),
        )
    return list(joined.values())


async def _tell_mentions(
    work: UnitOfWork, catalogue: Catalogue, said: Sequence[Said], now: datetime
) -> set[_Told]:
    """Tell who is named; gives on which channels that leaves."""
    if catalogue.get(MENTION) is None:
        return set()
    named = await work.unread_messages.mentioned(
        [(each.conversation_id, each.first_seq) for each in said], now
    )
    intents = [
        Intent(
            MENTION,
            each.user_id,
            actor_id=each.sender_id,
            conversation_id=each.conversation_id,
            message_id=each.message_id,
            seq=each.seq,
        )
        for each in named
    ]
    planned = await plan(work, catalogue, intents, now)
    await carry_out(work, planned, now)
    return {told for each in planned for told in _told(each)}


def _told(planned: Planned) -> Iterator[_Told]:
    conversation = planned.intent.conversation_id
    for channel in _CHANNELS:
        if conversation is not None and channel in planned.channels:
            yield planned.user.id, conversation, channel


async def _plan_conversations(
    work: UnitOfWork,
    entry: Entry,
    said: Sequence[Said],
    told: Collection[_Told],
    now: datetime,
    *,
    large: int,
) -> None:
    unheard = await work.unread_messages.unheard(_joined(said), now, large=large)
    users = {each.user_id for each in unheard}
    chosen = await work.preferences.of(users) if users else {}
    modes: dict[UserId, dict[Channel, str]] = {}
    for user in users:
        choices = resolve(entry, chosen[user])
        modes[user] = {channel: choices[channel].mode for channel in _CHANNELS}
    digested = {
        user for user, by in modes.items() if {*by.values()} - {"off", "instant"}
    }
    settings = await work.preferences.settings_of(digested) if digested else {}
    pushed = {user for user, by in modes.items() if by["push"] != "off"}
    devices = await work.notifications.devices_of(pushed)
    for channel in _CHANNELS:
        wanted = [
            each
            for each in unheard
            if modes[each.user_id][channel] != "off"
            and (each.user_id, each.conversation_id, channel) not in told
            and (each.has_email if channel == "email" else each.user_id in devices)
        ]
        if not wanted:
            continue
        waits = entry.push_waits if channel == "push" else entry.email_waits
        going_on = await _going_on(work, channel, wanted, waits, now)
        await work.deliveries.plan(
            [
                _delivery(
                    entry,
                    each,
                    channel,
                    device,
                    _due(
                        modes[each.user_id][channel],
                        settings.get(each.user_id),
                        waits,
                        now,
                        is_first=(each.user_id, each.conversation_id) not in going_on,
                    ),
                )
                for each in wanted
                for device in (devices[each.user_id] if channel == "push" else (None,))
            ],
            now,
        )


async def _going_on(
    work: UnitOfWork,
    channel: Channel,
    wanted: Sequence[Unheard],
    waits: Waiting,
    now: datetime,
) -> set[tuple[UserId, ConversationId]]:
    """Say of what something waits, or has left so lately, that more is gathered."""
    if not waits.idle:
        return set()
    return await work.unread_messages.going_on(
        channel,
        {each.user_id for each in wanted},
        {each.conversation_id for each in wanted},
        now - timedelta(seconds=waits.idle),
    )


def _due(
    mode: str,
    settings: NotificationSettings | None,
    waits: Waiting,
    now: datetime,
    *,
    is_first: bool,
) -> tuple[str, datetime, datetime]:
    """
    Say how it leaves, when, and by when however much comes.

    The first leaves after its delay. What follows it waits until nothing has come for
    a while, but no longer than the cap.
    """
    if mode != "instant" and settings is not None:
        at = next_digest(mode, settings, now)
        return mode, at, at
    if is_first:
        at = now + timedelta(seconds=waits.delay)
        return mode, at, at
    cap = now + timedelta(seconds=waits.cap)
    return mode, min(now + timedelta(seconds=waits.idle), cap), cap


def _delivery(
    entry: Entry,
    each: Unheard,
    channel: Channel,
    device: UUID | None,
    due: tuple[str, datetime, datetime],
) -> NewDelivery:
    mode, due_at, due_by = due
    return NewDelivery(
        user_id=each.user_id,
        channel=channel,
        type=entry.name,
        class_=entry.class_,
        mode=mode,
        due_at=due_at,
        due_by=due_by,
        priority=entry.priority,
        conversation_id=each.conversation_id,
        first_seq=each.first_seq,
        device_id=device,
    )
