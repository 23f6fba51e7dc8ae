"""What people choose to show of themselves, and from whom they take requests."""

from dataclasses import asdict, dataclass
from typing import Literal

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import UserId
from storage.tables import users

TakesRequests = Literal["everyone", "participants", "nobody"]


@dataclass(frozen=True, slots=True)
class Privacy:
    """The choices of a person; what they have not chosen is as it stands here."""

    hide_receipts: bool = False
    hide_presence: bool = False
    hide_typing: bool = False
    connection_requests: TakesRequests = "everyone"


class Privacies:
    """The choices that this transaction may see and change."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self, user: UserId) -> Privacy | None:
        """Give a user's choices; nobody else changes them until the end."""
        rows = await self._connection.execute(
            select(users.c.privacy)
            .where(users.c.id == user)
            .with_for_update(key_share=True)
        )
        chosen = rows.scalar_one_or_none()
        return None if chosen is None else Privacy(**chosen)

    async def get(self, user: UserId) -> Privacy | None:
        """Give a user's choices; as a user, only one's own."""
        rows = await self._connection.execute(
            select(users.c.privacy).where(users.c.id == user)
        )
        chosen = rows.scalar_one_or_none()
        return None if chosen is None else Privacy(**chosen)

    async def set(self, privacy: Privacy) -> None:
        """Keep what the user of this transaction has chosen, from now on."""
        await self._connection.execute(
            text("SELECT callboard.set_privacy(CAST(:privacy AS jsonb))"),
            {"privacy": orjson.dumps(asdict(privacy)).decode()},
        )
