"""
Who takes part in conversations: threads of gigs, which follow the market, and groups.

The rules stand in PostgreSQL (storage/sql/3_threads.sql), next to the locks that make
them hold; here they are called.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Boolean, Text, Uuid

from storage.records import (
    Announced,
    ApplicationId,
    ConversationId,
    GigId,
    Message,
    MessageId,
    UserId,
)

_IDS = ARRAY(Uuid)

_FOLLOW = text(
    "SELECT conversation_id, user_id, change FROM callboard.follow_gigs(:gigs, :roles)"
).bindparams(bindparam("gigs", type_=_IDS), bindparam("roles", type_=ARRAY(Text)))

_LIFE = text("""
SELECT conversation_id, closed_by, read_only_at, was_said, was_closed_by, is_archived
FROM callboard.follow_life(:gigs, CAST(:rules AS jsonb))
""").bindparams(bindparam("gigs", type_=_IDS))

_DUE = text("""
SELECT conversation_id, closed_by, read_only_at, was_said, closed_by AS was_closed_by,
  is_archived
FROM callboard.end_due_threads(:limit)
""")

_SAY = text("""
SELECT conversation_id, message_id, seq, sent_at, prev_xid, audience,
  pg_current_xact_id()::text AS xid
FROM callboard.say_system(:conversations, :ids, :bodies, :metadata, :closes)
""").bindparams(
    bindparam("conversations", type_=_IDS),
    bindparam("ids", type_=_IDS),
    bindparam("bodies", type_=ARRAY(Text)),
    bindparam("metadata", type_=ARRAY(Text)),
    bindparam("closes", type_=ARRAY(Boolean)),
)

_OPEN_GIG = text("""
SELECT conversation_id, is_new, reason, came_back
FROM callboard.open_gig(:id, :me, :gig, :application, :users, :roles, :history)
""").bindparams(
    bindparam("application", type_=Uuid),
    bindparam("users", type_=_IDS),
    bindparam("roles", type_=ARRAY(Text)),
)

_OPEN_GROUP = text("""
SELECT conversation_id, is_new, reason FROM callboard.open_group(
  :id, :me, :title, :writers, :history, :users, :gig, :roles, :is_platforms)
""").bindparams(
    bindparam("gig", type_=Uuid),
    bindparam("users", type_=_IDS),
    bindparam("roles", type_=ARRAY(Text)),
)

_BRING_IN = text("""
SELECT user_id FROM callboard.bring_in(:conversations, :users, :roles, :bases)
""").bindparams(
    bindparam("conversations", type_=_IDS),
    bindparam("users", type_=_IDS),
    bindparam("roles", type_=ARRAY(Text)),
    bindparam("bases", type_=ARRAY(Text)),
)

_IN_GROUPS = text("""
SELECT p.conversation_id, p.user_id FROM callboard.participants p
JOIN callboard.conversations c ON c.id = p.conversation_id
WHERE p.user_id = ANY (:users) AND p.left_at IS NULL
  AND c.kind = 'group' AND c.gig_id IS NULL
-- Owners last: an heir is made known to those who stay, not to who goes with them.
ORDER BY p.conversation_id, p.role = 'owner', p.user_id
""").bindparams(bindparam("users", type_=_IDS))

_ROLE_IN_TEAM = text("""
SELECT is_owner FROM callboard.team_of(ARRAY[CAST(:gig AS uuid)], :roles)
WHERE user_id = :user
""").bindparams(bindparam("roles", type_=ARRAY(Text)))

_MAY_NOT_ADD = text(
    "SELECT user_id, reason FROM callboard.may_not_add(:me, :users)"
).bindparams(bindparam("users", type_=_IDS))


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation that was found or made, or the ledger's reason why not."""

    conversation_id: ConversationId | None
    is_new: bool
    reason: str | None
    # Whoever opens it had left it and takes part again.
    came_back: bool | None = False


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody's place in a conversation."""

    conversation_id: ConversationId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change of the market did to somebody's part: join, leave or role."""

    conversation_id: ConversationId
    user_id: UserId
    change: str


@dataclass(frozen=True, slots=True)
class Life:
    """How a thread stands by the life-cycle rules, and what was known of it before."""

    conversation_id: ConversationId
    closed_by: str | None
    read_only_at: datetime | None
    was_said: bool
    was_closed_by: str | None
    is_archived: bool


@dataclass(frozen=True, slots=True)
class Locked:
    """A conversation that nobody else changes until the transaction ends."""

    kind: str
    status: str
    gig_id: GigId | None
    application_id: ApplicationId | None
    last_seq: int
    title: str | None
    writers: str
    history: str
    role: str | None
    basis: str | None
    participant_count: int
    # Who is in it is the platform's business alone.
    is_platforms: bool


@dataclass(frozen=True, slots=True)
class Saying:
    """What the server says in a conversation; `closes` where it says its end."""

    conversation_id: ConversationId
    id: MessageId
    body: str
    metadata: dict[str, Any]
    closes: bool = False


class Threads:
    """Who takes part, as far as this transaction may change it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def follow(
        self, gigs: Collection[GigId], roles: Sequence[str]
    ) -> list[Moved]:
        """Bring who takes part in gigs' threads in step with the market."""
        rows = await self._connection.execute(
            _FOLLOW, {"gigs": list(gigs), "roles": list(roles)}
        )
        return [Moved(*row) for row in rows]

    async def follow_life(
        self, gigs: Collection[GigId], rules: dict[str, dict[str, int | None]]
    ) -> list[Life]:
        """Apply the life-cycle rules to gigs' threads; gives those that changed."""
        rows = await self._connection.execute(
            _LIFE, {"gigs": list(gigs), "rules": orjson.dumps(rules).decode()}
        )
        return [Life(*row) for row in rows]

    async def end_due(self, limit: int) -> list[Life]:
        """Close and archive what is due; gives what is to be said of it."""
        return [
            Life(*row) for row in await self._connection.execute(_DUE, {"limit": limit})
        ]

    async def say(self, sayings: Sequence[Saying]) -> list[Announced]:
        """Say something in the server's name, once in each of these conversations."""
        rows = await self._connection.execute(
            _SAY,
            {
                "conversations": [saying.conversation_id for saying in sayings],
                "ids": [saying.id for saying in sayings],
                "bodies": [saying.body for saying in sayings],
                "metadata": [
                    orjson.dumps(saying.metadata).decode() for saying in sayings
                ],
                "closes": [saying.closes for saying in sayings],
            },
        )
        said = {saying.id: saying for saying in sayings}
        return [_announced(row, said[row.message_id]) for row in rows]

    async def open_gig(
        self,
        new_id: ConversationId,
        me: UserId,
        gig: GigId,
        application: ApplicationId | None,
        users: Collection[UserId],
        *,
        roles: Sequence[str],
        history: str,
    ) -> Opened:
        """Find or open the thread of an application, or of a gig and chosen people."""
        rows = await self._connection.execute(
            _OPEN_GIG,
            {
                "id": new_id,
                "me": me,
                "gig": gig,
                "application": application,
                "users": list(users),
                "roles": list(roles),
                "history": history,
            },
        )
        return Opened(*rows.one())

    async def open_group(
        self,
        new_id: ConversationId,
        owner: UserId,
        users: Collection[UserId],
        *,
        title: str | None,
        writers: str,
        history: str,
        gig: GigId | None = None,
        roles: Sequence[str] = (),
        is_platforms: bool = False,
    ) -> Opened:
        """Make a group, or find the one with this id or of this gig's team."""
        rows = await self._connection.execute(
            _OPEN_GROUP,
            {
                "id": new_id,
                "me": owner,
                "title": title,
                "writers": writers,
                "history": history,
                "users": list(users),
                "gig": gig,
                "roles": list(roles),
                "is_platforms": is_platforms,
            },
        )
        return Opened(*rows.one())

    async def lock(self, conversation: ConversationId) -> Locked | None:
        """Lock a conversation; None where this transaction's user is not in it."""
        rows = await self._connection.execute(
            text(
                "SELECT kind, status, gig_id, application_id, last_seq, title, writers,"
                " history, role, basis, participant_count, is_platforms"
                " FROM callboard.lock_conversation(:conversation)"
            ),
            {"conversation": conversation},
        )
        row = rows.one_or_none()
        return Locked(*row) if row else None

    async def bring_in(
        self,
        conversation: ConversationId,
        users: Sequence[UserId],
        *,
        role: str = "member",
        basis: str = "member",
    ) -> list[UserId]:
        """Bring people into a locked conversation; gives those who were not in it."""
        rows = await self._connection.execute(
            _BRING_IN,
            {
                "conversations": [conversation] * len(users),
                "users": list(users),
                "roles": [role] * len(users),
                "bases": [basis] * len(users),
            },
        )
        return [row.user_id for row in rows]

    async def let_go(
        self, conversation: ConversationId, user: UserId, reason: str
    ) -> bool:
        """Let somebody go from a locked conversation; False if they were not in it."""
        rows = await self._connection.execute(
            text(
                "SELECT user_id FROM callboard.let_go("
                "ARRAY[CAST(:conversation AS uuid)], ARRAY[CAST(:user AS uuid)],"
                " :reason)"
            ),
            {"conversation": conversation, "user": user, "reason": reason},
        )
        return rows.one_or_none() is not None

    async def set_role(
        self, conversation: ConversationId, user: UserId, role: str
    ) -> bool:
        """Give somebody another role; False if they have it or are not there."""
        rows = await self._connection.execute(
            text("SELECT callboard.set_role(:conversation, :user, :role)"),
            {"conversation": conversation, "user": user, "role": role},
        )
        return bool(rows.scalar_one())

    async def set_up(
        self,
        conversation: ConversationId,
        *,
        title: str | None,
        writers: str,
        history: str,
    ) -> bool:
        """Change what a locked conversation is; False if it is so already."""
        rows = await self._connection.execute(
            text("SELECT callboard.set_up(:conversation, :title, :writers, :history)"),
            {
                "conversation": conversation,
                "title": title,
                "writers": writers,
                "history": history,
            },
        )
        return bool(rows.scalar_one())

    async def heir_of(self, conversation: ConversationId) -> UserId | None:
        """Name who inherits a group without an owner; None where it has one."""
        rows = await self._connection.execute(
            text("SELECT callboard.heir_of(:conversation)"),
            {"conversation": conversation},
        )
        heir: UserId | None = rows.scalar_one()
        return heir

    async def in_groups(self, users: Collection[UserId]) -> list[Seat]:
        """Name where these are in a group that is no gig's, by its id, owners last."""
        rows = await self._connection.execute(_IN_GROUPS, {"users": list(users)})
        return [Seat(*row) for row in rows]

    async def applicant_of(self, application: ApplicationId) -> UserId | None:
        """Name whose application it is."""
        rows = await self._connection.execute(
            text("SELECT callboard.applicant_of(:application)"),
            {"application": application},
        )
        applicant: UserId | None = rows.scalar_one()
        return applicant

    async def role_in_team(
        self, gig: GigId, user: UserId, roles: Sequence[str]
    ) -> str | None:
        """Give the role that a gig's people have in its threads; None for others."""
        rows = await self._connection.execute(
            _ROLE_IN_TEAM, {"gig": gig, "user": user, "roles": list(roles)}
        )
        is_owner = rows.scalar_one_or_none()
        if is_owner is None:
            return None
        return "owner" if is_owner else "member"

    async def may_not_add(
        self, me: UserId, users: Collection[UserId]
    ) -> list[tuple[UserId, str]]:
        """Name whom a user may not bring into a group, with the ledger's reasons."""
        rows = await self._connection.execute(
            _MAY_NOT_ADD, {"me": me, "users": list(users)}
        )
        return [(row.user_id, row.reason) for row in rows]


def _announced(row: Row[Any], saying: Saying) -> Announced:
    message = Message(
        id=row.message_id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        client_id=None,
        sender_id=None,
        kind="system",
        body=saying.body,
        attachments=(),
        reply_to_id=None,
        metadata=saying.metadata,
        sent_at=row.sent_at,
        edited_at=None,
        deleted_at=None,
        read_at=None,
        xid=int(row.xid),
    )
    return Announced(message, int(row.prev_xid or 0), row.audience)
