"""Who belongs to what: the members of organizations, the teams of gigs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Select, Table, Uuid, column, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import translated
from storage.records import Member, UserId
from storage.rows import array_of, is_one_of


class Members:
    """The members of organizations, or of gigs' teams: one row a parent and user."""

    def __init__(self, connection: AsyncConnection, table: Table, parent: str) -> None:
        self._connection = connection
        self._table = table
        self._parent: Column[UUID] = table.c[parent]

    async def get(self, parent: UUID, user: UserId) -> Member | None:
        """Give one member."""
        rows = await self._connection.execute(
            self._of(parent).where(self._table.c.user_id == user)
        )
        row = rows.one_or_none()
        return Member(**row._mapping) if row else None  # noqa: SLF001 - its columns

    async def of(
        self, parent: UUID, *, after: UserId | None, limit: int
    ) -> list[Member]:
        """List the members of one parent, by user id."""
        query = self._of(parent)
        if after is not None:
            query = query.where(self._table.c.user_id > after)
        rows = await self._connection.execute(
            query.order_by(self._table.c.user_id).limit(limit)
        )
        return [Member(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def roles(self, parents: Collection[UUID]) -> dict[UUID, dict[UserId, str]]:
        """Give the members of several parents, each with their role."""
        rows = await self._connection.execute(
            select(self._parent, self._table.c.user_id, self._table.c.role).where(
                is_one_of(self._parent, parents)
            )
        )
        found: dict[UUID, dict[UserId, str]] = {parent: {} for parent in parents}
        for parent, user, role in rows:
            found[parent][user] = role
        return found

    async def put(self, members: Mapping[tuple[UUID, UserId], str]) -> None:
        """
        Add members or change their roles; their parents are locked.

        Raises:
            Missing: There is no such user or parent.
        """
        statement = insert(self._table)
        with translated():
            await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[self._parent, self._table.c.user_id],
                    set_={"role": statement.excluded.role},
                ),
                [
                    {self._parent.name: parent, "user_id": user, "role": role}
                    for (parent, user), role in members.items()
                ],
            )

    async def remove(self, members: Sequence[tuple[UUID, UserId]]) -> None:
        """Take members away; who is none stays none."""
        named = (
            func.unnest(
                array_of([parent for parent, _ in members]),
                array_of([user for _, user in members]),
            )
            .table_valued(column("parent_id", Uuid()), column("user_id", Uuid()))
            .render_derived()
        )
        await self._connection.execute(
            delete(self._table).where(
                self._parent == named.c.parent_id,
                self._table.c.user_id == named.c.user_id,
            )
        )

    def _of(self, parent: UUID) -> Select[Any]:
        return select(
            self._table.c.user_id, self._table.c.role, self._table.c.created_at
        ).where(self._parent == parent)
