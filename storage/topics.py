"""Who follows which topic."""

from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import translated
from storage.records import UserId
from storage.tables import topic_subscriptions

_FOLLOW = text("""
INSERT INTO callboard.topic_subscriptions (topic, user_id, created_at)
SELECT :topic, :user, :now WHERE (SELECT count(*) FROM (
  SELECT FROM callboard.topic_subscriptions t
  WHERE t.user_id = :user AND t.topic <> :topic LIMIT :most) few) < :most
ON CONFLICT DO NOTHING
""")


class Topics:
    """The topics that this transaction may see; as a user, only one's own."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def follow(
        self, topic: str, user: UserId, now: datetime, *, most: int
    ) -> None:
        """
        Have somebody follow a topic, unless they follow so many others.

        Raises:
            Missing: There is no such person.
        """
        with translated():
            await self._connection.execute(
                _FOLLOW, {"topic": topic, "user": user, "now": now, "most": most}
            )

    async def leave(self, topic: str, user: UserId) -> None:
        """Have somebody follow a topic no more."""
        table = topic_subscriptions.c
        await self._connection.execute(
            delete(topic_subscriptions).where(
                table.topic == topic, table.user_id == user
            )
        )

    async def is_followed(self, topic: str, user: UserId) -> bool:
        """Say whether somebody follows a topic."""
        table = topic_subscriptions.c
        rows = await self._connection.execute(
            select(table.topic).where(table.topic == topic, table.user_id == user)
        )
        return rows.one_or_none() is not None

    async def of(self, user: UserId) -> list[tuple[str, datetime]]:
        """List what somebody follows, and since when."""
        table = topic_subscriptions.c
        rows = await self._connection.execute(
            select(table.topic, table.created_at)
            .where(table.user_id == user)
            .order_by(table.topic)
        )
        return [(row.topic, row.created_at) for row in rows]
