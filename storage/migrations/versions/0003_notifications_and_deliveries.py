"""
Notifications, preferences and devices; deliveries, mail, webhooks, job alerts.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.tables import Xid8

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_suppressions",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("score", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("suppressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounce', 'complaint', 'manual')",
            name=op.f("ck_email_suppressions_reason"),
        ),
        sa.CheckConstraint(
            "scope IN ('all', 'commercial')", name=op.f("ck_email_suppressions_scope")
        ),
        sa.PrimaryKeyConstraint("address", "scope", name=op.f("pk_email_suppressions")),
        schema="callboard",
    )
    op.create_table(
        "event_consumers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("xid", Xid8(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_consumers")),
        schema="callboard",
    )
    op.create_table(
        "server_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('links', 'vapid')", name=op.f("ck_server_keys_purpose")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_keys")),
        schema="callboard",
    )
    op.create_index(
        "uq_server_keys_current",
        "server_keys",
        ["purpose"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "events", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("secrets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('active', 'paused')", name=op.f("ck_webhook_endpoints_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        schema="callboard",
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("user_ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after_user_id", sa.Uuid(), nullable=True),
        sa.Column("recipients", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'done', 'cancelled')",
            name=op.f("ck_broadcasts_status"),
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["callboard.api_keys.id"],
            name=op.f("fk_broadcasts_api_key_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_broadcasts_id"),
        "broadcasts",
        ["id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column(
            "keys",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("vapid_key_id", sa.Uuid(), nullable=True),
        sa.Column("app", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), server_default="full", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "kind IN ('webpush', 'fcm', 'apns', 'relay')", name=op.f("ck_devices_kind")
        ),
        sa.CheckConstraint(
            "payload IN ('full', 'id_only')", name=op.f("ck_devices_payload")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_devices_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("kind", "token", name="uq_devices_token"),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_devices_user_id"),
        "devices",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "digests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "frequency IN ('hourly', 'daily', 'weekly')",
            name=op.f("ck_digests_frequency"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_digests_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
        sa.UniqueConstraint("user_id", "frequency", "period", name="uq_digests_period"),
        schema="callboard",
    )
    op.create_table(
        "inbound_emails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('reply', 'bounce', 'complaint', 'unsubscribe', 'unknown')",
            name=op.f("ck_inbound_emails_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_inbound_emails_user_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_emails")),
        sa.UniqueConstraint(
            "kind", "message_id", "delivery_id", name="uq_inbound_emails_once"
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_inbound_emails_received_at"),
        "inbound_emails",
        ["received_at"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "job_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("anchors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("frequency", sa.Text(), server_default="daily", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "frequency IN ('instant', 'daily', 'weekly')",
            name=op.f("ck_job_alerts_frequency"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'paused')", name=op.f("ck_job_alerts_status")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_job_alerts_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_alerts")),
        schema="callboard",
    )
    op.create_index(
        "ix_job_alerts_anchors",
        "job_alerts",
        ["anchors"],
        unique=False,
        schema="callboard",
        postgresql_using="gin",
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(
        op.f("ix_job_alerts_user_id"),
        "job_alerts",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), server_default="user", nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('in_app', 'push', 'email')",
            name=op.f("ck_notification_preferences_channel"),
        ),
        sa.CheckConstraint(
            "mode IN ('off', 'instant', 'hourly', 'daily', 'weekly')",
            name=op.f("ck_notification_preferences_mode"),
        ),
        sa.CheckConstraint(
            "source IN ('user', 'platform', 'unsubscribe', 'one_click', 'complaint')",
            name=op.f("ck_notification_preferences_source"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_notification_preferences_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "type", "channel", name=op.f("pk_notification_preferences")
        ),
        schema="callboard",
    )
    op.create_table(
        "notification_settings",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "quiet_hours",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("do_not_disturb_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest_minute", sa.Integer(), nullable=True),
        sa.Column("digest_weekday", sa.Integer(), nullable=True),
        sa.Column("daily_pushes", sa.Integer(), nullable=True),
        sa.Column("daily_emails", sa.Integer(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "daily_pushes >= 0 AND daily_emails >= 0",
            name=op.f("ck_notification_settings_budget"),
        ),
        sa.CheckConstraint(
            "digest_minute BETWEEN 0 AND 1439",
            name=op.f("ck_notification_settings_digest_minute"),
        ),
        sa.CheckConstraint(
            "digest_weekday BETWEEN 0 AND 6",
            name=op.f("ck_notification_settings_digest_weekday"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_notification_settings_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notification_settings")),
        schema="callboard",
    )
    op.create_table(
        "reminders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "content",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'cancelled')",
            name=op.f("ck_reminders_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_reminders_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("key", name=op.f("uq_reminders_key")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_reminders_due_at"),
        "reminders",
        ["due_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        op.f("ix_reminders_user_id"),
        "reminders",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "topic_subscriptions",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_topic_subscriptions_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "topic", "user_id", name=op.f("pk_topic_subscriptions")
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_topic_subscriptions_user_id"),
        "topic_subscriptions",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("event_xid", Xid8(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("response_status", sa.SmallInteger(), nullable=True),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'delivered', 'failed')",
            name=op.f("ck_webhook_deliveries_status"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["callboard.webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name="uq_webhook_deliveries_event"
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_webhook_deliveries_created_at"),
        "webhook_deliveries",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "due_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_webhook_deliveries_leased",
        "webhook_deliveries",
        ["leased_until"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.create_table(
        "job_alert_matches",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("gig_id", sa.Uuid(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("notification_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "matched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'skipped')",
            name=op.f("ck_job_alert_matches_status"),
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["callboard.job_alerts.id"],
            name=op.f("fk_job_alert_matches_alert_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "alert_id", "gig_id", name=op.f("pk_job_alert_matches")
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_job_alert_matches_due_at"),
        "job_alert_matches",
        ["due_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        op.f("ix_job_alert_matches_gig_id"),
        "job_alert_matches",
        ["gig_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "uq_job_alert_matches_content",
        "job_alert_matches",
        ["alert_id", "content_hash"],
        unique=True,
        schema="callboard",
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("related_user_id", sa.Uuid(), nullable=True),
        sa.Column("related_connection_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("gig_id", sa.Uuid(), nullable=True),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("collapse_key", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "is_shown", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column(
            "decisions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("broadcast_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "created_xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.Column(
            "changed_xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "class IN ('service', 'alert', 'promotion')",
            name=op.f("ck_notifications_class"),
        ),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')",
            name=op.f("ck_notifications_priority"),
        ),
        sa.CheckConstraint("count >= 1", name=op.f("ck_notifications_count")),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["callboard.broadcasts.id"],
            name=op.f("fk_notifications_broadcast_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_notifications_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        schema="callboard",
    )
    op.create_index(
        "ix_notifications_conversation",
        "notifications",
        ["user_id", "conversation_id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("conversation_id IS NOT NULL AND read_at IS NULL"),
    )
    op.create_index(
        op.f("ix_notifications_created_at"),
        "notifications",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "expires_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text(
            "read_at IS NULL AND archived_at IS NULL AND is_shown"
        ),
    )
    op.create_index(
        op.f("ix_notifications_user_id_changed_xid"),
        "notifications",
        ["user_id", "changed_xid"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_notifications_user_id_id"),
        "notifications",
        ["user_id", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "uq_notifications_broadcast",
        "notifications",
        ["broadcast_id", "user_id"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text("broadcast_id IS NOT NULL"),
    )
    op.create_index(
        "uq_notifications_collapse",
        "notifications",
        ["user_id", "collapse_key"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text(
            "collapse_key IS NOT NULL AND read_at IS NULL AND archived_at IS NULL"
        ),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("notification_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("digest_id", sa.Uuid(), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("carrier_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "trail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "channel IN ('push', 'email')", name=op.f("ck_deliveries_channel")
        ),
        sa.CheckConstraint(
            "class IN ('service', 'alert', 'promotion')",
            name=op.f("ck_deliveries_class"),
        ),
        sa.CheckConstraint(
            "mode IN ('instant', 'hourly', 'daily', 'weekly')",
            name=op.f("ck_deliveries_mode"),
        ),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')",
            name=op.f("ck_deliveries_priority"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'carried', 'sent', 'delivered',"
            " 'bounced', 'skipped', 'failed')",
            name=op.f("ck_deliveries_status"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(notification_id, conversation_id, digest_id) = 1",
            name=op.f("ck_deliveries_carries"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["callboard.devices.id"],
            name=op.f("fk_deliveries_device_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["digest_id"],
            ["callboard.digests.id"],
            name=op.f("fk_deliveries_digest_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["callboard.notifications.id"],
            name=op.f("fk_deliveries_notification_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_deliveries_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_deliveries_carrier_id"),
        "deliveries",
        ["carrier_id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("carrier_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_deliveries_created_at"),
        "deliveries",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_deliveries_device_id"),
        "deliveries",
        ["device_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_deliveries_digest_id"),
        "deliveries",
        ["digest_id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("digest_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_digests_created_at"),
        "digests",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "ix_deliveries_conversation",
        "deliveries",
        ["user_id", "conversation_id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("conversation_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_digested",
        "deliveries",
        ["due_at", "id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text(
            "status = 'pending' AND mode <> 'instant' AND digest_id IS NULL"
        ),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at", "id"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_deliveries_leased",
        "deliveries",
        ["leased_until"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.create_index(
        op.f("ix_deliveries_notification_id"),
        "deliveries",
        ["notification_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_deliveries_user_id_channel_sent_at"),
        "deliveries",
        ["user_id", "channel", "sent_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_deliveries_user_id_id"),
        "deliveries",
        ["user_id", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "uq_deliveries_conversation",
        "deliveries",
        ["user_id", "conversation_id", "channel", "device_id"],
        unique=True,
        schema="callboard",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status = 'pending' AND conversation_id IS NOT NULL"),
    )
    op.create_table(
        "email_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("email_type", sa.Text(), nullable=False),
        sa.Column("recipient_email", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("provider_message_id", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'delivered', 'failed', 'bounced')",
            name=op.f("ck_email_logs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["callboard.deliveries.id"],
            name=op.f("fk_email_logs_delivery_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_email_logs_user_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_logs")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_email_logs_created_at"),
        "email_logs",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_email_logs_delivery_id"),
        "email_logs",
        ["delivery_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_email_logs_message_id"),
        "email_logs",
        ["message_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_email_logs_user_id_id"),
        "email_logs",
        ["user_id", "id"],
        unique=False,
        schema="callboard",
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_email_logs_user_id_id"), table_name="email_logs", schema="callboard"
    )
    op.drop_index(
        op.f("ix_email_logs_message_id"), table_name="email_logs", schema="callboard"
    )
    op.drop_index(
        op.f("ix_email_logs_delivery_id"), table_name="email_logs", schema="callboard"
    )
    op.drop_index(
        op.f("ix_email_logs_created_at"), table_name="email_logs", schema="callboard"
    )
    op.drop_table("email_logs", schema="callboard")
    op.drop_index(
        "uq_deliveries_conversation",
        table_name="deliveries",
        schema="callboard",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status = 'pending' AND conversation_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_deliveries_user_id_id"), table_name="deliveries", schema="callboard"
    )
    op.drop_index(
        op.f("ix_deliveries_user_id_channel_sent_at"),
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_deliveries_notification_id"),
        table_name="deliveries",
        schema="callboard",
    )
    op.drop_index(
        "ix_deliveries_leased",
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.drop_index(
        "ix_deliveries_conversation",
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text("conversation_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_deliveries_digested",
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text(
            "status = 'pending' AND mode <> 'instant' AND digest_id IS NULL"
        ),
    )
    op.drop_index(
        "ix_deliveries_due",
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_index(
        op.f("ix_deliveries_digest_id"),
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text("digest_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_deliveries_device_id"), table_name="deliveries", schema="callboard"
    )
    op.drop_index(
        op.f("ix_deliveries_created_at"), table_name="deliveries", schema="callboard"
    )
    op.drop_index(
        op.f("ix_deliveries_carrier_id"),
        table_name="deliveries",
        schema="callboard",
        postgresql_where=sa.text("carrier_id IS NOT NULL"),
    )
    op.drop_table("deliveries", schema="callboard")
    op.drop_index(
        "uq_notifications_collapse",
        table_name="notifications",
        schema="callboard",
        postgresql_where=sa.text(
            "collapse_key IS NOT NULL AND read_at IS NULL AND archived_at IS NULL"
        ),
    )
    op.drop_index(
        "uq_notifications_broadcast",
        table_name="notifications",
        schema="callboard",
        postgresql_where=sa.text("broadcast_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_notifications_user_id_id"),
        table_name="notifications",
        schema="callboard",
    )
    op.drop_index(
        op.f("ix_notifications_user_id_changed_xid"),
        table_name="notifications",
        schema="callboard",
    )
    op.drop_index(
        "ix_notifications_unread",
        table_name="notifications",
        schema="callboard",
        postgresql_where=sa.text(
            "read_at IS NULL AND archived_at IS NULL AND is_shown"
        ),
    )
    op.drop_index(
        op.f("ix_notifications_created_at"),
        table_name="notifications",
        schema="callboard",
    )
    op.drop_index(
        "ix_notifications_conversation",
        table_name="notifications",
        schema="callboard",
        postgresql_where=sa.text("conversation_id IS NOT NULL AND read_at IS NULL"),
    )
    op.drop_table("notifications", schema="callboard")
    op.drop_index(
        "uq_job_alert_matches_content",
        table_name="job_alert_matches",
        schema="callboard",
    )
    op.drop_index(
        op.f("ix_job_alert_matches_gig_id"),
        table_name="job_alert_matches",
        schema="callboard",
    )
    op.drop_index(
        op.f("ix_job_alert_matches_due_at"),
        table_name="job_alert_matches",
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("job_alert_matches", schema="callboard")
    op.drop_index(
        "ix_webhook_deliveries_leased",
        table_name="webhook_deliveries",
        schema="callboard",
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_index(
        op.f("ix_webhook_deliveries_created_at"),
        table_name="webhook_deliveries",
        schema="callboard",
    )
    op.drop_table("webhook_deliveries", schema="callboard")
    op.drop_index(
        op.f("ix_topic_subscriptions_user_id"),
        table_name="topic_subscriptions",
        schema="callboard",
    )
    op.drop_table("topic_subscriptions", schema="callboard")
    op.drop_index(
        op.f("ix_reminders_user_id"), table_name="reminders", schema="callboard"
    )
    op.drop_index(
        op.f("ix_reminders_due_at"),
        table_name="reminders",
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("reminders", schema="callboard")
    op.drop_table("notification_settings", schema="callboard")
    op.drop_table("notification_preferences", schema="callboard")
    op.drop_index(
        op.f("ix_job_alerts_user_id"), table_name="job_alerts", schema="callboard"
    )
    op.drop_index(
        "ix_job_alerts_anchors",
        table_name="job_alerts",
        schema="callboard",
        postgresql_using="gin",
        postgresql_where=sa.text("status = 'active'"),
    )
    op.drop_table("job_alerts", schema="callboard")
    op.drop_index(
        op.f("ix_inbound_emails_received_at"),
        table_name="inbound_emails",
        schema="callboard",
    )
    op.drop_table("inbound_emails", schema="callboard")
    op.drop_index(
        op.f("ix_digests_created_at"), table_name="digests", schema="callboard"
    )
    op.drop_table("digests", schema="callboard")
    op.drop_index(op.f("ix_devices_user_id"), table_name="devices", schema="callboard")
    op.drop_table("devices", schema="callboard")
    op.drop_index(
        op.f("ix_broadcasts_id"),
        table_name="broadcasts",
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("broadcasts", schema="callboard")
    op.drop_table("webhook_endpoints", schema="callboard")
    op.drop_index(
        "uq_server_keys_current",
        table_name="server_keys",
        schema="callboard",
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.drop_table("server_keys", schema="callboard")
    op.drop_table("event_consumers", schema="callboard")
    op.drop_table("email_suppressions", schema="callboard")
