"""The ledger of deliveries as it is read: what left, what did not, and what waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.records import ConversationId, UserId
from storage.releases import COLUMNS, Claimed


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery with all that happened to it, and never what it says."""

    id: UUID
    user_id: UserId
    channel: str
    type: str
    class_: str
    priority: str
    mode: str
    status: str
    reason: str | None
    notification_id: UUID | None
    conversation_id: ConversationId | None
    digest_id: UUID | None
    carrier_id: UUID | None
    device_id: UUID | None
    device_kind: str | None
    # As the person has it now.
    address: str | None
    attempts: int
    error: str | None
    provider_id: str | None
    due_at: datetime
    leased_until: datetime | None
    expires_at: datetime | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    trail: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A notification as far as it explains what was decided about it."""

    id: UUID
    user_id: UserId
    type: str
    class_: str
    priority: str
    count: int
    is_shown: bool
    decisions: Mapping[str, Any]
    created_at: datetime
    seen_at: datetime | None
    read_at: datetime | None
    archived_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due on a channel, and since when the oldest of it is."""

    channel: str
    due: int
    oldest_due_at: datetime


_ENTRIES = """
SELECT d.id, d.user_id, d.channel, d.type, d.class AS class_, d.priority, d.mode,
  d.status, d.reason, d.notification_id, d.conversation_id, d.digest_id, d.carrier_id,
  d.device_id, v.kind AS device_kind,
  CASE WHEN d.channel = 'email' THEN u.email END AS address, d.attempts, d.error,
  d.provider_id, d.due_at, d.leased_until, d.expires_at, d.created_at, d.sent_at,
  d.delivered_at, d.trail
FROM callboard.deliveries d
JOIN callboard.users u ON u.id = d.user_id
LEFT JOIN callboard.devices v ON v.id = d.device_id
"""

_PAGE = text(f"""{_ENTRIES}
WHERE (CAST(:user AS uuid) IS NULL OR d.user_id = :user)
  AND (CAST(:status AS text) IS NULL OR d.status = :status)
  AND (CAST(:channel AS text) IS NULL OR d.channel = :channel)
  AND (CAST(:type AS text) IS NULL OR d.type = :type)
  AND (CAST(:before AS uuid) IS NULL OR d.id < :before)
ORDER BY d.id DESC LIMIT :limit
""").columns(trail=JSONB)

_OF_NOTIFICATION = text(f"""{_ENTRIES}
WHERE d.notification_id = :id ORDER BY d.id LIMIT :limit
""").columns(trail=JSONB)

_REASONED = text("""
SELECT id, user_id, type, class AS class_, priority, count, is_shown, decisions,
  created_at, seen_at, read_at, archived_at, expires_at
FROM callboard.notifications WHERE id = :id
""").columns(decisions=JSONB)

_WAITING = (
    text(f"""
SELECT {COLUMNS} FROM callboard.deliveries d
WHERE d.notification_id = ANY(:ids) AND d.status = 'pending' ORDER BY d.created_at, d.id
""")  # noqa: S608 - constants of this file only
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(trail=JSONB)
)

# With a lease that has lapsed it is taken like anything that is tried again, and is in
# nobody's way who waits in the same conversation.
_RETRY = text("""
UPDATE callboard.deliveries SET status = 'sending', attempts = 0, reason = 'retry',
  due_at = :now, leased_until = :now, updated_at = :now,
  trail = callboard.trailed(trail, :now, 'retry', 'by_hand')
WHERE id = :id AND status = 'failed' AND carrier_id IS NULL
RETURNING id
""")

# Of many no more than so many are counted: it is asked often, and that says enough.
_BACKLOG = text("""
SELECT channel, count(*) AS due, min(due_at) AS oldest_due_at FROM (
  SELECT channel, due_at FROM callboard.deliveries
  WHERE status = 'pending' AND due_at <= :now
    AND (mode = 'instant' OR digest_id IS NOT NULL)
  ORDER BY due_at LIMIT :most) AS due
GROUP BY channel
""")


class DeliveryLog:
    """What the platform's support is told of deliveries; for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(
        self,
        *,
        user: UserId | None,
        status: str | None,
        channel: str | None,
        kind: str | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Entry]:
        """List deliveries, the newest first."""
        rows = await self._connection.execute(
            _PAGE,
            {
                "user": user,
                "status": status,
                "channel": channel,
                "type": kind,
                "before": before,
                "limit": limit,
            },
        )
        return [Entry(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def of_notification(self, notification: UUID, limit: int) -> Sequence[Entry]:
        """List what was to tell of a notification outside the app, oldest first."""
        rows = await self._connection.execute(
            _OF_NOTIFICATION, {"id": notification, "limit": limit}
        )
        return [Entry(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def notification(self, notification: UUID) -> Reasoned | None:
        """Give a notification with what was decided about it."""
        rows = await self._connection.execute(_REASONED, {"id": notification})
        row = rows.one_or_none()
        return Reasoned(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def waiting_of(self, notifications: Sequence[UUID]) -> Sequence[Claimed]:
        """Give what waits to tell of these notifications, locking nothing."""
        rows = await self._connection.execute(_WAITING, {"ids": list(notifications)})
        return [Claimed(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def retry(self, delivery: UUID, now: datetime) -> bool:
        """Have one that had failed tried again from the beginning, if it had."""
        rows = await self._connection.execute(_RETRY, {"id": delivery, "now": now})
        return rows.first() is not None

    async def get(self, delivery: UUID) -> Entry | None:
        """Give one delivery."""
        rows = await self._connection.execute(
            text(f"{_ENTRIES} WHERE d.id = :id").columns(trail=JSONB),
            {"id": delivery},
        )
        row = rows.one_or_none()
        return Entry(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def backlog(self, now: datetime, most: int) -> Sequence[Backlog]:
        """Count what is due by channel, no more than so many in all."""
        rows = await self._connection.execute(_BACKLOG, {"now": now, "most": most})
        return [Backlog(**row._mapping) for row in rows]  # noqa: SLF001 - its columns
