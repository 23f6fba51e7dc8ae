"""What is to be told at a time: before an interview, before an answer is due."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, Uuid

from storage.records import UserId


@dataclass(frozen=True, slots=True)
class Reminder:
    """
    Something that somebody is to be reminded of, once, at `due_at`.

    `key` is of the subject, the person and how long before; a later event with the same
    key moves it. `content` names the subject and holds what is told.
    """

    id: UUID
    key: str
    user_id: UserId
    type: str
    content: Mapping[str, Any]
    due_at: datetime
    # After this moment it helps nobody.
    deadline_at: datetime


_ROWS = "jsonb_populate_recordset(NULL::callboard.reminders, CAST(:rows AS jsonb))"

# The same again changes nothing: what was sent is not sent twice.
_PUT = text(f"""
INSERT INTO callboard.reminders AS r (id, key, user_id, type, content, due_at,
  deadline_at, status, reason, created_at, updated_at)
SELECT id, key, user_id, type, content, due_at, deadline_at, status, reason, :now, :now
FROM {_ROWS}
ON CONFLICT (key) DO UPDATE SET
  user_id = excluded.user_id, type = excluded.type, content = excluded.content,
  due_at = excluded.due_at, deadline_at = excluded.deadline_at,
  status = excluded.status, reason = excluded.reason, updated_at = excluded.updated_at
WHERE r.status <> 'sent' OR r.deadline_at <> excluded.deadline_at
""")  # noqa: S608 - constants of this file only

_COLUMNS = ", ".join(f"r.{field.name}" for field in fields(Reminder))

_ABOUT = (
    text(f"""
SELECT {_COLUMNS} FROM callboard.reminders r
WHERE r.status = 'pending' AND (r.content ->> 'subject' = ANY(:subjects)
  OR r.content ->> 'application_id' = ANY(:applications)
  OR r.content ->> 'gig_id' = ANY(:gigs))
ORDER BY r.key FOR UPDATE
""")  # noqa: S608 - as above
    .bindparams(
        bindparam("subjects", type_=ARRAY(Text)),
        bindparam("applications", type_=ARRAY(Text)),
        bindparam("gigs", type_=ARRAY(Text)),
    )
    .columns(content=JSONB)
)

# Those that are being told just now are past moving.
_OF = text(f"""
SELECT {_COLUMNS} FROM callboard.reminders r
WHERE r.user_id = :user AND r.status = 'pending' AND r.due_at > :now
ORDER BY r.key LIMIT :limit FOR UPDATE SKIP LOCKED
""").columns(content=JSONB)  # noqa: S608 - as above

_MOVE = text("""
UPDATE callboard.reminders r SET due_at = v.due_at, updated_at = :now
FROM unnest(:ids, CAST(CAST(:dues AS text[]) AS timestamptz[])) AS v(id, due_at)
WHERE r.id = v.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)), bindparam("dues", type_=ARRAY(Text))
)

_DUE = text(f"""
SELECT {_COLUMNS} FROM callboard.reminders r
WHERE r.status = 'pending' AND r.due_at <= :now
ORDER BY r.due_at LIMIT :limit FOR UPDATE SKIP LOCKED
""").columns(content=JSONB)  # noqa: S608 - as above

_SETTLE = text("""
UPDATE callboard.reminders SET status = :status, reason = :reason, updated_at = :now
WHERE id = ANY(:ids)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_FORGET = text("""
DELETE FROM callboard.reminders WHERE id IN (
  SELECT id FROM callboard.reminders
  WHERE status <> 'pending' AND deadline_at < :before
  ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


class Reminders:
    """The reminders, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(
        self, reminders: Sequence[tuple[Reminder, str | None]], now: datetime
    ) -> None:
        """
        Write reminders, or move those that are there; each key once.

        One with a reason is cancelled before it begins, for that reason.
        """
        rows = [
            {field.name: getattr(reminder, field.name) for field in fields(reminder)}
            | {"status": "cancelled" if reason else "pending", "reason": reason}
            for reminder, reason in sorted(reminders, key=lambda one: one[0].key)
        ]
        if rows:
            # The driver's ids are of a class of its own.
            written = orjson.dumps(rows, default=str).decode()
            await self._connection.execute(_PUT, {"rows": written, "now": now})

    async def about(
        self,
        *,
        subjects: Collection[str] = (),
        applications: Collection[str] = (),
        gigs: Collection[str] = (),
    ) -> list[Reminder]:
        """Give what is still to be told about these, locked."""
        rows = await self._connection.execute(
            _ABOUT,
            {
                "subjects": list(subjects),
                "applications": list(applications),
                "gigs": list(gigs),
            },
        )
        return [Reminder(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def of(self, user: UserId, now: datetime, limit: int) -> list[Reminder]:
        """Give what somebody has still to be told later, locked; at most so much."""
        asked = {"user": user, "now": now, "limit": limit}
        rows = await self._connection.execute(_OF, asked)
        return [Reminder(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def move(self, moments: Mapping[UUID, datetime], now: datetime) -> None:
        """Have reminders that are locked be told at these moments."""
        if moments:
            dues = [moment.isoformat() for moment in moments.values()]
            asked = {"ids": list(moments), "dues": dues, "now": now}
            await self._connection.execute(_MOVE, asked)

    async def due(self, now: datetime, limit: int) -> list[Reminder]:
        """Give what is due, the oldest first, that nobody else is telling."""
        rows = await self._connection.execute(_DUE, {"now": now, "limit": limit})
        return [Reminder(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def settle(
        self, ids: Collection[UUID], reason: str | None, now: datetime
    ) -> None:
        """Write down that these were told, or why they were not."""
        status = "sent" if reason is None else "cancelled"
        asked = {"ids": list(ids), "status": status, "reason": reason, "now": now}
        await self._connection.execute(_SETTLE, asked)

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete what was over before a moment, some of it; gives how many."""
        result = await self._connection.execute(
            _FORGET, {"before": before, "limit": limit}
        )
        return result.rowcount
