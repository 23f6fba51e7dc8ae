"""
When somebody is told, in their own time: digests, quiet hours, days of a budget.

Pure: the moment and the settings come in, moments in UTC go out. A wall-clock time that
a change of the clocks leaves out is the first minute after the gap; one that comes
twice is the first of the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from realtime.notifications.zones import at, change, wall, zone
from realtime.settings import WEEKDAYS
from storage.preferences import NotificationSettings

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Period:
    """
    One local hour, day or week, and the moment of its digest.

    Named in the person's own time: `2026-11-21T09+01:00`, `2026-11-21`, `2026-W47`. An
    hour is named with its offset, because there are two of it when clocks go back.
    """

    name: str
    due_at: datetime


def next_digest(mode: str, settings: NotificationSettings, now: datetime) -> datetime:
    """Say when the first digest after this moment is due."""
    return next_period(mode, settings, now).due_at


def period_of(mode: str, settings: NotificationSettings, moment: datetime) -> str:
    """Name the period whose digest was the last to be due at this moment."""
    return last_period(mode, settings, moment).name


def next_period(mode: str, settings: NotificationSettings, now: datetime) -> Period:
    """Give the first period whose digest is due after this moment."""
    if mode == "hourly":
        return _hour(settings, _next_hour(settings, now))
    return next(
        period for period in _periods(mode, settings, now) if period.due_at > now
    )


def last_period(mode: str, settings: NotificationSettings, now: datetime) -> Period:
    """Give the last period whose digest was due by this moment."""
    if mode == "hourly":
        return _hour(settings, _last_hour(settings, now))
    return [period for period in _periods(mode, settings, now) if period.due_at <= now][
        -1
    ]


def realign(
    mode: str, settings: NotificationSettings, due_at: datetime, now: datetime
) -> datetime:
    """
    Say when something leaves that was planned for a digest before settings changed.

    With the digest of the same local day or week, where that is yet to come; else at
    the moment that was planned, so that no period is lost. An hour is an hour.
    """
    if mode == "hourly" or last_period(mode, settings, due_at).due_at == due_at:
        return due_at
    day = wall(zone(settings.timezone), due_at).date()
    if mode == "weekly":
        same = _week(settings, day - timedelta(days=day.weekday()))
    else:
        same = _day(settings, day)
    return same.due_at if same.due_at > now else due_at


def quiet_until(settings: NotificationSettings, now: datetime) -> datetime | None:
    """
    Say until when this person wants quiet: by their week, or do-not-disturb.

    None where they may be told now. Windows that touch are one; whoever is never to be
    told is looked at again a week later.
    """
    until = now
    if settings.do_not_disturb_until is not None:
        until = max(until, settings.do_not_disturb_until)
    for start, end in sorted(_quiet(settings, until)):
        if start <= until < end:
            until = end
    return until if until > now else None


def local_day(
    settings: NotificationSettings, now: datetime
) -> tuple[datetime, datetime]:
    """Give where the person's day began and where it ends."""
    tz = zone(settings.timezone)
    today = wall(tz, now).date()
    # A clock that goes back over midnight shows yesterday's date once more.
    for day in (today + _DAY, today, today - _DAY):
        start = at(tz, day, 0)
        if start <= now:
            break
    return start, at(tz, day + _DAY, 0)


def _periods(
    mode: str, settings: NotificationSettings, around: datetime
) -> Iterator[Period]:
    """Give the periods around a moment, in order; enough to find its neighbours."""
    today = wall(zone(settings.timezone), around).date()
    if mode == "daily":
        for days in range(-3, 5):
            day = today + timedelta(days=days)
            # Where a zone moves over the date line a day is left out altogether.
            if _is_there(settings, day):
                yield _day(settings, day)
    elif mode == "weekly":
        monday = today - timedelta(days=today.weekday())
        for weeks in range(-2, 4):
            yield _week(settings, monday + weeks * _WEEK)
    else:
        raise ValueError(f"{mode} is no digest")


def _is_there(settings: NotificationSettings, day: date) -> bool:
    tz = zone(settings.timezone)
    return at(tz, day, 0) < at(tz, day + _DAY, 0)


def _day(settings: NotificationSettings, day: date) -> Period:
    due_at = at(zone(settings.timezone), day, settings.digest_minute)
    return Period(day.isoformat(), due_at)


def _week(settings: NotificationSettings, monday: date) -> Period:
    year, week, _ = monday.isocalendar()
    day = monday + timedelta(days=settings.digest_weekday)
    due_at = at(zone(settings.timezone), day, settings.digest_minute)
    return Period(f"{year}-W{week:02}", due_at)


def _hour(settings: NotificationSettings, due_at: datetime) -> Period:
    local = due_at.astimezone(zone(settings.timezone))
    return Period(local.isoformat(timespec="hours"), due_at)


def _next_hour(settings: NotificationSettings, now: datetime) -> datetime:
    """
    Give the first moment after this one at which a local hour begins.

    An hour whose beginning is left out begins where the clocks go on. One that begins
    twice is two.
    """
    tz = zone(settings.timezone)
    full = now + _to_full_hour(wall(tz, now))
    changed = change(tz, now, full)
    if changed is None:
        return full
    before, after = wall(tz, changed - _SECOND) + _SECOND, wall(tz, changed)
    begins = before if _is_full(before) else before + _to_full_hour(before)
    if begins < after or _is_full(after):
        return changed
    return changed + _to_full_hour(after)


def _last_hour(settings: NotificationSettings, now: datetime) -> datetime:
    # Between two beginnings there are less than two hours, whatever the clocks do.
    last = _next_hour(settings, now - 2 * _HOUR)
    while (following := _next_hour(settings, last)) <= now:
        last = following
    return last


def _is_full(local: datetime) -> bool:
    return (local.minute, local.second, local.microsecond) == (0, 0, 0)


def _to_full_hour(local: datetime) -> timedelta:
    return _HOUR - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )


def _quiet(
    settings: NotificationSettings, around: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Give the quiet windows of a week from yesterday on."""
    if not settings.quiet_hours:
        return
    tz = zone(settings.timezone)
    today = wall(tz, around).date()
    for days in range(-2, 8):
        day = today + timedelta(days=days)
        for window in settings.quiet_hours.get(WEEKDAYS[day.weekday()], ()):
            start, end = minute_of(window["from"]), minute_of(window["to"])
            yield (
                at(tz, day, start),
                at(tz, day if start < end else day + _DAY, end),
            )


def minute_of(text: str) -> int:
    """
    Read `HH:MM` as minutes after midnight.

    Raises:
        ValueError: It is no time of day.
    """
    moment = datetime.strptime(text, "%H:%M").replace(tzinfo=UTC)
    return moment.hour * 60 + moment.minute


def time_of(minute: int) -> str:
    """Write minutes after midnight as `HH:MM`."""
    return f"{minute // 60:02}:{minute % 60:02}"
