"""
The ledger of deliveries: what is to leave on which channel, and what became of it.

Every moment comes from the caller, who has it from the one clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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

# What has left may come back for as long as anybody sends it back.
_BOUNCED = text("""
UPDATE callboard.deliveries SET status = 'bounced', reason = :reason,
  trail = callboard.trailed(trail, :now, 'bounced', :reason), updated_at = :now
WHERE id = :id AND status IN ('sending', 'sent', 'delivered')
RETURNING user_id
""")


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
