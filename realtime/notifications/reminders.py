"""
Reminders: told before something begins or an answer is due, and only if it still is.

A type of the catalogue says of which moment (`reminder_of`, a member of the event's
data), how long before (`remind_hours`), with which type (`reminder_type`), and which
events end it (`reminders_end_on`). What the reminder is about is named by the type's
`collapse`, so that a later event about the same moves it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from realtime.clock import Clock
from realtime.notifications.catalogue import Catalogue, Entry
from realtime.notifications.planning import Intent, carry_out, plan
from realtime.notifications.schedule import quiet_until
from realtime.notifications.triggers import Matched, match
from realtime.notifications.wording import Reader, Wording
from realtime.work import Transactions
from storage.domain_events import DomainEvent
from storage.ids import uuid7
from storage.preferences import NotificationSettings
from storage.records import (
    Application,
    ApplicationId,
    ConversationId,
    Gig,
    GigId,
    UserId,
)
from storage.reminders import Reminder
from storage.unit_of_work import UnitOfWork

# Under which name it follows the domain events.
CONSUMER = "reminders"

# What one transaction tells.
_AT_A_TIME = 100

# So long before quiet hours what falls into them is told, so that it has arrived.
_BEFORE_QUIET = timedelta(minutes=10)
_MINUTE = timedelta(minutes=1)
# Who is quiet for so long is always quiet.
_LONGEST_QUIET_MINUTES = 7 * 24 * 60

# Of one person; who has more is reminded of the rest as was planned.
_MOVED = 1000

_OVER = ("application.", "gig.")


class ReminderPlans:
    """What the line `reminder_events` does: writes, moves and cancels reminders."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._ends: dict[str, list[Entry]] = {}
        for entry in catalogue.entries.values():
            for event in entry.reminders_end_on:
                self._ends.setdefault(event, []).append(entry)

    async def __call__(
        self, work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
    ) -> None:
        """Follow what happened, in its order."""
        matched: dict[int, list[Matched]] = {}
        for each in await match(work, self._catalogue, events):
            entry = self._catalogue.entries[each.intent.type]
            if entry.reminder_of and entry.reminder_type and entry.remind_hours:
                matched.setdefault(each.event.id, []).append(each)
        for event in events:
            for each in matched.get(event.id, ()):
                await self._plan(work, each, now)
            for entry in self._ends.get(event.type, ()):
                await _cancel(work, subject_of(entry, event), event.type, now)
        await self._look_again(work, events, now)

    async def _plan(self, work: UnitOfWork, matched: Matched, now: datetime) -> None:
        entry = self._catalogue.entries[matched.intent.type]
        subject = subject_of(entry, matched.event)
        deadline = _moment(matched.event.data.get(entry.reminder_of or ""))
        if deadline is None:
            await _cancel(work, subject, "no_deadline", now)
            return
        settings = await work.preferences.settings_of(matched.people)
        await work.reminders.put(
            [
                _reminder(entry, subject, matched.intent, person, hours, deadline, now)
                for person in settings.values()
                for hours in sorted(set(entry.remind_hours))
            ],
            now,
        )

    async def _look_again(
        self, work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
    ) -> None:
        """Cancel what is about applications and gigs that have ended."""
        changed = [event for event in events if event.type.startswith(_OVER)]
        named = {
            name: {event.subject[name] for event in changed if name in event.subject}
            for name in ("application_id", "gig_id")
        }
        if not any(named.values()):
            return
        reminders = await work.reminders.about(
            applications=named["application_id"], gigs=named["gig_id"]
        )
        await still_due(work, self._catalogue, reminders, now)


def subject_of(entry: Entry, event: DomainEvent) -> str:
    """Name what an event is about, the same for all events about it."""
    values = {**event.subject, "data": event.data}
    key = Wording(Reader(), values).key(entry.collapse)
    if key is not None:
        return key
    named = (f"{name}={value}" for name, value in sorted(event.subject.items()))
    return " ".join((entry.name, *named))


def _reminder(
    entry: Entry,
    subject: str,
    intent: Intent,
    person: NotificationSettings,
    hours: float,
    deadline: datetime,
    now: datetime,
) -> tuple[Reminder, str | None]:
    due_at = deadline - timedelta(hours=hours)
    ids = ("actor_id", "application_id", "gig_id", "conversation_id")
    named = {name: getattr(intent, name) for name in ids}
    reminder = Reminder(
        id=uuid7(),
        key=f"{entry.reminder_type}|{subject}|{person.user_id}|{hours:g}",
        user_id=person.user_id,
        type=entry.reminder_type or entry.name,
        content={
            "subject": subject,
            "hours": hours,
            "data": dict(intent.data),
            "named": dict(intent.subject),
            **{name: str(value) for name, value in named.items() if value},
        },
        due_at=brought_forward(person, due_at, deadline, now),
        deadline_at=deadline,
    )
    # Told now it would say what they are being told anyway.
    return reminder, None if due_at > now else "too_late"


def brought_forward(
    settings: NotificationSettings,
    due_at: datetime,
    deadline: datetime,
    now: datetime,
) -> datetime:
    """
    Say when somebody is reminded who may be quiet at that time: before they are.

    Where that has passed, after it, if that leaves half of the time until the deadline
    at least; else in their quiet, which is better than too late.
    """
    quiet_end = quiet_until(settings, due_at)
    if quiet_end is None:
        return due_at
    in_time = quiet_end <= due_at + (deadline - due_at) / 2
    otherwise = quiet_end if in_time else due_at

    def is_quiet_until_then(minutes: int) -> bool:
        until = quiet_until(settings, due_at - minutes * _MINUTE)
        return until is not None and until > due_at

    # The quiet before is one stretch: look for where it begins.
    quiet, free = 0, _LONGEST_QUIET_MINUTES
    if is_quiet_until_then(free):
        return otherwise
    while free - quiet > 1:
        between = (quiet + free) // 2
        if is_quiet_until_then(between):
            quiet = between
        else:
            free = between
    before = due_at - quiet * _MINUTE - _BEFORE_QUIET
    return before if before > now else otherwise


async def replan_reminders(
    work: UnitOfWork, settings: NotificationSettings, now: datetime
) -> None:
    """
    Move what somebody is yet to be reminded of, as their quiet hours are now.

    Do-not-disturb is one of them. What was put off for a quiet that is over is told at
    once.
    """
    moments = {}
    for each in await work.reminders.of(settings.user_id, now, _MOVED):
        planned = each.deadline_at - timedelta(hours=each.content["hours"])
        due_at = brought_forward(settings, planned, each.deadline_at, now)
        if due_at != each.due_at:
            moments[each.id] = due_at
    await work.reminders.move(moments, now)


def _moment(value: object) -> datetime | None:
    """Read a moment as platforms write it; in UTC where it names no zone."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


async def _cancel(work: UnitOfWork, subject: str, reason: str, now: datetime) -> None:
    reminders = await work.reminders.about(subjects=[subject])
    await work.reminders.settle([each.id for each in reminders], reason, now)


async def still_due(
    work: UnitOfWork,
    catalogue: Catalogue,
    reminders: Sequence[Reminder],
    now: datetime,
) -> list[Reminder]:
    """Give those that still mean something; cancel the others, with the reason."""
    around = await _look_around(work, reminders)
    left = []
    over: dict[str, list[UUID]] = {}
    for reminder in reminders:
        reason = _reason(catalogue.get(reminder.type), reminder, around, now)
        if reason is None:
            left.append(reminder)
        else:
            over.setdefault(reason, []).append(reminder.id)
    for reason, ids in over.items():
        await work.reminders.settle(ids, reason, now)
    return left


@dataclass(frozen=True, slots=True)
class _Around:
    """What reminders are about, as it is now."""

    applications: Mapping[UUID, Application]
    gigs: Mapping[UUID, Gig]


async def _look_around(work: UnitOfWork, reminders: Sequence[Reminder]) -> _Around:
    applications = {ApplicationId(id_) for id_ in _ids(reminders, "application_id")}
    gigs = {GigId(id_) for id_ in _ids(reminders, "gig_id")}
    return _Around(
        await work.applications.named(applications) if applications else {},
        await work.gigs.named(gigs) if gigs else {},
    )


def _ids(reminders: Collection[Reminder], name: str) -> set[UUID]:
    found = (_id(reminder, name) for reminder in reminders)
    return {id_ for id_ in found if id_ is not None}


def _id(reminder: Reminder, name: str) -> UUID | None:
    value = reminder.content.get(name)
    return UUID(value) if value else None


def _reason(
    entry: Entry | None, reminder: Reminder, around: _Around, now: datetime
) -> str | None:
    if entry is None:
        return "unknown_type"
    if reminder.deadline_at <= now:
        return "too_late"
    application = _id(reminder, "application_id")
    gig = _id(reminder, "gig_id")
    # What the platform has not put here is the platform's to end.
    found: tuple[tuple[str, Application | Gig | None, Sequence[str]], ...] = (
        (
            "application",
            around.applications.get(application) if application else None,
            entry.while_application,
        ),
        ("gig", around.gigs.get(gig) if gig else None, entry.while_gig),
    )
    for noun, record, statuses in found:
        if record is not None and statuses and record.status not in statuses:
            return f"{noun}_{record.status}"
    return None


class ReminderLine:
    """Tells what is due; any number of workers may."""

    def __init__(
        self, transactions: Transactions, catalogue: Catalogue, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._catalogue = catalogue
        self._clock = clock

    async def __call__(self) -> bool:
        """
        Tell what is due, and say whether there may be more.

        Raises:
            Busy: The database is away.
        """
        now = self._clock()
        async with self._transactions() as work:
            due = await work.reminders.due(now, _AT_A_TIME)
            left = await still_due(work, self._catalogue, due, now)
            await self._tell(work, await _newest(work, left, now), now)
        return len(due) == _AT_A_TIME

    async def _tell(
        self, work: UnitOfWork, reminders: Sequence[Reminder], now: datetime
    ) -> None:
        intents = [_intent(reminder) for reminder in reminders]
        planned = await plan(work, self._catalogue, intents, now)
        await carry_out(work, planned, now)
        told = {id(each.intent) for each in planned}
        for reason, is_told in ((None, True), ("not_told", False)):
            ids = [
                reminder.id
                for reminder, intent in zip(reminders, intents, strict=True)
                if (id(intent) in told) is is_told
            ]
            if ids:
                await work.reminders.settle(ids, reason, now)


async def _newest(
    work: UnitOfWork, reminders: Sequence[Reminder], now: datetime
) -> list[Reminder]:
    """Keep of what was missed about one thing only the last: once is enough."""
    last = {
        (each.user_id, each.type, each.content["subject"]): each for each in reminders
    }
    left = list(last.values())
    missed = [each.id for each in reminders if each not in left]
    if missed:
        await work.reminders.settle(missed, "superseded", now)
    return left


def _intent(reminder: Reminder) -> Intent:
    actor = _id(reminder, "actor_id")
    talk = _id(reminder, "conversation_id")
    return Intent(
        reminder.type,
        reminder.user_id,
        # Who has arranged it themselves is reminded like the others.
        actor_id=UserId(actor) if actor and actor != reminder.user_id else None,
        data=reminder.content["data"],
        expires_at=reminder.deadline_at,
        conversation_id=ConversationId(talk) if talk else None,
        gig_id=_id(reminder, "gig_id"),
        application_id=_id(reminder, "application_id"),
        subject=reminder.content["named"],
    )
