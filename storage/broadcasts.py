"""What is told to many: to some people, to who follows a topic, or to everyone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ApiKeyId, GigId, UserId
from storage.rows import is_one_of
from storage.tables import (
    applications,
    broadcasts,
    deliveries,
    notifications,
    topic_subscriptions,
    users,
)

# Applications that are somebody's part in a gig, and those that nothing was decided
# about yet.
_APPLICANTS = ("pending", "shortlisted", "interviewing", "offered", "accepted")
_CANDIDATES = _APPLICANTS[:-1]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Something that is told to many, and how far that has got."""

    id: UUID
    type: str
    user_ids: Sequence[UserId] | None
    topic: str | None
    content: Mapping[str, Any]
    after_user_id: UserId | None
    recipients: int
    status: str
    expires_at: datetime | None
    created_at: datetime


_BROADCAST = [broadcasts.c[field.name] for field in fields(Broadcast)]


class Broadcasts:
    """The broadcasts, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        broadcast: UUID,
        kind: str,
        content: Mapping[str, Any],
        now: datetime,
        *,
        user_ids: Sequence[UserId] | None = None,
        topic: str | None = None,
        key: ApiKeyId | None = None,
        expires_at: datetime | None = None,
        is_done: bool = False,
        recipients: int = 0,
    ) -> None:
        """Keep one that is to be worked on, or that is done."""
        await self._connection.execute(
            insert(broadcasts).values(
                id=broadcast,
                api_key_id=key,
                type=kind,
                user_ids=user_ids,
                topic=topic,
                content=dict(content),
                recipients=recipients,
                status="done" if is_done else "pending",
                expires_at=expires_at,
                created_at=now,
                finished_at=now if is_done else None,
            )
        )

    async def take(self) -> Broadcast | None:
        """Give the oldest that is not done, which nobody else works on meanwhile."""
        rows = await self._connection.execute(
            select(*_BROADCAST)
            .where(broadcasts.c.status == "pending")
            .order_by(broadcasts.c.id)
            .limit(1)
            .with_for_update(skip_locked=True, key_share=True)
        )
        row = rows.one_or_none()
        return Broadcast(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def next_people(self, broadcast: Broadcast, limit: int) -> list[UserId]:
        """Name those who come next, by id."""
        if broadcast.user_ids is not None:
            after = broadcast.after_user_id
            left = [
                user for user in broadcast.user_ids if after is None or user > after
            ]
            return left[:limit]
        query = _followers(broadcast.topic)
        if broadcast.after_user_id is not None:
            query = query.where(users.c.id > broadcast.after_user_id)
        rows = await self._connection.execute(query.order_by(users.c.id).limit(limit))
        return [UserId(user) for user in rows.scalars()]

    async def move(
        self,
        broadcast: UUID,
        after: UserId | None,
        told: int,
        now: datetime,
        *,
        is_done: bool,
    ) -> None:
        """Write down how far one has got, and that so many more were told."""
        await self._connection.execute(
            update(broadcasts)
            .where(broadcasts.c.id == broadcast)
            .values(
                after_user_id=func.coalesce(after, broadcasts.c.after_user_id),
                recipients=broadcasts.c.recipients + told,
                status="done" if is_done else "pending",
                finished_at=now if is_done else None,
            )
        )

    async def cancel(self, broadcast: UUID, now: datetime) -> str | None:
        """
        Have one tell nobody more; gives what it was until now, None if there is none.

        What is working on it just now is waited for.
        """
        rows = await self._connection.execute(
            select(broadcasts.c.status)
            .where(broadcasts.c.id == broadcast)
            .with_for_update(key_share=True)
        )
        status: str | None = rows.scalar_one_or_none()
        if status is not None and status != "cancelled":
            await self._connection.execute(
                update(broadcasts)
                .where(broadcasts.c.id == broadcast)
                .values(status="cancelled", finished_at=now)
            )
        return status

    async def take_back(
        self, broadcast: UUID, now: datetime, limit: int
    ) -> dict[UUID, bool]:
        """
        Have notifications of one expire, and nothing leave of them any more.

        Gives which, at most so many, and whether the person saw it; where there are so
        many, there may be more.
        """
        rows = await self._connection.execute(
            select(notifications.c.id, notifications.c.is_shown)
            .where(
                notifications.c.broadcast_id == broadcast,
                notifications.c.expires_at.is_(None)
                | (notifications.c.expires_at > now),
            )
            .order_by(notifications.c.id)
            .limit(limit)
            .with_for_update(key_share=True)
        )
        found = {row.id: row.is_shown for row in rows}
        if not found:
            return {}
        await self._connection.execute(
            update(deliveries)
            .where(
                is_one_of(deliveries.c.notification_id, found),
                deliveries.c.status.in_(("pending", "carried")),
            )
            .values(
                status="skipped",
                reason="cancelled",
                trail=deliveries.c.trail
                + func.jsonb_build_array(
                    func.jsonb_build_object("at", now, "what", "cancelled")
                ),
                updated_at=now,
            )
        )
        await self._connection.execute(
            update(notifications)
            .where(is_one_of(notifications.c.id, found))
            .values(
                expires_at=now, updated_at=now, changed_xid=func.pg_current_xact_id()
            )
        )
        return found

    # --- who they are for ---------------------------------------------------------

    async def count(self, topic: str | None) -> int:
        """Count who follows a topic, or everyone."""
        followers = _followers(topic).subquery()
        rows = await self._connection.execute(
            select(func.count()).select_from(followers)
        )
        return int(rows.scalar_one())

    async def applicants_of(
        self, gigs: Collection[GigId]
    ) -> dict[GigId, tuple[list[UserId], list[UserId]]]:
        """Give of gigs the applicants with a part in it, and the undecided ones."""
        found: dict[GigId, tuple[list[UserId], list[UserId]]] = {
            gig: ([], []) for gig in gigs
        }
        rows = await self._connection.execute(
            select(
                applications.c.gig_id,
                applications.c.applicant_id,
                applications.c.status,
            ).where(
                is_one_of(applications.c.gig_id, gigs),
                applications.c.status.in_(_APPLICANTS),
            )
        )
        for gig, applicant, status in rows:
            found[gig][0].append(applicant)
            if status in _CANDIDATES:
                found[gig][1].append(applicant)
        return found


def _followers(topic: str | None) -> Select[Any]:
    query = select(users.c.id).where(users.c.account_status == "active")
    if topic is None:
        return query
    return query.join(
        topic_subscriptions,
        and_(
            topic_subscriptions.c.user_id == users.c.id,
            topic_subscriptions.c.topic == topic,
        ),
    )
