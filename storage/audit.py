"""The audit log: who did what to whom. Rows are only ever added (3_safety.sql)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import uuid7
from storage.records import ApiKeyId
from storage.tables import audit_logs


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody did something: a person, a platform's key, or the server itself."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    action: str
    subject: dict[str, str]
    data: dict[str, Any]


# Whatever the id is called in it.
_ABOUT = text(
    "jsonb_path_exists(audit_logs.subject, '$.* ? (@ == $id)',"
    " jsonb_build_object('id', CAST(:about AS text)))"
)

_ACT = [audit_logs.c[field.name] for field in fields(Act)]


class Audit:
    """The log, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        action: str,
        subject: Mapping[str, str],
        data: Mapping[str, Any],
        *,
        key: ApiKeyId | None = None,
    ) -> None:
        """Note what the server did, or a platform's key, and is no domain event."""
        await self._connection.execute(
            insert(audit_logs).values(
                id=uuid7(),
                actor_kind="system" if key is None else "platform",
                actor_id=key,
                action=action,
                subject=dict(subject),
                data=dict(data),
            )
        )

    async def acts(
        self,
        *,
        actor: UUID | None = None,
        action: str | None = None,
        subject: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: UUID | None = None,
        limit: int,
    ) -> list[Act]:
        """
        Give acts, the newest first: those of an actor, of a kind, about an id.

        `since` is included, `until` is not.
        """
        wanted = [
            None if actor is None else audit_logs.c.actor_id == actor,
            None if action is None else audit_logs.c.action == action,
            None if subject is None else _ABOUT.bindparams(about=str(subject)),
            None if since is None else audit_logs.c.at >= since,
            None if until is None else audit_logs.c.at < until,
            None if before is None else audit_logs.c.id < before,
        ]
        rows = await self._connection.execute(
            select(*_ACT)
            .where(*(part for part in wanted if part is not None))
            .order_by(audit_logs.c.id.desc())
            .limit(limit)
        )
        return [Act(**row._mapping) for row in rows]  # noqa: SLF001 - a named tuple's
