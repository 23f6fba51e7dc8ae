"""What a platform's backend says has happened, and what that means for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from realtime.actor import Platform
from realtime.errors import Invalid
from realtime.notifications.broadcasts import AT_ONCE, EVERYONE
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.planning import plan
from realtime.notifications.triggers import match
from storage.domain_events import DomainEvent
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

# What this server alone knows has happened: nobody else may say so.
RESERVED = frozenset(
    {
        "api_key",
        "connection",
        "conversation",
        "device",
        "email",
        "job_alert",
        "message",
        "messages",
        "moderation",
        "notification_preferences",
        "organization",
        "participant",
        "quiet_hours",
        "report",
        "token",
        "user",
        "vapid",
        "webhook",
    }
)

# Clocks of backends are not quite ours.
_AHEAD = timedelta(minutes=5)
# What is older is history, and nothing to tell anybody.
_BEHIND = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WillTell:
    """Somebody will be told, and where."""

    type: str
    user_id: UserId
    channels: Sequence[str]


@dataclass(frozen=True, slots=True)
class WillTellMany:
    """So many people will be told, or who follows a topic, some at a time."""

    type: str
    topic: str | None
    recipients: int


async def report_event(
    work: UnitOfWork,
    platform: Platform,
    catalogue: Catalogue,
    kind: str,
    subject: Mapping[str, UUID],
    data: Mapping[str, Any],
    occurred_at: datetime | None,
    now: datetime,
) -> tuple[int, Sequence[WillTell], Sequence[WillTellMany]]:
    """
    Keep a domain event, and say what it will notify as things are now.

    The workers do that; what they find then is what counts.

    Raises:
        Invalid: Only the server itself says that this has happened, or it is not of
            these days.
    """
    if kind.split(".", maxsplit=1)[0] in RESERVED:
        raise Invalid("type: the server itself says when this happens.")
    at = occurred_at or now
    if not now - _BEHIND <= at <= now + _AHEAD:
        raise Invalid("occurred_at: at most a week ago, and not in the future.")
    named = {name: str(value) for name, value in subject.items()}
    event_id = await work.domain_events.add(kind, named, data, at)
    await work.audit.add(
        "event.reported",
        {"event_id": str(event_id), **named},
        {"type": kind},
        key=platform.key_id,
    )
    event = DomainEvent(event_id, 0, kind, named, dict(data), at)
    few, many = [], []
    for each in await match(work, catalogue, [event]):
        for topic in each.topics:
            count = await work.broadcasts.count(None if topic == EVERYONE else topic)
            many.append(WillTellMany(each.intent.type, topic, count))
        if len(each.people) > AT_ONCE:
            many.append(WillTellMany(each.intent.type, None, len(each.people)))
        else:
            few += each.intents
    return (
        event_id,
        [
            WillTell(planned.entry.name, planned.user.id, planned.channels)
            for planned in await plan(work, catalogue, few, now)
        ],
        many,
    )
