"""
The ledger's questions: may they, and if not, why.

The answers are made in PostgreSQL (storage/sql/2_ledger.sql), by the same functions
that the statement which writes messages joins.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ConversationId, UserId


class Ledger:
    """Who may write to whom. None is yes; otherwise a reason code."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def may_message(self, me: UserId, other: UserId) -> str | None:
        """Ask whether a user may message another; a stranger is like nobody."""
        rows = await self._connection.execute(
            text("SELECT callboard.may_message(:me, :other)"),
            {"me": me, "other": other},
        )
        reason: str | None = rows.scalar_one()
        return reason

    async def may_write(self, me: UserId, conversation: ConversationId) -> str | None:
        """Ask whether a user may write into a conversation."""
        rows = await self._connection.execute(
            text("SELECT callboard.may_write(:me, :conversation)"),
            {"me": me, "conversation": conversation},
        )
        reason: str | None = rows.scalar_one()
        return reason

    async def takes_requests(self, me: UserId, other: UserId) -> bool:
        """Ask whether a user lets another ask them for a connection."""
        rows = await self._connection.execute(
            text("SELECT callboard.takes_requests(:me, :other)"),
            {"me": me, "other": other},
        )
        return bool(rows.scalar_one())

    async def is_blocked(self, one: UserId, other: UserId) -> bool:
        """Ask whether either of two people has blocked the other."""
        rows = await self._connection.execute(
            text("SELECT callboard.blocked_either_way(:one, :other)"),
            {"one": one, "other": other},
        )
        return bool(rows.scalar_one())
