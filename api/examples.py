"""What calls are shown with in the documentation: two people and what they do."""

from collections.abc import Mapping
from typing import Any

ADA = "0191b1a2-0000-7000-8000-00000000ada0"
GRACE = "0191b1a2-0000-7000-8000-000000009ace"
_LINK = "0191b1a2-0000-7000-8000-0000000011c0"
_AGENCY = "0191b1a2-0000-7000-8000-00000000a9e0"
_GIG = "0191b1a2-0000-7000-8000-000000009199"
_TALK = "0191b1a2-0000-7000-8000-00000000ca11"
# FastAPI drops every null of a description, those of examples too.
_NULL = "(null)"

_AT = "2026-11-21T01:20:00.000Z"

PROFILE: Mapping[str, Any] = {
    "id": GRACE,
    "display_name": "Grace",
    "handle": "grace",
    "avatar_url": "https://cdn.example/grace.png",
    "headline": "Compilers, and the people who use them",
    "role": "talent",
}

USER: Mapping[str, Any] = {
    **PROFILE,
    "email": "grace@example.org",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "account_status": "active",
    "created_at": _AT,
    "updated_at": _AT,
}

UNREAD = {"conversations": 2, "messages": 5, "notifications": 1}

PRIVACY: Mapping[str, Any] = {
    "hide_receipts": True,
    "hide_presence": False,
    "hide_typing": False,
    "connection_requests": "participants",
}

_DELIVERY_ID = "0191b1a2-0000-7000-8000-00000000de11"
_NOTE_ID = "0191b1a2-0000-7000-8000-00000000b0ad"

DELIVERY: Mapping[str, Any] = {
    "id": _DELIVERY_ID,
    "user_id": GRACE,
    "channel": "email",
    "type": "connection_request",
    "class": "service",
    "priority": "normal",
    "mode": "instant",
    "status": "skipped",
    "reason": "read",
    "notification_id": _NOTE_ID,
    "conversation_id": _NULL,
    "digest_id": _NULL,
    "carrier_id": _NULL,
    "device_id": _NULL,
    "device_kind": _NULL,
    "address": "g…@example.org",
    "attempts": 0,
    "error": _NULL,
    "provider_id": _NULL,
    "due_at": _AT,
    "expires_at": _NULL,
    "created_at": _AT,
    "sent_at": _NULL,
    "delivered_at": _NULL,
    "trail": [
        {"at": _AT, "what": "planned", "why": _NULL},
        {"at": _AT, "what": "skipped", "why": "read"},
    ],
}

_DECISION = {"mode": "instant", "source": "default", "at": _AT}

NOTIFICATION_WHY: Mapping[str, Any] = {
    "notification_id": _NOTE_ID,
    "user_id": GRACE,
    "type": "connection_request",
    "class": "service",
    "priority": "normal",
    "count": 1,
    "is_shown": True,
    "created_at": _AT,
    "seen_at": _AT,
    "read_at": _AT,
    "archived_at": _NULL,
    "expires_at": _NULL,
    "decisions": {"email": _DECISION},
    "deliveries": [DELIVERY],
    "presence": "online",
    "now": {
        "email": {
            "mode": "instant",
            "source": "default",
            "quiet_until": _NULL,
            "blocked_by": _NULL,
            "daily_budget": 20,
            "spent_today": 3,
        }
    },
}

PROSPECT: Mapping[str, Any] = {
    "user_id": GRACE,
    "reason": _NULL,
    "presence": "offline",
    "decisions": {"email": _DECISION},
    "deliveries": [
        {
            "channel": "email",
            "device_id": _NULL,
            "outcome": "waits",
            "at": _AT,
            "reason": "quiet_hours",
        }
    ],
}

SUPPRESSION: Mapping[str, Any] = {
    "address": "grace@example.org",
    "scope": "all",
    "reason": "hard_bounce",
    "detail": "smtp_550_5.1.1",
    "suppressed_at": _AT,
    "expires_at": None,
}

CONTENT_PREFERENCES: Mapping[str, Any] = {
    "allow_nsfw_content": False,
    "show_nsfw_warnings": True,
    "auto_hide_nsfw": True,
    "content_filter_level": "strict",
    "blocked_categories": ["gambling"],
}

CONNECTION: Mapping[str, Any] = {
    "id": _LINK,
    "requester_id": ADA,
    "recipient_id": GRACE,
    "status": "accepted",
    "message": "We met at the casting.",
    "created_at": _AT,
    "updated_at": _AT,
}

ORGANIZATION: Mapping[str, Any] = {
    "id": _AGENCY,
    "name": "Bright Casting",
    "created_at": _AT,
    "updated_at": _AT,
}

GIG: Mapping[str, Any] = {
    "id": _GIG,
    "kind": "gig",
    "owner_id": ADA,
    "organization_id": _AGENCY,
    "title": "Dancers for a music video",
    "status": "published",
    "status_at": _AT,
    "deadline": "2026-12-01T12:00:00.000Z",
    "starts_at": None,
    "data": {"city": "Lisbon"},
    "created_at": _AT,
    "updated_at": _AT,
}

APPLICATION: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000a991",
    "gig_id": _GIG,
    "applicant_id": GRACE,
    "status": "shortlisted",
    "status_at": _AT,
    "created_at": _AT,
    "updated_at": _AT,
}

MEMBER: Mapping[str, Any] = {
    "user_id": GRACE,
    "role": "recruiter",
    "created_at": _AT,
}

GROUP: Mapping[str, Any] = {
    "id": _TALK,
    "title": "Dancers of Lisbon",
    "status": "active",
    "writers": "owners",
    "history": "all",
    "member_count": 2,
}

NEW_MESSAGE: Mapping[str, Any] = {
    "client_id": "5f0c4a0e-8a35-4a86-9b1f-3c6f8d2b7e11",
    "body": "Hi",
}

MESSAGE: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-000000003e55",
    "conversation_id": _TALK,
    "seq": 12,
    "client_id": NEW_MESSAGE["client_id"],
    "sender_id": ADA,
    "kind": "text",
    "body": "Hi",
    "attachments": [],
    "reply_to_id": None,
    "metadata": {},
    "mentions": [],
    "reply_to": None,
    "reactions": {},
    "sent_at": _AT,
    "edited_at": None,
    "deleted_at": None,
    "read_at": None,
}


def _participant(user: str, seq: int) -> dict[str, Any]:
    return {
        "user_id": user,
        "role": "member",
        "read_seq": seq,
        "delivered_seq": seq,
        "joined_at": _AT,
    }


PARTICIPANT: Mapping[str, Any] = _participant(GRACE, 10)

CONVERSATION: Mapping[str, Any] = {
    "id": _TALK,
    "kind": "direct",
    "gig_id": None,
    "application_id": None,
    "title": None,
    "status": "active",
    "writers": "members",
    "history": "all",
    "read_only_at": None,
    "closed_by": None,
    "participants": [_participant(ADA, 12), _participant(GRACE, 10)],
    "participant_count": 2,
    "last_seq": 12,
    "last_message": MESSAGE,
    "last_message_at": _AT,
    "unread": 0,
    "muted_until": None,
    "created_at": _AT,
}

NOTIFICATIONS_IN_SHORT: Mapping[str, Any] = {
    "in_app": True,
    "push": False,
    "email": True,
    "timezone": "Europe/London",
    "do_not_disturb_until": None,
}

_NO_CHOICE: Mapping[str, Any] = {"in_app": None, "push": None, "email": None}
_OFF = {"mode": "off", "source": "user", "changed_at": _AT}

NOTIFICATION_PREFERENCES: Mapping[str, Any] = {
    "types": [
        {
            "type": "connection_request",
            "class": "service",
            "required": False,
            "channels": {
                "in_app": {
                    "mode": "instant",
                    "default": "instant",
                    "source": "service",
                    "modes": ["instant"],
                    "choice": None,
                },
                "push": {
                    "mode": "off",
                    "default": "instant",
                    "source": "type",
                    "modes": ["off", "instant"],
                    "choice": _OFF,
                },
                "email": {
                    "mode": "daily",
                    "default": "daily",
                    "source": "default",
                    "modes": ["off", "instant", "hourly", "daily", "weekly"],
                    "choice": None,
                },
            },
        }
    ],
    "channels": _NO_CHOICE,
    "classes": {"service": _NO_CHOICE, "alert": _NO_CHOICE, "promotion": _NO_CHOICE},
}

QUIET_HOURS: Mapping[str, Any] = {
    "quiet_hours": {"monday": [{"from": "22:00", "to": "07:00"}]},
    "do_not_disturb_until": None,
    "timezone": None,
    "digest_at": "18:30",
    "digest_weekday": None,
    "daily_pushes": None,
    "daily_emails": 5,
    "in_force": {
        "timezone": "Europe/London",
        "digest_at": "18:30",
        "digest_weekday": "monday",
    },
    "quiet_until": "2026-11-24T07:00:00.000Z",
}

NOTIFICATION: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-000000007e11",
    "type": "connection_request",
    "title": "Ada would like to connect",
    "message": "We met at the casting.",
    "data": {},
    "priority": "normal",
    "related_user_id": ADA,
    "related_connection_id": _LINK,
    "conversation_id": None,
    "gig_id": None,
    "count": 1,
    "is_read": False,
    "seen_at": None,
    "read_at": None,
    "archived_at": None,
    "expires_at": None,
    "created_at": _AT,
}

JOB_ALERT: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000a1e7",
    "name": "Dance in Lisbon",
    "criteria": {
        "kinds": ["gig"],
        "keywords": ["dancer", "music video"],
        "match": "any",
        "location": "Lisbon",
        "organization_ids": [_AGENCY],
        "statuses": ["published"],
    },
    "frequency": "daily",
    "status": "active",
    "last_sent_at": _AT,
    "created_at": _AT,
    "updated_at": _AT,
}

REPORT: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000f1a9",
    "content_type": "message",
    "content_id": MESSAGE["id"],
    "reported_user_id": ADA,
    "reason": "harassment",
    "description": "It is not the first time.",
    "status": "pending",
    "created_at": _AT,
    "resolved_at": None,
}

QUEUED_REPORT: Mapping[str, Any] = {
    **REPORT,
    "reporter_id": GRACE,
    "conversation_id": _TALK,
    "resolution": None,
    "note": None,
    "resolved_by": None,
}

_KEY = "0191b1a2-0000-7000-8000-0000000000c0"

RESOLVED_REPORT: Mapping[str, Any] = {
    **QUEUED_REPORT,
    "status": "resolved",
    "resolved_at": _AT,
    "resolution": "take_down",
    "note": "Against rule 3.",
    "resolved_by": _KEY,
}

REPORT_IN_FULL: Mapping[str, Any] = {
    **QUEUED_REPORT,
    "content": {
        "conversation_id": _TALK,
        "seq": 12,
        "sender_id": ADA,
        "kind": "text",
        "body": "Hi",
        "attachments": [],
        "sent_at": _AT,
        "edited_at": _AT,
        "deleted_at": None,
        "history": [{"body": "Hey you", "until": _AT}],
    },
}

DECISION: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000dec1",
    "report_id": REPORT["id"],
    "api_key_id": _KEY,
    "action": "take_down",
    "user_id": ADA,
    "conversation_id": _TALK,
    "message_id": MESSAGE["id"],
    "note": "Against rule 3.",
    "created_at": _AT,
}

ACT: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-0000000000ac",
    "at": _AT,
    "actor_kind": "user",
    "actor_id": GRACE,
    "action": "user.blocked",
    "subject": {"blocker_id": GRACE, "blocked_id": ADA},
    "data": {},
}

DOMAIN_EVENT: Mapping[str, Any] = {
    "id": "4711",
    "type": "user.blocked",
    "subject": {"blocker_id": GRACE, "blocked_id": ADA},
    "data": {},
    "occurred_at": _AT,
}

RELAY_ITEM: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000de11",
    "channel": "push",
    "kind": "conversation",
    "type": "message_received",
    "priority": "high",
    "collapse_key": f"conversation:{_TALK}",
    "frequency": None,
    "recipient": {
        "id": GRACE,
        "name": "Grace",
        "email": None,
        "locale": "en-GB",
        "timezone": "Europe/London",
    },
    "target": {
        "device_id": "0191b1a2-0000-7000-8000-00000000de01",
        "kind": "relay",
        "token": "token-of-the-app",
        "keys": {},
        "app": "example.app",
        "payload": "full",
    },
    "items": [
        {
            "type": "message_received",
            "title": "Ada",
            "text": "Hi",
            "at": _AT,
            "link": f"/conversations/{_TALK}",
            "notification_id": None,
            "conversation_id": _TALK,
            "conversation_title": None,
            "message_id": MESSAGE["id"],
            "seq": 12,
            "sender_id": ADA,
            "sender_name": "Ada",
            "gig_id": None,
            "count": 1,
            "data": {},
        }
    ],
    "more": 0,
    "badge": 2,
    "expires_at": None,
    "attempt": 1,
    "created_at": _AT,
}

WEBHOOK: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000eb00",
    "url": "https://hooks.example/callboard",
    "events": ["application.*", "gig.published"],
    "description": "Our search index",
    "status": "active",
    "paused_reason": None,
    "failing_since": None,
    "created_at": _AT,
    "updated_at": _AT,
}

NEW_WEBHOOK: Mapping[str, Any] = {
    **WEBHOOK,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
}

WEBHOOK_DELIVERY: Mapping[str, Any] = {
    "id": "0191b1a2-0000-7000-8000-00000000eb0d",
    "event_id": "4711",
    "type": "gig.published",
    "status": "pending",
    "reason": "status_500",
    "attempts": 2,
    "response_status": 500,
    "due_at": "2026-11-21T01:25:05.000Z",
    "created_at": _AT,
    "delivered_at": None,
}

REPLAYED_WEBHOOK: Mapping[str, Any] = {
    "count": 12,
    "is_more": False,
    "more_since": None,
}


def page_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Show an item as the only one of a list."""
    return {"items": [item], "next": None}


def shown(example: object, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Describe for OpenAPI what an operation answers, by example."""
    marked = _replaced(example, None, _NULL)
    return {status: {"content": {"application/json": {"example": marked}}}}


def with_nulls(document: dict[str, Any]) -> dict[str, Any]:
    """Put the nulls of examples back into a description that FastAPI has made."""
    return {key: _replaced(part, _NULL, None) for key, part in document.items()}


def _replaced(part: object, old: object, new: object) -> object:
    if isinstance(part, Mapping):
        return {key: _replaced(value, old, new) for key, value in part.items()}
    if isinstance(part, list):
        return [_replaced(value, old, new) for value in part]
    return new if part == old else part
