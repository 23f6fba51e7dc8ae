"""Digests and quiet hours in every zone there is, over everything that clocks do."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.notifications.schedule import (
    last_period,
    local_day,
    minute_of,
    next_digest,
    next_period,
    period_of,
    quiet_until,
    realign,
    time_of,
)
from realtime.notifications.zones import change, wall, zone
from storage.preferences import NotificationSettings
from storage.records import UserId

Week = Mapping[str, Sequence[Mapping[str, str]]]

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_TICK = timedelta(microseconds=1)
ZONES = sorted(available_timezones() - {"localtime"})
# Midnight, what most zones leave out or repeat, the usual, and the end of the day.
TIMES = ("00:00", "00:30", "02:00", "02:15", "08:00", "23:30", "23:59")


def settings_in(
    name: str, at: str = "08:00", weekday: int = 0, quiet_hours: Week | None = None
) -> NotificationSettings:
    return NotificationSettings(
        UserId(UUID(int=1)),
        timezone=name,
        digest_minute=minute_of(at),
        digest_weekday=weekday,
        quiet_hours=quiet_hours or {},
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def local(name: str, *parts: int, fold: int = 0) -> datetime:
    moment = datetime(*parts, tzinfo=ZoneInfo(name), fold=fold)  # type: ignore[misc,arg-type]
    return moment.astimezone(UTC)


def _jumps(tz: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        if (jump := change(tz, start, start + 5 * _DAY)) is not None:
            yield jump
        start += 5 * _DAY


@cache
def jumping() -> Sequence[tuple[str, datetime]]:
    """Every jump of any zone from 2024 to 2028, and some of the past, each once."""
    seen: dict[object, tuple[str, datetime]] = {}
    spans = [(utc(2024, 1, 1), utc(2029, 1, 1), ZONES)]
    # Days left out and had twice, half hours, and a quarter of an hour.
    spans += [
        (utc(2011, 12, 1), utc(2012, 1, 15), ["Pacific/Apia", "Pacific/Fakaofo"]),
        (utc(1993, 8, 1), utc(1993, 9, 1), ["Pacific/Kwajalein"]),
        (utc(1969, 9, 15), utc(1969, 10, 15), ["Pacific/Kwajalein"]),
        (utc(2015, 8, 1), utc(2018, 6, 1), ["Asia/Pyongyang"]),
        (utc(2007, 12, 1), utc(2016, 6, 1), ["America/Caracas"]),
        (utc(1985, 12, 15), utc(1986, 1, 15), ["Asia/Kathmandu"]),
        (utc(2006, 1, 1), utc(2012, 1, 1), ["America/St_Johns", "Asia/Beirut"]),
    ]
    for start, end, names in spans:
        for name in names:
            tz = ZoneInfo(name)
            for jump in _jumps(tz, start, end):
                sides = (wall(tz, jump - _MINUTE), wall(tz, jump))
                seen.setdefault((jump, sides), (name, jump))
    return list(seen.values())


def _exists(tz: ZoneInfo, day: date) -> bool:
    """Tell from the clock alone, minute by minute, whether it ever shows this date."""
    around = datetime.combine(day, time(12), tzinfo=UTC)
    return any(
        wall(tz, around + timedelta(minutes=minutes)).date() == day
        for minutes in range(-2880, 2880, 30)
    )


def _is_right(tz: ZoneInfo, due_at: datetime, shown: datetime) -> bool:
    """Is this the first moment that shows it, or, in a gap, the first after that?"""
    seen = wall(tz, due_at)
    if seen == shown:
        before = shown.replace(tzinfo=tz, fold=0).astimezone(UTC)
        return due_at == before
    return wall(tz, due_at - _TICK) < shown < seen


@pytest.mark.parametrize("at", TIMES)
def test_each_local_day_has_one_digest_at_its_time_wherever_clocks_jump(
    at: str,
) -> None:
    assert len(jumping()) > 100
    for name, jump in jumping():
        tz, settings = ZoneInfo(name), settings_in(name, at)
        moment, found = jump - 3 * _DAY, []
        while (
            period := next_period("daily", settings, moment)
        ).due_at < jump + 3 * _DAY:
            assert period.due_at > moment, (name, jump)
            assert period_of("daily", settings, period.due_at) == period.name
            assert period_of("daily", settings, period.due_at - _TICK) != period.name
            shown = datetime.combine(
                date.fromisoformat(period.name),
                time(*divmod(settings.digest_minute, 60)),
            )
            assert _is_right(tz, period.due_at, shown), (name, period)
            found.append(date.fromisoformat(period.name))
            moment = period.due_at
        days = (found[-1] - found[0]).days
        wanted = [found[0] + timedelta(days=each) for each in range(days + 1)]
        assert found == [day for day in wanted if day in found or _exists(tz, day)]


def test_each_week_has_one_digest_wherever_clocks_jump() -> None:
    for name, jump in jumping():
        for weekday in (0, 4, 6):
            settings = settings_in(name, "02:15", weekday)
            moment, names = jump - 15 * _DAY, []
            while moment < jump + 15 * _DAY:
                period = next_period("weekly", settings, moment)
                assert period_of("weekly", settings, period.due_at) == period.name
                names.append(period.name)
                moment = period.due_at
            first = datetime.strptime(names[0] + "-1", "%G-W%V-%u").replace(tzinfo=UTC)
            assert names == [
                f"{first + week * 7 * _DAY:%G-W%V}" for week in range(len(names))
            ]


def test_each_local_hour_has_one_digest_wherever_clocks_jump() -> None:
    for name, jump in jumping():
        tz, settings = ZoneInfo(name), settings_in(name)
        period = next_period("hourly", settings, jump - timedelta(hours=3))
        while period.due_at < jump + timedelta(hours=3):
            following = next_period("hourly", settings, period.due_at)
            assert last_period("hourly", settings, following.due_at - _TICK) == period
            assert last_period("hourly", settings, following.due_at) == following
            assert following.name != period.name
            moment, before = period.due_at, wall(tz, period.due_at)
            while (moment := moment + _MINUTE) < following.due_at:
                shown = wall(tz, moment)
                # No hour begins in between, nor is its beginning left out.
                assert shown.minute != 0, (name, period)
                assert shown <= before or shown.hour == before.hour, (name, period)
                before = shown
            begins = wall(tz, following.due_at)
            is_later = begins > before and begins.hour != before.hour
            assert begins.minute == 0 or is_later, (name, following)
            period = following


ANY_TIME = st.integers(0, 1439)
ANY_MOMENT = st.datetimes(datetime(1970, 1, 5), datetime(2037, 12, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["hourly", "daily", "weekly"]),
    ANY_TIME,
    st.integers(0, 6),
    ANY_MOMENT,
)
def test_one_period_ends_where_the_next_begins(
    name: str, mode: str, minute: int, weekday: int, now: datetime
) -> None:
    settings = settings_in(name, time_of(minute), weekday)
    last, following = last_period(mode, settings, now), next_period(mode, settings, now)
    assert last.due_at <= now < following.due_at
    assert last.name != following.name
    assert next_period(mode, settings, last.due_at) == following
    assert last_period(mode, settings, following.due_at) == following
    assert next_digest(mode, settings, now) == following.due_at
    assert period_of(mode, settings, now) == last.name
    assert realign(mode, settings, following.due_at, now) == following.due_at


@given(st.sampled_from(ZONES), ANY_MOMENT)
def test_a_day_holds_the_moment_and_ends_where_the_next_begins(
    name: str, now: datetime
) -> None:
    settings = settings_in(name)
    start, end = local_day(settings, now)
    assert start <= now < end
    assert local_day(settings, end)[0] == end
    assert wall(zone(name), start).date() < wall(zone(name), end).date()


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["daily", "weekly"]),
    ANY_TIME,
    ANY_TIME,
    ANY_MOMENT,
)
def test_who_changes_the_time_still_has_the_digest_of_the_period(
    name: str, mode: str, old: int, new: int, now: datetime
) -> None:
    planned = next_period(mode, settings_in(name, time_of(old)), now)
    after = settings_in(name, time_of(new))
    due_at = realign(mode, after, planned.due_at, now)
    assert due_at > now
    # At the new time of the same period, or when it was planned.
    assert due_at == planned.due_at or period_of(mode, after, due_at) == planned.name


@pytest.mark.parametrize(
    ("name", "at", "day", "shown"),
    [
        # 02:00 to 03:00 is left out.
        ("Europe/Berlin", "02:30", (2026, 3, 29), (2026, 3, 29, 3, 0)),
        # Half an hour, from 02:00 to 02:30.
        ("Australia/Lord_Howe", "02:15", (2026, 10, 4), (2026, 10, 4, 2, 30)),
        # Midnight itself.
        ("America/Santiago", "00:00", (2026, 9, 6), (2026, 9, 6, 1, 0)),
        ("Asia/Kathmandu", "08:00", (2026, 6, 1), (2026, 6, 1, 8, 0)),
        ("Pacific/Chatham", "02:50", (2026, 9, 27), (2026, 9, 27, 3, 45)),
    ],
)
def test_what_clocks_leave_out_is_the_first_minute_after(
    name: str, at: str, day: tuple[int, int, int], shown: tuple[int, ...]
) -> None:
    settings = settings_in(name, at)
    before = local(name, *day, 0, 0) - timedelta(hours=1)
    assert next_digest("daily", settings, before) == local(name, *shown)


def test_what_clocks_show_twice_is_the_first() -> None:
    settings = settings_in("Europe/Berlin", "02:30")
    first, second = (
        local("Europe/Berlin", 2026, 10, 25, 2, 30, fold=fold) for fold in (0, 1)
    )
    assert next_digest("daily", settings, utc(2026, 10, 24, 12)) == first
    assert next_digest("daily", settings, first) > second
    hours = [next_period("hourly", settings, utc(2026, 10, 24, 23, 30)).name]
    hours.append(next_period("hourly", settings, utc(2026, 10, 25, 0, 30)).name)
    assert hours == ["2026-10-25T02+02:00", "2026-10-25T02+01:00"]


def test_a_day_that_a_zone_leaves_out_has_no_digest() -> None:
    settings = settings_in("Pacific/Apia", "08:00")
    thursday = local("Pacific/Apia", 2011, 12, 29, 8, 0)
    assert next_period("daily", settings, thursday).name == "2011-12-31"
    # Its week has one all the same.
    friday = settings_in("Pacific/Apia", "08:00", 4)
    assert next_period("weekly", friday, thursday).name == "2011-W52"


def test_a_zone_that_nobody_knows_is_utc_and_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = settings_in("Europe/Atlantis_of_this_test")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            now = utc(2026, 6, 1)
            assert next_digest("daily", settings, now) == utc(2026, 6, 1, 8)
    assert [record.message for record in caplog.records] == ["zone unknown"]
    assert zone("").key == zone("../../etc/passwd").key == zone("UTC\0").key == "UTC"


def test_what_is_no_digest_has_no_next() -> None:
    with pytest.raises(ValueError, match="instant"):
        next_digest("instant", settings_in("UTC"), utc(2026, 6, 1))


WEEK: Week = {
    "monday": [{"from": "22:00", "to": "07:00"}],
    "tuesday": [{"from": "07:00", "to": "09:00"}, {"from": "12:00", "to": "13:00"}],
    "saturday": [{"from": "00:00", "to": "00:00"}],
    "sunday": [{"from": "00:00", "to": "00:00"}],
}


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ((2026, 6, 1, 21, 59), None),
        # Monday night touches Tuesday's morning.
        ((2026, 6, 1, 22, 0), (2026, 6, 2, 9, 0)),
        ((2026, 6, 2, 6, 59), (2026, 6, 2, 9, 0)),
        ((2026, 6, 2, 9, 0), None),
        ((2026, 6, 2, 12, 30), (2026, 6, 2, 13, 0)),
        # A whole weekend.
        ((2026, 6, 5, 23, 59), None),
        ((2026, 6, 6, 0, 0), (2026, 6, 8, 0, 0)),
    ],
)
def test_quiet_hours_are_in_ones_own_time_and_cross_midnight(
    now: tuple[int, ...], until: tuple[int, ...] | None
) -> None:
    for name in ("UTC", "America/New_York", "Pacific/Chatham"):
        settings = settings_in(name, quiet_hours=WEEK)
        expected = None if until is None else local(name, *until)
        assert quiet_until(settings, local(name, *now)) == expected


def test_quiet_hours_follow_the_clocks() -> None:
    nights = {day: [{"from": "22:00", "to": "02:30"}] for day in ("saturday", "sunday")}
    settings = settings_in("Europe/Berlin", quiet_hours=nights)
    # 02:30 is left out, and comes twice.
    assert quiet_until(settings, utc(2026, 3, 28, 22)) == utc(2026, 3, 29, 1)
    assert quiet_until(settings, utc(2026, 10, 24, 22)) == utc(2026, 10, 25, 0, 30)


def test_do_not_disturb_ends_where_quiet_hours_do() -> None:
    settings = settings_in("UTC", quiet_hours=WEEK)
    calm = replace(settings, do_not_disturb_until=utc(2026, 6, 1, 23))
    assert quiet_until(calm, utc(2026, 6, 1, 12)) == utc(2026, 6, 2, 9)
    short = replace(settings, do_not_disturb_until=utc(2026, 6, 1, 13))
    assert quiet_until(short, utc(2026, 6, 1, 12)) == utc(2026, 6, 1, 13)
    assert quiet_until(short, utc(2026, 6, 1, 13)) is None


def test_who_never_wants_to_be_told_is_looked_at_again() -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    always = {
        day: [{"from": "00:00", "to": "00:00"}] for day in (*days, "saturday", "sunday")
    }
    now = utc(2026, 6, 1, 12)
    until = quiet_until(settings_in("UTC", quiet_hours=always), now)
    assert until is not None
    assert now + 6 * _DAY < until < now + 10 * _DAY


@given(
    st.sampled_from(ZONES),
    ANY_TIME,
    ANY_TIME,
    st.integers(0, 6),
    ANY_MOMENT,
)
def test_quiet_ends_and_it_is_quiet_until_then(
    name: str, start: int, end: int, weekday: int, now: datetime
) -> None:
    day = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    week = {day[weekday]: [{"from": time_of(start), "to": time_of(end)}]}
    settings = settings_in(name, quiet_hours=week)
    until = quiet_until(settings, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=50)
        assert quiet_until(settings, until - _TICK) == until
        assert quiet_until(settings, until) is None
