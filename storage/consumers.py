"""Up to where each consumer of the domain events has come."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.domain_events import Position

# Who is new begins with what happens now, whatever is kept of the past.
_BEGIN = """
INSERT INTO callboard.event_consumers (name, xid, event_id)
SELECT name, pg_snapshot_xmin(pg_current_snapshot()), 0 FROM unnest({names}) AS t(name)
WHERE NOT EXISTS (SELECT FROM callboard.event_consumers c WHERE c.name = t.name)
ON CONFLICT DO NOTHING
"""

_BEGIN_ONE = text(_BEGIN.format(names="ARRAY[CAST(:name AS text)]"))

_CLAIM = text("""
SELECT xid::text AS xid, event_id FROM callboard.event_consumers WHERE name = :name
FOR NO KEY UPDATE SKIP LOCKED
""")

_EXISTS = text("SELECT EXISTS (SELECT FROM callboard.event_consumers WHERE name=:name)")

_MOVE = text("""
UPDATE callboard.event_consumers
SET xid = CAST(CAST(:xid AS text) AS xid8), event_id = :event_id, updated_at = :now
WHERE name = :name
""")


async def begin(connection: asyncpg.Connection, names: Sequence[str]) -> None:
    """Have consumers begin now, before anything happens that they should know of."""
    await connection.execute(_BEGIN.format(names="$1::text[]"), list(names))


class Consumers:
    """The consumers, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim(self, name: str) -> Position | None:
        """
        Give a consumer's position, which nobody else moves until the end.

        None where somebody else is moving it just now. A new consumer begins with
        what happens from now on.
        """
        rows = await self._connection.execute(_CLAIM, {"name": name})
        row = rows.one_or_none()
        if row is None:
            known = await self._connection.execute(_EXISTS, {"name": name})
            if known.scalar_one():
                return None
            await self._connection.execute(_BEGIN_ONE, {"name": name})
            rows = await self._connection.execute(_CLAIM, {"name": name})
            row = rows.one_or_none()
        return None if row is None else Position(int(row.xid), row.event_id)

    async def move(self, name: str, position: Position, now: datetime) -> None:
        """Write down up to where a claimed consumer has come."""
        await self._connection.execute(
            _MOVE,
            {
                "name": name,
                "xid": str(position.xid),
                "event_id": position.id,
                "now": now,
            },
        )
