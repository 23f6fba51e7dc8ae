"""
Mails that were sent, and addresses that are not written to any more.

Every moment comes from the caller, who has it from the one clock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import uuid7
from storage.records import UserId
from storage.tables import email_logs, email_suppressions

Scope = Literal["all", "commercial"]
SuppressionReason = Literal["hard_bounce", "soft_bounce", "complaint", "manual"]

# Soft bounces: so many within so long, and the address is given a rest.
SOFT_BOUNCES = 5
SOFT_BOUNCES_FORGOTTEN_AFTER = timedelta(days=7)
SOFT_BOUNCES_REST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class EmailLog:
    """A mail that was handed over, or tried; never what it said."""

    id: UUID
    user_id: UserId | None
    delivery_id: UUID | None
    email_type: str
    recipient_email: str
    subject: str
    status: str
    message_id: str
    provider_message_id: str | None
    error_message: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that is not written to: for everything, or but for services."""

    address: str
    scope: str
    reason: str
    detail: str | None
    score: int
    created_at: datetime
    updated_at: datetime
    suppressed_at: datetime | None
    expires_at: datetime | None


_LOG_COLUMNS = [email_logs.c[name] for name in EmailLog.__slots__]

# Whom and what it was for may have been erased while it was on its way.
_LOG = text("""
INSERT INTO callboard.email_logs (id, user_id, delivery_id, email_type, recipient_email,
  subject, status, message_id, provider_message_id, error_message, created_at, sent_at,
  bounced_at)
VALUES (:id, (SELECT u.id FROM callboard.users u WHERE u.id = :user_id),
  (SELECT d.id FROM callboard.deliveries d WHERE d.id = :delivery_id),
  :email_type, :recipient_email, :subject, :status, :message_id, :provider_message_id,
  :error_message, :now,
  CASE WHEN :status = 'sent' THEN CAST(:now AS timestamptz) END,
  CASE WHEN :status = 'bounced' THEN CAST(:now AS timestamptz) END)
""")

# What bounced is never delivered again, and what arrived does not become pending.
_MARK = text("""
UPDATE callboard.email_logs SET
  status = :status,
  error_message = COALESCE(:error, error_message),
  delivered_at = CASE WHEN :status = 'delivered' THEN CAST(:now AS timestamptz)
    ELSE delivered_at END,
  bounced_at = CASE WHEN :status = 'bounced' THEN CAST(:now AS timestamptz)
    ELSE bounced_at END
WHERE id = (SELECT id FROM callboard.email_logs
    WHERE delivery_id = :delivery_id AND status IN ('sent', 'delivered')
    ORDER BY id DESC LIMIT 1)
  AND status <> :status
RETURNING recipient_email
""")

_SUPPRESS = text("""
INSERT INTO callboard.email_suppressions AS s (address, scope, reason, detail, score,
  created_at, updated_at, suppressed_at, expires_at)
VALUES (lower(:address), :scope, :reason, :detail, 0, :now, :now, :now, :expires_at)
ON CONFLICT (address, scope) DO UPDATE SET
  reason = excluded.reason, detail = excluded.detail, updated_at = excluded.updated_at,
  suppressed_at = COALESCE(s.suppressed_at, excluded.suppressed_at),
  -- What holds for ever is not shortened by what holds for a while.
  expires_at = CASE WHEN s.suppressed_at IS NOT NULL AND s.expires_at IS NULL THEN NULL
    ELSE excluded.expires_at END
""")

# A score that nothing was added to for long enough begins anew.
_SOFT_BOUNCE = text("""
INSERT INTO callboard.email_suppressions AS s (address, scope, reason, detail, score,
  created_at, updated_at)
VALUES (lower(:address), 'all', 'soft_bounce', :detail, 1, :now, :now)
ON CONFLICT (address, scope) DO UPDATE SET
  score = CASE WHEN s.updated_at < :forget_before THEN 1 ELSE s.score + 1 END,
  detail = CASE WHEN s.reason = 'soft_bounce' THEN excluded.detail ELSE s.detail END,
  updated_at = excluded.updated_at
WHERE s.suppressed_at IS NULL OR s.expires_at <= excluded.updated_at
RETURNING score
""")

_REST = text("""
UPDATE callboard.email_suppressions SET
  reason = 'soft_bounce', score = 0, suppressed_at = :now, expires_at = :expires_at
WHERE address = lower(:address) AND scope = 'all'
""")

_IS_SUPPRESSED = text("""
SELECT EXISTS (SELECT FROM callboard.email_suppressions
  WHERE address = lower(:address) AND (scope = 'all' OR :class_ <> 'service')
    AND suppressed_at IS NOT NULL AND (expires_at IS NULL OR expires_at > :now))
""")

_PAGE = text("""
SELECT address, scope, reason, detail, score, created_at, updated_at, suppressed_at,
  expires_at
FROM callboard.email_suppressions
WHERE suppressed_at IS NOT NULL AND (expires_at IS NULL OR expires_at > :now)
  AND (CAST(:address AS text) IS NULL OR (address, scope) > (:address, :scope))
ORDER BY address, scope LIMIT :limit
""")

_FORGIVE = text("""
DELETE FROM callboard.email_suppressions
WHERE address = ANY(CAST(:addresses AS text[]))
  AND reason IN ('hard_bounce', 'soft_bounce')
""")

_FORGET_LOGS = text("""
DELETE FROM callboard.email_logs WHERE id IN (
  SELECT id FROM callboard.email_logs WHERE created_at < :before
  ORDER BY created_at LIMIT :limit)
""")

_FORGET = text("""
DELETE FROM callboard.email_suppressions
WHERE (suppressed_at IS NULL AND updated_at < :forget_before)
  OR expires_at < :forget_before
""")


class Emails:
    """The mails' log and the suppressed addresses, for the service alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def log(
        self,
        *,
        user: UserId,
        delivery: UUID | None,
        email_type: str,
        recipient_email: str,
        subject: str,
        status: Literal["pending", "sent", "failed", "bounced"],
        message_id: str,
        provider_message_id: str | None = None,
        error_message: str | None = None,
        now: datetime,
    ) -> None:
        """
        Write down one attempt that the other side has heard of.

        It stays `pending` where nobody knows whether the mail was taken.
        """
        await self._connection.execute(
            _LOG,
            {
                "id": uuid7(),
                "user_id": user,
                "delivery_id": delivery,
                "email_type": email_type,
                "recipient_email": recipient_email,
                "subject": subject,
                "status": status,
                "message_id": message_id,
                "provider_message_id": provider_message_id,
                "error_message": error_message,
                "now": now,
            },
        )

    async def mark(
        self,
        delivery: UUID,
        status: Literal["delivered", "bounced"],
        *,
        error: str | None = None,
        now: datetime,
    ) -> str | None:
        """
        Note what a report says of a mail that was sent; tells to which address it went.

        None where no mail of this delivery has been sent, or that is known already.
        """
        rows = await self._connection.execute(
            _MARK,
            {"delivery_id": delivery, "status": status, "error": error, "now": now},
        )
        found: str | None = rows.scalar_one_or_none()
        return found

    async def suppress(
        self,
        address: str,
        scope: Scope,
        reason: SuppressionReason,
        *,
        detail: str | None = None,
        expires_at: datetime | None = None,
        now: datetime,
    ) -> None:
        """Write no more to an address: at all, or but for services (`commercial`)."""
        await self._connection.execute(
            _SUPPRESS,
            {
                "address": address,
                "scope": scope,
                "reason": reason,
                "detail": detail,
                "expires_at": expires_at,
                "now": now,
            },
        )

    async def soft_bounce(
        self, address: str, *, detail: str | None = None, now: datetime
    ) -> bool:
        """
        Count a mail that did not arrive for now; tells whether that was one too many.

        Then the address rests for a week, whatever the class.
        """
        rows = await self._connection.execute(
            _SOFT_BOUNCE,
            {
                "address": address,
                "detail": detail,
                "now": now,
                "forget_before": now - SOFT_BOUNCES_FORGOTTEN_AFTER,
            },
        )
        score = rows.scalar_one_or_none()
        if score is None or score < SOFT_BOUNCES:
            return False
        await self._connection.execute(
            _REST,
            {"address": address, "now": now, "expires_at": now + SOFT_BOUNCES_REST},
        )
        return True

    async def is_suppressed(self, address: str, class_: str, now: datetime) -> bool:
        """Tell whether mails of this class must not go to an address."""
        rows = await self._connection.execute(
            _IS_SUPPRESSED, {"address": address, "class_": class_, "now": now}
        )
        return bool(rows.scalar_one())

    async def suppressions(
        self, now: datetime, limit: int, after: tuple[str, str] | None = None
    ) -> Sequence[Suppression]:
        """List what is suppressed, by address and scope, from behind one of them."""
        address, scope = after or (None, None)
        rows = await self._connection.execute(
            _PAGE, {"now": now, "limit": limit, "address": address, "scope": scope}
        )
        return [Suppression(**row._mapping) for row in rows]  # noqa: SLF001 - its columns

    async def release(self, address: str, scope: Scope | None = None) -> int:
        """Write to an address again, for one scope or all; tells what that lifted."""
        statement = delete(email_suppressions).where(
            email_suppressions.c.address == address.lower()
        )
        if scope is not None:
            statement = statement.where(email_suppressions.c.scope == scope)
        rows = await self._connection.execute(
            statement.returning(email_suppressions.c.suppressed_at)
        )
        return sum(moment is not None for moment in rows.scalars())

    async def forgive_bounces(self, addresses: Collection[str]) -> None:
        """Try addresses again that somebody vouches for; complaints stay."""
        if not addresses:
            return
        await self._connection.execute(
            _FORGIVE, {"addresses": [address.lower() for address in addresses]}
        )

    async def forget(self, now: datetime) -> int:
        """Forget scores and suppressions whose time is long over."""
        rows = await self._connection.execute(
            _FORGET, {"forget_before": now - SOFT_BOUNCES_FORGOTTEN_AFTER}
        )
        return rows.rowcount

    async def forget_logs(self, before: datetime, limit: int) -> int:
        """Remove some of the mails that were written down before a moment."""
        rows = await self._connection.execute(
            _FORGET_LOGS, {"before": before, "limit": limit}
        )
        return rows.rowcount

    async def logs_of(self, user: UserId, limit: int) -> Sequence[EmailLog]:
        """List the last mails to somebody, the newest first."""
        rows = await self._connection.execute(
            select(*_LOG_COLUMNS)
            .where(email_logs.c.user_id == user)
            .order_by(email_logs.c.id.desc())
            .limit(limit)
        )
        return [EmailLog(**row._mapping) for row in rows]  # noqa: SLF001 - its columns
