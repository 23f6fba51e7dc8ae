"""
The market mirrored, gig threads and groups, messages in full, safety.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.tables import Xid8

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Autogeneration does not see them.
CHECKS = (
    ("conversations", "writers", "writers IN ('members', 'owners')"),
    ("conversations", "history", "history IN ('all', 'joined')"),
    (
        "conversations",
        "gig_thread",
        "kind <> 'gig' OR gig_id IS NOT NULL"
        " AND (application_id IS NULL) = (participants_key IS NOT NULL)",
    ),
    ("participants", "basis", "basis IN ('member', 'team', 'applicant', 'invited')"),
    ("participants", "left_reason", "left_reason IN ('left', 'removed', 'ledger')"),
    ("participants", "left", "(left_at IS NULL) = (left_reason IS NULL)"),
)


def upgrade() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.CheckConstraint(
            "actor_kind IN ('user', 'platform', 'system')",
            name=op.f("ck_audit_logs_actor_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_logs")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_audit_logs_action_id"),
        "audit_logs",
        ["action", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_audit_logs_actor_id_id"),
        "audit_logs",
        ["actor_id", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_audit_logs_at"), "audit_logs", ["at"], unique=False, schema="callboard"
    )
    op.create_table(
        "domain_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_events")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_domain_events_occurred_at"),
        "domain_events",
        ["occurred_at"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_domain_events_xid_id"),
        "domain_events",
        ["xid", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "gigs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "status_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
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
        sa.CheckConstraint(
            "kind IN ('gig', 'job', 'project')", name=op.f("ck_gigs_kind")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'filled', 'closed', 'completed',"
            " 'cancelled')",
            name=op.f("ck_gigs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["callboard.organizations.id"],
            name=op.f("fk_gigs_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["callboard.users.id"],
            name=op.f("fk_gigs_owner_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gigs")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_gigs_organization_id"),
        "gigs",
        ["organization_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_gigs_owner_id"), "gigs", ["owner_id"], unique=False, schema="callboard"
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("reported_user_id", sa.Uuid(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column(
            "content",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (resolution IS NULL)",
            name=op.f("ck_reports_resolved"),
        ),
        sa.CheckConstraint(
            "content_type IN ('user', 'gig', 'message', 'showcase', 'review')",
            name=op.f("ck_reports_content_type"),
        ),
        sa.CheckConstraint(
            "resolution IN ('take_down', 'warn', 'suspend', 'dismiss')",
            name=op.f("ck_reports_resolution"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'resolved', 'dismissed')",
            name=op.f("ck_reports_status"),
        ),
        sa.ForeignKeyConstraint(
            ["reported_user_id"],
            ["callboard.users.id"],
            name=op.f("fk_reports_reported_user_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"],
            ["callboard.users.id"],
            name=op.f("fk_reports_reporter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_reports_reported_user_id"),
        "reports",
        ["reported_user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_reports_status_id"),
        "reports",
        ["status", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "uq_reports_pending",
        "reports",
        ["reporter_id", "content_type", "content_id"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "user_content_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "allow_nsfw_content",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column(
            "show_nsfw_warnings",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
        ),
        sa.Column(
            "auto_hide_nsfw",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
        ),
        sa.Column(
            "content_filter_level", sa.Text(), server_default="moderate", nullable=False
        ),
        sa.Column(
            "blocked_categories",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "content_filter_level IN ('strict', 'moderate', 'lenient')",
            name=op.f("ck_user_content_preferences_content_filter_level"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_user_content_preferences_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_content_preferences")),
        schema="callboard",
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gig_id", sa.Uuid(), nullable=False),
        sa.Column("applicant_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "status_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
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
        sa.CheckConstraint(
            "status IN ('pending', 'shortlisted', 'interviewing', 'offered',"
            " 'accepted', 'rejected', 'withdrawn')",
            name=op.f("ck_applications_status"),
        ),
        sa.ForeignKeyConstraint(
            ["applicant_id"],
            ["callboard.users.id"],
            name=op.f("fk_applications_applicant_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["gig_id"],
            ["callboard.gigs.id"],
            name=op.f("fk_applications_gig_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_applications_applicant_id"),
        "applications",
        ["applicant_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_applications_gig_id_applicant_id"),
        "applications",
        ["gig_id", "applicant_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "gig_members",
        sa.Column("gig_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["gig_id"],
            ["callboard.gigs.id"],
            name=op.f("fk_gig_members_gig_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_gig_members_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("gig_id", "user_id", name=op.f("pk_gig_members")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_gig_members_user_id"),
        "gig_members",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "moderation_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "action IN ('take_down', 'warn', 'suspend', 'dismiss')",
            name=op.f("ck_moderation_log_action"),
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["callboard.reports.id"],
            name=op.f("fk_moderation_log_report_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_log")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_moderation_log_report_id"),
        "moderation_log",
        ["report_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_moderation_log_user_id"),
        "moderation_log",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "message_edits",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["callboard.conversations.id"],
            name=op.f("fk_message_edits_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "conversation_id", "message_id", "version", name=op.f("pk_message_edits")
        ),
        schema="callboard",
    )
    op.create_table(
        "reactions",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["callboard.conversations.id"],
            name=op.f("fk_reactions_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_reactions_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "conversation_id",
            "message_id",
            "user_id",
            "emoji",
            name=op.f("pk_reactions"),
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_reactions_user_id"),
        "reactions",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("uploader_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["callboard.conversations.id"],
            name=op.f("fk_uploads_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["uploader_id"],
            ["callboard.users.id"],
            name=op.f("fk_uploads_uploader_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_uploads_conversation_id_seq"),
        "uploads",
        ["conversation_id", "seq"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "ix_uploads_unused",
        "uploads",
        ["created_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("seq IS NULL"),
    )
    op.create_index(
        op.f("ix_uploads_uploader_id"),
        "uploads",
        ["uploader_id"],
        unique=False,
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("participants_key", sa.Uuid(), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column(
            "is_platforms",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("writers", sa.Text(), server_default="members", nullable=False),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("history", sa.Text(), server_default="all", nullable=False),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("closed_by", sa.Text(), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("read_only_at", sa.DateTime(timezone=True), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("archive_at", sa.DateTime(timezone=True), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "conversations",
        sa.Column("edited_xid", Xid8(), nullable=True),
        schema="callboard",
    )
    op.create_index(
        "ix_conversations_archive_at",
        "conversations",
        ["archive_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("archive_at IS NOT NULL AND status <> 'archived'"),
    )
    op.create_index(
        op.f("ix_conversations_gig_id"),
        "conversations",
        ["gig_id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        "ix_conversations_read_only_at",
        "conversations",
        ["read_only_at"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("read_only_at IS NOT NULL AND closed_at IS NULL"),
    )
    op.create_index(
        "uq_conversations_application",
        "conversations",
        ["application_id"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text("kind = 'gig' AND application_id IS NOT NULL"),
    )
    op.create_index(
        "uq_conversations_gig_participants",
        "conversations",
        ["gig_id", "participants_key"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text("kind = 'gig' AND application_id IS NULL"),
    )
    op.create_index(
        "uq_conversations_team",
        "conversations",
        ["gig_id"],
        unique=True,
        schema="callboard",
        postgresql_where=sa.text("kind = 'group' AND gig_id IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_conversations_application_id"),
        "conversations",
        "applications",
        ["application_id"],
        ["id"],
        source_schema="callboard",
        referent_schema="callboard",
    )
    op.create_foreign_key(
        op.f("fk_conversations_gig_id"),
        "conversations",
        "gigs",
        ["gig_id"],
        ["id"],
        source_schema="callboard",
        referent_schema="callboard",
    )
    op.add_column(
        "messages",
        sa.Column(
            "mentions", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
        schema="callboard",
    )
    op.add_column(
        "messages",
        sa.Column("search", postgresql.TSVECTOR(), nullable=True),
        schema="callboard",
    )
    op.create_index(
        "ix_messages_changed",
        "messages",
        ["conversation_id", "changed_xid"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("changed_xid IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_deleted",
        "messages",
        ["conversation_id", "seq"],
        unique=False,
        schema="callboard",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_search",
        "messages",
        ["search"],
        unique=False,
        schema="callboard",
        postgresql_using="gin",
    )
    op.add_column(
        "participants",
        sa.Column("basis", sa.Text(), server_default="member", nullable=False),
        schema="callboard",
    )
    op.add_column(
        "participants",
        sa.Column("left_seq", sa.BigInteger(), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "participants",
        sa.Column("left_reason", sa.Text(), nullable=True),
        schema="callboard",
    )
    op.add_column(
        "participants",
        sa.Column(
            "hides_receipts",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        schema="callboard",
    )
    op.add_column(
        "participants", sa.Column("left_xid", Xid8(), nullable=True), schema="callboard"
    )
    op.add_column(
        "users",
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        schema="callboard",
    )
    for table, name, condition in CHECKS:
        op.create_check_constraint(
            op.f(f"ck_{table}_{name}"), table, condition, schema="callboard"
        )


def downgrade() -> None:
    for table, name, _ in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, schema="callboard")
    op.drop_column("users", "last_seen_at", schema="callboard")
    op.drop_column("participants", "left_xid", schema="callboard")
    op.drop_column("participants", "hides_receipts", schema="callboard")
    op.drop_column("participants", "left_seq", schema="callboard")
    op.drop_column("participants", "left_reason", schema="callboard")
    op.drop_column("participants", "basis", schema="callboard")
    op.drop_index(
        "ix_messages_search",
        table_name="messages",
        schema="callboard",
        postgresql_using="gin",
    )
    op.drop_index(
        "ix_messages_deleted",
        table_name="messages",
        schema="callboard",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_messages_changed",
        table_name="messages",
        schema="callboard",
        postgresql_where=sa.text("changed_xid IS NOT NULL"),
    )
    op.drop_column("messages", "search", schema="callboard")
    op.drop_column("messages", "mentions", schema="callboard")
    op.drop_constraint(
        op.f("fk_conversations_gig_id"),
        "conversations",
        schema="callboard",
        type_="foreignkey",
    )
    op.drop_constraint(
        op.f("fk_conversations_application_id"),
        "conversations",
        schema="callboard",
        type_="foreignkey",
    )
    op.drop_index(
        "uq_conversations_team",
        table_name="conversations",
        schema="callboard",
        postgresql_where=sa.text("kind = 'group' AND gig_id IS NOT NULL"),
    )
    op.drop_index(
        "uq_conversations_gig_participants",
        table_name="conversations",
        schema="callboard",
        postgresql_where=sa.text("kind = 'gig' AND application_id IS NULL"),
    )
    op.drop_index(
        "uq_conversations_application",
        table_name="conversations",
        schema="callboard",
        postgresql_where=sa.text("kind = 'gig' AND application_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_conversations_read_only_at",
        table_name="conversations",
        schema="callboard",
        postgresql_where=sa.text("read_only_at IS NOT NULL AND closed_at IS NULL"),
    )
    op.drop_index(
        op.f("ix_conversations_gig_id"), table_name="conversations", schema="callboard"
    )
    op.drop_index(
        "ix_conversations_archive_at",
        table_name="conversations",
        schema="callboard",
        postgresql_where=sa.text("archive_at IS NOT NULL AND status <> 'archived'"),
    )
    op.drop_column("conversations", "edited_xid", schema="callboard")
    op.drop_column("conversations", "archive_at", schema="callboard")
    op.drop_column("conversations", "closed_at", schema="callboard")
    op.drop_column("conversations", "read_only_at", schema="callboard")
    op.drop_column("conversations", "closed_by", schema="callboard")
    op.drop_column("conversations", "history", schema="callboard")
    op.drop_column("conversations", "writers", schema="callboard")
    op.drop_column("conversations", "is_platforms", schema="callboard")
    op.drop_column("conversations", "participants_key", schema="callboard")
    op.drop_index(
        op.f("ix_uploads_uploader_id"), table_name="uploads", schema="callboard"
    )
    op.drop_index(
        "ix_uploads_unused",
        table_name="uploads",
        schema="callboard",
        postgresql_where=sa.text("seq IS NULL"),
    )
    op.drop_index(
        op.f("ix_uploads_conversation_id_seq"), table_name="uploads", schema="callboard"
    )
    op.drop_table("uploads", schema="callboard")
    op.drop_index(
        op.f("ix_reactions_user_id"), table_name="reactions", schema="callboard"
    )
    op.drop_table("reactions", schema="callboard")
    op.drop_table("message_edits", schema="callboard")
    op.drop_index(
        op.f("ix_moderation_log_user_id"),
        table_name="moderation_log",
        schema="callboard",
    )
    op.drop_index(
        op.f("ix_moderation_log_report_id"),
        table_name="moderation_log",
        schema="callboard",
    )
    op.drop_table("moderation_log", schema="callboard")
    op.drop_index(
        op.f("ix_gig_members_user_id"), table_name="gig_members", schema="callboard"
    )
    op.drop_table("gig_members", schema="callboard")
    op.drop_index(
        op.f("ix_applications_gig_id_applicant_id"),
        table_name="applications",
        schema="callboard",
    )
    op.drop_index(
        op.f("ix_applications_applicant_id"),
        table_name="applications",
        schema="callboard",
    )
    op.drop_table("applications", schema="callboard")
    op.drop_table("user_content_preferences", schema="callboard")
    op.drop_index(
        "uq_reports_pending",
        table_name="reports",
        schema="callboard",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_index(
        op.f("ix_reports_status_id"), table_name="reports", schema="callboard"
    )
    op.drop_index(
        op.f("ix_reports_reported_user_id"), table_name="reports", schema="callboard"
    )
    op.drop_table("reports", schema="callboard")
    op.drop_index(op.f("ix_gigs_owner_id"), table_name="gigs", schema="callboard")
    op.drop_index(
        op.f("ix_gigs_organization_id"), table_name="gigs", schema="callboard"
    )
    op.drop_table("gigs", schema="callboard")
    op.drop_index(
        op.f("ix_domain_events_xid_id"), table_name="domain_events", schema="callboard"
    )
    op.drop_index(
        op.f("ix_domain_events_occurred_at"),
        table_name="domain_events",
        schema="callboard",
    )
    op.drop_table("domain_events", schema="callboard")
    op.drop_index(op.f("ix_audit_logs_at"), table_name="audit_logs", schema="callboard")
    op.drop_index(
        op.f("ix_audit_logs_actor_id_id"), table_name="audit_logs", schema="callboard"
    )
    op.drop_index(
        op.f("ix_audit_logs_action_id"), table_name="audit_logs", schema="callboard"
    )
    op.drop_table("audit_logs", schema="callboard")
