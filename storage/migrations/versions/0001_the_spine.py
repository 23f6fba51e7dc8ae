"""
The spine: people, their connections, conversations, messages, the feed, keys.

Revision: 0001
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.tables import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As many as one machine's cores and disks will want; changing it later means copying.
PARTITIONS = 16

# In an order in which they can go: who refers before what is referred to.
TABLES = (
    "receipts",
    "participants",
    "messages",
    "organization_members",
    "idempotency_keys",
    "conversations",
    "connections",
    "blocks",
    "users",
    "organizations",
    "message_keys",
    "feed",
    "api_keys",
)


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
        schema="callboard",
    )
    op.create_table(
        "feed",
        sa.Column(
            "xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("events", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("conversation_ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("first_seqs", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("last_seqs", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("prev_xids", postgresql.ARRAY(Xid8()), nullable=True),
        sa.PrimaryKeyConstraint("xid", name=op.f("pk_feed")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_feed_created_at"),
        "feed",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "message_keys",
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("sender_id", "client_id", name=op.f("pk_message_keys")),
        schema="callboard",
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        schema="callboard",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("headline", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("account_status", sa.Text(), server_default="active", nullable=False),
        sa.Column(
            "privacy",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("tokens_valid_after", sa.DateTime(timezone=True), nullable=True),
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
            "account_status IN ('active', 'suspended', 'deleted')",
            name=op.f("ck_users_account_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        schema="callboard",
    )
    op.create_index(
        "uq_users_handle",
        "users",
        [sa.literal_column("lower(handle)")],
        unique=True,
        schema="callboard",
    )
    op.create_table(
        "blocks",
        sa.Column("blocker_id", sa.Uuid(), nullable=False),
        sa.Column("blocked_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "blocker_id <> blocked_id", name=op.f("ck_blocks_not_oneself")
        ),
        sa.ForeignKeyConstraint(
            ["blocked_id"],
            ["callboard.users.id"],
            name=op.f("fk_blocks_blocked_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["blocker_id"],
            ["callboard.users.id"],
            name=op.f("fk_blocks_blocker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id", name=op.f("pk_blocks")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_blocks_blocked_id"),
        "blocks",
        ["blocked_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column(
            "low_id",
            sa.Uuid(),
            sa.Computed("LEAST(requester_id, recipient_id)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "high_id",
            sa.Uuid(),
            sa.Computed("GREATEST(requester_id, recipient_id)", persisted=True),
            nullable=True,
        ),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
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
            "changed_xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'accepted', 'rejected', 'withdrawn', 'removed')",
            name=op.f("ck_connections_status"),
        ),
        sa.CheckConstraint(
            "requester_id <> recipient_id", name=op.f("ck_connections_not_oneself")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["callboard.users.id"],
            name=op.f("fk_connections_recipient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"],
            ["callboard.users.id"],
            name=op.f("fk_connections_requester_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("low_id", "high_id", name="uq_connections_pair"),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_connections_recipient_id_id"),
        "connections",
        ["recipient_id", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_index(
        op.f("ix_connections_requester_id_id"),
        "connections",
        ["requester_id", "id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("gig_id", sa.Uuid(), nullable=True),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("direct_low_id", sa.Uuid(), nullable=True),
        sa.Column("direct_high_id", sa.Uuid(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_xid", Xid8(), nullable=True),
        sa.Column(
            "created_at",
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
            "(kind = 'direct') = (direct_low_id IS NOT NULL)"
            " AND (direct_low_id IS NULL) = (direct_high_id IS NULL)"
            " AND direct_low_id < direct_high_id",
            name=op.f("ck_conversations_direct_pair"),
        ),
        sa.CheckConstraint(
            "kind IN ('direct', 'gig', 'group', 'assistant')",
            name=op.f("ck_conversations_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'blocked', 'archived')",
            name=op.f("ck_conversations_status"),
        ),
        sa.ForeignKeyConstraint(
            ["direct_high_id"],
            ["callboard.users.id"],
            name=op.f("fk_conversations_direct_high_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["direct_low_id"],
            ["callboard.users.id"],
            name=op.f("fk_conversations_direct_low_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint(
            "direct_low_id", "direct_high_id", name="uq_conversations_direct"
        ),
        schema="callboard",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        op.f("ix_conversations_direct_high_id"),
        "conversations",
        ["direct_high_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["callboard.api_keys.id"],
            name=op.f("fk_idempotency_keys_api_key_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("api_key_id", "key", name=op.f("pk_idempotency_keys")),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"),
        "idempotency_keys",
        ["created_at"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "organization_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('admin', 'recruiter', 'account_manager', 'viewer')",
            name=op.f("ck_organization_members_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["callboard.organizations.id"],
            name=op.f("fk_organization_members_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_organization_members_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "user_id", name=op.f("pk_organization_members")
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_organization_members_user_id"),
        "organization_members",
        ["user_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "messages",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("sender_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="text", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "attachments",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("reply_to_id", sa.Uuid(), nullable=True),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.Column("changed_xid", Xid8(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('text', 'system', 'assistant')", name=op.f("ck_messages_kind")
        ),
        sa.CheckConstraint("seq > 0", name=op.f("ck_messages_seq")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["callboard.conversations.id"],
            name=op.f("fk_messages_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name=op.f("pk_messages")),
        schema="callboard",
        postgresql_partition_by="HASH (conversation_id)",
    )
    for part in range(PARTITIONS):
        op.execute(
            f"CREATE TABLE callboard.messages_p{part:02}"
            " PARTITION OF callboard.messages"
            f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {part})"
        )
    op.create_index(
        "ix_messages_id", "messages", ["id"], unique=False, schema="callboard"
    )
    op.create_table(
        "participants",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column(
            "joined_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("joined_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "joined_xid",
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
        sa.Column(
            "arranged_xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('owner', 'member')", name=op.f("ck_participants_role")
        ),
        sa.CheckConstraint(
            "read_seq <= delivered_seq", name=op.f("ck_participants_markers")
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["callboard.conversations.id"],
            name=op.f("fk_participants_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["callboard.users.id"],
            name=op.f("fk_participants_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "conversation_id", "user_id", name=op.f("pk_participants")
        ),
        schema="callboard",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        op.f("ix_participants_user_id_conversation_id"),
        "participants",
        ["user_id", "conversation_id"],
        unique=False,
        schema="callboard",
    )
    op.create_table(
        "receipts",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id", "user_id"],
            [
                "callboard.participants.conversation_id",
                "callboard.participants.user_id",
            ],
            name=op.f("fk_receipts_conversation_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "conversation_id", "user_id", "seq", name=op.f("pk_receipts")
        ),
        schema="callboard",
    )
    op.create_index(
        op.f("ix_receipts_conversation_id_at"),
        "receipts",
        ["conversation_id", "at"],
        unique=False,
        schema="callboard",
    )


def downgrade() -> None:
    op.execute("DROP VIEW IF EXISTS callboard.profiles")
    for table in TABLES:
        op.execute(f"DROP TABLE callboard.{table} CASCADE")
    op.execute(
        "DO $$ DECLARE f text; BEGIN FOR f IN SELECT oid::regprocedure FROM pg_proc"
        " WHERE pronamespace = 'callboard'::regnamespace LOOP"
        " EXECUTE 'DROP FUNCTION ' || f || ' CASCADE'; END LOOP; END $$"
    )
