"""
Digests: one per person, frequency and local period, and what each carries.

Whoever writes here has locked the person's settings (`work.preferences.lock`), so that
nobody else decides about the same deliveries.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.ids import uuid7
from storage.records import UserId
from storage.tables import digests


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    Deliveries that wait for a digest and are alike in all that decides about them.

    `is_folded`: not the person's preference has them wait, but a limit, which stands as
    the reason of the deliveries.
    """

    user_id: UserId
    mode: str
    channel: str
    device_id: UUID | None
    type: str
    class_: str
    due_at: datetime
    is_folded: bool


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of one person's local hour, day or week."""

    user_id: UserId
    frequency: str
    period: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Carrier:
    """The delivery of a digest on one channel, to one device where it is a push."""

    digest_id: UUID
    user_id: UserId
    channel: str
    device_id: UUID | None
    class_: str
    mode: str


# Only so many rows are looked at: of those who have many due, one at a time is enough.
_DUE = text("""
SELECT DISTINCT user_id FROM (
  SELECT user_id FROM callboard.deliveries
  WHERE status = 'pending' AND mode <> 'instant' AND digest_id IS NULL
    AND due_at <= :now
  ORDER BY due_at, id LIMIT :limit) AS first
""")

_WAITING = """
SELECT DISTINCT user_id, mode, channel, device_id, type, class AS class_, due_at,
  reason IS NOT NULL AS is_folded
FROM callboard.deliveries
WHERE user_id = ANY(:users) AND status = 'pending' AND mode <> 'instant'
  AND digest_id IS NULL
"""
_WAITING_ALL = text(_WAITING).bindparams(bindparam("users", type_=ARRAY(Uuid)))
_WAITING_DUE = text(f"{_WAITING} AND due_at <= :now").bindparams(
    bindparam("users", type_=ARRAY(Uuid))
)

_ALIKE = """
WHERE user_id = :user_id AND status = 'pending' AND mode = :mode
  AND channel = :channel AND device_id IS NOT DISTINCT FROM CAST(:device_id AS uuid)
  AND type = :type AND class = :class_ AND due_at = :due_at AND digest_id IS NULL
  AND (reason IS NOT NULL) = :is_folded
"""

_MOVE = text(f"""
UPDATE callboard.deliveries SET mode = :to_mode, due_at = :to_due_at,
  trail = callboard.trailed(trail, :now, 'moved', :why), updated_at = :now
{_ALIKE}""")  # noqa: S608 - names columns only

_SKIP = text(f"""
UPDATE callboard.deliveries SET status = 'skipped', reason = :why,
  trail = callboard.trailed(trail, :now, 'skipped', :why), updated_at = :now
{_ALIKE}""")  # noqa: S608 - names columns only

_CARRY = text(f"""
UPDATE callboard.deliveries SET status = 'carried', carrier_id = :carrier_id,
  trail = callboard.trailed(trail, :now, 'carried'), updated_at = :now
{_ALIKE}""")  # noqa: S608 - names columns only

_PLAN_CARRIER = text("""
INSERT INTO callboard.deliveries (id, user_id, channel, type, class, mode, due_at,
  digest_id, device_id, trail, created_at, updated_at)
VALUES (:id, :user_id, :channel, 'digest', :class_, :mode, :now, :digest_id, :device_id,
  callboard.trailed('[]', :now, 'planned'), :now, :now)
""")

_SETTLE = text("""
UPDATE callboard.deliveries SET status = :status, reason = :reason,
  sent_at = CASE WHEN :status = 'sent' THEN CAST(:now AS timestamptz) END,
  trail = callboard.trailed(trail, :now, :status, :reason), updated_at = :now
WHERE carrier_id = :carrier_id AND status = 'carried'
""")

# What gathers in a conversation meanwhile has its place and carries this as well.
_PUT_BACK = text("""
WITH beyond AS MATERIALIZED (
  SELECT id, user_id, conversation_id, channel, device_id, first_seq
  FROM callboard.deliveries
  WHERE carrier_id = :carrier_id AND status = 'carried' AND id <> ALL(:looked_at)
  FOR UPDATE
), joined AS (
  UPDATE callboard.deliveries d SET first_seq = LEAST(d.first_seq, b.first_seq)
  FROM beyond b
  WHERE d.status = 'pending' AND d.user_id = b.user_id
    AND d.conversation_id = b.conversation_id AND d.channel = b.channel
    AND d.device_id IS NOT DISTINCT FROM b.device_id
  RETURNING b.id
)
UPDATE callboard.deliveries d
SET carrier_id = NULL, updated_at = :now,
  due_at = CASE WHEN j.id IS NULL THEN CAST(:due_at AS timestamptz) ELSE d.due_at END,
  status = CASE WHEN j.id IS NULL THEN 'pending' ELSE 'skipped' END,
  reason = CASE WHEN j.id IS NULL THEN d.reason ELSE 'joined' END,
  trail = CASE WHEN j.id IS NULL
    THEN callboard.trailed(d.trail, :now, 'moved', 'long_digest')
    ELSE callboard.trailed(d.trail, :now, 'skipped', 'joined') END
FROM beyond b LEFT JOIN joined j ON j.id = b.id WHERE d.id = b.id
""").bindparams(bindparam("looked_at", type_=ARRAY(Uuid)))


class Digests:
    """The digests, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def due(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Name people who have something that is due in a digest, the longest first."""
        rows = await self._connection.execute(_DUE, {"now": now, "limit": limit})
        return list(rows.scalars())

    async def waiting(
        self, users: Collection[UserId], due_by: datetime | None = None
    ) -> Sequence[Waiting]:
        """Give what these users have waiting for digests, all or what is due."""
        named = {"users": list(users)}
        if due_by is None:
            rows = await self._connection.execute(_WAITING_ALL, named)
        else:
            rows = await self._connection.execute(_WAITING_DUE, named | {"now": due_by})
        return [Waiting(**row._mapping) for row in rows]  # noqa: SLF001 - a named tuple's

    async def move(
        self, waiting: Waiting, mode: str, due_at: datetime, why: str, now: datetime
    ) -> None:
        """Have these leave at another time, or at once where the mode is `instant`."""
        values = {"to_mode": mode, "to_due_at": due_at, "why": why, "now": now}
        await self._connection.execute(_MOVE, asdict(waiting) | values)

    async def skip(self, waiting: Waiting, why: str, now: datetime) -> None:
        """Have these never leave."""
        await self._connection.execute(
            _SKIP, asdict(waiting) | {"why": why, "now": now}
        )

    async def create(
        self, wanted: Sequence[Digest], now: datetime
    ) -> Mapping[tuple[UserId, str], UUID]:
        """
        Create digests of periods; gives the new ones by person and frequency.

        Of a period that has or had its digest there is none.
        """
        statement = (
            insert(digests)
            .on_conflict_do_nothing(constraint="uq_digests_period")
            .returning(digests.c.user_id, digests.c.frequency, digests.c.id)
        )
        rows = await self._connection.execute(
            statement,
            [asdict(each) | {"id": uuid7(), "created_at": now} for each in wanted],
        )
        return {(UserId(user), frequency): id_ for user, frequency, id_ in rows}

    async def plan(
        self, planned: Sequence[tuple[Carrier, Sequence[Waiting]]], now: datetime
    ) -> None:
        """Plan deliveries of digests for now, and put into each what it carries."""
        ids = [uuid7() for _ in planned]
        carriers: list[dict[str, Any]] = [
            asdict(carrier) | {"id": id_, "now": now}
            for id_, (carrier, _) in zip(ids, planned, strict=True)
        ]
        await self._connection.execute(_PLAN_CARRIER, carriers)
        carried: list[dict[str, Any]] = [
            asdict(each) | {"carrier_id": id_, "now": now}
            for id_, (_, together) in zip(ids, planned, strict=True)
            for each in together
        ]
        await self._connection.execute(_CARRY, carried)

    async def put_back(
        self,
        carrier: UUID,
        looked_at: Collection[UUID],
        due_at: datetime,
        now: datetime,
    ) -> None:
        """Have all that a delivery carries wait again, but for what was looked at."""
        await self._connection.execute(
            _PUT_BACK,
            {
                "carrier_id": carrier,
                "looked_at": list(looked_at),
                "due_at": due_at,
                "now": now,
            },
        )

    async def settle(
        self, carrier: UUID, status: str, reason: str | None, now: datetime
    ) -> int:
        """Let what a delivery carries end as that has; gives how many there were."""
        rows = await self._connection.execute(
            _SETTLE,
            {"carrier_id": carrier, "status": status, "reason": reason, "now": now},
        )
        return rows.rowcount
