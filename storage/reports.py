"""
Reports: who finds what wrong, with what was reported kept as it was.

What is kept is read with the rights of who reports: row-level security decides what
there is to report, so a report brings nobody what they could not read before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ApiKeyId, ConversationId, MessageId, UserId
from storage.tables import message_edits, messages, reports

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the moderators' queue shows it."""

    id: UUID
    reporter_id: UserId
    reported_user_id: UserId | None
    content_type: str
    content_id: UUID
    conversation_id: ConversationId | None
    reason: str
    description: str | None
    status: str
    resolution: str | None
    note: str | None
    resolved_by: ApiKeyId | None
    resolved_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is to be kept of something reported, and whose it is."""

    reported_user_id: UserId | None
    conversation_id: ConversationId | None
    content: Mapping[str, Any]


_REPORT = [reports.c[field.name] for field in fields(Report)]

_KEPT_OF_A_MESSAGE = (
    "conversation_id",
    "seq",
    "sender_id",
    "kind",
    "body",
    "attachments",
    "sent_at",
    "edited_at",
    "deleted_at",
)


class Reports:
    """The reports that this transaction may see, and what it may report."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # --- what there is to report --------------------------------------------------

    async def message(self, message: MessageId) -> Evidence | None:
        """Give a message and what it said before; None where it may not be read."""
        found = await self._connection.execute(
            select(*(messages.c[name] for name in _KEPT_OF_A_MESSAGE)).where(
                messages.c.id == message
            )
        )
        row = found.one_or_none()
        if row is None:
            return None
        edits = await self._connection.execute(
            select(message_edits.c.body, message_edits.c.edited_at)
            .where(
                message_edits.c.conversation_id == row.conversation_id,
                message_edits.c.message_id == message,
            )
            .order_by(message_edits.c.version)
        )
        history = [{"body": edit.body, "until": edit.edited_at} for edit in edits]
        content = {**row._mapping, "history": history}  # noqa: SLF001 - a named tuple's
        return Evidence(row.sender_id, row.conversation_id, content)

    async def gig(self, gig: UUID) -> Evidence | None:
        """Give a gig that concerns this transaction's user or is published."""
        found = await self._connection.execute(
            text(
                "SELECT kind, title, status, owner_id, organization_id"
                " FROM callboard.known_gig(:gig)"
            ),
            {"gig": gig},
        )
        row = found.one_or_none()
        if row is None:
            return None
        return Evidence(row.owner_id, None, dict(row._mapping))  # noqa: SLF001 - as above

    # --- a person's reports -------------------------------------------------------

    async def pending_of(
        self, reporter: UserId, content_type: str, content: UUID
    ) -> Report | None:
        """Give the report that somebody has made of a thing, while it is pending."""
        rows = await self._connection.execute(
            select(*_REPORT).where(
                reports.c.reporter_id == reporter,
                reports.c.content_type == content_type,
                reports.c.content_id == content,
                reports.c.status == PENDING,
            )
        )
        row = rows.one_or_none()
        return Report(**row._mapping) if row else None  # noqa: SLF001 - as above

    async def count_pending(self, reporter: UserId) -> int:
        """Count what somebody has reported and nobody has decided."""
        rows = await self._connection.execute(
            select(func.count()).where(
                reports.c.reporter_id == reporter, reports.c.status == PENDING
            )
        )
        count: int = rows.scalar_one()
        return count

    async def add(
        self,
        report: UUID,
        reporter: UserId,
        content_type: str,
        content_id: UUID,
        *,
        reported_user: UserId | None,
        conversation: ConversationId | None,
        content: Mapping[str, Any],
        reason: str,
        description: str | None,
    ) -> Report | None:
        """Keep a report; None where the same one is pending already."""
        rows = await self._connection.execute(
            insert(reports)
            .values(
                id=report,
                reporter_id=reporter,
                reported_user_id=reported_user,
                content_type=content_type,
                content_id=content_id,
                conversation_id=conversation,
                content=content,
                reason=reason,
                description=description,
            )
            .on_conflict_do_nothing(
                index_elements=["reporter_id", "content_type", "content_id"],
                index_where=reports.c.status == text("'pending'"),
            )
            .returning(*_REPORT)
        )
        row = rows.one_or_none()
        return Report(**row._mapping) if row else None  # noqa: SLF001 - as above

    async def of(
        self, reporter: UserId, *, before: UUID | None, limit: int
    ) -> list[Report]:
        """List somebody's reports, the newest first."""
        query = select(*_REPORT).where(reports.c.reporter_id == reporter)
        if before is not None:
            query = query.where(reports.c.id < before)
        return await self._all(query.order_by(reports.c.id.desc()).limit(limit))

    # --- the moderators' queue ----------------------------------------------------

    async def queue(
        self,
        *,
        status: str | None = None,
        content_type: str | None = None,
        reported_user: UUID | None = None,
        after: tuple[bool, UUID] | None = None,
        limit: int,
    ) -> list[Report]:
        """
        List everybody's reports: first the pending, then the decided, oldest first.

        `after` says whether the last one of the page before was decided, and its id.
        """
        wanted = [
            None if status is None else reports.c.status == status,
            None if content_type is None else reports.c.content_type == content_type,
            None
            if reported_user is None
            else reports.c.reported_user_id == reported_user,
        ]
        query = select(*_REPORT).where(*(part for part in wanted if part is not None))
        pending = reports.c.status == PENDING
        if after is None or not after[0]:
            first = query.where(pending)
            found = await self._page(first, after and after[1], limit)
            return found + await self._page(
                query.where(~pending), None, limit - len(found)
            )
        return await self._page(query.where(~pending), after[1], limit)

    async def lock(self, report: UUID) -> Report | None:
        """Give a report, and keep others from deciding it until this work ends."""
        rows = await self._connection.execute(
            select(*_REPORT).where(reports.c.id == report).with_for_update()
        )
        row = rows.one_or_none()
        return Report(**row._mapping) if row else None  # noqa: SLF001 - as above

    async def in_full(self, report: UUID) -> tuple[Report, Mapping[str, Any]] | None:
        """Give a report and what was reported, as it was."""
        rows = await self._connection.execute(
            select(*_REPORT, reports.c.content).where(reports.c.id == report)
        )
        row = rows.one_or_none()
        if row is None:
            return None
        values = dict(row._mapping)  # noqa: SLF001 - as above
        content = values.pop("content")
        return Report(**values), content

    async def resolve(
        self,
        report: UUID,
        *,
        status: str,
        resolution: str,
        note: str | None,
        key: ApiKeyId,
    ) -> Report:
        """Write down what was decided, by whose key."""
        rows = await self._connection.execute(
            update(reports)
            .where(reports.c.id == report)
            .values(
                status=status,
                resolution=resolution,
                note=note,
                resolved_by=key,
                resolved_at=func.now(),
            )
            .returning(*_REPORT)
        )
        return Report(**rows.one()._mapping)  # noqa: SLF001 - as above

    async def _page(
        self, query: Select[Any], after: UUID | None, limit: int
    ) -> list[Report]:
        if not limit:
            return []
        if after is not None:
            query = query.where(reports.c.id > after)
        return await self._all(query.order_by(reports.c.id).limit(limit))

    async def _all(self, query: Select[Any]) -> list[Report]:
        rows = await self._connection.execute(query)
        return [Report(**row._mapping) for row in rows]  # noqa: SLF001 - as above
