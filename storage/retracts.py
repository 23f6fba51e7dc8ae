"""What devices are to take back, because it has been read elsewhere."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Uuid

from storage.records import ConversationId, UserId

# The type of a delivery that takes back; no type of the catalogue.
RETRACT = "retract"

_PLAN = text(
    "SELECT callboard.plan_retracts(:notifications, :conversation, :seq, :now)"
).bindparams(bindparam("notifications", type_=ARRAY(Uuid)))

# Of several people, whoever's transaction it is.
_PLAN_NOTIFICATIONS = text("""
SELECT callboard.plan_retracts_of(user_id, array_agg(id ORDER BY id), NULL, 0, :now)
FROM callboard.notifications WHERE id = ANY(:ids) GROUP BY user_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_PLAN_CONVERSATIONS = text("""
SELECT callboard.plan_retracts_of(user_id, '{}', conversation_id, seq, :now)
FROM unnest(:users, :conversations, :seqs) AS s(user_id, conversation_id, seq)
""").bindparams(
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("conversations", type_=ARRAY(Uuid)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
)


class Retracts:
    """Deliveries that take back what somebody has read elsewhere."""

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
        Have one's devices take back what they were pushed; storage/sql/3_retracts.sql.

        For whose transaction this is. Of the notifications those count that are read or
        put away by now, of the conversation messages up to `seq`. Each is taken back
        once.
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

    async def plan_for(
        self,
        notifications: Collection[UUID],
        now: datetime,
        *,
        read: Collection[tuple[UserId, ConversationId, int]] = (),
    ) -> None:
        """
        Do the same for whoever these are of, and who has read conversations so far.

        For the service alone.
        """
        if notifications:
            await self._connection.execute(
                _PLAN_NOTIFICATIONS, {"ids": list(notifications), "now": now}
            )
        if read:
            await self._connection.execute(
                _PLAN_CONVERSATIONS,
                {
                    "users": [user for user, _, _ in read],
                    "conversations": [conversation for _, conversation, _ in read],
                    "seqs": [seq for _, _, seq in read],
                    "now": now,
                },
            )
