"""From an intent to what is planned: who is told of it, where, when, and why there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.notifications.catalogue import Catalogue
from realtime.notifications.notifier import Priority
from storage.records import ConversationId, UserId
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Intent:
    """
    Somebody is to be told something of a type of the catalogue.

    `title` and `message` are worded from the catalogue, in the recipient's language,
    where the intent has none; so are `link` and the key by which it collapses.
    """

    type: str
    user_id: UserId
    actor_id: UserId | None = None
    title: str | None = None
    message: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority | None = None
    collapse_key: str | None = None
    expires_at: datetime | None = None
    related_user_id: UserId | None = None
    related_connection_id: UUID | None = None
    conversation_id: ConversationId | None = None
    message_id: UUID | None = None
    seq: int | None = None
    gig_id: UUID | None = None
    application_id: UUID | None = None
    event_id: int | None = None
    broadcast_id: UUID | None = None
    # What else templates may name: the members of the event's subject.
    subject: Mapping[str, str] = field(default_factory=dict)


async def notify(
    work: UnitOfWork, catalogue: Catalogue, intents: Sequence[Intent], now: datetime
) -> Sequence[UUID]:
    """
    Show people what these intents say, and plan what leaves for them.

    Nobody is told of their own doing, nor who is suspended or deleted, nor of whom
    they blocked or are blocked by. What collapses into something unread changes that.
    Gives the ids of the notifications, of those who are told, in the order of the
    intents.

    Raises:
        KeyError: The catalogue has no such type.
    """
    raise NotImplementedError
