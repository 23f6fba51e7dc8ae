"""
What people are shown, as they read it: list, marks, and what is still unread.

An expired notification, and one that is only for its deliveries, is not there. Every
moment comes from the caller, who has it from the one clock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    TextClause,
    Uuid,
    bindparam,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ConnectionId, ConversationId, UserId
from storage.rows import is_one_of
from storage.tables import notifications

Mark = Literal["seen", "read", "archived"]


@dataclass(frozen=True, slots=True)
class Reading:
    """That something of a class was read, and how long after it was shown."""

    class_: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that a person is shown, as it stands now."""

    id: UUID
    user_id: UserId
    type: str
    title: str
    message: str
    data: Mapping[str, Any]
    priority: str
    related_user_id: UUID | None
    related_connection_id: UUID | None
    conversation_id: UUID | None
    gig_id: UUID | None
    count: int
    seen_at: datetime | None
    read_at: datetime | None
    archived_at: datetime | None
    expires_at: datetime | None
    created_at: datetime

    @property
    def is_read(self) -> bool:
        """Tell whether it has been read."""
        return self.read_at is not None


# For statements of text that give whole notifications, from a table called `n`.
COLUMNS = ", ".join(f"n.{field.name}" for field in fields(Notification))

_SHOWN = [notifications.c[field.name] for field in fields(Notification)]

# What a mark sets, and where it changes something. What is read or archived has been
# seen; what is archived waits no longer.
_SETS: Mapping[Mark, str] = {
    "seen": "seen_at = :now",
    "read": "read_at = :now, seen_at = COALESCE(n.seen_at, :now)",
    "archived": "archived_at = :now, seen_at = COALESCE(n.seen_at, :now)",
}
_OPEN: Mapping[Mark, str] = {
    "seen": "n.seen_at IS NULL AND n.read_at IS NULL AND n.archived_at IS NULL",
    "read": "n.read_at IS NULL",
    "archived": "n.archived_at IS NULL",
}
_VISIBLE = "n.is_shown AND (n.expires_at IS NULL OR n.expires_at > :now)"


def _marking(mark: Mark, which: str) -> str:
    # Locked in one order, whoever marks: two devices wait for each other, not in a
    # circle, and what the one has marked is no longer open to the other.
    return f"""
WITH chosen AS MATERIALIZED (
  SELECT n.id FROM callboard.notifications n
  WHERE n.user_id = :me AND {which} AND {_OPEN[mark]} AND {_VISIBLE}
  ORDER BY n.id LIMIT :limit FOR NO KEY UPDATE
)
UPDATE callboard.notifications n
SET {_SETS[mark]}, updated_at = :now, changed_xid = pg_current_xact_id()
FROM chosen WHERE n.id = chosen.id
RETURNING n.id, n.class AS class_, n.created_at, n.read_at
"""  # noqa: S608 - constants of this file only


_ALL = {mark: text(_marking(mark, "true")) for mark in _SETS}
_THESE = {
    mark: text(_marking(mark, "n.id = ANY(:ids)")).bindparams(
        bindparam("ids", type_=ARRAY(Uuid))
    )
    for mark in _SETS
}
_OF_CONVERSATION = text(
    _marking("read", "n.conversation_id = :conversation AND n.seq <= :seq")
)


def _settling(chosen: str, how: str = "") -> str:
    return f"""
WITH chosen AS MATERIALIZED (
  SELECT n.id FROM {chosen}
    AND n.read_at IS NULL AND n.archived_at IS NULL AND {_VISIBLE}
  ORDER BY n.id FOR NO KEY UPDATE OF n {how}
)
UPDATE callboard.notifications n
SET {_SETS["read"]}, updated_at = :now, changed_xid = pg_current_xact_id()
FROM chosen WHERE n.id = chosen.id
RETURNING n.id, n.class AS class_, n.created_at, n.read_at
"""  # noqa: S608 - constants of this file only


_ENDED = """callboard.connections c JOIN callboard.notifications n
    ON n.user_id = c.recipient_id AND n.related_connection_id = c.id
  WHERE c.id = ANY(:connections) AND c.status <> 'pending'"""
_CONNECTIONS = bindparam("connections", type_=ARRAY(Uuid))
_OF_CONNECTIONS = text(_settling(_ENDED)).bindparams(_CONNECTIONS)

# For who has written notifications before in the same transaction, and must not wait
# for somebody who waits for those: what is being marked just now is left to that.
_LATE = "SKIP LOCKED"
_OF_CONNECTIONS_LATE = text(_settling(_ENDED, _LATE)).bindparams(_CONNECTIONS)
_OF_SPEAKERS_LATE = text(
    _settling(
        """unnest(:users, :conversations, :seqs)
    AS s(user_id, conversation_id, seq)
  JOIN callboard.notifications n ON n.user_id = s.user_id
    AND n.conversation_id = s.conversation_id AND n.seq <= s.seq
  WHERE true""",
        _LATE,
    )
).bindparams(
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("conversations", type_=ARRAY(Uuid)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
)

# The most that one transaction marks: what is left is marked by the next.
MARKED = 10_000


class Inbox:
    """
    The notifications that this transaction may see, and how far they are read.

    `readings` are those that it has marked read.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.readings: list[Reading] = []

    async def of(
        self,
        me: UserId,
        now: datetime,
        *,
        is_unread: bool | None = None,
        is_archived: bool = False,
        kind: str | None = None,
        before: UUID | None = None,
        limit: int,
    ) -> list[Notification]:
        """List what a user is shown, the newest first."""
        query = select(*_SHOWN).where(
            notifications.c.user_id == me,
            _is_visible(now),
            notifications.c.archived_at.is_not(None)
            if is_archived
            else notifications.c.archived_at.is_(None),
        )
        if is_unread is not None:
            read_at = notifications.c.read_at
            query = query.where(
                read_at.is_(None) if is_unread else read_at.is_not(None)
            )
        if kind is not None:
            query = query.where(notifications.c.type == kind)
        if before is not None:
            query = query.where(notifications.c.id < before)
        rows = await self._connection.execute(
            query.order_by(notifications.c.id.desc()).limit(limit)
        )
        return [Notification(**row._mapping) for row in rows]  # noqa: SLF001 - columns

    async def these(self, ids: Sequence[UUID]) -> list[Notification]:
        """Give notifications by id, the oldest first."""
        rows = await self._connection.execute(
            select(*_SHOWN)
            .where(is_one_of(notifications.c.id, ids))
            .order_by(notifications.c.id)
        )
        return [Notification(**row._mapping) for row in rows]  # noqa: SLF001 - columns

    async def mark(
        self, me: UserId, mark: Mark, ids: Sequence[UUID] | None, now: datetime
    ) -> list[UUID]:
        """
        Mark those of a user's, or all; gives the ids of those that changed.

        What is not theirs, or not there, is passed over. Of all, at most `MARKED` are
        marked: if so many changed there may be more.
        """
        statement = _ALL[mark] if ids is None else _THESE[mark]
        asked = {} if ids is None else {"ids": list(ids)}
        return await self._mark(statement, me, now, asked, is_reading=mark == "read")

    async def settle_conversation(
        self, me: UserId, conversation: ConversationId, seq: int, now: datetime
    ) -> list[UUID]:
        """Mark read what told a user of messages that they have read; gives ids."""
        asked = {"conversation": conversation, "seq": seq}
        return await self._mark(_OF_CONVERSATION, me, now, asked, is_reading=True)

    async def settle_connections(
        self, connections: Collection[ConnectionId], now: datetime
    ) -> list[UUID]:
        """
        Mark read what asked people for connections, of those that wait no more.

        Gives ids. For the service alone, as it is of several people.
        """
        rows = await self._connection.execute(
            _OF_CONNECTIONS, {"connections": list(connections), "now": now}
        )
        return self._read(rows)

    async def settle_late(
        self,
        connections: Collection[ConnectionId],
        said: Collection[tuple[UserId, ConversationId, int]],
        now: datetime,
    ) -> list[UUID]:
        """
        Do the same after the fact, and for who has spoken in conversations.

        What told somebody of messages up to one of their own is read. Waits for nobody.
        """
        connected = await self._connection.execute(
            _OF_CONNECTIONS_LATE, {"connections": list(connections), "now": now}
        )
        spoken = await self._connection.execute(
            _OF_SPEAKERS_LATE,
            {
                "users": [user for user, _, _ in said],
                "conversations": [conversation for _, conversation, _ in said],
                "seqs": [seq for _, _, seq in said],
                "now": now,
            },
        )
        return [*self._read(connected), *self._read(spoken)]

    async def _mark(
        self,
        statement: TextClause,
        me: UserId,
        now: datetime,
        asked: Mapping[str, object],
        *,
        is_reading: bool,
    ) -> list[UUID]:
        rows = await self._connection.execute(
            statement, {"me": me, "now": now, "limit": MARKED, **asked}
        )
        return self._read(rows) if is_reading else list(rows.scalars())

    def _read(self, rows: Iterable[Row[Any]]) -> list[UUID]:
        """Note how long reading took; gives the ids."""
        read = list(rows)
        self.readings += [
            Reading(row.class_, row.read_at - row.created_at) for row in read
        ]
        return [row.id for row in read]


def _is_visible(now: datetime) -> ColumnElement[bool]:
    expires_at = notifications.c.expires_at
    return notifications.c.is_shown & or_(expires_at.is_(None), expires_at > now)
