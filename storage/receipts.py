"""How far people have got in conversations, and who is told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conversations import UNREAD
from storage.records import ConversationId, UserId

# In a conversation with more people than this nobody is told who else has read what:
# one message read by n people would be n times n events. Up to here it is 10,000.
TOLD_PARTICIPANTS = 100

_STANDING = text(f"""
SELECT p.read_seq, p.delivered_seq, c.last_seq, {UNREAD} AS unread
FROM callboard.participants p
JOIN callboard.conversations c ON c.id = p.conversation_id
WHERE p.conversation_id = :conversation AND p.user_id = :me AND p.left_at IS NULL
""")  # noqa: S608 - constants only

_MARK = text("""
UPDATE callboard.participants p
SET read_seq = GREATEST(p.read_seq, :read), read_at =
      CASE WHEN :read > p.read_seq THEN clock_timestamp() ELSE p.read_at END,
    delivered_seq = GREATEST(p.delivered_seq, :read, :delivered), delivered_at =
      CASE WHEN GREATEST(CAST(:read AS bigint), :delivered) > p.delivered_seq
        THEN clock_timestamp() ELSE p.delivered_at END,
    changed_xid = pg_current_xact_id()
WHERE p.conversation_id = :conversation AND p.user_id = :me AND p.left_at IS NULL
  AND (:read > p.read_seq OR GREATEST(CAST(:read AS bigint), :delivered)
    > p.delivered_seq)
RETURNING p.read_seq, p.delivered_seq, p.read_at, p.delivered_at,
  p.hides_receipts OR callboard.is_parted(p.conversation_id) AS is_hidden
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands in a conversation."""

    read_seq: int
    delivered_seq: int
    last_seq: int
    unread: int


class Receipts:
    """The markers that this transaction may see and move."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def standing(
        self, me: UserId, conversation: ConversationId
    ) -> Standing | None:
        """Give where a user stands; None where they do not read the conversation."""
        rows = await self._connection.execute(
            _STANDING, {"me": me, "conversation": conversation}
        )
        row = rows.one_or_none()
        return Standing(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def mark(
        self, me: UserId, conversation: ConversationId, *, read: int, delivered: int
    ) -> Any | None:  # noqa: ANN401 - a row of five
        """
        Move the user's markers forward; None where neither moved.

        Gives `read_seq`, `delivered_seq`, `read_at`, `delivered_at` as they are now,
        and `is_hidden`: whether the user hides it, or a block is between the two.
        """
        rows = await self._connection.execute(
            _MARK,
            {
                "me": me,
                "conversation": conversation,
                "read": read,
                "delivered": delivered,
            },
        )
        return rows.one_or_none()

    async def keep(
        self, me: UserId, conversation: ConversationId, seq: int, at: datetime
    ) -> None:
        """Keep when the user had read up to `seq`."""
        await self._connection.execute(
            text(
                "INSERT INTO callboard.receipts (conversation_id, user_id, seq, at)"
                " VALUES (:conversation, :me, :seq, :at) ON CONFLICT DO NOTHING"
            ),
            {"conversation": conversation, "me": me, "seq": seq, "at": at},
        )

    async def audience(self, conversation: ConversationId) -> list[UserId]:
        """
        Name who is told how far the user of this transaction has got.

        Everybody who reads the conversation; only themselves where they hide it, where
        a block is between two, or where more than `TOLD_PARTICIPANTS` take part.
        """
        rows = await self._connection.execute(
            text("SELECT callboard.receipt_audience(:conversation, :most)"),
            {"conversation": conversation, "most": TOLD_PARTICIPANTS},
        )
        return rows.scalar_one() or []
