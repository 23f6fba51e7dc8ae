"""Conversations and their participants, as one of them sees them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.messages import COLUMNS, to_message
from storage.records import (
    Conversation,
    ConversationId,
    Message,
    Participant,
    Unread,
    UserId,
)
from storage.tables import conversations, participants

# A conversation shows so many of those who take part; more are a list of their own.
SHOWN_PARTICIPANTS = 50

# Sending reads up to one's own message and joining begins at `joined_seq`, so what
# is unread is plain arithmetic, less what was taken back.
_READ = "GREATEST(p.read_seq, p.joined_seq)"
UNREAD = f"""CASE WHEN c.last_seq > {_READ}
  THEN c.last_seq - {_READ} - callboard.tombstones_after(c.id, {_READ}) ELSE 0 END"""

_STATUS = "CASE WHEN p.archived_at IS NOT NULL THEN 'archived' ELSE c.status END"

_SEEN = f"""
SELECT c.id, p.user_id AS reader_id, p.joined_seq, p.user_id, p.role, p.joined_at,
  p.read_seq, p.delivered_seq, p.hides_receipts AS is_hidden, c.kind, c.gig_id,
  c.application_id, c.title, {_STATUS} AS status, c.writers, c.history,
  c.read_only_at, c.closed_by,
  c.last_seq, c.last_message_at, {UNREAD} AS unread, p.muted_until, c.created_at,
  COALESCE(c.last_message_at, c.created_at) AS active_at
FROM callboard.participants p
JOIN callboard.conversations c ON c.id = p.conversation_id
WHERE p.left_at IS NULL
"""  # noqa: S608 - constants of this file only

_LIST = text(
    _SEEN
    + f"""
  AND p.user_id = :me
  AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
  AND (CAST(:status AS text) IS NULL OR {_STATUS} = :status)
  AND (CAST(:gig AS uuid) IS NULL OR c.gig_id = :gig)
  AND (CAST(:active_at AS timestamptz) IS NULL
    OR (COALESCE(c.last_message_at, c.created_at), c.id) < (:active_at, :id))
ORDER BY active_at DESC, c.id DESC LIMIT :limit
"""
)

_THESE = text(_SEEN + " AND p.user_id = :me AND c.id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)

_BY_EVERYBODY = text(_SEEN + " AND c.id = ANY(:ids) ORDER BY c.id").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)

# Of some conversations those in which a block is between the two.
_PARTED = """
SELECT c.id FROM callboard.conversations c WHERE c.id = ANY(:ids) AND c.kind = 'direct'
  AND callboard.blocked_either_way(c.direct_low_id, c.direct_high_id)
"""

# Of each conversation the owners and who came first; all are counted.
_PARTICIPANTS = text(f"""
SELECT * FROM (
  SELECT conversation_id, user_id, role, joined_at, read_seq, delivered_seq,
    hides_receipts OR conversation_id IN ({_PARTED}) AS is_hidden,
    count(*) OVER (PARTITION BY conversation_id) AS participant_count,
    row_number() OVER (PARTITION BY conversation_id
      ORDER BY role <> 'owner', joined_at, user_id) AS place
  FROM callboard.participants
  WHERE conversation_id = ANY(:ids) AND left_at IS NULL) p
WHERE place <= {SHOWN_PARTICIPANTS}
ORDER BY conversation_id, joined_at, user_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants

_SEEN_BY = text(
    _SEEN + " AND p.user_id = ANY(:users) AND c.id = ANY(:ids) ORDER BY c.id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("users", type_=ARRAY(Uuid)))

_PARTS = text(f"""
SELECT conversation_id, user_id, role, joined_at, read_seq, delivered_seq,
  hides_receipts OR conversation_id IN ({_PARTED}) AS is_hidden
FROM callboard.participants
WHERE conversation_id = ANY(:ids) AND user_id = ANY(:users) AND left_at IS NULL
""").bindparams(  # noqa: S608 - constants
    bindparam("ids", type_=ARRAY(Uuid)), bindparam("users", type_=ARRAY(Uuid))
)

_AUDIENCES = text("""
SELECT p.conversation_id, c.last_seq, array_agg(p.user_id) AS user_ids
FROM callboard.participants p JOIN callboard.conversations c ON c.id = p.conversation_id
WHERE p.conversation_id = ANY(:ids) AND p.left_at IS NULL
GROUP BY p.conversation_id, c.last_seq
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_PAGE_OF_PARTICIPANTS = text("""
SELECT user_id, role, joined_at, read_seq, delivered_seq,
  hides_receipts OR (SELECT callboard.is_parted(:conversation)) AS is_hidden
FROM callboard.participants
WHERE conversation_id = :conversation AND left_at IS NULL
  AND (CAST(:joined_at AS timestamptz) IS NULL
    OR (joined_at, user_id) > (:joined_at, :user))
ORDER BY joined_at, user_id LIMIT :limit
""")

_LAST_MESSAGES = text(f"""
SELECT {COLUMNS} FROM callboard.conversations c
JOIN callboard.messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
WHERE c.id = ANY(:ids)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants

_UNREAD_TOTALS = text(f"""
SELECT count(*) FILTER (WHERE unread > 0) AS conversations,
  COALESCE(sum(unread), 0)::bigint AS messages,
  (SELECT count(*) FROM callboard.notifications n WHERE n.user_id = :me
    AND n.read_at IS NULL AND n.archived_at IS NULL AND n.is_shown
    AND (n.expires_at IS NULL OR n.expires_at > :now)) AS notifications
FROM (SELECT {UNREAD} AS unread FROM callboard.participants p
JOIN callboard.conversations c ON c.id = p.conversation_id
WHERE p.user_id = :me AND p.left_at IS NULL AND p.archived_at IS NULL
  AND c.status = 'active' OFFSET 0) counted
""")  # noqa: S608 - constants of this file only


def _shown(row: Any, reader: UserId | None) -> Participant:  # noqa: ANN401 - a row
    """
    Show who hides receipts as somebody who has read nothing, but to themselves.

    So do two with a block between them, until it is taken away.
    """
    is_hidden = row.is_hidden and row.user_id != reader
    return Participant(
        row.user_id,
        row.role,
        0 if is_hidden else row.read_seq,
        0 if is_hidden else row.delivered_seq,
        row.joined_at,
    )


def as_others_see(row: Any) -> Participant:  # noqa: ANN401 - a row
    """Give somebody's part as everybody else sees it."""
    return _shown(row, None)


def _seen(
    row: Any,  # noqa: ANN401 - a row
    taking_part: Sequence[Any],
    last: Message | None,
) -> Conversation:
    # Not even the last message, where it was said before the reader's time.
    is_theirs = last is not None and last.seq > row.joined_seq
    # Of many only some are shown, oneself always.
    others = [one for one in taking_part if one.user_id != row.reader_id]
    shown = sorted(
        [row, *others[: SHOWN_PARTICIPANTS - 1]],
        key=lambda one: (one.joined_at, one.user_id),
    )
    return Conversation(
        id=row.id,
        kind=row.kind,
        gig_id=row.gig_id,
        application_id=row.application_id,
        title=row.title,
        status=row.status,
        writers=row.writers,
        history=row.history,
        read_only_at=row.read_only_at,
        closed_by=row.closed_by,
        participants=[_shown(one, row.reader_id) for one in shown],
        participant_count=taking_part[0].participant_count if taking_part else 0,
        last_seq=row.last_seq,
        last_message=last if is_theirs else None,
        last_message_at=row.last_message_at,
        unread=row.unread,
        muted_until=row.muted_until,
        created_at=row.created_at,
    )


class Conversations:
    """The conversations that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(
        self,
        me: UserId,
        *,
        kind: str | None = None,
        status: str | None = None,
        gig: UUID | None = None,
        before: tuple[datetime, ConversationId] | None = None,
        limit: int = 50,
    ) -> tuple[list[Conversation], tuple[datetime, ConversationId] | None]:
        """
        List a user's conversations, newest activity first.

        Gives also where the next page begins, None at the end.
        """
        active_at, last = before or (None, None)
        found = await self._connection.execute(
            _LIST,
            {
                "me": me,
                "kind": kind,
                "status": status,
                "gig": gig,
                "active_at": active_at,
                "id": last,
                "limit": limit + 1,
            },
        )
        rows = list(found)
        page = rows[:limit]
        following = (page[-1].active_at, page[-1].id) if len(rows) > limit else None
        return await self._complete(page), following

    async def these(
        self, me: UserId, ids: Sequence[ConversationId]
    ) -> list[Conversation]:
        """Give those of these conversations in which the user is, in any order."""
        if not ids:
            return []
        rows = await self._connection.execute(_THESE, {"me": me, "ids": list(ids)})
        return await self._complete(list(rows))

    async def get(
        self, me: UserId, conversation: ConversationId
    ) -> Conversation | None:
        """Give one conversation as the user sees it; None where they do not."""
        found = await self.these(me, [conversation])
        return found[0] if found else None

    async def as_everybody_sees(
        self, ids: Sequence[ConversationId]
    ) -> list[tuple[UserId, Conversation]]:
        """Give these conversations once for each of those who take part."""
        if not ids:
            return []
        found = await self._connection.execute(_BY_EVERYBODY, {"ids": list(ids)})
        return await self._complete_by_reader(list(found))

    async def participants_of(
        self,
        me: UserId | None,
        conversation: ConversationId,
        *,
        after: tuple[datetime, UserId] | None,
        limit: int,
    ) -> list[Participant]:
        """List who takes part, the first first; as one of them or nobody sees it."""
        joined_at, user = after or (None, None)
        rows = await self._connection.execute(
            _PAGE_OF_PARTICIPANTS,
            {
                "conversation": conversation,
                "joined_at": joined_at,
                "user": user,
                "limit": limit,
            },
        )
        return [_shown(row, me) for row in rows]

    async def as_these_see(
        self, users: Collection[UserId], ids: Collection[ConversationId]
    ) -> list[tuple[UserId, Conversation]]:
        """Give these conversations once for each of these users who take part."""
        found = await self._connection.execute(
            _SEEN_BY, {"users": list(users), "ids": list(ids)}
        )
        return await self._complete_by_reader(list(found))

    async def _complete_by_reader(
        self, rows: Sequence[Any]
    ) -> list[tuple[UserId, Conversation]]:
        seen = await self._complete(rows)
        return [(row.reader_id, each) for row, each in zip(rows, seen, strict=True)]

    async def parts(
        self, users: Collection[UserId], ids: Collection[ConversationId]
    ) -> dict[tuple[ConversationId, UserId], Participant]:
        """Give what parts these users have in these conversations, as others see it."""
        rows = await self._connection.execute(
            _PARTS, {"users": list(users), "ids": list(ids)}
        )
        return {(row.conversation_id, row.user_id): as_others_see(row) for row in rows}

    async def audiences(
        self, ids: Collection[ConversationId]
    ) -> dict[ConversationId, tuple[int, list[UserId]]]:
        """Give the last `seq` of conversations and everybody who takes part now."""
        rows = await self._connection.execute(_AUDIENCES, {"ids": list(ids)})
        return {row.conversation_id: (row.last_seq, row.user_ids) for row in rows}

    async def _complete(self, rows: Sequence[Any]) -> list[Conversation]:
        """Add to rows of `_SEEN` who takes part and what was said last."""
        ids = list({row.id for row in rows})
        taking_part: dict[UUID, list[Any]] = {id_: [] for id_ in ids}
        for row in await self._connection.execute(_PARTICIPANTS, {"ids": ids}):
            taking_part[row.conversation_id].append(row)
        last = {
            row.conversation_id: to_message(row)
            for row in await self._connection.execute(_LAST_MESSAGES, {"ids": ids})
        }
        return [_seen(row, taking_part[row.id], last.get(row.id)) for row in rows]

    async def direct_with(self, me: UserId, other: UserId) -> ConversationId | None:
        """Find the direct conversation of two people."""
        rows = await self._connection.execute(
            select(conversations.c.id).where(
                conversations.c.direct_low_id == min(me, other),
                conversations.c.direct_high_id == max(me, other),
            )
        )
        return rows.scalar_one_or_none()

    async def other_of(self, me: UserId, conversation: ConversationId) -> UserId | None:
        """Name the other one of a direct conversation; None in any other kind."""
        rows = await self._connection.execute(
            select(conversations.c.direct_low_id, conversations.c.direct_high_id).where(
                conversations.c.id == conversation
            )
        )
        row = rows.one_or_none()
        if row is None or row.direct_low_id is None:
            return None
        low, high = UserId(row.direct_low_id), UserId(row.direct_high_id)
        return high if me == low else low

    async def open_direct(
        self, new_id: ConversationId, me: UserId, other: UserId
    ) -> tuple[ConversationId, bool] | str:
        """
        Find or make the direct conversation of two people who may talk.

        Gives its id and whether it is new, or the ledger's reason why not. Until the
        end of the transaction neither of the two can block the other.
        """
        rows = await self._connection.execute(
            text(
                "SELECT conversation_id, is_new, reason"
                " FROM callboard.open_direct(:id, :me, :other)"
            ),
            {"id": new_id, "me": me, "other": other},
        )
        row = rows.one()
        if row.reason is not None:
            return str(row.reason)
        return row.conversation_id, row.is_new

    async def set_for_me(
        self, me: UserId, conversation: ConversationId, **values: datetime | None
    ) -> bool:
        """Set `muted_until` or `archived_at` of one's own view; False if not in it."""
        rows = await self._connection.execute(
            update(participants)
            .where(
                participants.c.conversation_id == conversation,
                participants.c.user_id == me,
                participants.c.left_at.is_(None),
            )
            .values(**values, arranged_xid=func.pg_current_xact_id())
            .returning(participants.c.user_id)
        )
        return rows.one_or_none() is not None

    async def unread(self, me: UserId, now: datetime) -> Unread:
        """Count what waits for a user: arithmetic on markers, and one index."""
        rows = await self._connection.execute(_UNREAD_TOTALS, {"me": me, "now": now})
        row = rows.one()
        return Unread(row.conversations, row.messages, row.notifications)
