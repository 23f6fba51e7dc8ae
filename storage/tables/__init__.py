"""
The shared schema: every table, as SQLAlchemy metadata.

Names follow the five platforms' own schemas (docs/schema.md maps them). Functions,
policies and partitions, which metadata cannot say, stand in `storage/sql/` and are
installed by the migrations; a test holds metadata and migrations equal.

`xid8` columns carry the transaction that wrote a row, so that what a client has
missed is what its snapshot cannot see (docs/decisions/0003).
"""

from storage.tables.base import SCHEMA, Xid8, metadata
from storage.tables.conversations import (
    conversations,
    message_edits,
    message_keys,
    messages,
    participants,
    reactions,
    receipts,
    uploads,
)
from storage.tables.deliveries import (
    deliveries,
    digests,
    email_logs,
    email_suppressions,
    inbound_emails,
    server_keys,
    webhook_deliveries,
    webhook_endpoints,
)
from storage.tables.market import applications, gig_members, gigs
from storage.tables.notifications import (
    broadcasts,
    devices,
    event_consumers,
    job_alert_matches,
    job_alerts,
    notification_preferences,
    notification_settings,
    notifications,
    reminders,
    topic_subscriptions,
)
from storage.tables.people import (
    blocks,
    connections,
    organization_members,
    organizations,
    user_content_preferences,
    users,
)
from storage.tables.safety import audit_logs, domain_events, moderation_log, reports
from storage.tables.server import api_keys, feed, idempotency_keys

__all__ = [
    "SCHEMA",
    "Xid8",
    "api_keys",
    "applications",
    "audit_logs",
    "blocks",
    "broadcasts",
    "connections",
    "conversations",
    "deliveries",
    "devices",
    "digests",
    "domain_events",
    "email_logs",
    "email_suppressions",
    "event_consumers",
    "feed",
    "gig_members",
    "gigs",
    "idempotency_keys",
    "inbound_emails",
    "job_alert_matches",
    "job_alerts",
    "message_edits",
    "message_keys",
    "messages",
    "metadata",
    "moderation_log",
    "notification_preferences",
    "notification_settings",
    "notifications",
    "organization_members",
    "organizations",
    "participants",
    "reactions",
    "receipts",
    "reminders",
    "reports",
    "server_keys",
    "topic_subscriptions",
    "uploads",
    "user_content_preferences",
    "users",
    "webhook_deliveries",
    "webhook_endpoints",
]
