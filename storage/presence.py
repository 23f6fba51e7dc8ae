"""
Who may know whether somebody is there, and when they last were.

The rule stands in storage/sql/3_presence.sql; whether somebody is there now is not
stored here (realtime/presence.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Uuid

from storage.records import ConversationId, UserId
from storage.tables import users

_IDS = ARRAY(Uuid)

_KNOWN = text(
    "SELECT user_id, last_seen_at FROM callboard.known_presence(:users)"
).bindparams(bindparam("users", type_=_IDS))

_PAIRS = text(
    "SELECT watcher_id, user_id, last_seen_at"
    " FROM callboard.presence_pairs(:watchers, :users)"
).bindparams(bindparam("watchers", type_=_IDS), bindparam("users", type_=_IDS))

_TYPING = text(
    "SELECT reason, audience FROM callboard.typing_audience(:conversation, :most)"
).bindparams(bindparam("conversation", type_=Uuid), bindparam("most", type_=Integer))

LastSeen = Mapping[UserId, datetime | None]


class Presences:
    """What may be known of people's comings and goings."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def known(self, ids: Sequence[UserId]) -> LastSeen:
        """Give when they last were there, of those whom the acting user may know."""
        rows = await self._connection.execute(_KNOWN, {"users": list(ids)})
        return {UserId(row.user_id): row.last_seen_at for row in rows}

    async def permitted(
        self, pairs: Sequence[tuple[UserId, UserId]]
    ) -> tuple[set[tuple[UserId, UserId]], LastSeen]:
        """
        Keep, of pairs of who looks and at whom, those in which they may know.

        Gives also when those looked at were last there. For the service only.
        """
        rows = await self._connection.execute(
            _PAIRS,
            {
                "watchers": [watcher for watcher, _ in pairs],
                "users": [user for _, user in pairs],
            },
        )
        kept: set[tuple[UserId, UserId]] = set()
        seen: dict[UserId, datetime | None] = {}
        for row in rows:
            kept.add((row.watcher_id, row.user_id))
            seen[row.user_id] = row.last_seen_at
        return kept, seen

    async def keep_last_seen(self, moments: Mapping[UserId, datetime]) -> None:
        """Note when users were last there; never moves back. For the service only."""
        # In id order, so that two nodes at once do not wait for each other in a circle.
        await self._connection.execute(
            update(users)
            .where(users.c.id == bindparam("user"))
            .values(last_seen_at=func.greatest(users.c.last_seen_at, bindparam("at"))),
            [{"user": user, "at": moments[user]} for user in sorted(moments)],
        )

    async def typing_audience(
        self, conversation: ConversationId, most: int
    ) -> tuple[str | None, list[UserId]]:
        """Tell who sees the acting user type, or the ledger's reason for a no."""
        rows = await self._connection.execute(
            _TYPING, {"conversation": conversation, "most": most}
        )
        row = rows.one()
        ids: Sequence[UUID] = row.audience
        return row.reason, [UserId(each) for each in ids]
