"""
The ledger of deliveries: what is to leave on which channel, and what became of it.

Every moment comes from the caller, who has it from the one clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import uuid7
from storage.records import ConversationId, UserId


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """
    Something that is to leave: a notification, or what is unread in a conversation.

    `status` is `pending`, or `skipped` with the reason why it never will. `due_by` is
    the moment by which a delivery that gathers leaves, however much comes.
    """

    user_id: UserId
    channel: str
    type: str
    class_: str
    mode: str
    due_at: datetime
    priority: str = "normal"
    notification_id: UUID | None = None
    conversation_id: ConversationId | None = None
    first_seq: int | None = None
    device_id: UUID | None = None
    due_by: datetime | None = None
    expires_at: datetime | None = None
    status: str = "pending"
    reason: str | None = None


_PLAN = text("""
INSERT INTO callboard.deliveries (id, user_id, channel, type, class, mode, due_at,
  priority, notification_id, conversation_id, first_seq, device_id, due_by, expires_at,
  status, reason, trail, created_at, updated_at)
VALUES (:id, :user_id, :channel, :type, :class_, :mode, :due_at, :priority,
  :notification_id, :conversation_id, :first_seq, :device_id, :due_by, :expires_at,
  :status, :reason, jsonb_build_array(jsonb_build_object(
    'at', CAST(:now AS timestamptz), 'what', COALESCE(:reason, 'planned'))), :now, :now)
-- What still waits for the same conversation carries this as well, a little later.
ON CONFLICT (user_id, conversation_id, channel, device_id)
  WHERE status = 'pending' AND conversation_id IS NOT NULL
DO UPDATE SET
  due_at = GREATEST(deliveries.due_at,
    LEAST(excluded.due_at, COALESCE(deliveries.due_by, excluded.due_at))),
  due_by = COALESCE(deliveries.due_by, excluded.due_by),
  priority = CASE WHEN excluded.priority IN ('high', 'urgent') THEN excluded.priority
    ELSE deliveries.priority END,
  trail = CASE WHEN deliveries.trail->-1->>'what' = 'joined'
      THEN deliveries.trail - -1 ELSE deliveries.trail END
    || jsonb_build_array(jsonb_build_object(
      'at', CAST(excluded.updated_at AS timestamptz), 'what', 'joined')),
  updated_at = excluded.updated_at
""")

_RELEASED = text("""
SELECT id, user_id, channel, type, class AS class_, status, notification_id,
  conversation_id, digest_id, device_id, attempts, created_at, expires_at
FROM callboard.deliveries WHERE id = :id FOR UPDATE
""")

_SENT = text("""
UPDATE callboard.deliveries SET status = :status, reason = NULL, error = NULL,
  lease_id = NULL, leased_until = NULL, provider_id = :provider_id,
  sent_at = COALESCE(sent_at, :now),
  delivered_at = CASE WHEN :status = 'delivered' THEN CAST(:now AS timestamptz) END,
  trail = callboard.trailed(trail, :now, :status), updated_at = :now
WHERE id = :id
""")

# It stays `sending`: what comes behind it does not overtake.
_AGAIN = text("""
UPDATE callboard.deliveries SET reason = 'retry', error = :error, lease_id = NULL,
  due_at = :until, leased_until = :until,
  trail = callboard.trailed(trail, :now, 'retry', :error), updated_at = :now
WHERE id = :id
""")

_ENDED = text("""
UPDATE callboard.deliveries SET status = :status, reason = :reason, error = :error,
  lease_id = NULL, leased_until = NULL,
  trail = callboard.trailed(trail, :now, :status, :reason), updated_at = :now
WHERE id = :id
""")

# What has left may come back for as long as anybody sends it back.
_BOUNCED = text("""
UPDATE callboard.deliveries SET status = 'bounced', reason = :reason,
  trail = callboard.trailed(trail, :now, 'bounced', :reason), updated_at = :now
WHERE id = :id AND status IN ('sending', 'sent', 'delivered')
RETURNING user_id
""")


@dataclass(frozen=True, slots=True)
class Released:
    """A delivery of which somebody says what came of it."""

    id: UUID
    user_id: UserId
    channel: str
    type: str
    class_: str
    status: str
    notification_id: UUID | None
    conversation_id: ConversationId | None
    digest_id: UUID | None
    device_id: UUID | None
    attempts: int
    created_at: datetime
    expires_at: datetime | None


class Deliveries:
    """The deliveries, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def plan(self, deliveries: Sequence[NewDelivery], now: datetime) -> None:
        """Write down what is to leave; messages join what waits for their place."""
        if not deliveries:
            return
        rows = [
            {name: getattr(each, name) for name in NewDelivery.__slots__}
            | {"id": uuid7(), "now": now}
            for each in deliveries
        ]
        await self._connection.execute(_PLAN, rows)

    async def bounced(self, delivery_id: UUID, reason: str, now: datetime) -> bool:
        """
        Note that what had left came back, and why; `reason` names no address.

        Tells whether there was such a delivery and it had left.
        """
        rows = await self._connection.execute(
            _BOUNCED, {"id": delivery_id, "reason": reason, "now": now}
        )
        return rows.first() is not None

    async def released(self, delivery: UUID) -> Released | None:
        """Give a delivery, which nobody else changes until the end."""
        rows = await self._connection.execute(_RELEASED, {"id": delivery})
        row = rows.one_or_none()
        return Released(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def sent(
        self,
        delivery: UUID,
        now: datetime,
        *,
        provider_id: str | None = None,
        is_delivered: bool = False,
    ) -> None:
        """Note that the other side has taken it, or that it has arrived."""
        await self._connection.execute(
            _SENT,
            {
                "id": delivery,
                "status": "delivered" if is_delivered else "sent",
                "provider_id": provider_id,
                "now": now,
            },
        )

    async def again(
        self, delivery: UUID, error: str, until: datetime, now: datetime
    ) -> None:
        """Have it tried again then."""
        await self._connection.execute(
            _AGAIN, {"id": delivery, "error": error, "until": until, "now": now}
        )

    async def ended(
        self,
        delivery: UUID,
        status: Literal["failed", "skipped"],
        reason: str,
        now: datetime,
        *,
        error: str | None = None,
    ) -> None:
        """Note that it will not arrive, and why; what `failed` can be tried again."""
        await self._connection.execute(
            _ENDED,
            {
                "id": delivery,
                "status": status,
                "reason": reason,
                "error": error,
                "now": now,
            },
        )
