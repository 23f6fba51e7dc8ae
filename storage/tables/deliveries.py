"""The ledger of what leaves the server: mails, pushes, webhooks, and what came back."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.tables.base import Xid8, instant, metadata, one_of
from storage.tables.notifications import devices, notifications
from storage.tables.people import users

# A digest of somebody's day, hour or week: one per period, whatever happens.
digests = Table(
    "digests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("frequency", Text, nullable=False),
    # In the person's own time: 2026-11-21T09+01:00, 2026-11-21, 2026-W47.
    Column("period", Text, nullable=False),
    instant("due_at"),
    instant("created_at", now=True),
    one_of("frequency", "hourly", "daily", "weekly"),
    UniqueConstraint("user_id", "frequency", "period", name="uq_digests_period"),
    Index(None, "created_at"),
)

# One thing that is to reach somebody on one channel: a notification, what is unread in
# a conversation, or a digest. Nothing is deleted while it can be asked why.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("class", Text, nullable=False, key="class_"),
    Column("priority", Text, nullable=False, server_default="normal"),
    Column("mode", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    # Why it is not out (yet): what holds it, why it was skipped, what failed.
    Column("reason", Text),
    # What it carries: exactly one of these three.
    Column("notification_id", Uuid, ForeignKey(notifications.c.id, ondelete="CASCADE")),
    Column("conversation_id", Uuid),
    Column("digest_id", Uuid, ForeignKey(digests.c.id, ondelete="CASCADE")),
    # Of a conversation: the messages from here, up to there once it has left.
    Column("first_seq", BigInteger),
    Column("last_seq", BigInteger),
    # The digest's delivery in which this one leaves.
    Column("carrier_id", Uuid),
    Column("device_id", Uuid, ForeignKey(devices.c.id, ondelete="SET NULL")),
    instant("due_at"),
    # However many come: it leaves by then.
    instant("due_by", nullable=True),
    # After this it helps nobody.
    instant("expires_at", nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_id", Uuid),
    instant("leased_until", nullable=True),
    Column("provider_id", Text),
    Column("error", Text),
    # What happened to it, in order: [{"at": …, "what": …}], the newest fifty.
    Column("trail", JSONB, nullable=False, server_default="[]"),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    instant("sent_at", nullable=True),
    instant("delivered_at", nullable=True),
    one_of("channel", "push", "email"),
    one_of("class", "service", "alert", "promotion"),
    one_of("priority", "low", "normal", "high", "urgent"),
    one_of("mode", "instant", "hourly", "daily", "weekly"),
    one_of(
        "status",
        "pending",
        "sending",
        "carried",
        "sent",
        "delivered",
        "bounced",
        "skipped",
        "failed",
    ),
    CheckConstraint(
        "num_nonnulls(notification_id, conversation_id, digest_id) = 1", name="carries"
    ),
    Index(
        "ix_deliveries_due",
        "due_at",
        "id",
        postgresql_where=text("status = 'pending'"),
    ),
    # What waits for a digest is looked for apart from what waits for a relay.
    Index(
        "ix_deliveries_digested",
        "due_at",
        "id",
        postgresql_where=text(
            "status = 'pending' AND mode <> 'instant' AND digest_id IS NULL"
        ),
    ),
    Index(
        "ix_deliveries_leased",
        "leased_until",
        postgresql_where=text("status = 'sending'"),
    ),
    # What comes next to somebody in a conversation joins what is still waiting.
    Index(
        "uq_deliveries_conversation",
        "user_id",
        "conversation_id",
        "channel",
        "device_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text("status = 'pending' AND conversation_id IS NOT NULL"),
    ),
    Index(None, "user_id", "id"),
    Index(
        "ix_deliveries_conversation",
        "user_id",
        "conversation_id",
        postgresql_where=text("conversation_id IS NOT NULL"),
    ),
    Index(
        None,
        "user_id",
        "channel",
        "sent_at",
        postgresql_where=text("sent_at IS NOT NULL"),
    ),
    Index(None, "notification_id"),
    Index(None, "carrier_id", postgresql_where=text("carrier_id IS NOT NULL")),
    Index(None, "digest_id", postgresql_where=text("digest_id IS NOT NULL")),
    Index(None, "device_id"),
    Index(None, "created_at"),
)

# Named as HotGigs.ai names it.
email_logs = Table(
    "email_logs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="SET NULL")),
    Column("delivery_id", Uuid, ForeignKey(deliveries.c.id, ondelete="SET NULL")),
    Column("email_type", Text, nullable=False),
    Column("recipient_email", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    # The Message-ID, and what the other side called it.
    Column("message_id", Text, nullable=False),
    Column("provider_message_id", Text),
    Column("error_message", Text),
    instant("created_at", now=True),
    instant("sent_at", nullable=True),
    instant("delivered_at", nullable=True),
    instant("bounced_at", nullable=True),
    one_of("status", "pending", "sent", "delivered", "failed", "bounced"),
    Index(None, "user_id", "id"),
    Index(None, "delivery_id"),
    Index(None, "message_id"),
    Index(None, "created_at"),
)

# Addresses that are not written to, and for what.
email_suppressions = Table(
    "email_suppressions",
    metadata,
    # In lower case.
    Column("address", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text),
    # Soft bounces add up and are forgotten.
    Column("score", Integer, nullable=False, server_default="0"),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    # From when on it holds; none while only the score is kept.
    instant("suppressed_at", nullable=True),
    instant("expires_at", nullable=True),
    PrimaryKeyConstraint("address", "scope"),
    # `all` includes services; `commercial` is alerts and promotions.
    one_of("scope", "all", "commercial"),
    one_of("reason", "hard_bounce", "soft_bounce", "complaint", "manual"),
)

# What arrived by mail: replies, bounces, complaints; each is taken once.
inbound_emails = Table(
    "inbound_emails",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    # The Message-ID, or a hash of the whole where there is none.
    Column("message_id", Text, nullable=False),
    Column("delivery_id", Uuid),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="SET NULL")),
    Column("outcome", Text, nullable=False),
    instant("received_at", now=True),
    one_of("kind", "reply", "bounce", "complaint", "unsubscribe", "unknown"),
    UniqueConstraint(
        "kind", "message_id", "delivery_id", name="uq_inbound_emails_once"
    ),
    Index(None, "received_at"),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text),
    # Types of domain events, each may end with `.*`; empty for all.
    Column("events", ARRAY(Text), nullable=False, server_default="{}"),
    Column("status", Text, nullable=False, server_default="active"),
    Column("paused_reason", Text),
    # The newest first; an older one signs too until it expires.
    Column("secrets", JSONB, nullable=False),
    # Since when every attempt failed.
    instant("failing_since", nullable=True),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    one_of("status", "active", "paused"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "endpoint_id",
        Uuid,
        ForeignKey(webhook_endpoints.c.id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("event_id", BigInteger, nullable=False),
    Column("event_xid", Xid8(), nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("response_status", SmallInteger),
    Column("lease_id", Uuid),
    instant("leased_until", nullable=True),
    instant("due_at"),
    instant("created_at", now=True),
    instant("delivered_at", nullable=True),
    one_of("status", "pending", "sending", "delivered", "failed"),
    # One event to one endpoint is one delivery, replayed or not.
    UniqueConstraint("endpoint_id", "event_id", name="uq_webhook_deliveries_event"),
    Index(
        "ix_webhook_deliveries_due",
        "endpoint_id",
        "due_at",
        postgresql_where=text("status = 'pending'"),
    ),
    Index(
        "ix_webhook_deliveries_leased",
        "leased_until",
        postgresql_where=text("status = 'sending'"),
    ),
    Index(None, "created_at"),
)

# Keys that the server makes for itself: for links and reply addresses, and for VAPID.
server_keys = Table(
    "server_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("public", LargeBinary),
    instant("created_at", now=True),
    # No longer for anything new; what was made with it is still understood.
    instant("retired_at", nullable=True),
    one_of("purpose", "links", "vapid"),
    Index(
        "uq_server_keys_current",
        "purpose",
        unique=True,
        postgresql_where=text("retired_at IS NULL"),
    ),
)
