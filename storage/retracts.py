"""What devices are to take back, because it has been read elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.records import ConversationId

# The type of a delivery that takes back; no type of the catalogue.
RETRACT = "retract"

_PLAN = text(
    "SELECT callboard.plan_retracts(:notifications, :conversation, :seq, :now)"
).bindparams(bindparam("notifications", type_=ARRAY(Uuid)))


class Retracts:
    """Deliveries that take back, planned in a person's own transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def plan(
        self,
        notifications: Sequence[UUID],
        now: datetime,
        *,
        conversation: ConversationId | None = None,
        seq: int = 0,
    ) -> None:
        """
        Have devices take back what they were pushed; storage/sql/3_retracts.sql.

        Of the notifications those count that are read or put away by now, of the
        conversation messages up to `seq`. Each is taken back once.
        """
        await self._connection.execute(
            _PLAN,
            {
                "notifications": list(notifications),
                "conversation": conversation,
                "seq": seq,
                "now": now,
            },
        )
