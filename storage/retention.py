"""What is kept of notifications and deliveries only for so long."""

from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What was read or put away long ago, or never read and long past, some at a time.
_FORGET = text("""
DELETE FROM callboard.notifications WHERE id IN (
  SELECT id FROM callboard.notifications
  WHERE created_at < :before
    AND (read_at < :before OR archived_at < :before OR expires_at < :before
      OR NOT is_shown)
  ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_FORGET_DELIVERIES = text("""
DELETE FROM callboard.deliveries WHERE id IN (
  SELECT id FROM callboard.deliveries
  WHERE created_at < :before AND status NOT IN ('pending', 'sending')
  ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_FORGET_BROADCASTS = text("""
DELETE FROM callboard.broadcasts WHERE id IN (
  SELECT id FROM callboard.broadcasts b
  WHERE b.finished_at < :before
    AND NOT EXISTS (SELECT FROM callboard.notifications n WHERE n.broadcast_id = b.id)
  LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_FORGET_DIGESTS = text("""
DELETE FROM callboard.digests WHERE id IN (
  SELECT id FROM callboard.digests d
  WHERE d.created_at < :before
    AND NOT EXISTS (SELECT FROM callboard.deliveries c WHERE c.digest_id = d.id)
  ORDER BY d.created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


class Retention:
    """The forgetting of what is old, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def forget_notifications(self, before: datetime, limit: int) -> int:
        """Delete what people were done with before a moment, some; gives how many."""
        return await self._forget(_FORGET, before, limit)

    async def forget_deliveries(self, before: datetime, limit: int) -> int:
        """Delete deliveries of before a moment that are over, some; gives how many."""
        return await self._forget(_FORGET_DELIVERIES, before, limit)

    async def forget_broadcasts(self, before: datetime, limit: int) -> int:
        """Delete broadcasts of which no notification is left; gives how many."""
        return await self._forget(_FORGET_BROADCASTS, before, limit)

    async def forget_digests(self, before: datetime, limit: int) -> int:
        """Delete digests of before a moment whose delivery is gone; gives how many."""
        return await self._forget(_FORGET_DIGESTS, before, limit)

    async def _forget(self, statement: TextClause, before: datetime, limit: int) -> int:
        result = await self._connection.execute(
            statement, {"before": before, "limit": limit}
        )
        return result.rowcount
