"""
Uploads: what is known of a file that goes into a conversation; its bytes are elsewhere.

A user's transaction sees the user's own and those of messages that the user reads
(storage/sql/4_policies.sql). A message takes its uploads when it is stored, and lets
go of them when it is deleted (storage/sql/3_uploads.sql).
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ConversationId, Upload, UploadId, UserId
from storage.tables import message_keys, uploads

_UPLOAD = [uploads.c[field.name] for field in fields(Upload)]


class Uploads:
    """The uploads that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        upload: UploadId,
        conversation: ConversationId,
        uploader: UserId,
        *,
        name: str,
        mime_type: str,
        size: int,
    ) -> Upload:
        """Note that somebody is about to upload a file."""
        rows = await self._connection.execute(
            insert(uploads)
            .values(
                id=upload,
                conversation_id=conversation,
                uploader_id=uploader,
                name=name,
                mime_type=mime_type,
                size=size,
            )
            .returning(*_UPLOAD)
        )
        return Upload(**rows.one()._mapping)  # noqa: SLF001 - a row's way to a mapping

    async def get(self, upload: UploadId) -> Upload | None:
        """Find an upload that has not been deleted."""
        return (await self.of([upload])).get(upload)

    async def of(self, ids: Iterable[UploadId]) -> dict[UploadId, Upload]:
        """Find those of some uploads that have not been deleted."""
        rows = await self._connection.execute(
            select(*_UPLOAD).where(
                uploads.c.id.in_(list(ids)), uploads.c.deleted_at.is_(None)
            )
        )
        found = [Upload(**row._mapping) for row in rows]  # noqa: SLF001 - as above
        return {upload.id: upload for upload in found}

    async def count_unsent(self, uploader: UserId, at_most: int) -> int:
        """Count what somebody uploads and has not sent, no further than a number."""
        unsent = (
            select(uploads.c.id)
            .where(uploads.c.uploader_id == uploader, uploads.c.seq.is_(None))
            .limit(at_most)
            .subquery()
        )
        rows = await self._connection.execute(select(func.count()).select_from(unsent))
        return int(rows.scalar_one())

    async def knows_draft(self, sender: UserId, client_id: UUID) -> bool:
        """Tell whether somebody has sent a message with this client id before."""
        rows = await self._connection.execute(
            select(message_keys.c.message_id).where(
                message_keys.c.sender_id == sender,
                message_keys.c.client_id == client_id,
            )
        )
        return rows.first() is not None

    async def take_discarded(
        self, unsent_for: timedelta, limit: int
    ) -> Sequence[UploadId]:
        """
        Lock uploads whose bytes nobody may have any more, none that another is taking.

        They are those of deleted messages, and what was not sent in a time.
        """
        # An index has those without a message, and a deleted message has let go of its.
        rows = await self._connection.execute(
            select(uploads.c.id)
            .where(
                uploads.c.seq.is_(None),
                or_(
                    uploads.c.deleted_at.is_not(None),
                    uploads.c.created_at < func.now() - unsent_for,
                ),
            )
            .order_by(uploads.c.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [UploadId(id_) for id_ in rows.scalars()]

    async def forget(self, ids: Sequence[UploadId]) -> None:
        """Delete what is known of uploads whose bytes are gone."""
        await self._connection.execute(
            delete(uploads).where(uploads.c.id.in_(list(ids)))
        )
