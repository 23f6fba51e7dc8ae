"""
How something leaves the server: one interface before mail and every push service.

A `Parcel` holds all that is said, chosen and checked at the last moment; a notifier
only words it, carries it, and says what came of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from storage.records import ConversationId, UserId

Channel = Literal["push", "email"]
Class = Literal["service", "alert", "promotion"]
Priority = Literal["low", "normal", "high", "urgent"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told, in their language and their time."""

    id: UserId
    name: str
    email: str | None
    # BCP 47 and IANA; what the platform does not say is `en` and `UTC`.
    locale: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Target:
    """The device that a push goes to."""

    id: UUID
    kind: Literal["webpush", "fcm", "apns", "relay"]
    # The endpoint's URL, or the token of the service.
    token: str
    keys: Mapping[str, str]
    vapid_key_id: UUID | None
    app: str | None
    payload: Literal["full", "id_only"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told: a notification, or a message of a conversation."""

    type: str
    title: str
    text: str
    at: datetime
    # Where it leads, if anywhere: absolute, or a path below the platform's page.
    link: str | None = None
    notification_id: UUID | None = None
    conversation_id: ConversationId | None = None
    conversation_title: str | None = None
    message_id: UUID | None = None
    seq: int | None = None
    sender_id: UserId | None = None
    sender_name: str | None = None
    gig_id: UUID | None = None
    count: int = 1
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parcel:
    """
    What one delivery carries.

    `kind` is `notification` (one item), `conversation` (messages of one, oldest
    first), `digest` (anything) or `retract` (take back what was shown). `more` counts
    what is left out. `preference` names the type whose preference it followed, which
    is what an unsubscribe link ends.
    """

    delivery_id: UUID
    channel: Channel
    kind: Literal["notification", "conversation", "digest", "retract"]
    type: str
    class_: Class
    priority: Priority
    recipient: Recipient
    items: Sequence[Item]
    created_at: datetime
    more: int = 0
    # hourly, daily or weekly, of a digest.
    frequency: str | None = None
    # What replaces what was shown before, the same for all that belongs together.
    collapse_key: str | None = None
    expires_at: datetime | None = None
    target: Target | None = None
    # Unread messages and notifications of the recipient.
    badge: int = 0
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """It was taken; `provider_id` is what the other side calls it."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """It was not taken now; `after` is what the other side asked for."""

    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """It will never be taken; `is_target_gone`: the address or the token is dead."""

    reason: str
    is_target_gone: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """It must not leave by this channel after all, and why (`suppressed`)."""

    reason: str


Outcome = Sent | Retry | Rejected | Skipped


class Notifier(Protocol):
    """
    Carries parcels over one channel.

    Guarantees: `send` returns within a minute, raises nothing for what the other side
    does, and logs neither addresses, tokens nor what is said. Any number of calls may
    run at once.
    """

    @property
    def kinds(self) -> frozenset[str]:
        """
        Name what this is configured to carry: `email`, `webpush`, `fcm`, `apns`.

        What no notifier carries waits for a relay.
        """

    async def send(self, parcel: Parcel) -> Outcome:
        """Carry it out, and tell what came of it."""

    async def close(self) -> None:
        """Let go of connections."""
