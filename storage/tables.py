"""
The shared schema: every table, as SQLAlchemy metadata.

Names follow the five platforms' own schemas (docs/schema.md maps them). Functions,
policies and partitions, which metadata cannot say, stand in `storage/sql/` and are
installed by the migrations; a test holds metadata and migrations equal.

`xid8` columns carry the transaction that wrote a row, so that what a client has
missed is what its snapshot cannot see (docs/decisions/0003).
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

SCHEMA = "callboard"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    },
)


class Xid8(UserDefinedType[int]):
    """A full transaction id: 64 bits, never wraps (PostgreSQL's `xid8`)."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Name the type in DDL."""
        return "xid8"


def _instant(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    """Say when, with the zone."""
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=func.now() if now else None,
    )


def _xid(name: str, *, nullable: bool = False) -> Column[int]:
    """Say in which transaction."""
    default = None if nullable else text("pg_current_xact_id()")
    return Column(name, Xid8(), nullable=nullable, server_default=default)


def _one_of(column: str, *values: str) -> CheckConstraint:
    """Close a set of states."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


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
    _instant("tokens_valid_after", nullable=True),
    _instant("created_at", now=True),
    _instant("updated_at", now=True),
    _one_of("account_status", "active", "suspended", "deleted"),
    Index("uq_users_handle", func.lower(text("handle")), unique=True),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    _instant("created_at", now=True),
    _instant("updated_at", now=True),
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
    _instant("created_at", now=True),
    PrimaryKeyConstraint("organization_id", "user_id"),
    _one_of("role", "admin", "recruiter", "account_manager", "viewer"),
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
    _instant("created_at", now=True),
    _instant("updated_at", now=True),
    _xid("changed_xid"),
    UniqueConstraint("low_id", "high_id", name="uq_connections_pair"),
    CheckConstraint("requester_id <> recipient_id", name="not_oneself"),
    _one_of("status", "pending", "accepted", "rejected", "withdrawn", "removed"),
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
    _instant("created_at", now=True),
    PrimaryKeyConstraint("blocker_id", "blocked_id"),
    CheckConstraint("blocker_id <> blocked_id", name="not_oneself"),
    Index(None, "blocked_id"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("gig_id", Uuid),
    Column("application_id", Uuid),
    Column("title", Text),
    Column("status", Text, nullable=False, server_default="active"),
    Column("direct_low_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE")),
    Column("direct_high_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE")),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    _instant("last_message_at", nullable=True),
    # The transaction of the latest message: a node knows by it whether the one
    # before has already been delivered (realtime/sequencer.py).
    _xid("last_xid", nullable=True),
    _instant("created_at", now=True),
    _xid("created_xid"),
    _xid("changed_xid"),
    UniqueConstraint("direct_low_id", "direct_high_id", name="uq_conversations_direct"),
    _one_of("kind", "direct", "gig", "group", "assistant"),
    _one_of("status", "active", "blocked", "archived"),
    CheckConstraint(
        "(kind = 'direct') = (direct_low_id IS NOT NULL)"
        " AND (direct_low_id IS NULL) = (direct_high_id IS NULL)"
        " AND direct_low_id < direct_high_id",
        name="direct_pair",
    ),
    # For erasing a person; the lower one is found by the unique constraint.
    Index(None, "direct_high_id"),
    # Room on the page for the next version: every message moves this row.
    postgresql_with={"fillfactor": 70},
)

participants = Table(
    "participants",
    metadata,
    Column("conversation_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("role", Text, nullable=False, server_default="member"),
    _instant("joined_at", now=True),
    # What was said up to here is not for this participant.
    Column("joined_seq", BigInteger, nullable=False, server_default="0"),
    _instant("left_at", nullable=True),
    Column("read_seq", BigInteger, nullable=False, server_default="0"),
    Column("delivered_seq", BigInteger, nullable=False, server_default="0"),
    _instant("read_at", nullable=True),
    _instant("delivered_at", nullable=True),
    _instant("muted_until", nullable=True),
    _instant("archived_at", nullable=True),
    _xid("joined_xid"),
    # When the markers moved, and when the participant muted or archived.
    _xid("changed_xid"),
    _xid("arranged_xid"),
    PrimaryKeyConstraint("conversation_id", "user_id"),
    ForeignKeyConstraint(["conversation_id"], [conversations.c.id], ondelete="CASCADE"),
    ForeignKeyConstraint(["user_id"], [users.c.id], ondelete="CASCADE"),
    _one_of("role", "owner", "member"),
    CheckConstraint("read_seq <= delivered_seq", name="markers"),
    Index(None, "user_id", "conversation_id"),
    postgresql_with={"fillfactor": 70},
)

messages = Table(
    "messages",
    metadata,
    Column("conversation_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid),
    Column("sender_id", Uuid),
    Column("kind", Text, nullable=False, server_default="text"),
    Column("body", Text, nullable=False),
    Column("parts", JSONB),
    Column("attachments", JSONB, nullable=False, server_default="[]"),
    Column("reply_to_id", Uuid),
    Column("metadata", JSONB, nullable=False, server_default="{}"),
    _instant("sent_at"),
    _instant("edited_at", nullable=True),
    _instant("deleted_at", nullable=True),
    _xid("created_xid"),
    _xid("changed_xid", nullable=True),
    PrimaryKeyConstraint("conversation_id", "seq"),
    ForeignKeyConstraint(["conversation_id"], [conversations.c.id], ondelete="CASCADE"),
    _one_of("kind", "text", "system", "assistant"),
    CheckConstraint("seq > 0", name="seq"),
    Index("ix_messages_id", "id"),
    postgresql_partition_by="HASH (conversation_id)",
)

# What makes a send idempotent per sender, for ever and across conversations; a
# unique constraint of the partitioned `messages` could not span partitions.
message_keys = Table(
    "message_keys",
    metadata,
    Column("sender_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    # 128 bits of BLAKE2b over the content as sent: "same content" for ever,
    # whatever was edited since.
    Column("digest", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    PrimaryKeyConstraint("sender_id", "client_id"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("conversation_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    _instant("at"),
    _xid("created_xid"),
    PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
    ForeignKeyConstraint(
        ["conversation_id", "user_id"],
        [participants.c.conversation_id, participants.c.user_id],
        ondelete="CASCADE",
    ),
    Index(None, "conversation_id", "at"),
)

feed = Table(
    "feed",
    metadata,
    # One row a transaction at the most, so its id is the key.
    Column(
        "xid", Xid8(), primary_key=True, server_default=text("pg_current_xact_id()")
    ),
    Column("node_id", Uuid, nullable=False),
    _instant("created_at", now=True),
    # Events with their audience, complete.
    Column("events", JSONB),
    # Messages by reference: the rows themselves are read when they are needed.
    Column("conversation_ids", ARRAY(Uuid)),
    Column("first_seqs", ARRAY(BigInteger)),
    Column("last_seqs", ARRAY(BigInteger)),
    Column("prev_xids", ARRAY(Xid8())),
    Index(None, "created_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _instant("created_at", now=True),
    _instant("last_used_at", nullable=True),
    _instant("revoked_at", nullable=True),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column(
        "api_key_id",
        Uuid,
        ForeignKey(api_keys.c.id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("response", LargeBinary),
    _instant("created_at", now=True),
    PrimaryKeyConstraint("api_key_id", "key"),
    Index(None, "created_at"),
)
