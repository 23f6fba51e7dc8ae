"""What people are told, and how they want to be told."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.tables.base import Xid8, instant, metadata, one_of, xid
from storage.tables.people import users
from storage.tables.server import api_keys

# What is told to many: it becomes notifications some people at a time.
broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("api_key_id", Uuid, ForeignKey(api_keys.c.id, ondelete="SET NULL")),
    Column("type", Text, nullable=False),
    # To these people, to who follows a topic, or, without either, to everyone.
    Column("user_ids", ARRAY(Uuid)),
    Column("topic", Text),
    Column("content", JSONB, nullable=False),
    # Everybody up to here has been told.
    Column("after_user_id", Uuid),
    Column("recipients", Integer, nullable=False, server_default="0"),
    Column("status", Text, nullable=False, server_default="pending"),
    instant("expires_at", nullable=True),
    instant("created_at", now=True),
    instant("finished_at", nullable=True),
    one_of("status", "pending", "done", "cancelled"),
    Index(None, "id", postgresql_where=text("status = 'pending'")),
)

topic_subscriptions = Table(
    "topic_subscriptions",
    metadata,
    Column("topic", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    instant("created_at", now=True),
    PrimaryKeyConstraint("topic", "user_id"),
    Index(None, "user_id"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False),
    # What kind of consent it needs: a catalogue may change, this one was sent so.
    Column("class", Text, nullable=False, key="class_"),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JSONB, nullable=False, server_default="{}"),
    Column("priority", Text, nullable=False, server_default="normal"),
    # Whom and what it concerns. No foreign keys: it outlives them, and is looked at
    # again for what has become of them before it leaves.
    Column("related_user_id", Uuid),
    Column("related_connection_id", Uuid),
    Column("conversation_id", Uuid),
    Column("message_id", Uuid),
    Column("seq", BigInteger),
    Column("gig_id", Uuid),
    Column("application_id", Uuid),
    Column("link", Text),
    Column("collapse_key", Text),
    Column("count", Integer, nullable=False, server_default="1"),
    # Not in the inbox where that is switched off; then it is for its deliveries only.
    Column("is_shown", Boolean, nullable=False, server_default=text("true")),
    # What was decided for each channel when it came, and by which preference.
    Column("decisions", JSONB, nullable=False, server_default="{}"),
    Column("broadcast_id", Uuid, ForeignKey(broadcasts.c.id, ondelete="SET NULL")),
    Column("event_id", BigInteger),
    instant("seen_at", nullable=True),
    instant("read_at", nullable=True),
    instant("archived_at", nullable=True),
    instant("expires_at", nullable=True),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    xid("created_xid"),
    xid("changed_xid"),
    one_of("class", "service", "alert", "promotion"),
    one_of("priority", "low", "normal", "high", "urgent"),
    CheckConstraint("count >= 1", name="count"),
    Index(None, "user_id", "id"),
    Index(None, "user_id", "changed_xid"),
    Index(
        "ix_notifications_unread",
        "user_id",
        "expires_at",
        postgresql_where=text("read_at IS NULL AND archived_at IS NULL AND is_shown"),
    ),
    # Of one key there is one that is unread: the next is counted on it.
    Index(
        "uq_notifications_collapse",
        "user_id",
        "collapse_key",
        unique=True,
        postgresql_where=text(
            "collapse_key IS NOT NULL AND read_at IS NULL AND archived_at IS NULL"
        ),
    ),
    # Told once, however often the event or the broadcast is worked on.
    Index(
        "uq_notifications_broadcast",
        "broadcast_id",
        "user_id",
        unique=True,
        postgresql_where=text("broadcast_id IS NOT NULL"),
    ),
    Index(
        "ix_notifications_conversation",
        "user_id",
        "conversation_id",
        postgresql_where=text("conversation_id IS NOT NULL AND read_at IS NULL"),
    ),
    Index(None, "created_at"),
)

# What somebody has chosen. A row is a choice; where there is none, the catalogue says.
notification_preferences = Table(
    "notification_preferences",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    # A type of the catalogue, `class:promotion`, or * for the whole channel.
    Column("type", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("mode", Text, nullable=False),
    # How it was chosen, which is the proof of consent.
    Column("source", Text, nullable=False, server_default="user"),
    instant("changed_at", now=True),
    PrimaryKeyConstraint("user_id", "type", "channel"),
    one_of("channel", "in_app", "push", "email"),
    one_of("mode", "off", "instant", "hourly", "daily", "weekly"),
    one_of("source", "user", "platform", "unsubscribe", "one_click", "complaint"),
)

# When somebody wants to be told, and how much. The row is also the lock of whoever
# decides for this person, so that two workers cannot both win.
notification_settings = Table(
    "notification_settings",
    metadata,
    Column(
        "user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True
    ),
    # {"monday": [{"from": "22:00", "to": "07:00"}], …} in the person's zone.
    Column("quiet_hours", JSONB, nullable=False, server_default="{}"),
    instant("do_not_disturb_until", nullable=True),
    # Where the digest is read: minutes after midnight, and 0 for Monday.
    Column("digest_minute", Integer),
    Column("digest_weekday", Integer),
    # Mails and pushes a day; what is over goes into the next digest.
    Column("daily_pushes", Integer),
    Column("daily_emails", Integer),
    # A zone that was chosen here wins over the platform's.
    Column("timezone", Text),
    instant("updated_at", now=True),
    CheckConstraint("digest_minute BETWEEN 0 AND 1439", name="digest_minute"),
    CheckConstraint("digest_weekday BETWEEN 0 AND 6", name="digest_weekday"),
    CheckConstraint("daily_pushes >= 0 AND daily_emails >= 0", name="budget"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    # Where a push goes: the endpoint's URL, or the token of the service.
    Column("token", Text, nullable=False),
    # Web Push: p256dh and auth.
    Column("keys", JSONB, nullable=False, server_default="{}"),
    # The VAPID key with which the browser subscribed.
    Column("vapid_key_id", Uuid),
    # The app (APNs' topic, FCM's project, whatever a relay tells apart).
    Column("app", Text),
    Column("name", Text),
    Column("locale", Text),
    Column("payload", Text, nullable=False, server_default="full"),
    instant("created_at", now=True),
    instant("seen_at", now=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    one_of("kind", "webpush", "fcm", "apns", "relay"),
    one_of("payload", "full", "id_only"),
    # The same token moves with whoever registers it.
    UniqueConstraint("kind", "token", name="uq_devices_token"),
    Index(None, "user_id"),
)

# Up to where a consumer of the domain events has come.
event_consumers = Table(
    "event_consumers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("xid", Xid8(), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    instant("updated_at", now=True),
)

# What is to be told at a time: before an interview, before an offer's answer is due.
reminders = Table(
    "reminders",
    metadata,
    Column("id", Uuid, primary_key=True),
    # What it is about: a later event with this key moves or cancels it.
    Column("key", Text, nullable=False, unique=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False),
    Column("content", JSONB, nullable=False, server_default="{}"),
    instant("due_at"),
    # After this moment it helps nobody.
    instant("deadline_at"),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("reason", Text),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    one_of("status", "pending", "sent", "cancelled"),
    Index(None, "due_at", postgresql_where=text("status = 'pending'")),
    Index(None, "user_id"),
)

# Named as AICareer names it.
job_alerts = Table(
    "job_alerts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", Text),
    Column("criteria", JSONB, nullable=False),
    # Only a gig that has one of these can be what it looks for.
    Column("anchors", ARRAY(Text), nullable=False),
    Column("frequency", Text, nullable=False, server_default="daily"),
    Column("status", Text, nullable=False, server_default="active"),
    instant("last_sent_at", nullable=True),
    instant("created_at", now=True),
    instant("updated_at", now=True),
    one_of("frequency", "instant", "daily", "weekly"),
    one_of("status", "active", "paused"),
    Index(None, "user_id"),
    Index(
        "ix_job_alerts_anchors",
        "anchors",
        postgresql_using="gin",
        postgresql_where=text("status = 'active'"),
    ),
)

# Once per alert and gig, for ever; gigs that go stay here as ids.
job_alert_matches = Table(
    "job_alert_matches",
    metadata,
    Column(
        "alert_id",
        Uuid,
        ForeignKey(job_alerts.c.id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("gig_id", Uuid, nullable=False),
    # What the gig says: the same text posted again is the same job.
    Column("content_hash", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("reason", Text),
    Column("notification_id", Uuid),
    instant("due_at"),
    instant("matched_at", now=True),
    PrimaryKeyConstraint("alert_id", "gig_id"),
    one_of("status", "pending", "sent", "skipped"),
    Index("uq_job_alert_matches_content", "alert_id", "content_hash", unique=True),
    Index(None, "due_at", postgresql_where=text("status = 'pending'")),
    Index(None, "gig_id"),
)
