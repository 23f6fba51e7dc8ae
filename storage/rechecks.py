"""
What became of that which a delivery is about, read at the moment it would leave.

Facts only, some statements for any number of deliveries; what follows from them is
decided in realtime/notifications/rechecking.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.conversations import UNREAD
from storage.records import ConversationId, UserId


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a delivery is for, as they stand."""

    id: UserId
    name: str
    email: str | None
    locale: str | None
    account_status: str
    # Mails to this address: none at all, or none but of services.
    is_suppressed: bool
    is_suppressed_commercially: bool


@dataclass(frozen=True, slots=True)
class Place:
    """How somebody stands in a conversation."""

    conversation_id: ConversationId
    kind: str
    title: str | None
    status: str
    last_seq: int
    is_in: bool
    is_archived: bool
    muted_until: datetime | None
    joined_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A notification, and what has become of everything that it is about."""

    id: UUID
    user_id: UserId
    type: str
    class_: str
    title: str
    message: str
    data: Mapping[str, Any]
    priority: str
    link: str | None
    collapse_key: str | None
    count: int
    related_user_id: UserId | None
    conversation_id: ConversationId | None
    message_id: UUID | None
    seq: int | None
    gig_id: UUID | None
    seen_at: datetime | None
    read_at: datetime | None
    archived_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    broadcast_status: str | None
    actor_status: str | None
    actor_name: str | None
    is_blocked: bool
    connection_status: str | None
    gig_status: str | None
    application_status: str | None
    message_seq: int | None
    message_body: str | None
    is_message_deleted: bool


@dataclass(frozen=True, slots=True)
class Sibling:
    """
    Another delivery of the same notification.

    One that a digest carries stands as its carrier does.
    """

    id: UUID
    channel: str
    status: str
    leased_until: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which messages of a conversation a delivery would carry: those after `after`."""

    delivery_id: UUID
    user_id: UserId
    conversation_id: ConversationId
    after: int
    most: int


@dataclass(frozen=True, slots=True)
class Told:
    """
    A message for a delivery, newest text; or, with a flaw, one that is none for it.

    `visible` counts all that have none.
    """

    delivery_id: UUID
    seq: int
    id: UUID
    sender_id: UserId | None
    sender_name: str | None
    body: str
    attachments: Sequence[Mapping[str, Any]]
    sent_at: datetime
    flaw: str | None
    visible: int


@dataclass(frozen=True, slots=True)
class Course:
    """How the deliveries of one conversation to somebody have gone, by lane."""

    channel: str
    device_id: UUID | None
    # The last message that left, when that was, and whether something still may.
    last_seq: int | None
    sent_at: datetime | None
    is_sending: bool
    is_waiting: bool


_ADDRESSEES = text("""
SELECT u.id, u.display_name AS name, u.email, u.locale, u.account_status,
  EXISTS (SELECT FROM callboard.email_suppressions s
    WHERE s.address = lower(u.email) AND s.scope = 'all'
      AND s.suppressed_at IS NOT NULL AND (s.expires_at IS NULL OR s.expires_at > :now)
  ) AS is_suppressed,
  EXISTS (SELECT FROM callboard.email_suppressions s
    WHERE s.address = lower(u.email) AND s.suppressed_at IS NOT NULL
      AND (s.expires_at IS NULL OR s.expires_at > :now)
  ) AS is_suppressed_commercially
FROM callboard.users u WHERE u.id = ANY(:ids)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_SUBJECTS = (
    text("""
SELECT n.id, n.user_id, n.type, n.class AS class_, n.title, n.message, n.data,
  n.priority, n.link, n.collapse_key, n.count, n.related_user_id, n.conversation_id,
  n.message_id, n.seq, n.gig_id, n.seen_at, n.read_at, n.archived_at, n.expires_at,
  n.created_at, b.status AS broadcast_status, a.account_status AS actor_status,
  a.display_name AS actor_name,
  n.related_user_id IS NOT NULL AND EXISTS (SELECT FROM callboard.blocks k
    WHERE (k.blocker_id, k.blocked_id) IN
      ((n.user_id, n.related_user_id), (n.related_user_id, n.user_id))) AS is_blocked,
  l.status AS connection_status, g.status AS gig_status,
  s.status AS application_status, m.seq AS message_seq, m.body AS message_body,
  n.message_id IS NOT NULL AND (m.seq IS NULL OR m.deleted_at IS NOT NULL)
    AS is_message_deleted
FROM callboard.notifications n
LEFT JOIN callboard.broadcasts b ON b.id = n.broadcast_id
LEFT JOIN callboard.users a ON a.id = n.related_user_id
LEFT JOIN callboard.connections l ON l.id = n.related_connection_id
LEFT JOIN callboard.gigs g ON g.id = n.gig_id
LEFT JOIN callboard.applications s ON s.id = n.application_id
LEFT JOIN callboard.messages m
  ON m.conversation_id = n.conversation_id AND m.id = n.message_id
WHERE n.id = ANY(:ids)
""")
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(data=JSONB)
)

_PLACES = text("""
SELECT a.user_id, c.id AS conversation_id, c.kind, COALESCE(c.title, g.title) AS title,
  c.status, c.last_seq, p.user_id IS NOT NULL AND p.left_at IS NULL AS is_in,
  p.archived_at IS NOT NULL AS is_archived, p.muted_until,
  COALESCE(p.joined_seq, 0) AS joined_seq, COALESCE(p.read_seq, 0) AS read_seq
FROM unnest(:users, :conversations) AS a(user_id, conversation_id)
JOIN callboard.conversations c ON c.id = a.conversation_id
LEFT JOIN callboard.gigs g ON g.id = c.gig_id
LEFT JOIN callboard.participants p
  ON p.conversation_id = c.id AND p.user_id = a.user_id
""").bindparams(
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("conversations", type_=ARRAY(Uuid)),
)

_SIBLINGS = text("""
SELECT d.notification_id, d.id, d.channel,
  CASE WHEN d.status = 'carried' THEN COALESCE(c.status, 'pending') ELSE d.status END
    AS status,
  CASE WHEN d.status = 'carried' THEN c.leased_until ELSE d.leased_until END
    AS leased_until, d.sent_at
FROM callboard.deliveries d
LEFT JOIN callboard.deliveries c ON c.id = d.carrier_id
WHERE d.notification_id = ANY(:ids) AND d.type <> 'retract'
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_COURSES = text("""
SELECT a.user_id, a.conversation_id, d.channel, d.device_id,
  max(d.last_seq) FILTER (WHERE d.status IN ('sent', 'delivered', 'bounced'))
    AS last_seq,
  max(d.sent_at) AS sent_at,
  bool_or(d.status = 'sending' AND d.leased_until > :now) AS is_sending,
  bool_or(d.status = 'pending' AND d.mode = 'instant'
    OR d.status = 'sending' AND d.leased_until <= :now) AS is_waiting
FROM unnest(:users, :conversations) AS a(user_id, conversation_id)
JOIN callboard.deliveries d
  ON d.user_id = a.user_id AND d.conversation_id = a.conversation_id
WHERE d.status NOT IN ('skipped', 'failed') AND d.type <> 'retract'
GROUP BY 1, 2, 3, 4
""").bindparams(
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("conversations", type_=ARRAY(Uuid)),
)

# Of a conversation that nobody has read for long no more than this is looked at.
_LOOKED_AT = 500

_MESSAGES = (
    text("""
WITH asked AS (
  SELECT * FROM unnest(:deliveries, :users, :conversations,
    CAST(:afters AS bigint[]), CAST(:most AS bigint[]))
    AS a(delivery_id, user_id, conversation_id, after, most)
), judged AS (
  SELECT a.delivery_id, a.most, m.*, u.display_name AS sender_name,
    CASE WHEN m.deleted_at IS NOT NULL THEN 'deleted'
      WHEN EXISTS (SELECT FROM callboard.blocks k WHERE (k.blocker_id, k.blocked_id) IN
        ((a.user_id, m.sender_id), (m.sender_id, a.user_id))) THEN 'blocked'
      WHEN u.account_status <> 'active' THEN 'actor_gone' END AS flaw
  FROM asked a CROSS JOIN LATERAL (
    SELECT m.seq, m.id, m.sender_id, m.body, m.attachments, m.sent_at, m.deleted_at
    FROM callboard.messages m
    WHERE m.conversation_id = a.conversation_id AND m.seq > a.after
      AND m.kind <> 'system' AND m.sender_id IS DISTINCT FROM a.user_id
    ORDER BY m.seq DESC LIMIT :looked_at) m
  LEFT JOIN callboard.users u ON u.id = m.sender_id
), ranked AS (
  SELECT j.*, row_number() OVER w AS rank,
    count(*) FILTER (WHERE j.flaw IS NULL) OVER (PARTITION BY j.delivery_id) AS visible
  FROM judged j
  WINDOW w AS (PARTITION BY j.delivery_id, j.flaw IS NULL ORDER BY j.seq DESC)
)
SELECT delivery_id, seq, id, sender_id, sender_name, body, attachments, sent_at, flaw,
  visible
FROM ranked WHERE rank <= CASE WHEN flaw IS NULL THEN most ELSE 1 END
ORDER BY delivery_id, seq
""")
    .bindparams(
        bindparam("deliveries", type_=ARRAY(Uuid)),
        bindparam("users", type_=ARRAY(Uuid)),
        bindparam("conversations", type_=ARRAY(Uuid)),
    )
    .columns(attachments=JSONB)
)

_SPENT = text("""
SELECT a.user_id, d.channel, d.device_id, count(*) AS spent
FROM unnest(:users, CAST(:since AS timestamptz[])) AS a(user_id, since)
JOIN callboard.deliveries d ON d.user_id = a.user_id
  AND d.channel IN ('push', 'email') AND d.sent_at >= a.since
  AND d.type <> 'retract'
GROUP BY 1, 2, 3
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))

_BADGES = text(f"""
SELECT u.id, (SELECT COALESCE(sum({UNREAD}), 0)::bigint
    FROM callboard.participants p
    JOIN callboard.conversations c ON c.id = p.conversation_id
    WHERE p.user_id = u.id AND p.left_at IS NULL AND p.archived_at IS NULL
      AND c.status = 'active')
  + (SELECT count(*) FROM callboard.notifications n WHERE n.user_id = u.id
    AND n.read_at IS NULL AND n.archived_at IS NULL AND n.is_shown
    AND (n.expires_at IS NULL OR n.expires_at > :now)) AS badge
FROM unnest(:ids) AS u(id)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))  # noqa: S608 - constants


class Rechecks:
    """What deliveries are about, as it is now; for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def addressees(
        self, users: Collection[UserId], now: datetime
    ) -> Mapping[UserId, Addressee]:
        """Give people as they stand, and whether their addresses are suppressed."""
        rows = await self._connection.execute(
            _ADDRESSEES, {"ids": list(users), "now": now}
        )
        return {row.id: Addressee(**row._mapping) for row in rows}  # noqa: SLF001

    async def subjects(self, notifications: Collection[UUID]) -> Mapping[UUID, Subject]:
        """Give notifications with what has become of what they are about."""
        if not notifications:
            return {}
        rows = await self._connection.execute(_SUBJECTS, {"ids": list(notifications)})
        return {row.id: Subject(**row._mapping) for row in rows}  # noqa: SLF001

    async def places(
        self, pairs: Collection[tuple[UserId, ConversationId]]
    ) -> Mapping[tuple[UserId, ConversationId], Place]:
        """Tell how these people stand in these conversations."""
        if not pairs:
            return {}
        rows = await self._connection.execute(_PLACES, _paired(pairs))
        found = {}
        for row in rows:
            values = dict(row._mapping)  # noqa: SLF001 - a row's way to a mapping
            user = values.pop("user_id")
            found[user, row.conversation_id] = Place(**values)
        return found

    async def siblings(
        self, notifications: Collection[UUID]
    ) -> Mapping[UUID, Sequence[Sibling]]:
        """Give all deliveries of these notifications."""
        found: dict[UUID, list[Sibling]] = {}
        if notifications:
            rows = await self._connection.execute(
                _SIBLINGS, {"ids": list(notifications)}
            )
            for row in rows:
                found.setdefault(row.notification_id, []).append(
                    Sibling(
                        row.id, row.channel, row.status, row.leased_until, row.sent_at
                    )
                )
        return found

    async def courses(
        self, pairs: Collection[tuple[UserId, ConversationId]], now: datetime
    ) -> Mapping[tuple[UserId, ConversationId], Sequence[Course]]:
        """Tell how deliveries of these conversations to these people have gone."""
        found: dict[tuple[UserId, ConversationId], list[Course]] = {}
        if pairs:
            rows = await self._connection.execute(
                _COURSES, _paired(pairs) | {"now": now}
            )
            for row in rows:
                found.setdefault((row.user_id, row.conversation_id), []).append(
                    Course(
                        row.channel,
                        row.device_id,
                        row.last_seq,
                        row.sent_at,
                        row.is_sending,
                        row.is_waiting,
                    )
                )
        return found

    async def messages(self, asked: Sequence[Asked]) -> Mapping[UUID, Sequence[Told]]:
        """Give the newest messages that deliveries would carry, oldest first."""
        found: dict[UUID, list[Told]] = {}
        if asked:
            rows = await self._connection.execute(
                _MESSAGES,
                {
                    "deliveries": [each.delivery_id for each in asked],
                    "users": [each.user_id for each in asked],
                    "conversations": [each.conversation_id for each in asked],
                    "afters": [each.after for each in asked],
                    "most": [each.most for each in asked],
                    "looked_at": _LOOKED_AT,
                },
            )
            for row in rows:
                found.setdefault(row.delivery_id, []).append(Told(**row._mapping))  # noqa: SLF001
        return found

    async def spent(
        self, since: Mapping[UserId, datetime]
    ) -> Mapping[tuple[UserId, str, UUID | None], int]:
        """Count what has left since a moment, by person, channel and device."""
        if not since:
            return {}
        rows = await self._connection.execute(
            _SPENT, {"users": list(since), "since": list(since.values())}
        )
        return {(row.user_id, row.channel, row.device_id): row.spent for row in rows}

    async def badges(
        self, users: Collection[UserId], now: datetime
    ) -> Mapping[UserId, int]:
        """Count what is unread for these people, messages and notifications."""
        if not users:
            return {}
        rows = await self._connection.execute(_BADGES, {"ids": list(users), "now": now})
        return {row.id: row.badge for row in rows}


def _paired(pairs: Collection[tuple[UserId, ConversationId]]) -> dict[str, Any]:
    ordered = sorted(set(pairs))
    return {
        "users": [user for user, _ in ordered],
        "conversations": [conversation for _, conversation in ordered],
    }
