"""What keeps people safe and operators informed: reports, decisions, two logs."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.base import instant, metadata, one_of, xid
from storage.tables.people import users

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "reporter_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False
    ),
    Column("reported_user_id", Uuid, ForeignKey(users.c.id, ondelete="SET NULL")),
    Column("content_type", Text, nullable=False),
    Column("content_id", Uuid, nullable=False),
    Column("conversation_id", Uuid),
    # What was reported, as it was at that moment; nothing later changes it.
    Column("content", JSONB, nullable=False, server_default="{}"),
    Column("reason", Text, nullable=False),
    Column("description", Text),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("resolution", Text),
    Column("note", Text),
    Column("resolved_by", Uuid),
    instant("resolved_at", nullable=True),
    instant("created_at", now=True),
    one_of("content_type", "user", "gig", "message", "showcase", "review"),
    one_of("status", "pending", "resolved", "dismissed"),
    one_of("resolution", "take_down", "warn", "suspend", "dismiss"),
    CheckConstraint("(status = 'pending') = (resolution IS NULL)", name="resolved"),
    # Somebody reports a thing once; a second time is the same report.
    Index(
        "uq_reports_pending",
        "reporter_id",
        "content_type",
        "content_id",
        unique=True,
        postgresql_where=text("status = 'pending'"),
    ),
    Index(None, "status", "id"),
    Index(None, "reported_user_id"),
)

moderation_log = Table(
    "moderation_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("report_id", Uuid, ForeignKey(reports.c.id, ondelete="SET NULL")),
    # The key of the backend that decided.
    Column("api_key_id", Uuid),
    Column("action", Text, nullable=False),
    Column("user_id", Uuid),
    Column("conversation_id", Uuid),
    Column("message_id", Uuid),
    Column("note", Text),
    instant("created_at", now=True),
    one_of("action", "take_down", "warn", "suspend", "dismiss"),
    Index(None, "report_id"),
    Index(None, "user_id"),
)

audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", Uuid, primary_key=True),
    instant("at", now=True),
    Column("actor_kind", Text, nullable=False),
    # A person's id or a key's, none where the server acted by itself.
    Column("actor_id", Uuid),
    Column("action", Text, nullable=False),
    Column("subject", JSONB, nullable=False, server_default="{}"),
    Column("data", JSONB, nullable=False, server_default="{}"),
    one_of("actor_kind", "user", "platform", "system"),
    Index(None, "at"),
    Index(None, "actor_id", "id"),
    Index(None, "action", "id"),
)

domain_events = Table(
    "domain_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Ids are taken before commit, so only these two together are an order in which
    # nothing appears behind one's back (storage/domain_events.py).
    xid("xid"),
    Column("type", Text, nullable=False),
    Column("subject", JSONB, nullable=False, server_default="{}"),
    Column("data", JSONB, nullable=False, server_default="{}"),
    instant("occurred_at", now=True),
    Index(None, "xid", "id"),
    Index(None, "occurred_at"),
)
