"""Connections between two people, and blocks: one row for each unordered pair."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import translated
from storage.records import Connection, ConnectionId, ConversationId, UserId
from storage.tables import blocks, connections

_CONNECTION = [connections.c[field.name] for field in fields(Connection)]
_CHANGED = {
    # Of the moment under the row's lock, and later than the change before: by it
    # clients tell which of two events about a link is the newer one.
    "updated_at": func.greatest(
        func.date_trunc("milliseconds", func.clock_timestamp()),
        connections.c.updated_at + timedelta(milliseconds=1),
    ),
    "changed_xid": func.pg_current_xact_id(),
}


class Connections:
    """The connections that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _one(self, query: Select[Any]) -> Connection | None:
        rows = await self._connection.execute(query)
        row = rows.one_or_none()
        return Connection(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def lock(self, connection: ConnectionId) -> Connection | None:
        """Give a connection and keep others from changing it until the end."""
        return await self._one(
            select(*_CONNECTION)
            .where(connections.c.id == connection)
            .with_for_update(key_share=True)
        )

    async def lock_pair(self, one: UserId, other: UserId) -> Connection | None:
        """Give the connection of a pair, locked, whoever requested it."""
        return await self._one(
            select(*_CONNECTION)
            .where(
                connections.c.low_id == min(one, other),
                connections.c.high_id == max(one, other),
            )
            .with_for_update(key_share=True)
        )

    async def between(self, one: UserId, other: UserId) -> Connection | None:
        """Give the connection of a pair, whoever requested it."""
        return await self._one(
            select(*_CONNECTION).where(
                connections.c.low_id == min(one, other),
                connections.c.high_id == max(one, other),
            )
        )

    async def insert(
        self,
        connection: ConnectionId,
        requester: UserId,
        recipient: UserId,
        message: str | None,
    ) -> Connection | None:
        """
        Create a pending connection, or give None if the pair has one already.

        Of two requests that cross at the same instant the second waits for the
        first and then gets None.

        Raises:
            Missing: One of the two does not exist.
        """
        with translated():
            rows = await self._connection.execute(
                insert(connections)
                .values(
                    id=connection,
                    requester_id=requester,
                    recipient_id=recipient,
                    message=message,
                )
                .on_conflict_do_nothing(constraint="uq_connections_pair")
                .returning(*_CONNECTION)
            )
        row = rows.one_or_none()
        return Connection(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def request_again(
        self,
        connection: ConnectionId,
        requester: UserId,
        recipient: UserId,
        message: str | None,
    ) -> Connection:
        """Make a link that had ended pending again, in this direction."""
        return await self._update(
            connection,
            status="pending",
            requester_id=requester,
            recipient_id=recipient,
            message=message,
        )

    async def set_status(self, connection: ConnectionId, status: str) -> Connection:
        """Move a locked connection to another status."""
        return await self._update(connection, status=status)

    async def _update(self, connection: ConnectionId, **values: object) -> Connection:
        rows = await self._connection.execute(
            update(connections)
            .where(connections.c.id == connection)
            .values(**values, **_CHANGED)
            .returning(*_CONNECTION)
        )
        return Connection(**rows.one()._mapping)  # noqa: SLF001 - its columns

    async def of(
        self,
        user: UserId,
        *,
        status: str | None,
        before: ConnectionId | None,
        limit: int,
    ) -> list[Connection]:
        """List a user's connections on either side, newest id first."""
        query = select(*_CONNECTION).where(
            or_(connections.c.requester_id == user, connections.c.recipient_id == user)
        )
        if status is not None:
            query = query.where(connections.c.status == status)
        if before is not None:
            query = query.where(connections.c.id < before)
        rows = await self._connection.execute(
            query.order_by(connections.c.id.desc()).limit(limit)
        )
        return [Connection(**row._mapping) for row in rows]  # noqa: SLF001 - columns

    async def put(self, items: Sequence[Mapping[str, Any]]) -> list[Connection]:
        """
        Create or update connections by id as the platform says they are.

        Rows are taken in id order; answers come in the order given, with what did
        not change left as it was.

        Raises:
            Duplicate: `uq_connections_pair`, the pair has another connection.
            Missing: A user of a pair does not exist.
        """
        statement = insert(connections)
        named = {name for name in items[0] if name != "id"}
        with translated():
            rows = await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[connections.c.id],
                    set_={name: statement.excluded[name] for name in sorted(named)}
                    | _CHANGED,
                ).returning(*_CONNECTION),
                sorted(items, key=lambda item: item["id"]),
            )
        stored = {row.id: Connection(**row._mapping) for row in rows}  # noqa: SLF001
        return [stored[item["id"]] for item in items]

    async def with_ids(self, ids: Sequence[UUID]) -> dict[UUID, Connection]:
        """Give connections by id, locked in id order."""
        rows = await self._connection.execute(
            select(*_CONNECTION)
            .where(connections.c.id.in_(ids))
            .order_by(connections.c.id)
            .with_for_update(key_share=True)
        )
        return {row.id: Connection(**row._mapping) for row in rows}  # noqa: SLF001

    async def of_pairs(
        self, pairs: Sequence[tuple[UserId, UserId]]
    ) -> dict[tuple[UserId, UserId], ConnectionId]:
        """Name the connections of pairs, each given and answered lower id first."""
        pair = tuple_(connections.c.low_id, connections.c.high_id)
        rows = await self._connection.execute(
            select(connections.c.id, connections.c.low_id, connections.c.high_id).where(
                pair.in_(pairs)
            )
        )
        return {(row.low_id, row.high_id): ConnectionId(row.id) for row in rows}


class Blocks:
    """Who has blocked whom, as far as this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, blocker: UserId, blocked: UserId) -> bool:
        """
        Block; False where a second time changes nothing.

        Raises:
            Missing: One of the two does not exist.
        """
        with translated():
            added = await self._connection.execute(
                insert(blocks)
                .values(blocker_id=blocker, blocked_id=blocked)
                .on_conflict_do_nothing()
                .returning(blocks.c.blocked_id)
            )
        return added.one_or_none() is not None

    async def remove(self, blocker: UserId, blocked: UserId) -> bool:
        """Unblock; False where nothing was blocked."""
        removed = await self._connection.execute(
            delete(blocks)
            .where(blocks.c.blocker_id == blocker, blocks.c.blocked_id == blocked)
            .returning(blocks.c.blocked_id)
        )
        return removed.one_or_none() is not None

    async def has(self, blocker: UserId, blocked: UserId) -> bool:
        """Tell whether somebody has blocked somebody."""
        rows = await self._connection.execute(
            select(blocks.c.blocked_id).where(
                blocks.c.blocker_id == blocker, blocks.c.blocked_id == blocked
            )
        )
        return rows.one_or_none() is not None

    async def by(
        self, blocker: UserId, *, after: UserId | None, limit: int
    ) -> list[Any]:
        """List whom a user has blocked: `blocked_id` and `created_at`, by id."""
        query = select(blocks.c.blocked_id, blocks.c.created_at).where(
            blocks.c.blocker_id == blocker
        )
        if after is not None:
            query = query.where(blocks.c.blocked_id > after)
        rows = await self._connection.execute(
            query.order_by(blocks.c.blocked_id).limit(limit)
        )
        return list(rows)

    async def follow(
        self, one: UserId, other: UserId
    ) -> tuple[ConversationId, str] | None:
        """
        Bring the pair's direct conversation in step with their blocks.

        Gives the conversation and its new status, None if that did not change.
        """
        rows = await self._connection.execute(
            text(
                "SELECT conversation_id, status"
                " FROM callboard.follow_blocks(:one, :other)"
            ),
            {"one": one, "other": other},
        )
        row = rows.one_or_none()
        return (row.conversation_id, row.status) if row else None
