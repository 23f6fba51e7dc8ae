"""
Saved searches, and the ledger of what each has found: once per alert and gig, for ever.

What a gig says and what an alert looks for come here as plain words, made alike
(`realtime/notifications/finding.py`); the database compares them, gig by alert, without
any alert being read for that.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, Uuid

from storage.records import GigId, UserId
from storage.tables import job_alerts

# One of a person's requests at a time: the first number is of this kind of lock.
_TURN = text("SELECT pg_advisory_xact_lock(1244, hashtext(CAST(:user AS text)))")


@dataclass(frozen=True, slots=True)
class JobAlert:
    """A saved search; `criteria` holds what to look for, `search` of it in words."""

    id: UUID
    user_id: UserId
    name: str | None
    criteria: Mapping[str, Any]
    frequency: str
    status: str
    last_sent_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    """A gig as alerts look at it: ` words with spaces around `."""

    id: GigId
    kind: str
    status: str
    owner_id: UserId
    organization_id: UUID | None
    text: str
    place: str
    content_hash: str
    # What alerts may have as an anchor, of all this.
    terms: Sequence[str]


@dataclass(frozen=True, slots=True)
class Match:
    """An alert that a gig is for, for the first time."""

    alert_id: UUID
    user_id: UserId
    frequency: str
    gig_id: GigId
    content_hash: str


_COLUMNS = [job_alerts.c[field.name] for field in fields(JobAlert)]
_NAMES = ", ".join(f"a.{field.name}" for field in fields(JobAlert))

_POSTINGS = """
jsonb_to_recordset(CAST(:postings AS jsonb)) AS g(id uuid, kind text, status text,
  owner_id uuid, organization_id uuid, text text, place text, content_hash text,
  terms text[])
"""

_FITS = """
jsonb_exists(a.criteria -> 'statuses', g.status)
AND (NOT jsonb_exists(a.criteria, 'kinds')
  OR jsonb_exists(a.criteria -> 'kinds', g.kind))
AND (NOT jsonb_exists(a.criteria, 'organization_ids')
  OR COALESCE(jsonb_exists(a.criteria -> 'organization_ids',
    CAST(g.organization_id AS text)), false))
AND NOT EXISTS (
  SELECT FROM jsonb_array_elements_text(a.criteria #> '{search,place}') AS w(word)
  WHERE strpos(g.place, w.word) = 0)
AND CASE WHEN a.criteria ->> 'match' = 'all' THEN NOT EXISTS (
  SELECT FROM jsonb_array_elements_text(a.criteria #> '{search,keywords}') AS w(word)
  WHERE strpos(g.text, w.word) = 0)
ELSE NOT jsonb_exists(a.criteria, 'keywords') OR EXISTS (
  SELECT FROM jsonb_array_elements_text(a.criteria #> '{search,keywords}') AS w(word)
  WHERE strpos(g.text, w.word) > 0)
END
"""

# Nobody is alerted of what they offer themselves, alone or with others.
_IS_OWN = """
(a.user_id = g.owner_id
 OR EXISTS (SELECT FROM callboard.gig_members m
   WHERE m.gig_id = g.id AND m.user_id = a.user_id)
 OR EXISTS (SELECT FROM callboard.organization_members m
   WHERE m.organization_id = g.organization_id AND m.user_id = a.user_id))
"""

_IS_BLOCKED = """
(EXISTS (SELECT FROM callboard.blocks b
   WHERE b.blocker_id = a.user_id AND b.blocked_id = g.owner_id)
 OR EXISTS (SELECT FROM callboard.blocks b
   WHERE b.blocker_id = g.owner_id AND b.blocked_id = a.user_id))
"""

# First what has an anchor in common, by its index, then what fits, which costs the
# least of the rest and leaves the fewest.
_FOUND = text(f"""
WITH a AS MATERIALIZED (
  SELECT a.id, a.user_id, a.frequency, a.criteria, g.id AS gig_id, g.owner_id,
    g.organization_id, g.content_hash
  FROM {_POSTINGS} JOIN callboard.job_alerts a ON a.anchors && g.terms
  WHERE a.status = 'active' AND {_FITS}
)
SELECT a.id AS alert_id, a.user_id, a.frequency, a.gig_id, a.content_hash FROM a
JOIN callboard.users u ON u.id = a.user_id AND u.account_status = 'active'
CROSS JOIN LATERAL (SELECT a.gig_id AS id, a.owner_id, a.organization_id) g
WHERE NOT {_IS_OWN} AND NOT {_IS_BLOCKED}
  AND NOT EXISTS (SELECT FROM callboard.job_alert_matches m
    WHERE m.alert_id = a.id AND m.gig_id = a.gig_id)
  -- Posted again, while the first waits to be told: unless that one is gone by now.
  AND NOT EXISTS (SELECT FROM callboard.job_alert_matches m
    WHERE m.alert_id = a.id AND m.content_hash = a.content_hash
      AND (m.status <> 'pending' OR EXISTS (SELECT FROM callboard.gigs o
        WHERE o.id = m.gig_id AND jsonb_exists(a.criteria -> 'statuses', o.status))))
ORDER BY a.id, a.gig_id
""")  # noqa: S608 - constants of this file only

_KEEP = text("""
INSERT INTO callboard.job_alert_matches (alert_id, gig_id, content_hash, due_at,
  matched_at)
SELECT f.alert_id, f.gig_id, f.content_hash, f.due_at, :now
FROM unnest(:alerts, :gigs, :hashes, CAST(CAST(:dues AS text[]) AS timestamptz[]))
  AS f(alert_id, gig_id, content_hash, due_at)
ON CONFLICT (alert_id, content_hash) DO UPDATE SET gig_id = excluded.gig_id
  WHERE job_alert_matches.status = 'pending'
""").bindparams(
    bindparam("alerts", type_=ARRAY(Uuid)),
    bindparam("gigs", type_=ARRAY(Uuid)),
    bindparam("hashes", type_=ARRAY(Text)),
    bindparam("dues", type_=ARRAY(Text)),
)

# Of those whose turn has come, the ones that nobody else has.
_DUE = text(f"""
SELECT {_NAMES} FROM callboard.job_alerts a
WHERE a.id IN (SELECT alert_id FROM (
  SELECT alert_id FROM callboard.job_alert_matches
  WHERE status = 'pending' AND due_at <= :now ORDER BY due_at LIMIT :looked) due)
ORDER BY a.id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608 - as above

_PENDING = text("""
SELECT gig_id, due_at FROM callboard.job_alert_matches
WHERE alert_id = :alert AND status = 'pending' AND due_at <= :now
ORDER BY matched_at DESC, gig_id LIMIT :limit
""")

# What of some gigs an alert does not want any more, and why.
_UNWANTED = text(f"""
SELECT g.id, CASE WHEN {_IS_BLOCKED} THEN 'blocked' WHEN {_IS_OWN} THEN 'own'
  ELSE 'no_match' END AS reason
FROM callboard.job_alerts a CROSS JOIN {_POSTINGS}
WHERE a.id = :alert AND ({_IS_BLOCKED} OR {_IS_OWN} OR NOT ({_FITS}))
""")  # noqa: S608 - as above

_SETTLE = text("""
UPDATE callboard.job_alert_matches
SET status = :status, reason = :reason, notification_id = :notification,
  -- What nobody was told is news when it is posted again.
  content_hash = CASE WHEN CAST(:reason AS text) IS NULL THEN content_hash
    ELSE content_hash || ' ' || gig_id END
WHERE alert_id = :alert AND gig_id = ANY(:gigs) AND status = 'pending'
""").bindparams(bindparam("gigs", type_=ARRAY(Uuid)))

_RESCHEDULE = text("""
UPDATE callboard.job_alert_matches SET due_at = :due_at
WHERE alert_id = :alert AND status = 'pending'
""")


class JobAlerts:
    """The saved searches that this transaction may see, and what they have found."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take_turn(self, user: UserId) -> None:
        """Have nobody else add alerts of this user until the end."""
        await self._connection.execute(_TURN, {"user": str(user)})

    async def of(
        self, user: UserId, *, before: UUID | None = None, limit: int
    ) -> list[JobAlert]:
        """List a user's alerts, the newest first."""
        query = select(*_COLUMNS).where(job_alerts.c.user_id == user)
        if before is not None:
            query = query.where(job_alerts.c.id < before)
        rows = await self._connection.execute(
            query.order_by(job_alerts.c.id.desc()).limit(limit)
        )
        return [JobAlert(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def lock(self, user: UserId, alert: UUID) -> JobAlert | None:
        """Give one of a user's alerts; nobody else changes it until the end."""
        rows = await self._connection.execute(
            select(*_COLUMNS)
            .where(job_alerts.c.id == alert, job_alerts.c.user_id == user)
            .with_for_update(key_share=True)
        )
        row = rows.one_or_none()
        return JobAlert(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def insert(self, alert: JobAlert) -> None:
        """Keep a new alert."""
        await self._connection.execute(
            insert(job_alerts).values(
                {field.name: getattr(alert, field.name) for field in fields(alert)}
                | _anchors(alert.criteria)
            )
        )

    async def change(self, alert: UUID, values: Mapping[str, Any]) -> JobAlert:
        """Change columns of an alert that is locked."""
        if "criteria" in values:
            values = {**values, **_anchors(values["criteria"])}
        rows = await self._connection.execute(
            update(job_alerts)
            .where(job_alerts.c.id == alert)
            .values(**values)
            .returning(*_COLUMNS)
        )
        return JobAlert(**rows.one()._mapping)  # noqa: SLF001 - its columns

    async def delete(self, user: UserId, alert: UUID) -> bool:
        """Forget a user's alert with all it has found; False where there is none."""
        rows = await self._connection.execute(
            delete(job_alerts)
            .where(job_alerts.c.id == alert, job_alerts.c.user_id == user)
            .returning(job_alerts.c.id)
        )
        return rows.one_or_none() is not None

    # --- for the service alone ------------------------------------------------------

    async def found(
        self, postings: Sequence[Posting], count: int
    ) -> AsyncIterator[Sequence[Match]]:
        """
        Give alerts that some gigs are for and that have not found them before.

        So many at a time. A gig's content may come twice for one alert: it is kept
        once.
        """
        asked = {"postings": _as_json(postings)}
        async with self._connection.stream(_FOUND, asked) as rows:
            async for some in rows.partitions(count):
                yield [Match(**row._mapping) for row in some]  # noqa: SLF001 - columns

    async def keep(
        self, matches: Sequence[tuple[Match, datetime]], now: datetime
    ) -> None:
        """
        Keep what alerts have found, each with the moment at which it is due.

        Each alert and content once.
        """
        await self._connection.execute(
            _KEEP,
            {
                "alerts": [match.alert_id for match, _ in matches],
                "gigs": [match.gig_id for match, _ in matches],
                "hashes": [match.content_hash for match, _ in matches],
                "dues": [due_at.isoformat() for _, due_at in matches],
                "now": now,
            },
        )

    async def due(self, now: datetime, *, looked: int, limit: int) -> list[JobAlert]:
        """
        Give alerts that have something to tell, which nobody else has just now.

        They are looked for among the `looked` matches that are due the longest.
        """
        rows = await self._connection.execute(
            _DUE, {"now": now, "looked": looked, "limit": limit}
        )
        return [JobAlert(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def pending(
        self, alert: UUID, now: datetime, limit: int
    ) -> list[tuple[GigId, datetime]]:
        """Name what an alert has to tell, the newest first, and when it was due."""
        rows = await self._connection.execute(
            _PENDING, {"alert": alert, "now": now, "limit": limit}
        )
        return [(GigId(row.gig_id), row.due_at) for row in rows]

    async def unwanted(
        self, alert: UUID, postings: Sequence[Posting]
    ) -> dict[GigId, str]:
        """Say which of some gigs an alert is not for any more, and why."""
        rows = await self._connection.execute(
            _UNWANTED, {"alert": alert, "postings": _as_json(postings)}
        )
        return {GigId(row.id): row.reason for row in rows}

    async def settle(
        self,
        alert: UUID,
        gigs: Sequence[GigId],
        *,
        notification: UUID | None = None,
        reason: str | None = None,
    ) -> None:
        """Write down what became of matches: told by a notification, or why not."""
        await self._connection.execute(
            _SETTLE,
            {
                "alert": alert,
                "gigs": list(gigs),
                "status": "sent" if reason is None else "skipped",
                "reason": reason,
                "notification": notification,
            },
        )

    async def reschedule(self, alert: UUID, due_at: datetime) -> None:
        """Have everything that an alert has yet to tell wait for this moment."""
        await self._connection.execute(_RESCHEDULE, {"alert": alert, "due_at": due_at})


def _anchors(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """Give an alert's anchors as the index has them."""
    return {"anchors": criteria["search"]["anchors"]}


def _as_json(postings: Sequence[Posting]) -> str:
    return orjson.dumps(
        [
            {field.name: getattr(posting, field.name) for field in fields(posting)}
            for posting in postings
        ],
        # The driver's ids are of a class of its own.
        default=str,
    ).decode()
