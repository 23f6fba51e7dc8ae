"""Conversations, who takes part, and what is said in them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from storage.tables.base import instant, metadata, one_of, xid
from storage.tables.market import applications, gigs
from storage.tables.people import users

conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("gig_id", Uuid, ForeignKey(gigs.c.id)),
    Column("application_id", Uuid, ForeignKey(applications.c.id)),
    # Who was there at first, where a gig's thread has no application: one a set.
    Column("participants_key", Uuid),
    Column("title", Text),
    Column("status", Text, nullable=False, server_default="active"),
    # Who may write in a group: a community's posts are its owners'.
    Column("writers", Text, nullable=False, server_default="members"),
    # The platform made it and keeps its members; its people's own groups are theirs.
    Column("is_platforms", Boolean, nullable=False, server_default=text("false")),
    # What who joins may read of what was said before.
    Column("history", Text, nullable=False, server_default="all"),
    # The life-cycle rule that applies, from when on nobody may write, when it was
    # said in the thread, and from when on it is archived (realtime/lifecycle.py).
    Column("closed_by", Text),
    instant("read_only_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("archive_at", nullable=True),
    Column("direct_low_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE")),
    Column("direct_high_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE")),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    instant("last_message_at", nullable=True),
    # The transaction of the latest message: a node knows by it whether the one
    # before has already been delivered (realtime/sequencer.py).
    xid("last_xid", nullable=True),
    # The transaction that last changed any of its messages, or who takes part.
    xid("edited_xid", nullable=True),
    instant("created_at", now=True),
    xid("created_xid"),
    xid("changed_xid"),
    UniqueConstraint("direct_low_id", "direct_high_id", name="uq_conversations_direct"),
    one_of("kind", "direct", "gig", "group", "assistant"),
    one_of("status", "active", "blocked", "archived"),
    one_of("writers", "members", "owners"),
    one_of("history", "all", "joined"),
    CheckConstraint(
        "(kind = 'direct') = (direct_low_id IS NOT NULL)"
        " AND (direct_low_id IS NULL) = (direct_high_id IS NULL)"
        " AND direct_low_id < direct_high_id",
        name="direct_pair",
    ),
    CheckConstraint(
        "kind <> 'gig' OR gig_id IS NOT NULL"
        " AND (application_id IS NULL) = (participants_key IS NOT NULL)",
        name="gig_thread",
    ),
    # One thread an application, one a gig and set of people, one team group a gig.
    Index(
        "uq_conversations_application",
        "application_id",
        unique=True,
        postgresql_where=text("kind = 'gig' AND application_id IS NOT NULL"),
    ),
    Index(
        "uq_conversations_gig_participants",
        "gig_id",
        "participants_key",
        unique=True,
        postgresql_where=text("kind = 'gig' AND application_id IS NULL"),
    ),
    Index(
        "uq_conversations_team",
        "gig_id",
        unique=True,
        postgresql_where=text("kind = 'group' AND gig_id IS NOT NULL"),
    ),
    Index(None, "gig_id"),
    # What a sweep has to close or to archive.
    Index(
        "ix_conversations_read_only_at",
        "read_only_at",
        postgresql_where=text("read_only_at IS NOT NULL AND closed_at IS NULL"),
    ),
    Index(
        "ix_conversations_archive_at",
        "archive_at",
        postgresql_where=text("archive_at IS NOT NULL AND status <> 'archived'"),
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
    # By what right: who is here as the gig's team goes when they leave the team.
    Column("basis", Text, nullable=False, server_default="member"),
    instant("joined_at", now=True),
    # What was said up to here is not for this participant.
    Column("joined_seq", BigInteger, nullable=False, server_default="0"),
    instant("left_at", nullable=True),
    # The last message that was theirs to read.
    Column("left_seq", BigInteger),
    # Who left of their own accord is not brought back by the ledger.
    Column("left_reason", Text),
    Column("read_seq", BigInteger, nullable=False, server_default="0"),
    Column("delivered_seq", BigInteger, nullable=False, server_default="0"),
    instant("read_at", nullable=True),
    instant("delivered_at", nullable=True),
    instant("muted_until", nullable=True),
    instant("archived_at", nullable=True),
    # As the person's privacy says, here to be at hand where receipts are made.
    Column("hides_receipts", Boolean, nullable=False, server_default=text("false")),
    xid("joined_xid"),
    xid("left_xid", nullable=True),
    # When the markers moved, and when the participant muted or archived.
    xid("changed_xid"),
    xid("arranged_xid"),
    PrimaryKeyConstraint("conversation_id", "user_id"),
    ForeignKeyConstraint(["conversation_id"], [conversations.c.id], ondelete="CASCADE"),
    ForeignKeyConstraint(["user_id"], [users.c.id], ondelete="CASCADE"),
    one_of("role", "owner", "member"),
    one_of("basis", "member", "team", "applicant", "invited"),
    one_of("left_reason", "left", "removed", "ledger"),
    CheckConstraint("(left_at IS NULL) = (left_reason IS NULL)", name="left"),
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
    Column("mentions", ARRAY(Uuid), nullable=False, server_default="{}"),
    # Words of the body, and the conversation as one of them (storage/sql/5_search.sql).
    Column("search", TSVECTOR),
    instant("sent_at"),
    instant("edited_at", nullable=True),
    instant("deleted_at", nullable=True),
    xid("created_xid"),
    xid("changed_xid", nullable=True),
    PrimaryKeyConstraint("conversation_id", "seq"),
    ForeignKeyConstraint(["conversation_id"], [conversations.c.id], ondelete="CASCADE"),
    one_of("kind", "text", "system", "assistant"),
    CheckConstraint("seq > 0", name="seq"),
    Index("ix_messages_id", "id"),
    Index(
        "ix_messages_changed",
        "conversation_id",
        "changed_xid",
        postgresql_where=text("changed_xid IS NOT NULL"),
    ),
    # Tombstones, which do not count as unread.
    Index(
        "ix_messages_deleted",
        "conversation_id",
        "seq",
        postgresql_where=text("deleted_at IS NOT NULL"),
    ),
    Index("ix_messages_search", "search", postgresql_using="gin"),
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
    instant("at"),
    xid("created_xid"),
    PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
    ForeignKeyConstraint(
        ["conversation_id", "user_id"],
        [participants.c.conversation_id, participants.c.user_id],
        ondelete="CASCADE",
    ),
    Index(None, "conversation_id", "at"),
)

# What a message said before it was edited, the first version first.
message_edits = Table(
    "message_edits",
    metadata,
    Column("conversation_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    # Until when it said so.
    instant("edited_at"),
    PrimaryKeyConstraint("conversation_id", "message_id", "version"),
    ForeignKeyConstraint(["conversation_id"], [conversations.c.id], ondelete="CASCADE"),
)

reactions = Table(
    "reactions",
    metadata,
    Column("conversation_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("emoji", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    instant("created_at", now=True),
    PrimaryKeyConstraint("conversation_id", "message_id", "user_id", "emoji"),
    ForeignKeyConstraint(["conversation_id"], [conversations.c.id], ondelete="CASCADE"),
    Index(None, "user_id"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "conversation_id",
        Uuid,
        ForeignKey(conversations.c.id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "uploader_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False
    ),
    Column("name", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    # The message that carries it, once there is one: who reads that may have it.
    Column("seq", BigInteger),
    instant("created_at", now=True),
    instant("deleted_at", nullable=True),
    Index(None, "conversation_id", "seq"),
    Index(None, "uploader_id"),
    Index("ix_uploads_unused", "created_at", postgresql_where=text("seq IS NULL")),
)
