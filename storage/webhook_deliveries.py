"""
What is on its way to webhooks: a row for each event and endpoint.

Every moment comes from the caller, who has it from the one clock.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger

from storage.tables import webhook_deliveries


@dataclass(frozen=True, slots=True)
class NewWebhookDelivery:
    """One event that is to reach one endpoint; an event without an xid is a test."""

    id: UUID
    endpoint_id: UUID
    event_id: int
    event_xid: int
    type: str
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """How far one event has come on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: int
    type: str
    status: str
    reason: str | None
    attempts: int
    response_status: int | None
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that a worker has taken, with all that sending it needs."""

    id: UUID
    endpoint_id: UUID
    event_id: int
    event_xid: int
    type: str
    payload: Mapping[str, Any] = field(repr=False)
    # This one included.
    attempts: int
    url: str = field(repr=False)
    secrets: Sequence[Mapping[str, Any]] = field(repr=False)


_DELIVERY = [webhook_deliveries.c[each.name] for each in fields(WebhookDelivery)]

_GATHER = text("""
INSERT INTO callboard.webhook_deliveries
  (id, endpoint_id, event_id, event_xid, type, payload, due_at, created_at)
SELECT g.id, g.endpoint_id, g.event_id, g.event_xid::xid8, g.type, g.payload::jsonb,
  :now, :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:endpoint_ids AS uuid[]),
  CAST(:event_ids AS bigint[]), CAST(:event_xids AS text[]), CAST(:types AS text[]),
  CAST(:payloads AS text[])) AS g(id, endpoint_id, event_id, event_xid, type, payload)
ON CONFLICT (endpoint_id, event_id) DO NOTHING
""")

# A worker that died while it sent: what it had taken is taken again, not for ever.
_LAPSE = text("""
UPDATE callboard.webhook_deliveries SET
  status = CASE WHEN attempts >= :attempts THEN 'failed' ELSE 'pending' END,
  reason = 'lapsed', due_at = :now, lease_id = NULL, leased_until = NULL
WHERE id IN (SELECT id FROM callboard.webhook_deliveries
  WHERE status = 'sending' AND leased_until <= :now
  LIMIT 200 FOR UPDATE SKIP LOCKED)
""")

# A few of each endpoint, in turns, so that one with a long queue keeps none waiting;
# of one that fails just now a single one, to see whether it is back.
_CLAIM = text("""
WITH endpoints AS MATERIALIZED (
  SELECT e.id, e.url, e.secrets,
    CASE WHEN e.failing_since IS NULL THEN CAST(:each AS bigint) ELSE 1 END
      - (SELECT count(*) FROM callboard.webhook_deliveries s
         WHERE s.status = 'sending' AND s.leased_until > :now AND s.endpoint_id = e.id)
      AS free
  FROM callboard.webhook_endpoints e
  WHERE e.status = 'active' AND NOT e.id = ANY(CAST(:resting AS uuid[]))
), due AS MATERIALIZED (
  SELECT d.id FROM endpoints e CROSS JOIN LATERAL (
    SELECT p.id, p.due_at FROM callboard.webhook_deliveries p
    WHERE p.status = 'pending' AND p.due_at <= :now AND p.endpoint_id = e.id
    ORDER BY p.due_at LIMIT GREATEST(e.free, 0) FOR UPDATE SKIP LOCKED
  ) AS d
  ORDER BY row_number() OVER (PARTITION BY e.id ORDER BY d.due_at), d.due_at
  LIMIT :limit
)
UPDATE callboard.webhook_deliveries w SET status = 'sending', lease_id = :lease_id,
  leased_until = :until, attempts = w.attempts + 1
FROM due, endpoints e WHERE w.id = due.id AND e.id = w.endpoint_id
RETURNING w.id, w.endpoint_id, w.event_id, w.event_xid::text::bigint AS event_xid,
  w.type, w.payload, w.attempts, e.url, e.secrets
""")

_AGAIN = """
UPDATE callboard.webhook_deliveries SET status = 'pending', reason = 'replayed',
  attempts = 0, due_at = :now, delivered_at = NULL, response_status = NULL
"""

_REPLAY_FAILED = text(
    _AGAIN  # noqa: S608 - constants only
    + """
WHERE id IN (SELECT id FROM callboard.webhook_deliveries
  WHERE endpoint_id = :endpoint AND status = 'failed'
  ORDER BY event_id LIMIT :limit FOR UPDATE)
"""
)

_REPLAY = text(
    _AGAIN
    + """
WHERE endpoint_id = :endpoint AND event_id = ANY(:ids)
  AND status IN ('delivered', 'failed')
"""
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))

_OLD = text("""
DELETE FROM callboard.webhook_deliveries WHERE id IN (
  SELECT id FROM callboard.webhook_deliveries WHERE created_at < :before
  ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_CROWDED = text("""
SELECT endpoint_id FROM callboard.webhook_deliveries WHERE status = 'pending'
GROUP BY endpoint_id HAVING count(*) > :most
""")


class WebhookDeliveries:
    """What is on its way, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def gather(
        self, deliveries: Sequence[NewWebhookDelivery], now: datetime
    ) -> None:
        """Write down what is to be sent; an event that an endpoint has is left."""
        if deliveries:
            await self._connection.execute(_GATHER, _columns(deliveries) | {"now": now})

    async def claim(
        self,
        lease: UUID,
        *,
        now: datetime,
        until: datetime,
        limit: int,
        each: int,
        attempts: int,
        resting: Collection[UUID] = (),
    ) -> list[Due]:
        """
        Take what is due, at most `each` of one endpoint, none that another has.

        Of endpoints that are `resting` nothing is taken.

        What is not recorded `until` then is given again, the same event with the same
        id, as long as there have been fewer than so many attempts.
        """
        await self._connection.execute(_LAPSE, {"now": now, "attempts": attempts})
        rows = await self._connection.execute(
            _CLAIM,
            {
                "lease_id": lease,
                "now": now,
                "until": until,
                "limit": limit,
                "each": each,
                "resting": list(resting),
            },
        )
        return [Due(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    async def delivered(
        self, due: Due, lease: UUID, response_status: int, now: datetime
    ) -> None:
        """Record that an endpoint has taken an event."""
        await self._settle(
            due,
            lease,
            status="delivered",
            reason=None,
            response_status=response_status,
            delivered_at=now,
        )

    async def failed(
        self,
        due: Due,
        lease: UUID,
        *,
        reason: str,
        response_status: int | None,
        next_at: datetime | None,
    ) -> None:
        """Record that an attempt has failed, and when the next is, if there is one."""
        await self._settle(
            due,
            lease,
            status="failed" if next_at is None else "pending",
            reason=reason,
            response_status=response_status,
            due_at=next_at or webhook_deliveries.c.due_at,
        )

    async def _settle(self, due: Due, lease: UUID, **values: object) -> None:
        """Write down what came of an attempt, unless it has been taken away since."""
        await self._connection.execute(
            update(webhook_deliveries)
            .where(
                webhook_deliveries.c.id == due.id,
                webhook_deliveries.c.status == "sending",
                webhook_deliveries.c.lease_id == lease,
            )
            .values(lease_id=None, leased_until=None, **values)
        )

    async def list(
        self,
        endpoint: UUID,
        *,
        status: str | None = None,
        before: UUID | None = None,
        limit: int,
    ) -> Sequence[WebhookDelivery]:
        """Give what was to reach an endpoint, the newest first."""
        query = (
            select(*_DELIVERY)
            .where(webhook_deliveries.c.endpoint_id == endpoint)
            .order_by(webhook_deliveries.c.id.desc())
            .limit(limit)
        )
        if status is not None:
            query = query.where(webhook_deliveries.c.status == status)
        if before is not None:
            query = query.where(webhook_deliveries.c.id < before)
        rows = await self._connection.execute(query)
        return [WebhookDelivery(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    # --- again --------------------------------------------------------------------

    async def replay_failed(self, endpoint: UUID, limit: int, now: datetime) -> int:
        """Have what has failed for good sent again, the oldest first."""
        done = await self._connection.execute(
            _REPLAY_FAILED, {"endpoint": endpoint, "limit": limit, "now": now}
        )
        return done.rowcount

    async def replay(
        self, deliveries: Sequence[NewWebhookDelivery], now: datetime
    ) -> None:
        """Have events sent, again where they have been; what is on its way goes on."""
        if not deliveries:
            return
        await self.gather(deliveries, now)
        await self._connection.execute(
            _REPLAY,
            {
                "endpoint": deliveries[0].endpoint_id,
                "ids": [each.event_id for each in deliveries],
                "now": now,
            },
        )

    # --- bounds -------------------------------------------------------------------

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete deliveries that are older, whatever became of them; gives how many."""
        done = await self._connection.execute(_OLD, {"before": before, "limit": limit})
        return done.rowcount

    async def crowded(self, most: int) -> Sequence[UUID]:
        """Give the endpoints for which more than so many deliveries wait."""
        rows = await self._connection.execute(_CROWDED, {"most": most})
        return list(rows.scalars())


def _columns(deliveries: Sequence[NewWebhookDelivery]) -> dict[str, list[Any]]:
    return {
        "ids": [each.id for each in deliveries],
        "endpoint_ids": [each.endpoint_id for each in deliveries],
        "event_ids": [each.event_id for each in deliveries],
        "event_xids": [str(each.event_xid) for each in deliveries],
        "types": [each.type for each in deliveries],
        "payloads": [orjson.dumps(each.payload).decode() for each in deliveries],
    }
