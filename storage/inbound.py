"""
Mail that came in: each is taken once, and kept by what it was about, not what it said.

Every moment comes from the caller, who has it from the one clock.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import uuid7
from storage.records import ConversationId, UserId

InboundKind = Literal["reply", "bounce", "complaint", "unsubscribe", "unknown"]


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that was sent: to whom, to which address, and for what purpose."""

    delivery_id: UUID
    user_id: UserId
    type: str
    class_: str
    recipient_email: str | None


# No two rows are equal where a column is NULL, so that is looked for by hand.
_TAKE = text("""
INSERT INTO callboard.inbound_emails (id, kind, message_id, delivery_id, user_id,
  outcome, received_at)
SELECT CAST(:id AS uuid), CAST(:kind AS text), CAST(:message_id AS text),
  CAST(:delivery_id AS uuid),
  (SELECT u.id FROM callboard.users u WHERE u.id = CAST(:user_id AS uuid)),
  CAST(:outcome AS text), CAST(:now AS timestamptz)
WHERE CAST(:delivery_id AS uuid) IS NOT NULL OR NOT EXISTS (
  SELECT FROM callboard.inbound_emails
  WHERE kind = CAST(:kind AS text) AND message_id = CAST(:message_id AS text)
    AND delivery_id IS NULL)
ON CONFLICT (kind, message_id, delivery_id) DO NOTHING
RETURNING id
""")

_SENT = text("""
SELECT d.id AS delivery_id, d.user_id, d.type, d.class AS class_,
  (SELECT l.recipient_email FROM callboard.email_logs l WHERE l.delivery_id = d.id
    ORDER BY l.id DESC LIMIT 1) AS recipient_email
FROM callboard.deliveries d WHERE d.id = :id AND d.channel = 'email'
""")

_NAMED = text("""
SELECT delivery_id FROM callboard.email_logs
WHERE message_id = :message_id AND delivery_id IS NOT NULL ORDER BY id DESC LIMIT 1
""")

# Only a mail about one conversation has an address at which that is answered.
_LAST_ABOUT = text("""
SELECT id FROM callboard.deliveries
WHERE user_id = :user_id AND channel = 'email' AND sent_at > :since
  AND conversation_id = :conversation_id
ORDER BY sent_at DESC LIMIT 1
""")

_FORGET = text("""
DELETE FROM callboard.inbound_emails WHERE id IN (
  SELECT id FROM callboard.inbound_emails WHERE received_at < :before
  ORDER BY received_at LIMIT :limit)
""")


class InboundEmails:
    """What came in by mail, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(
        self,
        kind: InboundKind,
        message_id: str,
        *,
        delivery: UUID | None,
        user: UserId | None,
        outcome: str,
        now: datetime,
    ) -> bool:
        """
        Note that a mail has come, and what becomes of it; False if it came before.

        Whoever takes the same at this moment waits here, and then hears that.
        """
        rows = await self._connection.execute(
            _TAKE,
            {
                "id": uuid7(),
                "kind": kind,
                "message_id": message_id,
                "delivery_id": delivery,
                "user_id": user,
                "outcome": outcome,
                "now": now,
            },
        )
        return rows.one_or_none() is not None

    async def sent(self, delivery: UUID) -> SentMail | None:
        """Give the mail of a delivery; None where there is none."""
        rows = await self._connection.execute(_SENT, {"id": delivery})
        row = rows.one_or_none()
        return SentMail(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def named(self, message_id: str) -> UUID | None:
        """Tell which delivery a mail with this Message-ID was."""
        rows = await self._connection.execute(_NAMED, {"message_id": message_id})
        found: UUID | None = rows.scalar_one_or_none()
        return found

    async def last_about(
        self, user: UserId, conversation: ConversationId, since: datetime
    ) -> UUID | None:
        """Tell with which delivery somebody was last mailed about a conversation."""
        rows = await self._connection.execute(
            _LAST_ABOUT,
            {"user_id": user, "conversation_id": conversation, "since": since},
        )
        found: UUID | None = rows.scalar_one_or_none()
        return found

    async def forget(self, before: datetime, limit: int) -> int:
        """Forget what came before a moment, at most so much of it."""
        rows = await self._connection.execute(
            _FORGET, {"before": before, "limit": limit}
        )
        return rows.rowcount
