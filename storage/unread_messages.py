"""Who is to be told of messages outside the conversation in which they stand."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Uuid

from storage.records import ConversationId, MessageId, UserId


@dataclass(frozen=True, slots=True)
class Said:
    """What one person has said in one conversation, from a message to a message."""

    conversation_id: ConversationId
    sender_id: UserId
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """Somebody has not read what was said from there on."""

    user_id: UserId
    conversation_id: ConversationId
    first_seq: int
    has_email: bool


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Somebody is named in a message that they have not read."""

    user_id: UserId
    conversation_id: ConversationId
    message_id: MessageId
    seq: int
    sender_id: UserId


# Still in, may read it, has not, and has not silenced the conversation.
_CONCERNED = """
  p.left_at IS NULL AND m.last_seq > p.read_seq AND m.last_seq > p.joined_seq
  AND p.user_id <> m.sender_id AND (p.muted_until IS NULL OR p.muted_until <= :now)
  AND NOT EXISTS (SELECT FROM callboard.blocks b
    WHERE b.blocker_id = p.user_id AND b.blocked_id = m.sender_id)
  AND NOT EXISTS (SELECT FROM callboard.blocks b
    WHERE b.blocker_id = m.sender_id AND b.blocked_id = p.user_id)
"""

_UNHEARD = text(f"""
WITH said AS (
  SELECT * FROM unnest(:conversations, :senders, :firsts, :lasts)
    AS s(conversation_id, sender_id, first_seq, last_seq)
), talks AS MATERIALIZED (
  SELECT c.id FROM callboard.conversations c
  WHERE c.id = ANY(:conversations) AND c.kind <> 'assistant' AND c.status = 'active'
    AND (SELECT count(*) FROM (SELECT FROM callboard.participants q
      WHERE q.conversation_id = c.id AND q.left_at IS NULL LIMIT :large + 1) few)
      <= :large
)
SELECT p.user_id, p.conversation_id,
  min(GREATEST(m.first_seq, p.read_seq + 1, p.joined_seq + 1)) AS first_seq,
  bool_or(u.email IS NOT NULL) AS has_email
FROM said m JOIN talks t ON t.id = m.conversation_id
JOIN callboard.participants p ON p.conversation_id = t.id
JOIN callboard.users u ON u.id = p.user_id AND u.account_status = 'active'
WHERE {_CONCERNED}
GROUP BY p.user_id, p.conversation_id ORDER BY p.user_id, p.conversation_id
""").bindparams(  # noqa: S608 - constants of this file only
    bindparam("conversations", type_=ARRAY(Uuid)),
    bindparam("senders", type_=ARRAY(Uuid)),
    bindparam("firsts", type_=ARRAY(BigInteger)),
    bindparam("lasts", type_=ARRAY(BigInteger)),
    bindparam("large", type_=BigInteger),
)

_MENTIONED = text(f"""
WITH m AS MATERIALIZED (
  SELECT m.id, m.conversation_id, m.seq AS last_seq, m.sender_id, m.mentions
  FROM unnest(:conversations, :seqs) AS s(conversation_id, seq)
  JOIN callboard.messages m ON m.conversation_id = s.conversation_id AND m.seq = s.seq
  WHERE m.mentions <> '{{}}' AND m.deleted_at IS NULL AND m.sender_id IS NOT NULL
)
SELECT p.user_id, m.conversation_id, m.id AS message_id, m.last_seq AS seq, m.sender_id
FROM m JOIN callboard.participants p
  ON p.conversation_id = m.conversation_id AND p.user_id = ANY(m.mentions)
WHERE {_CONCERNED}
ORDER BY m.conversation_id, m.last_seq, p.user_id
""").bindparams(  # noqa: S608 - as above
    bindparam("conversations", type_=ARRAY(Uuid)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
)

_GOES_ON = text("""
SELECT d.user_id, d.conversation_id FROM callboard.deliveries d
WHERE d.user_id = ANY(:users) AND d.conversation_id = ANY(:conversations)
  AND d.channel = :channel AND d.sent_at > :since
UNION
SELECT d.user_id, d.conversation_id FROM callboard.deliveries d
WHERE d.user_id = ANY(:users) AND d.conversation_id = ANY(:conversations)
  AND d.channel = :channel AND d.status = 'pending'
""").bindparams(
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("conversations", type_=ARRAY(Uuid)),
)


class UnreadMessages:
    """Messages and who has not read them, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def unheard(
        self, said: Sequence[Said], now: datetime, *, large: int
    ) -> list[Unheard]:
        """Give who has not read it, but not of conversations of more than `large`."""
        rows = await self._connection.execute(
            _UNHEARD,
            {
                "conversations": [each.conversation_id for each in said],
                "senders": [each.sender_id for each in said],
                "firsts": [each.first_seq for each in said],
                "lasts": [each.last_seq for each in said],
                "now": now,
                "large": large,
            },
        )
        return [Unheard(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def mentioned(
        self, places: Sequence[tuple[ConversationId, int]], now: datetime
    ) -> list[Mentioned]:
        """Give who is named in messages and has not read them."""
        rows = await self._connection.execute(
            _MENTIONED,
            {
                "conversations": [conversation for conversation, _ in places],
                "seqs": [seq for _, seq in places],
                "now": now,
            },
        )
        return [Mentioned(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def going_on(
        self,
        channel: str,
        users: Collection[UserId],
        conversations: Collection[UUID],
        since: datetime,
    ) -> set[tuple[UserId, ConversationId]]:
        """Say of what, and to whom, something waits or has left since a moment."""
        rows = await self._connection.execute(
            _GOES_ON,
            {
                "channel": channel,
                "users": list(users),
                "conversations": list(conversations),
                "since": since,
            },
        )
        return {(row.user_id, row.conversation_id) for row in rows}
