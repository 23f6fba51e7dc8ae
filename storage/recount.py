"""
What is counted, counted again from the messages themselves.

Whatever reads a count reads it off markers (`unread` is arithmetic); here each message
is looked at, once and in order, so that a conversation of a thousand members costs no
more than its messages and its members.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.conversations import UNREAD
from storage.records import ConversationId, UserId

Kind = Literal[
    "last_seq",
    "gap",
    "last_message_at",
    "joined_seq",
    "read_seq",
    "delivered_seq",
    "hides_receipts",
    "unread",
]

# What can be wrong. A gap is a message that is not there, and nothing brings it back.
KINDS: tuple[Kind, ...] = get_args(Kind)

# Messages and participants of one look, unless one conversation has more.
_WEIGHT = 200_000

_PAGE = text("""
SELECT id FROM (
  SELECT c.id, sum(c.weight) OVER (ORDER BY c.id) - c.weight AS before FROM (
    SELECT c.id, c.last_seq + (SELECT count(*) FROM callboard.participants p
      WHERE p.conversation_id = c.id) AS weight
    FROM callboard.conversations c
    WHERE c.id > :after ORDER BY c.id LIMIT :limit) c) page
WHERE before < :weight ORDER BY id
""")

# A page of the table's file, and the first conversation from there on.
_ANYWHERE = text("""
SELECT c.id FROM callboard.conversations c
WHERE c.ctid >= (SELECT format('(%s,0)', floor(random() * pg_relation_size(
  'callboard.conversations') / current_setting('block_size')::integer))::tid)
LIMIT 1
""")

_SIZE = text("""
SELECT (SELECT count(*) FROM callboard.participants p
    WHERE p.conversation_id = ANY(:ids)) AS participants,
  (SELECT count(*) FROM callboard.messages m
    WHERE m.conversation_id = ANY(:ids)) AS messages
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_TOPS = """
SELECT c.id, COALESCE(max(m.seq), 0) AS top, count(m.seq) AS messages
FROM callboard.conversations c
LEFT JOIN callboard.messages m ON m.conversation_id = c.id
WHERE c.id = ANY(:ids) GROUP BY c.id
"""

_CONVERSATIONS = text(f"""
WITH tops AS MATERIALIZED ({_TOPS})
SELECT t.id AS conversation_id, NULL::uuid AS user_id, d.kind, d.held, d.due
FROM tops t
JOIN callboard.conversations c ON c.id = t.id
LEFT JOIN callboard.messages m ON m.conversation_id = t.id AND m.seq = t.top
CROSS JOIN LATERAL (VALUES
  ('last_seq', c.last_seq::text, t.top::text),
  ('gap', t.messages::text, t.top::text),
  ('last_message_at', c.last_message_at::text, m.sent_at::text)
) AS d(kind, held, due)
WHERE d.held IS DISTINCT FROM d.due ORDER BY t.id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants

# How the markers of participants ought to be, given what the tables hold: not behind
# one's own last message, not beyond the conversation's.
_DUE_READ = "GREATEST(LEAST(p.read_seq, t.top), COALESCE(o.last_seq, 0))"
_DUE_DELIVERED = f"LEAST(GREATEST(p.delivered_seq, {_DUE_READ}), t.top)"
_DUE_JOINED = "LEAST(p.joined_seq, t.top)"
_DUE_HIDES = "COALESCE((u.privacy ->> 'hide_receipts')::boolean, false)"

# Markers stand among the messages, each before the message of its own `seq`, and all
# are gone through from the end: what has been counted by then is what comes after.
_PARTICIPANTS = text(f"""
WITH tops AS MATERIALIZED ({_TOPS}), line AS (
  SELECT m.conversation_id, m.seq, m.sender_id AS user_id, false AS is_marker,
    CASE WHEN m.deleted_at IS NULL THEN 1 ELSE 0 END AS live
  FROM callboard.messages m WHERE m.conversation_id = ANY(:ids)
  UNION ALL
  SELECT p.conversation_id, GREATEST(p.read_seq, p.joined_seq), p.user_id, true, 0
  FROM callboard.participants p WHERE p.conversation_id = ANY(:ids)
), counted AS (
  SELECT l.conversation_id, l.user_id, l.is_marker,
    sum(l.live) OVER (PARTITION BY l.conversation_id
      ORDER BY l.seq DESC, l.is_marker DESC) AS everybodys,
    sum(l.live) OVER (PARTITION BY l.conversation_id, l.user_id
      ORDER BY l.seq DESC, l.is_marker DESC) AS own,
    max(l.seq) FILTER (WHERE NOT l.is_marker)
      OVER (PARTITION BY l.conversation_id, l.user_id) AS last_seq
  FROM line l
)
SELECT p.conversation_id, p.user_id, d.kind, d.held, d.due
FROM counted o
JOIN callboard.participants p
  ON p.conversation_id = o.conversation_id AND p.user_id = o.user_id
JOIN callboard.conversations c ON c.id = p.conversation_id
JOIN tops t ON t.id = p.conversation_id
JOIN callboard.users u ON u.id = p.user_id
CROSS JOIN LATERAL (VALUES
  ('joined_seq', p.joined_seq::text, ({_DUE_JOINED})::text),
  ('read_seq', p.read_seq::text, ({_DUE_READ})::text),
  ('delivered_seq', p.delivered_seq::text, ({_DUE_DELIVERED})::text),
  ('hides_receipts', p.hides_receipts::text, ({_DUE_HIDES})::text),
  ('unread', CASE WHEN p.left_at IS NULL THEN ({UNREAD})::text END,
    CASE WHEN p.left_at IS NULL THEN (o.everybodys - o.own)::text END)
) AS d(kind, held, due)
WHERE o.is_marker AND d.held IS DISTINCT FROM d.due
ORDER BY p.conversation_id, p.user_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants

# Who sets the privacy of somebody locks them before conversations; so does this.
_LOCK_PEOPLE = text("""
SELECT FROM callboard.users u WHERE u.id = ANY(:users) ORDER BY u.id FOR KEY SHARE
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))

_LOCK = text("SELECT FROM callboard.conversations WHERE id = :id FOR NO KEY UPDATE")

_MEND_CONVERSATION = text(f"""
WITH tops AS MATERIALIZED ({_TOPS})
UPDATE callboard.conversations c
SET last_seq = t.top, last_message_at = m.sent_at, changed_xid = pg_current_xact_id(),
  last_xid = CASE WHEN c.last_seq = t.top THEN c.last_xid ELSE m.created_xid END
FROM tops t
LEFT JOIN callboard.messages m ON m.conversation_id = t.id AND m.seq = t.top
WHERE c.id = t.id
  AND (c.last_seq, c.last_message_at) IS DISTINCT FROM (t.top, m.sent_at)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants

_MEND_PARTICIPANTS = text(f"""
WITH tops AS MATERIALIZED ({_TOPS}), own AS MATERIALIZED (
  SELECT m.conversation_id, m.sender_id AS user_id, max(m.seq) AS last_seq
  FROM callboard.messages m WHERE m.conversation_id = ANY(:ids) GROUP BY 1, 2
), mended AS (
  UPDATE callboard.participants p
  SET joined_seq = {_DUE_JOINED}, read_seq = {_DUE_READ},
    delivered_seq = {_DUE_DELIVERED}, hides_receipts = {_DUE_HIDES},
    changed_xid = pg_current_xact_id()
  FROM tops t
  JOIN callboard.participants q ON q.conversation_id = t.id
  JOIN callboard.users u ON u.id = q.user_id
  LEFT JOIN own o ON o.conversation_id = t.id AND o.user_id = q.user_id
  WHERE p.conversation_id = q.conversation_id AND p.user_id = q.user_id
    AND (p.joined_seq, p.read_seq, p.delivered_seq, p.hides_receipts) IS DISTINCT FROM
      ({_DUE_JOINED}, {_DUE_READ}, {_DUE_DELIVERED}, {_DUE_HIDES})
  RETURNING p.conversation_id
)
UPDATE callboard.conversations c SET changed_xid = pg_current_xact_id()
WHERE c.id IN (SELECT m.conversation_id FROM mended m)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Drift:
    """A count that is not what it ought to be; of nobody where `user_id` is None."""

    conversation_id: ConversationId
    user_id: UserId | None
    kind: Kind
    held: str | None
    due: str | None


class Recount:
    """Counts of this transaction's moment; mending needs the conversation's lock."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(
        self, after: ConversationId, limit: int, *, weight: int = _WEIGHT
    ) -> list[ConversationId]:
        """Give the next conversations by id: at least one, and no more than is fast."""
        rows = await self._connection.execute(
            _PAGE, {"after": after, "limit": limit, "weight": weight}
        )
        return list(rows.scalars())

    async def anywhere(self) -> ConversationId | None:
        """Give a conversation by chance; None where there is none."""
        rows = await self._connection.execute(_ANYWHERE)
        found: ConversationId | None = rows.scalar_one_or_none()
        return found

    async def size(self, ids: Collection[ConversationId]) -> tuple[int, int]:
        """Count the participants, present and past, and the messages."""
        rows = await self._connection.execute(_SIZE, {"ids": list(ids)})
        row = rows.one()
        return row.participants, row.messages

    async def drift(self, ids: Collection[ConversationId]) -> list[Drift]:
        """Give everything that is counted wrongly in these conversations."""
        asked = {"ids": list(ids)}
        rows: list[Any] = []
        for query in (_CONVERSATIONS, _PARTICIPANTS):
            rows += await self._connection.execute(query, asked)
        return [Drift(*row) for row in rows]

    async def lock(
        self, conversation: ConversationId, people: Sequence[UserId]
    ) -> None:
        """Have nobody write here, come or go, and these people not change privacy."""
        await self._connection.execute(_LOCK_PEOPLE, {"users": list(people)})
        await self._connection.execute(_LOCK, {"id": conversation})

    async def mend(self, conversation: ConversationId) -> None:
        """Set markers and counters of a locked conversation to what is due."""
        for statement in (_MEND_CONVERSATION, _MEND_PARTICIPANTS):
            await self._connection.execute(statement, {"ids": [conversation]})
