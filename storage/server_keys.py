"""
Keys that the server makes for itself: for links and reply addresses, and for VAPID.

They never leave the server, and no person's transaction can read them. One key of a
purpose is current; those before it are kept, because what was made with them is still
about.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import uuid7
from storage.tables import server_keys

Purpose = Literal["links", "vapid"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `public` where it has a public half."""

    secret: bytes = field(repr=False)
    public: bytes | None = None


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A key as it is kept; a retired one signs nothing new."""

    id: UUID
    purpose: str
    secret: bytes = field(repr=False)
    public: bytes | None
    created_at: datetime
    retired_at: datetime | None


_COLUMNS = [server_keys.c[name] for name in ServerKey.__slots__]

# Whoever comes second waits for the first, and then finds that there is one.
_ADD = text("""
INSERT INTO callboard.server_keys (id, purpose, secret, public)
VALUES (:id, :purpose, :secret, :public)
ON CONFLICT (purpose) WHERE retired_at IS NULL DO NOTHING
""")

_RETIRE = text("""
UPDATE callboard.server_keys SET retired_at = :now
WHERE purpose = :purpose AND retired_at IS NULL
""")


class ServerKeys:
    """The server's own keys, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def current(self, purpose: Purpose, make: Callable[[], NewKey]) -> ServerKey:
        """
        Give the key that signs now; the first who asks makes it.

        However many ask at once, all are given the same one.
        """
        found = await self._current(purpose)
        if found is None:
            await self._add(purpose, make())
            found = await self._current(purpose)
        if found is None:
            raise LookupError(f"the {purpose} key was retired while it was made")
        return found

    async def all(self, purpose: Purpose) -> Sequence[ServerKey]:
        """Give all keys of a purpose: the current one, then the newest first."""
        rows = await self._connection.execute(
            select(*_COLUMNS)
            .where(server_keys.c.purpose == purpose)
            .order_by(
                server_keys.c.retired_at.is_not(None),
                server_keys.c.created_at.desc(),
                server_keys.c.id.desc(),
            )
        )
        return [ServerKey(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def rotate(
        self, purpose: Purpose, make: Callable[[], NewKey], now: datetime
    ) -> ServerKey:
        """
        Retire the current key and make another; what it signed stays understood.

        Of two who rotate at the same moment one may be given the other's key.
        """
        await self._connection.execute(_RETIRE, {"purpose": purpose, "now": now})
        await self._add(purpose, make())
        return await self.current(purpose, make)

    async def _add(self, purpose: Purpose, key: NewKey) -> None:
        await self._connection.execute(
            _ADD,
            {
                "id": uuid7(),
                "purpose": purpose,
                "secret": key.secret,
                "public": key.public,
            },
        )

    async def _current(self, purpose: Purpose) -> ServerKey | None:
        rows = await self._connection.execute(
            select(*_COLUMNS).where(
                server_keys.c.purpose == purpose, server_keys.c.retired_at.is_(None)
            )
        )
        row = rows.one_or_none()
        return ServerKey(**row._mapping) if row else None  # noqa: SLF001 - its columns
