"""
Messages: the batch writer's one statement, and history by `seq`.

Promise of `write_batch`: when it returns, what it calls new is committed, dense in
`seq`, once for each client id (storage/sql/3_messages.sql says how).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.records import (
    Appended,
    ConversationId,
    Draft,
    Message,
    MessageId,
    Quote,
    UserId,
    Written,
)

_WRITE = """
SELECT draft, is_new, is_same, reason, conversation_id, message_id, seq, sent_at,
  xid, prev_xid, audience, mentions, reply_to
FROM callboard.send_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

# Who reacts changes the message, so most need no look at reactions.
COLUMNS = """
m.id, m.conversation_id, m.seq, m.client_id, m.sender_id, m.kind, m.body,
m.attachments, m.reply_to_id, m.metadata, m.mentions, m.sent_at, m.edited_at,
m.deleted_at,
m.created_xid::text AS xid,
CASE WHEN m.reply_to_id IS NOT NULL
  THEN callboard.quote_of(m.conversation_id, m.reply_to_id) END AS reply_to,
CASE WHEN m.changed_xid IS NOT NULL
  THEN callboard.reactions_to(m.conversation_id, m.id) END AS reactions,
callboard.first_read_at(m.conversation_id, m.seq, m.sender_id, m.sent_at) AS read_at
"""

_BEFORE = text(f"""
SELECT {COLUMNS} FROM callboard.messages m
WHERE m.conversation_id = :conversation AND m.seq < :before
ORDER BY m.seq DESC LIMIT :limit
""")  # noqa: S608 - constants of this file only

_AFTER = text(f"""
SELECT {COLUMNS} FROM callboard.messages m
WHERE m.conversation_id = :conversation AND m.seq > :after
ORDER BY m.seq LIMIT :limit
""")  # noqa: S608 - constants of this file only

_RANGES = text(f"""
SELECT {COLUMNS} FROM unnest(:conversations, CAST(:firsts AS bigint[]),
    CAST(:lasts AS bigint[])) AS asked(conversation_id, first_seq, last_seq)
JOIN callboard.messages m ON m.conversation_id = asked.conversation_id
  AND m.seq BETWEEN asked.first_seq AND asked.last_seq
ORDER BY m.conversation_id, m.seq
""").bindparams(bindparam("conversations", type_=ARRAY(Uuid)))  # noqa: S608 - constants

_BY_ID = text(f"""
SELECT {COLUMNS} FROM callboard.messages m
WHERE m.conversation_id = :conversation AND m.id = :id
""")  # noqa: S608 - constants of this file only

_NAMED = text(f"""
SELECT {COLUMNS} FROM callboard.messages m WHERE m.id = :id
""")  # noqa: S608 - constants of this file only


async def write_batch(
    connection: asyncpg.Connection, node_id: UUID, drafts: Sequence[Draft]
) -> list[Written]:
    """Commit drafts as messages in one statement; one answer a draft, in order."""
    rows = await connection.fetch(
        _WRITE,
        node_id,
        [draft.id for draft in drafts],
        [draft.conversation_id for draft in drafts],
        [draft.sender_id for draft in drafts],
        [draft.client_id for draft in drafts],
        [draft.digest for draft in drafts],
        [draft.body for draft in drafts],
        [draft.attachments for draft in drafts],
        [draft.reply_to_id for draft in drafts],
        [draft.metadata for draft in drafts],
    )
    return [
        Written(
            is_new=row[1],
            is_same=row[2],
            reason=row[3],
            conversation_id=row[4],
            message_id=row[5],
            seq=row[6] or 0,
            sent_at=row[7],
            xid=int(row[8] or 0),
            prev_xid=int(row[9] or 0),
            audience=row[10],
            mentions=row[11] or (),
            reply_to=_to_quote(orjson.loads(row[12])) if row[12] else None,
        )
        for row in rows
    ]


def to_message(row: Any) -> Message:  # noqa: ANN401 - rows of two drivers
    """Make a value of a row with `COLUMNS`."""
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        client_id=row.client_id,
        sender_id=row.sender_id,
        kind=row.kind,
        body=row.body,
        attachments=row.attachments,
        reply_to_id=row.reply_to_id,
        metadata=row.metadata,
        sent_at=row.sent_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        read_at=row.read_at,
        xid=int(row.xid),
        mentions=row.mentions,
        reply_to=_to_quote(row.reply_to) if row.reply_to else None,
        reactions=to_reactions(row.reactions),
    )


def to_reactions(
    stored: Mapping[str, Sequence[str]] | None,
) -> dict[str, list[UserId]]:
    """Make values of what `reactions_to` gives."""
    return {
        emoji: [UserId(UUID(person)) for person in people]
        for emoji, people in (stored or {}).items()
    }


def _to_quote(stored: Mapping[str, Any]) -> Quote:
    sender, deleted_at = stored["sender_id"], stored["deleted_at"]
    return Quote(
        id=MessageId(UUID(stored["id"])),
        seq=stored["seq"],
        sender_id=UserId(UUID(sender)) if sender else None,
        kind=stored["kind"],
        body=stored["body"],
        deleted_at=datetime.fromisoformat(deleted_at) if deleted_at else None,
    )


class Messages:
    """The messages that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def before(
        self, conversation: ConversationId, seq: int, limit: int
    ) -> list[Message]:
        """Give the messages before a `seq`, newest first."""
        rows = await self._connection.execute(
            _BEFORE, {"conversation": conversation, "before": seq, "limit": limit}
        )
        return [to_message(row) for row in rows]

    async def after(
        self, conversation: ConversationId, seq: int, limit: int
    ) -> list[Message]:
        """Give the messages after a `seq`, oldest first."""
        rows = await self._connection.execute(
            _AFTER, {"conversation": conversation, "after": seq, "limit": limit}
        )
        return [to_message(row) for row in rows]

    async def in_ranges(self, appended: Sequence[Appended]) -> list[Message]:
        """Give the messages that references name, by conversation and `seq`."""
        rows = await self._connection.execute(
            _RANGES,
            {
                "conversations": [item.conversation_id for item in appended],
                "firsts": [item.first_seq for item in appended],
                "lasts": [item.last_seq for item in appended],
            },
        )
        return [to_message(row) for row in rows]

    async def by_id(
        self, conversation: ConversationId, message: MessageId
    ) -> Message | None:
        """Give one message, or None where this transaction may not see it."""
        rows = await self._connection.execute(
            _BY_ID, {"conversation": conversation, "id": message}
        )
        row = rows.one_or_none()
        return to_message(row) if row else None

    async def named(self, message: MessageId) -> Message | None:
        """Give a message of whichever conversation."""
        rows = await self._connection.execute(_NAMED, {"id": message})
        row = rows.one_or_none()
        return to_message(row) if row else None
