"""People: the platform's users, mirrored here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import translated
from storage.records import Profile, User, UserId
from storage.rows import is_one_of
from storage.tables import users

_USER = [users.c[field.name] for field in fields(User)]


class Users:
    """The users that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, user: UserId) -> User | None:
        """Give a user whole; as a user, only oneself."""
        rows = await self._connection.execute(select(*_USER).where(users.c.id == user))
        row = rows.one_or_none()
        return User(**row._mapping) if row else None  # noqa: SLF001 - a named tuple's

    async def with_ids(self, ids: Collection[UserId]) -> dict[UserId, User]:
        """Give those of these users that there are."""
        rows = await self._connection.execute(
            select(*_USER).where(is_one_of(users.c.id, ids))
        )
        return {row.id: User(**row._mapping) for row in rows}  # noqa: SLF001 - as above

    async def profile(self, user: UserId) -> Profile | None:
        """Give what anybody may see of an active user."""
        return (await self.profiles([user])).get(user)

    async def profiles(self, ids: Collection[UserId]) -> dict[UserId, Profile]:
        """Give what anybody may see of those of these users that are active."""
        rows = await self._connection.execute(
            text(
                "SELECT id, display_name, handle, avatar_url, headline, role"
                " FROM callboard.profiles WHERE id = ANY(:ids)"
            ),
            {"ids": list(ids)},
        )
        return {row.id: Profile(**row._mapping) for row in rows}  # noqa: SLF001

    async def create_missing(
        self, user: UserId, display_name: str, email: str | None
    ) -> bool:
        """Create a user on first sight; False where somebody else just did."""
        rows = await self._connection.execute(
            insert(users)
            .values(id=user, display_name=display_name, email=email)
            .on_conflict_do_nothing(index_elements=[users.c.id])
            .returning(users.c.id)
        )
        return rows.one_or_none() is not None

    async def put(self, items: Sequence[Mapping[str, Any]]) -> list[User]:
        """
        Create or update users; answers in the order given.

        Rows are taken in id order, so that two calls at once do not wait for each
        other in a circle. A column that no item names keeps its value; all items
        name the same columns.

        Raises:
            Duplicate: `uq_users_handle`, somebody else has that handle.
        """
        ordered = sorted(items, key=lambda item: item["id"])
        statement = insert(users)
        named = {name for name in items[0] if name != "id"}
        with translated():
            rows = await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[users.c.id],
                    set_={name: statement.excluded[name] for name in sorted(named)}
                    | {"updated_at": func.now()},
                ).returning(*_USER),
                ordered,
            )
        stored = {row.id: User(**row._mapping) for row in rows}  # noqa: SLF001
        return [stored[item["id"]] for item in items]

    async def refuse_tokens_before(self, user: UserId, moment: datetime) -> bool:
        """Refuse every token issued before a moment; False if there is no such user."""
        rows = await self._connection.execute(
            update(users)
            .where(users.c.id == user)
            .values(
                tokens_valid_after=func.greatest(users.c.tokens_valid_after, moment),
                updated_at=func.now(),
            )
            .returning(users.c.id)
        )
        return rows.one_or_none() is not None

    async def set_status(self, user: UserId, status: str) -> User | None:
        """Change the status of an account; None if there is no such user."""
        rows = await self._connection.execute(
            update(users)
            .where(users.c.id == user)
            .values(account_status=status, updated_at=func.now())
            .returning(*_USER)
        )
        row = rows.one_or_none()
        return User(**row._mapping) if row else None  # noqa: SLF001 - as above

    async def holding(self, handles: Sequence[str]) -> dict[str, UserId]:
        """Tell who has these handles, which are given and answered in lower case."""
        if not handles:
            return {}
        rows = await self._connection.execute(
            select(func.lower(users.c.handle).label("handle"), users.c.id).where(
                func.lower(users.c.handle).in_(handles)
            )
        )
        return {row.handle: UserId(row.id) for row in rows}

    async def let_go_of_handles(self, ids: Sequence[UserId]) -> None:
        """Free the handles of these users, so that others can be given them."""
        await self._connection.execute(
            update(users).where(users.c.id.in_(ids)).values(handle=None)
        )

    async def existing(self, ids: Collection[UserId]) -> set[UserId]:
        """Tell which of these users there are."""
        rows = await self._connection.execute(
            select(users.c.id).where(is_one_of(users.c.id, ids))
        )
        return set(rows.scalars())
