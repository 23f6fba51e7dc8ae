"""
Domain events: everything that happened, readable in one order that never changes.

Ids are taken before commit, so an event with a smaller id may appear after one with a
larger. The order is therefore by transaction, then id, and only events of transactions
older than every one still running are given: whatever commits later comes after all
that was read. A transaction that stays open holds the newest events back, for as long
as it writes; readers lose nothing and wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import domain_events

_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")

_AFTER = text("""
SELECT e.id, e.xid::text AS xid, e.type, e.subject, e.data, e.occurred_at
FROM callboard.domain_events e
WHERE (e.xid, e.id) > (CAST(CAST(:xid AS text) AS xid8), CAST(:id AS bigint))
  AND e.xid < CAST(CAST(:horizon AS text) AS xid8)
  AND (CAST(:type AS text) IS NULL OR e.type = CAST(:type AS text))
ORDER BY e.xid, e.id LIMIT :limit
""")

# Of some types: as they are, or by how they begin (`""`: all).
_OF_TYPES = """
(e.type = ANY(CAST(:types AS text[]))
  OR EXISTS (SELECT FROM unnest(CAST(:prefixes AS text[])) AS p(prefix)
    WHERE starts_with(e.type, p.prefix)))
"""

_SINCE = text(f"""
SELECT e.id, e.xid::text AS xid, e.type, e.subject, e.data, e.occurred_at
FROM callboard.domain_events e
WHERE e.occurred_at >= :since AND {_OF_TYPES}
ORDER BY e.occurred_at, e.id LIMIT :limit
""")  # noqa: S608 - constants only

_THESE = text(f"""
SELECT e.id, e.xid::text AS xid, e.type, e.subject, e.data, e.occurred_at
FROM callboard.domain_events e
WHERE e.id = ANY(CAST(:ids AS bigint[])) AND {_OF_TYPES} ORDER BY e.id
""")  # noqa: S608 - constants only


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

    async def add(
        self,
        kind: str,
        subject: Mapping[str, str],
        data: Mapping[str, Any],
        occurred_at: datetime,
    ) -> int:
        """Keep what the platform says has happened; gives the event's id."""
        rows = await self._connection.execute(
            insert(domain_events)
            .values(
                type=kind,
                subject=dict(subject),
                data=dict(data),
                occurred_at=occurred_at,
            )
            .returning(domain_events.c.id)
        )
        return int(rows.scalar_one())

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
        events = [_event(row) for row in rows]
        if len(events) == limit:
            return events, Position(events[-1].xid, events[-1].id)
        # A horizon never goes back, but a position may be from the future of a
        # database that was restored; it stays then.
        return events, max(
            position, Position(int(horizon), 0), key=lambda each: (each.xid, each.id)
        )

    async def since(
        self,
        moment: datetime,
        types: Sequence[str],
        prefixes: Sequence[str],
        *,
        limit: int,
    ) -> list[DomainEvent]:
        """
        Give events of some types, or beginning so, from a moment on, oldest first.

        What has not committed yet is not among them: this is for looking back.
        """
        rows = await self._connection.execute(
            _SINCE,
            {
                "since": moment,
                "types": list(types),
                "prefixes": list(prefixes),
                "limit": limit,
            },
        )
        return [_event(row) for row in rows]

    async def these(
        self, ids: Sequence[int], types: Sequence[str], prefixes: Sequence[str]
    ) -> list[DomainEvent]:
        """Give those of some events that are kept and of some types."""
        rows = await self._connection.execute(
            _THESE,
            {"ids": list(ids), "types": list(types), "prefixes": list(prefixes)},
        )
        return [_event(row) for row in rows]


def _event(row: Row[Any]) -> DomainEvent:
    return DomainEvent(
        id=row.id,
        xid=int(row.xid),
        type=row.type,
        subject=row.subject,
        data=row.data,
        occurred_at=row.occurred_at,
    )
