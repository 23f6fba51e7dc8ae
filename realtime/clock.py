"""The one clock: everything that asks what time it is asks here."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


def instant(moment: datetime) -> str:
    """Write a moment as the wire does: RFC 3339, UTC, milliseconds."""
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
