"""Zones of the IANA database: wall clocks, and the moments that they show."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

log = logging.getLogger(__name__)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """
    Give the zone of this IANA name.

    One that the zone database does not know (any more) is UTC, and is logged once: to
    be told at another hour is better than not to be told.
    """
    try:
        return ZoneInfo(name)
    # Unknown, no file of zones, or no name at all: ZoneInfo has a kind of each.
    except (KeyError, OSError, ValueError):
        log.warning("zone unknown", extra={"zone": name[:64]})
        return ZoneInfo("UTC")


def wall(tz: ZoneInfo, moment: datetime) -> datetime:
    """Give what the clock on the wall shows, without a zone."""
    return moment.astimezone(tz).replace(tzinfo=None)


def at(tz: ZoneInfo, day: date, minute: int) -> datetime:
    """
    Give the moment at which the clock shows so many minutes after midnight.

    The first of two, and where the clock leaves it out the first that it shows then.
    """
    shown = datetime.combine(day, time(*divmod(minute, 60)))
    # PEP 495: fold=0 is the first of two, and reads a time in a gap by the offset
    # before it, fold=1 by the offset after.
    moment = shown.replace(tzinfo=tz).astimezone(UTC)
    if wall(tz, moment) == shown:
        return moment
    before = shown.replace(tzinfo=tz, fold=1).astimezone(UTC)
    return change(tz, before, moment) or moment


def change(tz: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Give the moment in (after, until] from which on the offset is another."""
    offset = _offset(tz, after)
    if _offset(tz, until) == offset:
        return None
    low, high = int(after.timestamp()), int(until.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(tz, datetime.fromtimestamp(middle, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(tz: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(tz).utcoffset()
