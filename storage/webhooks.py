"""
Webhooks: where the platform wants to hear of domain events.

Every moment comes from the caller, who has it from the one clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import webhook_endpoints


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place of the platform's that is told of events."""

    id: UUID
    url: str = field(repr=False)
    description: str | None
    # Types, each may end with `.*`; none: all.
    events: Sequence[str]
    status: str
    paused_reason: str | None
    # The newest first: {"secret": …, "created_at": …, "expires_at": … or null}.
    secrets: Sequence[Mapping[str, Any]] = field(repr=False)
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


_ENDPOINT = [webhook_endpoints.c[each.name] for each in fields(Endpoint)]


class Webhooks:
    """The webhooks, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, values: Mapping[str, Any]) -> Endpoint:
        """Write down an endpoint."""
        rows = await self._connection.execute(
            insert(webhook_endpoints).values(**values).returning(*_ENDPOINT)
        )
        return Endpoint(**rows.one()._mapping)  # noqa: SLF001 - a row's way to a mapping

    async def count(self) -> int:
        """Count the endpoints."""
        rows = await self._connection.execute(
            select(func.count()).select_from(webhook_endpoints)
        )
        return int(rows.scalar_one())

    async def get(self, endpoint: UUID) -> Endpoint | None:
        """Give an endpoint, which nobody else changes until the end."""
        rows = await self._connection.execute(
            select(*_ENDPOINT)
            .where(webhook_endpoints.c.id == endpoint)
            .with_for_update()
        )
        row = rows.one_or_none()
        return None if row is None else Endpoint(**row._mapping)  # noqa: SLF001 - as above

    async def list(self, *, after: UUID | None = None, limit: int) -> list[Endpoint]:
        """Give endpoints, the oldest first."""
        query = select(*_ENDPOINT).order_by(webhook_endpoints.c.id).limit(limit)
        if after is not None:
            query = query.where(webhook_endpoints.c.id > after)
        rows = await self._connection.execute(query)
        return [Endpoint(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    async def active(self) -> Sequence[Endpoint]:
        """Give all endpoints that are to be told of events."""
        rows = await self._connection.execute(
            select(*_ENDPOINT).where(webhook_endpoints.c.status == "active")
        )
        return [Endpoint(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    async def change(
        self, endpoint: UUID, values: Mapping[str, Any], now: datetime
    ) -> Endpoint:
        """Change an endpoint that is there."""
        rows = await self._connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == endpoint)
            .values(**values, updated_at=now)
            .returning(*_ENDPOINT)
        )
        return Endpoint(**rows.one()._mapping)  # noqa: SLF001 - as above

    async def remove(self, endpoint: UUID) -> None:
        """Delete an endpoint, and what was on its way there."""
        await self._connection.execute(
            delete(webhook_endpoints).where(webhook_endpoints.c.id == endpoint)
        )

    async def recovered(self, endpoint: UUID) -> None:
        """Note that an endpoint has taken something: it fails no longer."""
        await self._connection.execute(
            update(webhook_endpoints)
            .where(
                webhook_endpoints.c.id == endpoint,
                webhook_endpoints.c.failing_since.is_not(None),
            )
            .values(failing_since=None)
        )

    async def failing(self, endpoint: UUID, now: datetime) -> datetime:
        """Note that an attempt has failed; gives since when every one has."""
        # Written once for however many failures, so that they do not queue here.
        await self._connection.execute(
            update(webhook_endpoints)
            .where(
                webhook_endpoints.c.id == endpoint,
                webhook_endpoints.c.failing_since.is_(None),
            )
            .values(failing_since=now)
        )
        rows = await self._connection.execute(
            select(webhook_endpoints.c.failing_since).where(
                webhook_endpoints.c.id == endpoint
            )
        )
        since: datetime | None = rows.scalar_one_or_none()
        return since or now

    async def pause(self, endpoint: UUID, reason: str, now: datetime) -> bool:
        """Pause an endpoint that is active; tells whether it was."""
        done = await self._connection.execute(
            update(webhook_endpoints)
            .where(
                webhook_endpoints.c.id == endpoint,
                webhook_endpoints.c.status == "active",
            )
            .values(status="paused", paused_reason=reason, updated_at=now)
        )
        return done.rowcount == 1
