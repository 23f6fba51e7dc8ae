"""What is the server's own: the feed, keys, answers to repeat."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.tables.base import Xid8, instant, metadata

feed = Table(
    "feed",
    metadata,
    # One row a transaction at the most, so its id is the key.
    Column(
        "xid", Xid8(), primary_key=True, server_default=text("pg_current_xact_id()")
    ),
    Column("node_id", Uuid, nullable=False),
    instant("created_at", now=True),
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
    instant("created_at", now=True),
    instant("last_used_at", nullable=True),
    instant("revoked_at", nullable=True),
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
    instant("created_at", now=True),
    PrimaryKeyConstraint("api_key_id", "key"),
    Index(None, "created_at"),
)
