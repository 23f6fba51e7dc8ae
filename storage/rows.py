"""
Rows that the platform names by id, put many at a time.

Rows are always taken in id order and in one pass, new ones and known ones alike, so
that two writers with ids in common wait for each other but never in a circle.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Table,
    Uuid,
    any_,
    bindparam,
    false,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import translated
from storage.records import Application, Gig, Organization

Record = TypeVar("Record", Organization, Gig, Application)


class Rows(Generic[Record]):
    """The rows of one table, as records of their columns."""

    def __init__(
        self, connection: AsyncConnection, table: Table, record: type[Record]
    ) -> None:
        self._connection = connection
        self._table = table
        self._record: type[Record] = record
        self._columns = [table.c[field.name] for field in fields(record)]

    async def get(self, row: UUID) -> Record | None:
        """Give one as it is now."""
        return (await self.named([row])).get(row)

    async def named(self, ids: Collection[UUID]) -> dict[UUID, Record]:
        """Give those that there are, as they are now."""
        return await self._read(self._with_ids(ids))

    async def lock(self, ids: Collection[UUID]) -> dict[UUID, Record]:
        """Give those that there are; nobody else changes them until the end."""
        query = self._with_ids(ids).order_by(self._table.c.id)
        return await self._read(query.with_for_update(key_share=True))

    async def hold(self, ids: Collection[UUID]) -> dict[UUID, Record]:
        """Give those that there are, and let others look but not change them."""
        query = self._with_ids(ids).order_by(self._table.c.id)
        return await self._read(query.with_for_update(read=True))

    async def existing(self, ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these there are."""
        rows = await self._connection.execute(
            select(self._table.c.id).where(is_one_of(self._table.c.id, ids))
        )
        return set(rows.scalars())

    async def insert_or_lock(
        self, rows: Sequence[Mapping[str, Any]]
    ) -> dict[UUID, Record]:
        """
        Insert what is new; lock and give what was there before, unchanged.

        All rows name the same columns. Of two writers with the same new id the
        second waits for the first and finds the row there.

        Raises:
            Missing: A row refers to one that does not exist.
        """
        ordered = sorted(rows, key=lambda row: row["id"])
        statement = insert(self._table)
        with translated():
            inserted = await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[self._table.c.id],
                    # Locks a row that is there already and leaves it as it is.
                    set_={"updated_at": statement.excluded.updated_at},
                    where=false(),
                ).returning(self._table.c.id),
                ordered,
            )
        new = set(inserted.scalars())
        before = [row["id"] for row in ordered if row["id"] not in new]
        return await self.named(before) if before else {}

    async def overwrite(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """
        Write rows that `insert_or_lock` has locked; each names all its columns.

        Raises:
            Missing: A row refers to one that does not exist.
        """
        statement = insert(self._table)
        named = sorted(set(rows[0]) - {"id"})
        with translated():
            await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[self._table.c.id],
                    set_={name: statement.excluded[name] for name in named},
                ),
                sorted(rows, key=lambda row: row["id"]),
            )

    def _with_ids(self, ids: Collection[UUID]) -> Select[Any]:
        return select(*self._columns).where(is_one_of(self._table.c.id, ids))

    async def _read(self, query: Select[Any]) -> dict[UUID, Record]:
        rows = await self._connection.execute(query)
        return {row.id: self._record(**row._mapping) for row in rows}  # noqa: SLF001


def is_one_of(column: ColumnElement[Any], ids: Collection[UUID]) -> ColumnElement[bool]:
    """Compare with any number of ids."""
    return column == any_(array_of(ids))


def array_of(ids: Collection[UUID]) -> ColumnElement[Any]:
    """Make one parameter of any number of ids, of which a statement has few."""
    return bindparam(None, list(ids), type_=ARRAY(Uuid()), unique=True)
