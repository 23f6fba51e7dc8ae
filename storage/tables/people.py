"""People, their organizations, and how they relate to each other."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.tables.base import instant, metadata, one_of, xid

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("handle", Text),
    Column("email", Text),
    Column("avatar_url", Text),
    Column("headline", Text),
    Column("locale", Text),
    Column("timezone", Text),
    Column("role", Text),
    Column("account_status", Text, nullable=False, server_default="active"),
    Column("privacy", JSONB, nullable=False, server_default="{}"),
    instant("tokens_valid_after", nullable=True),
    instant("last_seen_at", nullable=True),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    one_of("account_status", "active", "suspended", "deleted"),
    Index("uq_users_handle", func.lower(text("handle")), unique=True),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    instant("created_at", now=True),
    instant("updated_at", now=True),
)

organization_members = Table(
    "organization_members",
    metadata,
    Column(
        "organization_id",
        Uuid,
        ForeignKey(organizations.c.id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    instant("created_at", now=True),
    PrimaryKeyConstraint("organization_id", "user_id"),
    one_of("role", "admin", "recruiter", "account_manager", "viewer"),
    Index(None, "user_id"),
)

connections = Table(
    "connections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("requester_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE")),
    Column("recipient_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE")),
    # The pair without its direction: two requests that cross are one relation.
    Column(
        "low_id", Uuid, Computed("LEAST(requester_id, recipient_id)", persisted=True)
    ),
    Column(
        "high_id",
        Uuid,
        Computed("GREATEST(requester_id, recipient_id)", persisted=True),
    ),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("message", Text),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    xid("changed_xid"),
    UniqueConstraint("low_id", "high_id", name="uq_connections_pair"),
    CheckConstraint("requester_id <> recipient_id", name="not_oneself"),
    one_of("status", "pending", "accepted", "rejected", "withdrawn", "removed"),
    Index(None, "requester_id", "id"),
    Index(None, "recipient_id", "id"),
)
connections.c.requester_id.nullable = False
connections.c.recipient_id.nullable = False

blocks = Table(
    "blocks",
    metadata,
    Column(
        "blocker_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False
    ),
    Column(
        "blocked_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False
    ),
    instant("created_at", now=True),
    PrimaryKeyConstraint("blocker_id", "blocked_id"),
    CheckConstraint("blocker_id <> blocked_id", name="not_oneself"),
    Index(None, "blocked_id"),
)

# Named as Preset names it.
user_content_preferences = Table(
    "user_content_preferences",
    metadata,
    Column(
        "user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True
    ),
    Column("allow_nsfw_content", Boolean, nullable=False, server_default=text("false")),
    Column("show_nsfw_warnings", Boolean, nullable=False, server_default=text("true")),
    Column("auto_hide_nsfw", Boolean, nullable=False, server_default=text("true")),
    Column("content_filter_level", Text, nullable=False, server_default="moderate"),
    Column("blocked_categories", ARRAY(Text), nullable=False, server_default="{}"),
    instant("updated_at", now=True),
    one_of("content_filter_level", "strict", "moderate", "lenient"),
)
