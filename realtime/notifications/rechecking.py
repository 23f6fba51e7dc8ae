"""
Whether something still means anything, and whether now is the time: pure.

Facts come in as they are at the moment of release (`storage/rechecks.py`), a verdict
goes out. Every reason named here is stored with the delivery, and docs/notifications.md
explains it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from realtime.notifications.catalogue import Entry, Mode, Waiting
from realtime.notifications.preferences import Choice
from realtime.notifications.schedule import next_digest, quiet_until
from realtime.protocol import PresenceStatus
from storage.preferences import NotificationSettings
from storage.rechecks import Addressee, Course, Place, Sibling, Subject
from storage.releases import Claimed

# A push for somebody who is there waits so long in all, and is looked at so often.
PRESENT_FOR = timedelta(minutes=2)
STEP = timedelta(seconds=30)

# A mail waits so long for a push that nothing carries just now, then it goes itself.
MAIL_WAITS_FOR = timedelta(minutes=15)

# How long a digest waits for a push of one of its items to be out.
DIGEST_WAITS_FOR = timedelta(minutes=2)

_OUT = ("sent", "delivered")


@dataclass(frozen=True, slots=True)
class Go:
    """It leaves now."""


@dataclass(frozen=True, slots=True)
class Skip:
    """It never leaves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """It is looked at again then."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Fold:
    """
    It leaves with the next digest instead.

    `is_choice`: because its person wants it so now, not because of a limit.
    """

    mode: Mode
    until: datetime
    reason: str
    is_choice: bool = False


Verdict = Go | Skip | Hold | Fold


# --- what has become pointless -------------------------------------------------------


def person_flaw(person: Addressee | None) -> str | None:
    """Say why this person is told nothing at all."""
    if person is None or person.account_status == "deleted":
        return "recipient_deleted"
    if person.account_status != "active":
        return "recipient_suspended"
    return None


def address_flaw(person: Addressee, class_: str) -> str | None:
    """Say why no mail of a class goes to this person."""
    if not person.email:
        return "no_address"
    if person.is_suppressed:
        return "suppressed"
    if person.is_suppressed_commercially and class_ != "service":
        return "suppressed"
    return None


def place_flaw(place: Place | None, priority: str, now: datetime) -> str | None:
    """Say why nothing of a conversation is told to somebody outside of it."""
    if place is None or not place.is_in:
        return "left"
    if place.status == "blocked":
        return "blocked"
    if place.is_archived or place.status == "archived":
        return "archived"
    is_muted = place.muted_until is not None and place.muted_until > now
    if is_muted and priority not in {"high", "urgent"}:
        return "muted"
    return None


def subject_flaw(
    subject: Subject, place: Place | None, entry: Entry, now: datetime
) -> str | None:
    """Say what has made a notification pointless since it was made."""
    marks = {
        "read": subject.read_at is not None,
        "archived": subject.archived_at is not None,
        # Who has seen it in the list knows; what has every channel goes its own way.
        "seen": subject.seen_at is not None and not entry.every_channel,
        "expired": _is_past(subject.expires_at, now),
        "cancelled": subject.broadcast_status == "cancelled",
        "blocked": subject.is_blocked,
        "actor_gone": subject.actor_status not in {None, "active"},
        "deleted": subject.is_message_deleted,
        "connection_gone": _is_over(subject.connection_status, entry.while_connection),
        "gig_closed": _is_over(subject.gig_status, entry.while_gig),
        "application_changed": _is_over(
            subject.application_status, entry.while_application
        ),
    }
    for reason, is_so in marks.items():
        if is_so:
            return reason
    if subject.conversation_id is None:
        return None
    if place is None and subject.message_id is None:
        # A conversation that this server does not know tells nothing of the person.
        return None
    flaw = place_flaw(place, subject.priority, now)
    if flaw is None and place is not None and subject.message_seq is not None:
        if place.read_seq >= subject.message_seq:
            return "read"
        if place.joined_seq >= subject.message_seq:
            return "left"
    return flaw


def _is_over(status: str | None, allowed: Collection[str]) -> bool:
    # What the platform has never told of is not over.
    return bool(allowed) and status is not None and status not in allowed


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


# --- one winner among the channels ---------------------------------------------------


def other_channel(
    delivery: Claimed, siblings: Collection[Sibling], now: datetime
) -> Verdict:
    """
    Tell whether another channel has told of the same, is telling, or is to do so first.

    What left before this delivery was planned told of something earlier.
    """
    others = [each for each in siblings if each.channel != delivery.channel]
    if any(
        each.status in _OUT
        and each.sent_at is not None
        and each.sent_at >= delivery.created_at
        for each in others
    ):
        return Skip(_told_by(delivery))
    if any(_is_leaving(each, now) for each in others):
        return Hold(now + STEP, _being_told_by(delivery))
    is_waiting = any(each.status in {"pending", "sending"} for each in others)
    return _mail_waits(delivery, now, is_waiting=is_waiting)


def other_course(
    delivery: Claimed, courses: Collection[Course], now: datetime
) -> Verdict:
    """Tell the same for a conversation, whose messages are told apart by their seq."""
    others = [each for each in courses if each.channel != delivery.channel]
    if any(each.is_sending for each in others):
        return Hold(now + STEP, _being_told_by(delivery))
    return _mail_waits(
        delivery, now, is_waiting=any(each.is_waiting for each in others)
    )


def _mail_waits(delivery: Claimed, now: datetime, *, is_waiting: bool) -> Verdict:
    if not is_waiting or delivery.channel != "email":
        return Go()
    if now - held_since(delivery.trail, "push_first", now) >= MAIL_WAITS_FOR:
        return Go()
    return Hold(now + STEP, "push_first")


def _told_by(delivery: Claimed) -> str:
    return "pushed" if delivery.channel == "email" else "mailed"


def _being_told_by(delivery: Claimed) -> str:
    return "push_sending" if delivery.channel == "email" else "mail_sending"


def _is_leaving(sibling: Sibling, now: datetime) -> bool:
    return (
        sibling.status == "sending"
        and sibling.leased_until is not None
        and sibling.leased_until > now
    )


# --- whether now is the time ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand for one person and channel when something would leave."""

    now: datetime
    settings: NotificationSettings
    choice: Choice
    # What may leave in a day, and what has today.
    budget: int
    spent: int
    presence: PresenceStatus = "offline"


def time_for(delivery: Claimed, entry: Entry, moment: Moment) -> Verdict:
    """
    Tell whether something that leaves by itself leaves now.

    An urgent service, or what is urgent and required, waits for nothing; for the rest
    quiet comes before the budget, so that nothing is spent at night.
    """
    now, settings = moment.now, moment.settings
    if moment.choice.mode != "instant":
        until = next_digest(moment.choice.mode, settings, now)
        return Fold(moment.choice.mode, until, "preference", is_choice=True)
    if delivery.priority == "urgent" and (
        entry.required or delivery.class_ == "service"
    ):
        return Go()
    quiet = quiet_until(settings, now)
    if quiet is not None:
        return Hold(quiet, "quiet_hours")
    if moment.spent >= moment.budget and not entry.required:
        return Fold("daily", next_digest("daily", settings, now), "budget")
    return _unless_present(delivery, moment)


def _unless_present(delivery: Claimed, moment: Moment) -> Verdict:
    now = moment.now
    if delivery.channel == "push" and moment.presence == "online":
        left = PRESENT_FOR - (now - held_since(delivery.trail, "present", now))
        if left > timedelta(0) and not delivery.attempts:
            return Hold(now + min(STEP, left), "present")
    return Go()


def gathering(
    delivery: Claimed, waits: Waiting, own: Course | None, now: datetime
) -> Hold | None:
    """
    Tell whether messages of a conversation still gather, and until when.

    The first leaves after the delay. What comes soon after something has left waits
    until nothing has come for the idle time, and no longer than the cap.
    """
    begun = delivery.created_at
    idle = timedelta(seconds=waits.idle)
    is_next = own is not None and own.sent_at is not None
    if is_next and own is not None and own.sent_at and begun - own.sent_at < idle:
        newest = next(
            (_at(each) for each in reversed(delivery.trail) if _is(each, "joined")),
            begun,
        )
        ready = min(newest + idle, begun + timedelta(seconds=waits.cap))
    else:
        ready = begun + timedelta(seconds=waits.delay)
    if delivery.due_by is not None:
        ready = min(ready, delivery.due_by)
    return Hold(ready, "gathering") if now < ready and not delivery.attempts else None


def held_since(
    trail: Sequence[Mapping[str, Any]], reason: str, now: datetime
) -> datetime:
    """Say since when a reason holds something without a break; else now."""
    since = now
    for each in reversed(trail):
        if _is(each, "joined"):
            continue
        if not (_is(each, "held") and each.get("why") == reason):
            break
        since = _at(each)
    return since


def _is(step: Mapping[str, Any], what: str) -> bool:
    return step.get("what") == what


def _at(step: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(step["at"])
