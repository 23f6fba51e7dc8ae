"""
Making notifications: new ones, and those which are counted on one that is unread.

How they are read is `storage/inbox.py`. Every moment comes from the caller, who has it
from the one clock.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, Uuid

from storage.inbox import COLUMNS, Notification
from storage.records import UserId

Pair = tuple[UserId, UserId]
CollapseKey = tuple[UserId, str]

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewNotification:
    """Something that somebody is to be shown, as it is stored."""

    id: UUID
    user_id: UserId
    type: str
    class_: str
    title: str
    message: str
    data: Mapping[str, Any]
    priority: str
    decisions: Mapping[str, Any]
    count: int = 1
    is_shown: bool = True
    related_user_id: UserId | None = None
    related_connection_id: UUID | None = None
    conversation_id: UUID | None = None
    message_id: UUID | None = None
    seq: int | None = None
    gig_id: UUID | None = None
    application_id: UUID | None = None
    link: str | None = None
    collapse_key: str | None = None
    broadcast_id: UUID | None = None
    event_id: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """What somebody who does something is to whoever is told of it."""

    is_blocked: bool
    is_connected: bool
    # How much the one has made the other be told, within a day.
    told: int


@dataclass(frozen=True, slots=True)
class Open:
    """An unread notification on which the next of its key is counted."""

    id: UUID
    count: int


@dataclass(frozen=True, slots=True)
class Out:
    """How far a notification has got on one channel."""

    is_waiting: bool
    left_at: datetime


_RELATIONS = text("""
SELECT p.actor, p.reader,
  EXISTS (SELECT FROM callboard.blocks b
    WHERE b.blocker_id = p.actor AND b.blocked_id = p.reader)
  OR EXISTS (SELECT FROM callboard.blocks b
    WHERE b.blocker_id = p.reader AND b.blocked_id = p.actor) AS is_blocked,
  EXISTS (SELECT FROM callboard.connections c WHERE c.status = 'accepted'
    AND c.low_id = LEAST(p.actor, p.reader)
    AND c.high_id = GREATEST(p.actor, p.reader)) AS is_connected,
  (SELECT count(*) FROM (
    SELECT n.related_user_id, n.created_at FROM callboard.notifications n
    WHERE n.user_id = p.reader ORDER BY n.id DESC LIMIT :window) newest
    WHERE newest.related_user_id = p.actor AND newest.created_at > :since) AS told
FROM unnest(:actors, :readers) AS p(actor, reader)
""").bindparams(
    bindparam("actors", type_=ARRAY(Uuid)), bindparam("readers", type_=ARRAY(Uuid))
)

_DEVICES = text("""
SELECT user_id, id FROM callboard.devices WHERE user_id = ANY(:users)
ORDER BY user_id, id
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))

_KEYS = "unnest(:users, :keys) AS k(user_id, key)"
# One by one, by the index of what is unread, however little the planner knows of a
# table that has just grown.
_UNREAD = """CROSS JOIN LATERAL (
  SELECT n.id, n.count, n.expires_at, n.is_shown FROM callboard.notifications n
  WHERE n.user_id = k.user_id AND n.collapse_key = k.key AND n.read_at IS NULL
    AND n.archived_at IS NULL
  LIMIT 1 FOR NO KEY UPDATE) n"""

# What means nothing any more is not counted on, nor what nobody sees and has left: the
# next of its key is a new one.
_PUT_AWAY = text(f"""
UPDATE callboard.notifications
SET archived_at = :now, updated_at = :now, changed_xid = pg_current_xact_id()
WHERE id = ANY(ARRAY(SELECT n.id FROM {_KEYS} {_UNREAD} WHERE n.expires_at <= :now
  OR NOT n.is_shown AND NOT EXISTS (SELECT FROM callboard.deliveries d
    WHERE d.notification_id = n.id AND d.status IN ('pending', 'sending', 'carried'))))
""").bindparams(  # noqa: S608 - constants of this file only
    bindparam("users", type_=ARRAY(Uuid)), bindparam("keys", type_=ARRAY(Text))
)

_OPEN = text(f"""
SELECT n.id, k.user_id, k.key, n.count AS counted FROM {_KEYS} {_UNREAD}
""").bindparams(  # noqa: S608 - as above
    bindparam("users", type_=ARRAY(Uuid)), bindparam("keys", type_=ARRAY(Text))
)

_NEW = """id, user_id, type, class, title, message, data, priority, decisions, count,
  is_shown, related_user_id, related_connection_id, conversation_id, message_id, seq,
  gig_id, application_id, link, collapse_key, broadcast_id, event_id, expires_at,
  created_at, updated_at"""
_ROWS = "jsonb_populate_recordset(NULL::callboard.notifications, CAST(:rows AS jsonb))"

_INSERT = text(f"""
INSERT INTO callboard.notifications AS n ({_NEW})
SELECT {_NEW} FROM {_ROWS}
ON CONFLICT DO NOTHING
RETURNING {COLUMNS}
""")  # noqa: S608 - as above

# What a notification says of the newest that is counted on it.
_CHANGED = ", ".join(
    f"{name} = v.{name}"
    for name in (
        "type",
        "class",
        "title",
        "message",
        "data",
        "priority",
        "decisions",
        "count",
        "is_shown",
        "related_user_id",
        "related_connection_id",
        "conversation_id",
        "message_id",
        "seq",
        "gig_id",
        "application_id",
        "link",
        "event_id",
        "expires_at",
        "updated_at",
    )
)
_UPDATE = text(f"""
UPDATE callboard.notifications n
SET {_CHANGED},
  -- Who has seen what it said has not seen what it says now.
  seen_at = NULL, changed_xid = pg_current_xact_id()
FROM {_ROWS} v WHERE n.id = v.id
RETURNING {COLUMNS}
""")  # noqa: S608 - as above

_OUT = text("""
SELECT d.notification_id, d.channel,
  bool_or(d.status IN ('pending', 'sending', 'carried')) AS is_waiting,
  max(COALESCE(d.sent_at, d.updated_at)) AS left_at
FROM callboard.deliveries d WHERE d.notification_id = ANY(:ids)
GROUP BY d.notification_id, d.channel
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_TITLES = text("""
SELECT id, title FROM callboard.conversations WHERE id = ANY(:ids)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


class Notifications:
    """The making of notifications, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def relations(
        self, pairs: Collection[Pair], now: datetime, *, window: int
    ) -> dict[Pair, Relation]:
        """
        Say what an actor is to a reader, of each pair.

        What the one has made the other be told is looked for among the newest
        `window` that the other was told.
        """
        if not pairs:
            return {}
        rows = await self._connection.execute(
            _RELATIONS,
            {
                "actors": [actor for actor, _ in pairs],
                "readers": [reader for _, reader in pairs],
                "since": now - _A_DAY,
                "window": window,
            },
        )
        return {
            (row.actor, row.reader): Relation(
                row.is_blocked, row.is_connected, row.told
            )
            for row in rows
        }

    async def devices_of(self, users: Collection[UserId]) -> dict[UserId, list[UUID]]:
        """Name the devices of those of these users who have any."""
        found: dict[UserId, list[UUID]] = {}
        if users:
            rows = await self._connection.execute(_DEVICES, {"users": list(users)})
            for user, device in rows:
                found.setdefault(user, []).append(device)
        return found

    async def titles_of(self, conversations: Collection[UUID]) -> dict[UUID, str]:
        """Give the titles of those of these conversations that have one."""
        if not conversations:
            return {}
        rows = await self._connection.execute(_TITLES, {"ids": list(conversations)})
        return {row.id: row.title for row in rows if row.title}

    async def unread_with(
        self, keys: Collection[CollapseKey], now: datetime
    ) -> dict[CollapseKey, Open]:
        """Give what is unread under these keys; nobody else changes it meanwhile."""
        if not keys:
            return {}
        ordered = sorted(keys)
        asked = {
            "users": [user for user, _ in ordered],
            "keys": [key for _, key in ordered],
        }
        await self._connection.execute(_PUT_AWAY, asked | {"now": now})
        rows = await self._connection.execute(_OPEN, asked)
        return {(row.user_id, row.key): Open(row.id, row.counted) for row in rows}

    async def insert(
        self, new: Sequence[NewNotification], now: datetime
    ) -> dict[UUID, Notification]:
        """
        Store new ones and give them, by id.

        One that is missing in the answer stands there already: under its collapse key,
        or because the person was told of its broadcast.
        """
        return await self._write(_INSERT, new, now)

    async def update(
        self, changed: Sequence[NewNotification], now: datetime
    ) -> dict[UUID, Notification]:
        """Have unread ones, which are locked, say what these say."""
        return await self._write(_UPDATE, changed, now)

    async def _write(
        self, statement: TextClause, rows: Sequence[NewNotification], now: datetime
    ) -> dict[UUID, Notification]:
        if not rows:
            return {}
        ordered = sorted(rows, key=lambda row: (row.user_id, row.collapse_key or ""))
        stored = [_as_stored(row, now) for row in ordered]
        # The driver's ids are of a class of its own.
        written = await self._connection.execute(
            statement, {"rows": orjson.dumps(stored, default=str).decode()}
        )
        return {row.id: Notification(**row._mapping) for row in written}  # noqa: SLF001

    async def out(self, ids: Collection[UUID]) -> dict[UUID, dict[str, Out]]:
        """Say how far notifications have got, by channel."""
        found: dict[UUID, dict[str, Out]] = {}
        if ids:
            rows = await self._connection.execute(_OUT, {"ids": list(ids)})
            for row in rows:
                channels = found.setdefault(row.notification_id, {})
                channels[row.channel] = Out(row.is_waiting, row.left_at)
        return found


def _as_stored(row: NewNotification, now: datetime) -> dict[str, Any]:
    stored = {name: getattr(row, name) for name in NewNotification.__slots__}
    stored["class"] = stored.pop("class_")
    return stored | {"created_at": now, "updated_at": now}
