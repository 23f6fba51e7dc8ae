"""
What relays have leased: which key holds a delivery stands in the delivery's own trail.

So it is known also after the lease has ended, when a relay says once more what it has
said before.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Uuid

from storage.records import ApiKeyId, UserId


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that a relay was given, as it stands now."""

    id: UUID
    user_id: UserId
    channel: str
    status: str
    attempts: int
    # Where a mail went, unless that has changed since.
    email: str | None


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A delivery that nobody has come for in time."""

    id: UUID
    user_id: UserId
    reason: str
    digest_id: UUID | None


_STAMP = text("""
UPDATE callboard.deliveries d SET
  trail = callboard.trailed(d.trail, :now, 'leased', CAST(:key AS text))
FROM unnest(:ids, :attempts) AS l(id, attempt)
WHERE d.id = l.id AND d.attempts = l.attempt AND d.status = 'sending'
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)), bindparam("attempts", type_=ARRAY(Integer))
)

# Whoever it left by last: a relay, whose key that says, or a worker.
_LEASED = text("""
SELECT d.id, d.user_id, d.channel, d.status, d.attempts,
  CASE WHEN u.updated_at <= (t.last->>'at')::timestamptz THEN u.email END AS email
FROM callboard.deliveries d JOIN callboard.users u ON u.id = d.user_id
CROSS JOIN LATERAL (SELECT jsonb_path_query_array(
    d.trail, '$[*] ? (@.what == "sending" || @.what == "leased")') -> -1) AS t (last)
WHERE d.id = ANY(:ids)
  AND t.last @> jsonb_build_object('what', 'leased', 'why', CAST(:key AS text))
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

# What the workers carry they end themselves.
_UNCLAIMED = text("""
SELECT d.id, d.user_id, d.digest_id,
  CASE WHEN d.expires_at <= :now THEN 'expired' ELSE 'unclaimed' END AS reason
FROM callboard.deliveries d LEFT JOIN callboard.devices v ON v.id = d.device_id
WHERE (d.status = 'pending' AND d.due_at <= :now
    OR d.status = 'sending' AND d.leased_until <= :now)
  AND (d.mode = 'instant' OR d.digest_id IS NOT NULL)
  AND (d.expires_at <= :now OR d.due_at < :before)
  AND NOT COALESCE(v.kind, d.channel) = ANY(CAST(:kinds AS text[]))
ORDER BY d.due_at LIMIT :limit
""")

_STILL = text("""
SELECT d.id FROM callboard.deliveries d
WHERE d.id = ANY(:ids) AND (d.status = 'pending'
  OR d.status = 'sending' AND d.leased_until <= :now)
FOR UPDATE SKIP LOCKED
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


class RelayLeases:
    """What relays hold, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def stamp(
        self, attempts: Mapping[UUID, int], key: ApiKeyId, now: datetime
    ) -> None:
        """Write down to which key these deliveries were given, at which attempt."""
        await self._connection.execute(
            _STAMP,
            {
                "ids": list(attempts),
                "attempts": list(attempts.values()),
                "key": str(key),
                "now": now,
            },
        )

    async def of(self, key: ApiKeyId, ids: Collection[UUID]) -> Mapping[UUID, Leased]:
        """Give those of some deliveries that this key was the last to be given."""
        rows = await self._connection.execute(
            _LEASED, {"ids": list(ids), "key": str(key)}
        )
        return {row.id: Leased(**row._mapping) for row in rows}  # noqa: SLF001 - a row's way to a mapping

    async def unclaimed(
        self, carried: Collection[str], *, now: datetime, before: datetime, limit: int
    ) -> list[Unclaimed]:
        """
        Give what no notifier carries and nobody has leased: expired, or due so long.

        `carried` are the kinds of the notifiers.
        """
        rows = await self._connection.execute(
            _UNCLAIMED,
            {"kinds": sorted(carried), "now": now, "before": before, "limit": limit},
        )
        return [Unclaimed(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    async def still(self, ids: Collection[UUID], now: datetime) -> set[UUID]:
        """Lock those that still wait; nobody decides about them until the end."""
        rows = await self._connection.execute(_STILL, {"ids": list(ids), "now": now})
        return set(rows.scalars())
