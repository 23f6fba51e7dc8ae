"""The market as the platform mirrors it here: what a conversation can be about."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.base import instant, metadata, one_of
from storage.tables.people import organizations, users

gigs = Table(
    "gigs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column(
        "owner_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False
    ),
    Column("organization_id", Uuid, ForeignKey(organizations.c.id)),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    # From when on the status holds: by it the life-cycle rules count their days.
    instant("status_at", now=True),
    instant("deadline", nullable=True),
    instant("starts_at", nullable=True),
    Column("data", JSONB, nullable=False, server_default="{}"),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    one_of("kind", "gig", "job", "project"),
    one_of(
        "status", "draft", "published", "filled", "closed", "completed", "cancelled"
    ),
    Index(None, "owner_id"),
    Index(None, "organization_id"),
)

gig_members = Table(
    "gig_members",
    metadata,
    Column("gig_id", Uuid, ForeignKey(gigs.c.id, ondelete="CASCADE"), nullable=False),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False, server_default="member"),
    instant("created_at", now=True),
    PrimaryKeyConstraint("gig_id", "user_id"),
    Index(None, "user_id"),
)

applications = Table(
    "applications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("gig_id", Uuid, ForeignKey(gigs.c.id, ondelete="CASCADE"), nullable=False),
    Column(
        "applicant_id",
        Uuid,
        ForeignKey(users.c.id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("status", Text, nullable=False),
    instant("status_at", now=True),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    one_of(
        "status",
        "pending",
        "shortlisted",
        "interviewing",
        "offered",
        "accepted",
        "rejected",
        "withdrawn",
    ),
    Index(None, "gig_id", "applicant_id"),
    Index(None, "applicant_id"),
)
