"""
The feed: what each transaction announced, kept some minutes.

Promise: a row is committed with what it announces, and `unseen` gives every row that
a snapshot did not see, exactly once per advance of that snapshot, whatever order
transactions began and ended in. It is the carrier that cannot lose; Redis is only
the faster one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import BigInteger, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import Announced, Appended, ConversationId, FeedRow, UserId
from storage.snapshots import Snapshot

# Who takes part, with the `seq` up to which nothing is theirs to read.
Audience = Mapping[UserId, int]

# A page bounds what one sweep holds in memory after a long absence.
_PAGE = 500

_UNSEEN_IDS = """
SELECT pg_current_snapshot()::text AS snapshot, (
  SELECT COALESCE(array_agg(f.xid::text::bigint), '{}') FROM callboard.feed f
  WHERE f.xid >= pg_snapshot_xmin($1::text::pg_snapshot)
    AND NOT pg_visible_in_snapshot(f.xid, $1::text::pg_snapshot)) AS xids
"""

_ROWS = """
SELECT xid::text AS xid, node_id, events, conversation_ids, first_seqs, last_seqs,
  prev_xids::text[] AS prev_xids
FROM callboard.feed WHERE xid = ANY($1::text[]::xid8[])
ORDER BY xid
"""

_AUDIENCES = """
SELECT conversation_id, array_agg(user_id) AS user_ids, array_agg(joined_seq) AS joined
FROM callboard.participants
WHERE conversation_id = ANY($1) AND left_at IS NULL GROUP BY conversation_id
"""


async def current_snapshot(connection: asyncpg.Connection) -> Snapshot:
    """Take the snapshot of this moment."""
    return Snapshot.parse(
        await connection.fetchval("SELECT pg_current_snapshot()::text")
    )


async def unseen(
    connection: asyncpg.Connection, since: Snapshot
) -> tuple[Snapshot, list[int]]:
    """Give the snapshot of now and the ids of feed rows it sees and `since` did not."""
    row = await connection.fetchrow(_UNSEEN_IDS, str(since))
    return Snapshot.parse(row["snapshot"]), row["xids"]


async def rows(connection: asyncpg.Connection, xids: Sequence[int]) -> list[FeedRow]:
    """Give feed rows by id, in order of id; at most a page is held at a time."""
    found: list[FeedRow] = []
    for start in range(0, len(xids), _PAGE):
        page = [str(xid) for xid in xids[start : start + _PAGE]]
        found += [_to_row(row) for row in await connection.fetch(_ROWS, page)]
    return found


def _to_row(row: Any) -> FeedRow:  # noqa: ANN401 - asyncpg's record
    appended = [
        Appended(conversation, first, last, int(prev or 0))
        for conversation, first, last, prev in zip(
            row["conversation_ids"] or (),
            row["first_seqs"] or (),
            row["last_seqs"] or (),
            row["prev_xids"] or (),
            strict=True,
        )
    ]
    events = orjson.loads(row["events"]) if row["events"] else []
    return FeedRow(int(row["xid"]), row["node_id"], events, appended)


async def audiences(
    connection: asyncpg.Connection, conversations: Sequence[ConversationId]
) -> dict[ConversationId, Audience]:
    """Tell who takes part in these conversations now, and from which `seq` on."""
    found = await connection.fetch(_AUDIENCES, list(conversations))
    return {
        row["conversation_id"]: dict(zip(row["user_ids"], row["joined"], strict=True))
        for row in found
    }


async def newest_floor(
    connection: asyncpg.Connection, conversation: ConversationId, since: Snapshot
) -> int:
    """Give the last `seq` of a conversation that a snapshot saw, 0 for none."""
    floor: int | None = await connection.fetchval(
        "SELECT m.seq FROM callboard.messages m WHERE m.conversation_id = $1"
        " AND pg_visible_in_snapshot(m.created_xid, $2::text::pg_snapshot)"
        " ORDER BY m.seq DESC LIMIT 1",
        conversation,
        str(since),
    )
    return floor or 0


_ANNOUNCE = text("""
INSERT INTO callboard.feed (node_id, events, conversation_ids, first_seqs, last_seqs,
  prev_xids)
VALUES (:node, CAST(:events AS jsonb), :conversations, :seqs, :seqs,
  CAST(CAST(:prev_xids AS text[]) AS xid8[]))
""").bindparams(
    bindparam("conversations", type_=ARRAY(Uuid)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
    bindparam("prev_xids", type_=ARRAY(Text)),
)


async def announce(
    connection: AsyncConnection,
    node_id: UUID,
    events: Sequence[Mapping[str, Any]],
    appended: Sequence[Announced] = (),
) -> int:
    """
    Write what this transaction announces; gives its transaction id.

    Of `appended` each conversation has at most one message.
    """
    result = await connection.execute(
        _ANNOUNCE,
        {
            "node": node_id,
            "events": orjson.dumps(events).decode() if events else None,
            "conversations": [each.message.conversation_id for each in appended],
            "seqs": [each.message.seq for each in appended],
            "prev_xids": [str(each.prev_xid) for each in appended],
        },
    )
    result.close()
    xid = await connection.execute(text("SELECT pg_current_xact_id()::text"))
    return int(xid.scalar_one())


async def forget(connection: asyncpg.Connection, keep_seconds: float) -> int:
    """Delete rows older than this; gives how many. Repair never needs them."""
    status: str = await connection.execute(
        "DELETE FROM callboard.feed"
        " WHERE created_at < now() - make_interval(secs => $1)",
        keep_seconds,
    )
    return int(status.rpartition(" ")[2])
