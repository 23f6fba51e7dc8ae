"""
What a user has missed since a snapshot, and the cursor that names one.

A cursor is a snapshot with the identity of the database it was taken in: another
cluster, a restored one or a promoted standby counts its transactions anew.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.inbox import COLUMNS as NOTIFICATION
from storage.inbox import Notification
from storage.messages import COLUMNS, to_message
from storage.receipts import TOLD_PARTICIPANTS
from storage.records import Connection, ConversationId, Message, UserId
from storage.snapshots import Snapshot

_VERSION = "1"

# A snapshot lists running transactions; with 1,000 of them it is still shorter.
_LONGEST_CURSOR = 16_384

# Passed as text: the driver has a form of its own for snapshots.
_SINCE = "CAST(CAST(:since AS text) AS pg_snapshot)"

_TELLS = f"callboard.tells_receipts(o.conversation_id, {TOLD_PARTICIPANTS})"

_IDENTITY = """
SELECT concat_ws('-', (SELECT system_identifier FROM pg_control_system()),
  (SELECT oid FROM pg_database WHERE datname = current_database()),
  left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))
"""

# New messages are the tail of a conversation, because the order of commits is the
# order of `seq`: walk back from the end until the snapshot saw one. `previous` is
# worked out beforehand, because row-level security lets no arithmetic, which could
# fail and so tell, near an index of `messages`.
_MESSAGES = text(f"""
WITH RECURSIVE mine AS (
  SELECT c.id, c.last_seq, p.joined_seq FROM callboard.participants p
  JOIN callboard.conversations c ON c.id = p.conversation_id
  WHERE p.user_id = :me AND p.left_at IS NULL
    AND c.last_xid >= pg_snapshot_xmin({_SINCE})
    AND NOT pg_visible_in_snapshot(c.last_xid, {_SINCE})
), tail AS (
  SELECT m.conversation_id, m.seq, m.seq - 1 AS previous, mine.joined_seq FROM mine
  JOIN callboard.messages m ON m.conversation_id = mine.id AND m.seq = mine.last_seq
  WHERE m.seq > mine.joined_seq
    AND NOT pg_visible_in_snapshot(m.created_xid, {_SINCE})
  UNION ALL
  SELECT m.conversation_id, m.seq, m.seq - 1, tail.joined_seq FROM tail
  JOIN callboard.messages m
    ON m.conversation_id = tail.conversation_id AND m.seq = tail.previous
  WHERE m.seq > tail.joined_seq
    AND NOT pg_visible_in_snapshot(m.created_xid, {_SINCE})
), missed AS (SELECT conversation_id, seq FROM tail LIMIT :limit)
SELECT {COLUMNS} FROM missed
JOIN callboard.messages m
  ON m.conversation_id = missed.conversation_id AND m.seq = missed.seq
ORDER BY m.conversation_id, m.seq
""")  # noqa: S608 - constants of this file only

_CONVERSATIONS = text(f"""
SELECT c.id, NOT pg_visible_in_snapshot(c.created_xid, {_SINCE})
  OR NOT pg_visible_in_snapshot(p.joined_xid, {_SINCE}) AS is_new
FROM callboard.participants p
JOIN callboard.conversations c ON c.id = p.conversation_id
WHERE p.user_id = :me AND p.left_at IS NULL AND (
  NOT pg_visible_in_snapshot(c.changed_xid, {_SINCE})
  OR NOT pg_visible_in_snapshot(p.arranged_xid, {_SINCE}))
LIMIT :limit
""")  # noqa: S608 - constants of this file only

# Messages that were edited, deleted or reacted to, as they are now; new ones too, which
# the client may have had before it took what changed them.
_CHANGED = text(f"""
SELECT {COLUMNS} FROM callboard.participants p
JOIN callboard.conversations c ON c.id = p.conversation_id
JOIN callboard.messages m ON m.conversation_id = c.id
WHERE p.user_id = :me AND p.left_at IS NULL AND c.edited_xid IS NOT NULL
  AND NOT pg_visible_in_snapshot(c.edited_xid, {_SINCE})
  AND m.changed_xid >= pg_snapshot_xmin({_SINCE})
  AND NOT pg_visible_in_snapshot(m.changed_xid, {_SINCE})
  AND m.seq > p.joined_seq
ORDER BY m.conversation_id, m.seq LIMIT :limit
""")  # noqa: S608 - constants of this file only

# Where the user takes part no more.
_LEFT = text(f"""
SELECT p.conversation_id, p.user_id, p.left_reason AS reason, p.left_at AS at,
  p.left_seq AS last_seq, 0 AS participant_count
FROM callboard.participants p
WHERE p.user_id = :me AND p.left_at IS NOT NULL
  AND NOT pg_visible_in_snapshot(p.left_xid, {_SINCE})
LIMIT :limit
""")  # noqa: S608 - constants of this file only

# Who has come or gone where the client knows the others.
_MOVED = text(f"""
WITH mine AS MATERIALIZED (
  SELECT c.id, (SELECT count(*) FROM callboard.participants n
    WHERE n.conversation_id = c.id AND n.left_at IS NULL) AS participant_count
  FROM callboard.participants p
  JOIN callboard.conversations c ON c.id = p.conversation_id
  WHERE p.user_id = :me AND p.left_at IS NULL AND c.edited_xid IS NOT NULL
    AND NOT pg_visible_in_snapshot(c.edited_xid, {_SINCE})
    AND pg_visible_in_snapshot(p.joined_xid, {_SINCE})
)
SELECT o.conversation_id, o.user_id, o.role, o.joined_at, o.read_seq, o.delivered_seq,
  o.hides_receipts AS is_hidden, o.left_reason AS reason, o.left_at AS at,
  o.left_seq AS last_seq, mine.participant_count
FROM mine JOIN callboard.participants o ON o.conversation_id = mine.id
WHERE o.user_id <> :me
  AND NOT pg_visible_in_snapshot(COALESCE(o.left_xid, o.joined_xid), {_SINCE})
ORDER BY COALESCE(o.left_at, o.joined_at) LIMIT :limit
""")  # noqa: S608 - constants of this file only

# Who has moved since, and how far they are now; of oneself always, of others as they
# were told: not who hides it, nobody where too many take part or across a block.
_MARKERS = text(f"""
SELECT o.conversation_id, o.user_id, o.delivered_seq, o.delivered_at
FROM callboard.participants p
JOIN callboard.participants o ON o.conversation_id = p.conversation_id
WHERE p.user_id = :me AND p.left_at IS NULL AND o.left_at IS NULL
  AND o.delivered_at IS NOT NULL
  AND (o.user_id = p.user_id OR NOT o.hides_receipts AND {_TELLS})
  AND NOT pg_visible_in_snapshot(o.changed_xid, {_SINCE})
LIMIT :limit
""")  # noqa: S608 - constants of this file only

# Each step of theirs, because it dates the messages up to there: like messages, the
# new ones are the tail of what somebody has read. Who hides receipts or is parted by a
# block keeps none, and has the marker itself for their own other devices. Who has left
# since had read, too.
_READS = text(f"""
WITH RECURSIVE tail AS (
  SELECT r.* FROM callboard.participants p
  JOIN callboard.participants o ON o.conversation_id = p.conversation_id
  CROSS JOIN LATERAL (
    SELECT r.conversation_id, r.user_id, r.seq, r.at, r.created_xid
    FROM callboard.receipts r
    WHERE r.conversation_id = o.conversation_id AND r.user_id = o.user_id
    ORDER BY r.seq DESC LIMIT 1) r
  WHERE p.user_id = :me AND p.left_at IS NULL
    AND (o.user_id = p.user_id OR NOT o.hides_receipts AND {_TELLS})
    AND NOT pg_visible_in_snapshot(o.changed_xid, {_SINCE})
    AND NOT pg_visible_in_snapshot(r.created_xid, {_SINCE})
  UNION ALL
  SELECT r.* FROM tail
  CROSS JOIN LATERAL (
    SELECT r.conversation_id, r.user_id, r.seq, r.at, r.created_xid
    FROM callboard.receipts r
    WHERE r.conversation_id = tail.conversation_id AND r.user_id = tail.user_id
      AND r.seq < tail.seq
    ORDER BY r.seq DESC LIMIT 1) r
  WHERE NOT pg_visible_in_snapshot(r.created_xid, {_SINCE})
)
SELECT conversation_id, user_id, seq, at FROM tail
UNION ALL
SELECT p.conversation_id, p.user_id, p.read_seq, p.read_at
FROM callboard.participants p
WHERE p.user_id = :me AND p.left_at IS NULL
  AND (p.hides_receipts OR callboard.is_parted(p.conversation_id))
  AND p.read_at IS NOT NULL AND NOT pg_visible_in_snapshot(p.changed_xid, {_SINCE})
LIMIT :limit
""")  # noqa: S608 - constants of this file only

_CONNECTIONS = text(f"""
SELECT id, requester_id, recipient_id, status, message, created_at, updated_at
FROM callboard.connections
WHERE :me IN (requester_id, recipient_id)
  AND NOT pg_visible_in_snapshot(changed_xid, {_SINCE})
ORDER BY updated_at LIMIT :limit
""")  # noqa: S608 - constants of this file only

# What has changed of what somebody is shown, whole: it holds no history of its own.
_NOTIFICATIONS = text(f"""
SELECT {NOTIFICATION},
  NOT pg_visible_in_snapshot(n.created_xid, {_SINCE}) AS is_new
FROM callboard.notifications n
WHERE n.user_id = :me AND n.is_shown
  AND (n.expires_at IS NULL OR n.expires_at > :now)
  AND n.changed_xid >= pg_snapshot_xmin({_SINCE})
  AND NOT pg_visible_in_snapshot(n.changed_xid, {_SINCE})
ORDER BY n.id LIMIT :limit
""")  # noqa: S608 - constants of this file only


@dataclass(frozen=True, slots=True)
class Missed:
    """What changed for a user since a snapshot, complete."""

    conversations: Sequence[tuple[ConversationId, bool]]
    connections: Sequence[Connection]
    messages: Sequence[Message]
    changed: Sequence[Message]
    left: Sequence[Any]
    moved: Sequence[Any]
    markers: Sequence[Any]
    reads: Sequence[Any]
    # Each with whether it is new.
    notifications: Sequence[tuple[Notification, bool]]


async def cluster_identity(connection: asyncpg.Connection) -> str:
    """Name the cluster, the database and the timeline in which snapshots count."""
    identity: str = await connection.fetchval(_IDENTITY)
    return identity


def encode_cursor(identity: str, snapshot: Snapshot) -> str:
    """Make the opaque text that a client keeps."""
    plain = f"{_VERSION}/{identity}/{snapshot}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def decode_cursor(identity: str, cursor: str) -> Snapshot | None:
    """Read a cursor; None where it is no cursor of this database."""
    if len(cursor) > _LONGEST_CURSOR:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        version, cluster, snapshot = plain.split("/")
        found = Snapshot.parse(snapshot)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return found if (version, cluster) == (_VERSION, identity) else None


class Resume:
    """One moment of the database, asked about what came before it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def identity(self) -> str:
        """Name the database in which this transaction's snapshot counts."""
        rows = await self._connection.execute(text(_IDENTITY))
        identity: str = rows.scalar_one()
        return identity

    async def snapshot(self) -> Snapshot:
        """Give the snapshot that all questions of this transaction see."""
        rows = await self._connection.execute(
            text("SELECT pg_current_snapshot()::text")
        )
        return Snapshot.parse(rows.scalar_one())

    async def missed(
        self, me: UserId, since: Snapshot, limit: int, now: datetime
    ) -> Missed | None:
        """Give what changed for a user; None where that is more than the limit."""
        asked = {"me": me, "since": str(since), "limit": limit + 1, "now": now}
        found = [
            list(await self._connection.execute(query, asked))
            for query in (
                _CONVERSATIONS,
                _CONNECTIONS,
                _MESSAGES,
                _CHANGED,
                _LEFT,
                _MOVED,
                _MARKERS,
                _READS,
                _NOTIFICATIONS,
            )
        ]
        if sum(len(rows) for rows in found) > limit:
            return None
        conversations, links, messages, changed, left, moved, *more = found
        markers, reads, shown = more
        return Missed(
            conversations=[(row.id, row.is_new) for row in conversations],
            connections=[Connection(**row._mapping) for row in links],  # noqa: SLF001
            messages=[to_message(row) for row in messages],
            changed=[to_message(row) for row in changed],
            left=left,
            moved=moved,
            markers=markers,
            reads=reads,
            notifications=[_to_shown(row) for row in shown],
        )


def _to_shown(row: Row[Any]) -> tuple[Notification, bool]:
    columns = dict(row._mapping)  # noqa: SLF001 - its columns
    is_new = columns.pop("is_new")
    return Notification(**columns), is_new
