"""
Taking what is due from the ledger of deliveries, and marking what becomes of it.

A delivery that is tried again stays `sending`, with a lease until then: what comes
after it for the same device does not overtake it, and what gathers in its conversation
meanwhile has a place of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.records import ConversationId, UserId


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, and whose it is."""

    id: UUID
    user_id: UserId
    channel: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this transaction decides about."""

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
    first_seq: int | None
    carrier_id: UUID | None
    device_id: UUID | None
    due_by: datetime | None
    expires_at: datetime | None
    attempts: int
    trail: Sequence[Mapping[str, Any]]
    created_at: datetime

    @property
    def lane(self) -> tuple[UserId, str, UUID | None]:
        """Name what it leaves by, one at a time: a person's address, or a device."""
        return self.user_id, self.channel, self.device_id


COLUMNS = """d.id, d.user_id, d.channel, d.type, d.class AS class_, d.priority, d.mode,
  d.status, d.reason, d.notification_id, d.conversation_id, d.digest_id, d.first_seq,
  d.carrier_id, d.device_id, d.due_by, d.expires_at, d.attempts, d.trail,
  d.created_at"""

# What waits for a digest is not taken: its carrier is.
_IS_CARRIED = """(d.mode = 'instant' OR d.digest_id IS NOT NULL)
  AND (d.device_id IS NULL AND d.channel = 'push'
    OR d.channel = 'email' AND 'email' = ANY(CAST(:kinds AS text[]))
    OR v.kind = ANY(CAST(:kinds AS text[])))"""

_DUE = text(f"""
WITH busy AS MATERIALIZED (
  SELECT user_id, channel, device_id FROM callboard.deliveries
  WHERE status = 'sending' AND leased_until > :now
), due AS (
  (SELECT d.id, d.user_id, d.channel, d.device_id, d.due_at
  FROM callboard.deliveries d LEFT JOIN callboard.devices v ON v.id = d.device_id
  WHERE d.status = 'pending' AND d.due_at <= :now AND {_IS_CARRIED}
  ORDER BY d.due_at, d.id LIMIT :window)
  UNION ALL
  (SELECT d.id, d.user_id, d.channel, d.device_id, d.leased_until
  FROM callboard.deliveries d LEFT JOIN callboard.devices v ON v.id = d.device_id
  WHERE d.status = 'sending' AND d.leased_until <= :now AND {_IS_CARRIED}
  ORDER BY d.leased_until LIMIT :window)
), ranked AS (
  SELECT due.*, count(*) OVER () AS total, row_number() OVER (
    PARTITION BY due.user_id ORDER BY due.due_at, due.id) AS rank
  FROM due WHERE NOT EXISTS (SELECT FROM busy b
    WHERE b.user_id = due.user_id AND b.channel = due.channel
      AND b.device_id IS NOT DISTINCT FROM due.device_id)
)
SELECT id, user_id, channel, total FROM ranked WHERE rank <= :each
ORDER BY due_at, id
""")  # noqa: S608 - constants of this file only

# Once more, for somebody may have taken them since; and alone in what they leave by,
# for what is behind must not overtake.
_TAKE = (
    text(f"""
SELECT {COLUMNS} FROM callboard.deliveries d
WHERE d.id = ANY(:ids) AND (d.status = 'pending' AND d.due_at <= :now
    OR d.status = 'sending' AND d.leased_until <= :now)
  AND NOT EXISTS (SELECT FROM callboard.deliveries b
    WHERE b.status = 'sending' AND b.leased_until > :now AND b.user_id = d.user_id
      AND b.channel = d.channel AND b.device_id IS NOT DISTINCT FROM d.device_id)
ORDER BY d.created_at, d.id FOR UPDATE OF d SKIP LOCKED
""")  # noqa: S608 - constants
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(trail=JSONB)
)

_ITEMS = (
    text(f"""
SELECT d.* FROM unnest(:carriers) AS carriers (id) CROSS JOIN LATERAL (
  SELECT {COLUMNS} FROM callboard.deliveries d
  WHERE d.carrier_id = carriers.id AND d.status = 'carried'
  ORDER BY d.created_at, d.id LIMIT :limit) AS d
""")  # noqa: S608 - constants
    .bindparams(bindparam("carriers", type_=ARRAY(Uuid)))
    .columns(trail=JSONB)
)

_SKIP = text("""
UPDATE callboard.deliveries SET status = 'skipped', reason = :reason, lease_id = NULL,
  leased_until = NULL, updated_at = :now,
  trail = callboard.trailed(trail, :now, 'skipped', :reason)
WHERE id = :id
""")

# What is held for the reason that already held it keeps the moment since when.
_HOLD = text("""
UPDATE callboard.deliveries SET reason = :reason, updated_at = :now,
  due_at = :until,
  leased_until = CASE WHEN status = 'sending' THEN CAST(:until AS timestamptz) END,
  trail = CASE WHEN trail->-1->>'what' = 'held' AND trail->-1->>'why' = :reason
    THEN trail ELSE callboard.trailed(trail, :now, 'held', :reason) END
WHERE id = :id
""")

# Another of its conversation may wait already; then that one carries this as well.
_FOLD = text("""
UPDATE callboard.deliveries SET mode = :mode, status = 'pending', due_at = :until,
  reason = :reason, updated_at = :now, lease_id = NULL, leased_until = NULL,
  trail = callboard.trailed(trail, :now, 'folded', :why)
WHERE id = :id
""")

_LEAVE = text("""
UPDATE callboard.deliveries SET status = 'sending', reason = NULL, error = NULL,
  attempts = attempts + 1, lease_id = :lease_id, leased_until = :until,
  last_seq = COALESCE(:last_seq, last_seq), updated_at = :now,
  trail = callboard.trailed(trail, :now, 'sending')
WHERE id = :id
""")

_CARRIED_UP_TO = text("""
UPDATE callboard.deliveries SET last_seq = :last_seq WHERE id = :id
""")

_JOINED = text("""
UPDATE callboard.deliveries d SET first_seq = LEAST(d.first_seq, j.first_seq)
FROM callboard.deliveries j
WHERE j.id = :id AND d.id <> j.id AND d.status = 'pending' AND d.user_id = j.user_id
  AND d.conversation_id = j.conversation_id AND d.channel = j.channel
  AND d.device_id IS NOT DISTINCT FROM j.device_id
RETURNING d.id
""")


class Releases:
    """What is due, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def due(
        self, kinds: Collection[str], now: datetime, *, window: int, each: int
    ) -> tuple[list[Due], bool]:
        """
        Name what is due and carried by one of `kinds`, oldest first; locks nothing.

        Looked at are the oldest `window`, of which each person has at most `each`.
        Also tells whether there may be more than that.
        """
        rows = await self._connection.execute(
            _DUE, {"kinds": sorted(kinds), "now": now, "window": window, "each": each}
        )
        found = list(rows)
        is_full = bool(found) and found[0].total >= window
        return [Due(row.id, row.user_id, row.channel) for row in found], is_full

    async def take(self, ids: Collection[UUID], now: datetime) -> list[Claimed]:
        """Take those that are still due and that nobody else has, oldest first."""
        rows = await self._connection.execute(_TAKE, {"ids": list(ids), "now": now})
        return [_claimed(row) for row in rows]

    async def items(
        self, carriers: Collection[UUID], limit: int
    ) -> Mapping[UUID, Sequence[Claimed]]:
        """Give what digests carry, by carrier, oldest first, no more of each."""
        found: dict[UUID, list[Claimed]] = {}
        if carriers:
            rows = await self._connection.execute(
                _ITEMS, {"carriers": list(carriers), "limit": limit}
            )
            for row in rows:
                found.setdefault(row.carrier_id, []).append(_claimed(row))
        return found

    async def skip(self, skipped: Mapping[UUID, str], now: datetime) -> None:
        """Have these never leave, each for its reason."""
        await self._each(
            _SKIP,
            [{"id": id_, "reason": why, "now": now} for id_, why in skipped.items()],
        )

    async def hold(
        self, held: Mapping[UUID, tuple[datetime, str]], now: datetime
    ) -> None:
        """Look at these again at a later moment."""
        await self._each(
            _HOLD,
            [
                {"id": id_, "until": until, "reason": why, "now": now}
                for id_, (until, why) in held.items()
            ],
        )

    async def fold(
        self,
        delivery: UUID,
        mode: str,
        until: datetime,
        why: str,
        now: datetime,
        *,
        is_choice: bool,
    ) -> None:
        """
        Have a mail wait for the next digest instead.

        It keeps the reason unless the person has chosen so, and then goes on following
        what that chooses.
        """
        joined = await self._connection.execute(_JOINED, {"id": delivery})
        if joined.first() is not None:
            await self.skip({delivery: "joined"}, now)
            return
        values = {"id": delivery, "mode": mode, "until": until, "why": why}
        reason = None if is_choice else why
        await self._connection.execute(_FOLD, values | {"reason": reason, "now": now})

    async def leave(
        self,
        leaving: Mapping[UUID, int | None],
        lease_id: UUID,
        until: datetime,
        now: datetime,
    ) -> None:
        """Mark these `sending`; conversations with the last message that they carry."""
        await self._each(
            _LEAVE,
            [
                {
                    "id": id_,
                    "last_seq": last_seq,
                    "lease_id": lease_id,
                    "until": until,
                    "now": now,
                }
                for id_, last_seq in leaving.items()
            ],
        )

    async def carried_up_to(self, last_seqs: Mapping[UUID, int]) -> None:
        """Note the last message of conversations that digests carry."""
        await self._each(
            _CARRIED_UP_TO,
            [{"id": id_, "last_seq": seq} for id_, seq in last_seqs.items()],
        )

    async def _each(self, statement: Any, rows: list[dict[str, Any]]) -> None:  # noqa: ANN401 - a statement
        if rows:
            await self._connection.execute(
                statement, sorted(rows, key=lambda row: row["id"])
            )


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(**row._mapping)  # noqa: SLF001 - a row's way to a mapping
