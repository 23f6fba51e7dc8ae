"""When a webhook is tried again: what its answer means, and how long to wait."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from uuid import UUID

# Standard Webhooks' example: at once, then after each of these.
PAUSES: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
ATTEMPTS = len(PAUSES) + 1

# Nobody asks us to wait for longer.
LONGEST_PAUSE = timedelta(hours=24)

# So that what failed together does not come back together.
_JITTER = 0.2

# So many failures in a row are bad luck; then the pauses double up to a minute.
_PATIENCE = 4
_DOUBLINGS = 6
# What failed so long ago may be another story, or have been removed.
_FORGET_AFTER = timedelta(hours=1)

_SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a status, or the reason why there is none."""

    status: int | None = None
    reason: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        """Has the other side taken it?"""
        return self.status in _SUCCESSES

    @property
    def is_gone(self) -> bool:
        """Does the other side want nothing any more?"""
        return self.status == HTTPStatus.GONE

    @property
    def outcome(self) -> str:
        """Name the class of what came of it, as it is counted."""
        if self.status is None:
            return self.reason or "unreachable"
        return "taken" if self.is_taken else f"{self.status // 100}xx"

    @property
    def why(self) -> str:
        """Name the failure in a word."""
        return self.reason or f"status_{self.status}"


class Resting:
    """
    Which endpoints a worker leaves alone for a moment, for they fail again and again.

    However much is due for one that answers nothing, it is asked more and more rarely,
    in the end once a minute, until it takes something.
    """

    def __init__(self) -> None:
        self._failures: dict[UUID, tuple[int, datetime]] = {}

    def note(self, endpoint: UUID, now: datetime, *, has_failed: bool) -> None:
        """Note how an attempt has ended."""
        if not has_failed:
            self._failures.pop(endpoint, None)
            return
        count = self._failures.get(endpoint, (0, now))[0] + 1
        doublings = min(count - _PATIENCE, _DOUBLINGS)
        pause = timedelta(seconds=2**doublings) if doublings >= 0 else timedelta()
        self._failures[endpoint] = count, now + pause

    def at(self, now: datetime) -> Collection[UUID]:
        """Name those that rest at a moment."""
        for endpoint, (_, until) in list(self._failures.items()):
            if now - until > _FORGET_AFTER:
                del self._failures[endpoint]
        return [each for each, (_, until) in self._failures.items() if until > now]


def next_attempt(answer: Answer, attempts: int, now: datetime) -> datetime | None:
    """Say when to try again after so many attempts; None: not any more."""
    if answer.is_gone or attempts >= ATTEMPTS:
        return None
    pause = PAUSES[max(attempts, 1) - 1]
    if answer.retry_after is not None:
        pause = answer.retry_after
    spread = 1 + random.uniform(0, _JITTER)  # noqa: S311 - no secret
    return now + min(pause * spread, LONGEST_PAUSE)


def read_retry_after(status: int, value: str | None, now: datetime) -> timedelta | None:
    """
    Read how long a busy receiver asks us to wait: seconds or a date (RFC 9110, 10.2.3).

    Only 429 and 503 may say it; None where it says nothing that can be read.
    """
    busy = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    if value is None or status not in busy:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        seconds = min(int(value[:9]), int(LONGEST_PAUSE.total_seconds()))
        return timedelta(seconds=max(seconds, 1))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(seconds=1)), LONGEST_PAUSE)
