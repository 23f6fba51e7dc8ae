"""
Domain events: everything that happened, readable in one order that never changes.

Ids are taken before commit, so an event with a smaller id may appear after one with a
larger. The order is therefore by transaction, then id, and only events of transactions
older than every one still running are given: whatever commits later comes after all
that was read. A transaction that stays open holds the newest events back, for as long
as it writes; readers lose nothing and wait.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")

_AFTER = text("""
SELECT e.id, e.xid::text AS xid, e.type, e.subject, e.data, e.occurred_at
FROM callboard.domain_events e
WHERE (e.xid, e.id) > (CAST(CAST(:xid AS text) AS xid8), CAST(:id AS bigint))
  AND e.xid < CAST(CAST(:horizon AS text) AS xid8)
  AND (CAST(:type AS text) IS NULL OR e.type = CAST(:type AS text))
ORDER BY e.xid, e.id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where somebody has read."""

    xid: int
    id: int


BEGINNING = Position(0, 0)


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something that happened, with whom and what it concerns by id."""

    id: int
    xid: int
    type: str
    subject: dict[str, str]
    data: dict[str, Any]
    occurred_at: datetime


class DomainEvents:
    """The events, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def after(
        self, position: Position, *, kind: str | None = None, limit: int
    ) -> tuple[list[DomainEvent], Position]:
        """
        Give events after a position, the oldest first, and the position after them.

        Where fewer than `limit` are left, the position is behind everything that can
        be read now, of other kinds too, so that asking again skips it.
        """
        # First the horizon, then the events: what is older than a horizon has ended,
        # whenever it is looked at.
        horizon = (await self._connection.execute(_HORIZON)).scalar_one()
        rows = await self._connection.execute(
            _AFTER,
            {
                "xid": str(position.xid),
                "id": position.id,
                "horizon": horizon,
                "type": kind,
                "limit": limit,
            },
        )
        events = [
            DomainEvent(
                id=row.id,
                xid=int(row.xid),
                type=row.type,
                subject=row.subject,
                data=row.data,
                occurred_at=row.occurred_at,
            )
            for row in rows
        ]
        if len(events) == limit:
            return events, Position(events[-1].xid, events[-1].id)
        # A horizon never goes back, but a position may be from the future of a
        # database that was restored; it stays then.
        return events, max(
            position, Position(int(horizon), 0), key=lambda each: (each.xid, each.id)
        )
