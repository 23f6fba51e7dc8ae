"""
What becomes of messages after they were sent: edits, deletion, reactions.

`lock` comes first: nobody writes, comes or goes in the conversation from then until the
transaction ends (storage/sql/3_edits.sql). The other calls rely on it.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.messages import to_reactions
from storage.records import (
    ConversationId,
    LockedMessage,
    MessageEdit,
    MessageId,
    UserId,
)

_LOCK = text("""
SELECT conversation_id, seq, sender_id, kind, body, has_attachments, sent_at,
  deleted_at, conversation_kind, role, reason, versions
FROM callboard.lock_message(:id)
""")

_LOCK_ANY = text("""
SELECT conversation_id, seq, kind, deleted_at FROM callboard.lock_any_message(:id)
""")

_HISTORY = text("""
SELECT version, body, edited_at FROM callboard.message_edits
WHERE conversation_id = :conversation AND message_id = :id AND version > :after
ORDER BY version LIMIT :limit
""")


class Edits:
    """Changes of messages, by the user of this transaction or by the service."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self, message: MessageId) -> LockedMessage | None:
        """
        Lock a message for the user of this transaction; None where they see none.

        Who sent it and has left since gets it, with the reason why nothing is to be
        done about it.
        """
        rows = await self._connection.execute(_LOCK, {"id": message})
        row = rows.one_or_none()
        return LockedMessage(**row._mapping) if row else None  # noqa: SLF001

    async def lock_for_service(
        self, message: MessageId
    ) -> tuple[ConversationId, int, bool] | None:
        """Lock any message; gives its place and whether there is something to wipe."""
        rows = await self._connection.execute(_LOCK_ANY, {"id": message})
        row = rows.one_or_none()
        if row is None or row.kind == "system":
            return None
        return row.conversation_id, row.seq, row.deleted_at is None

    async def edit(self, conversation: ConversationId, seq: int, body: str) -> None:
        """Let a message of the user's own say something else, and keep what it said."""
        await self._connection.execute(
            text("SELECT callboard.edit_message(:conversation, :seq, :body)"),
            {"conversation": conversation, "seq": seq, "body": body},
        )

    async def delete(self, conversation: ConversationId, seq: int) -> None:
        """Make a tombstone of what the user may delete."""
        await self._connection.execute(
            text("SELECT callboard.delete_message(:conversation, :seq)"),
            {"conversation": conversation, "seq": seq},
        )

    async def wipe(self, conversation: ConversationId, seq: int) -> None:
        """Make a tombstone of any message, as the service."""
        await self._connection.execute(
            text("SELECT callboard.wipe_message(:conversation, :seq)"),
            {"conversation": conversation, "seq": seq},
        )

    async def react(
        self,
        conversation: ConversationId,
        message: MessageId,
        emoji: str,
        *,
        is_wanted: bool,
        emoji_limit: int,
        limit: int,
    ) -> bool | None:
        """
        Add or remove the user's reaction; gives whether that changed anything.

        None where the message would have too many: roll back.
        """
        rows = await self._connection.execute(
            text(
                "SELECT callboard.react(:conversation, :message, :emoji, :is_wanted,"
                " :emoji_limit, :limit)"
            ),
            {
                "conversation": conversation,
                "message": message,
                "emoji": emoji,
                "is_wanted": is_wanted,
                "emoji_limit": emoji_limit,
                "limit": limit,
            },
        )
        is_new: bool | None = rows.scalar_one()
        return is_new

    async def reactions(
        self, conversation: ConversationId, message: MessageId
    ) -> dict[str, list[UserId]]:
        """Give who has reacted with what, in the order in which that came to be."""
        rows = await self._connection.execute(
            text("SELECT callboard.reactions_to(:conversation, :message)"),
            {"conversation": conversation, "message": message},
        )
        return to_reactions(rows.scalar_one())

    async def readers(self, conversation: ConversationId, seq: int) -> list[UserId]:
        """Name those who take part and may read a message."""
        rows = await self._connection.execute(
            text("SELECT callboard.readers_of(:conversation, :seq)"),
            {"conversation": conversation, "seq": seq},
        )
        readers: list[UserId] = rows.scalar_one()
        return readers

    async def history(
        self, conversation: ConversationId, message: MessageId, after: int, limit: int
    ) -> list[MessageEdit]:
        """Give what a message said before, the first version first."""
        rows = await self._connection.execute(
            _HISTORY,
            {
                "conversation": conversation,
                "id": message,
                "after": after,
                "limit": limit,
            },
        )
        return [MessageEdit(row.version, row.body, row.edited_at) for row in rows]
