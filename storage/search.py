"""Finding messages by what they say (storage/sql/3_search.sql)."""

from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import DateTime, Uuid

from storage.messages import COLUMNS, to_message
from storage.records import ConversationId, FoundMessage, MessageId

# Between these a headline has a match; no text contains them.
MATCH_BEGINS, MATCH_ENDS = "\ufdd0", "\ufdd1"

# Longer than this nobody waits; rarer words or one conversation are found in no time.
_TIMEOUT_MS = 5000

# `messages` is asked once more, under its own policy.
_FIND = text(f"""
SELECT {COLUMNS}, found.chars, found.begins, found.searched, found.headlines,
  found.phrases
FROM callboard.search_messages(:asked, :conversation, :sent_at, :id, :limit) AS found
JOIN callboard.messages m
  ON m.conversation_id = found.conversation_id AND m.seq = found.seq
ORDER BY m.sent_at DESC, m.id DESC
""").bindparams(  # noqa: S608 - constants of this file only
    bindparam("conversation", type_=Uuid),
    bindparam("sent_at", type_=DateTime(timezone=True)),
    bindparam("id", type_=Uuid),
)


class Search:
    """Full text of the messages that the user of this transaction may read."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(
        self,
        asked: str,
        *,
        conversation: ConversationId | None,
        before: tuple[datetime, MessageId] | None,
        limit: int,
    ) -> list[FoundMessage]:
        """
        Find messages, newest first, from before a place.

        Raises:
            Busy: At the end of the transaction, where it took too long.
        """
        sent_at, message = before or (None, None)
        await self._connection.execute(
            text(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
        )
        rows = await self._connection.execute(
            _FIND,
            {
                "asked": asked,
                "conversation": conversation,
                "sent_at": sent_at,
                "id": message,
                "limit": limit,
            },
        )
        return [
            FoundMessage(
                to_message(row),
                row.chars,
                row.begins,
                row.searched,
                row.headlines,
                row.phrases,
            )
            for row in rows
        ]
