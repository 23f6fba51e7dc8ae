"""The moderation log: what was decided, about whom and what, by whose key."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ApiKeyId, ConversationId, MessageId, UserId
from storage.tables import moderation_log


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of the moderators; rows are only ever added."""

    id: UUID
    report_id: UUID | None
    api_key_id: ApiKeyId | None
    action: str
    user_id: UserId | None
    conversation_id: ConversationId | None
    message_id: MessageId | None
    note: str | None
    created_at: datetime


_DECISION = [moderation_log.c[field.name] for field in fields(Decision)]


class Moderation:
    """The log, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def log(
        self,
        decision: UUID,
        *,
        report: UUID,
        key: ApiKeyId,
        action: str,
        user: UserId | None,
        conversation: ConversationId | None,
        message: MessageId | None,
        note: str | None,
    ) -> None:
        """Add a decision."""
        await self._connection.execute(
            insert(moderation_log).values(
                id=decision,
                report_id=report,
                api_key_id=key,
                action=action,
                user_id=user,
                conversation_id=conversation,
                message_id=message,
                note=note,
            )
        )

    async def decisions(
        self,
        *,
        user: UUID | None = None,
        report: UUID | None = None,
        before: UUID | None = None,
        limit: int,
    ) -> list[Decision]:
        """List decisions, the newest first."""
        wanted = [
            None if user is None else moderation_log.c.user_id == user,
            None if report is None else moderation_log.c.report_id == report,
            None if before is None else moderation_log.c.id < before,
        ]
        rows = await self._connection.execute(
            select(*_DECISION)
            .where(*(part for part in wanted if part is not None))
            .order_by(moderation_log.c.id.desc())
            .limit(limit)
        )
        return [Decision(**row._mapping) for row in rows]  # noqa: SLF001 - as a tuple
