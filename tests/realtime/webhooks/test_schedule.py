"""When a webhook is tried again, and what a busy receiver may ask for."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from realtime.webhooks.schedule import (
    ATTEMPTS,
    PAUSES,
    Answer,
    Resting,
    next_attempt,
    read_retry_after,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_pauses_grow_for_more_than_three_days_and_then_it_is_over() -> None:
    failed = Answer(500)
    moments = [next_attempt(failed, done, NOW) for done in range(1, ATTEMPTS)]
    for moment, pause in zip(moments, PAUSES, strict=True):
        assert moment is not None
        assert pause <= moment - NOW <= min(pause * 1.2, timedelta(hours=24))
    assert next_attempt(failed, ATTEMPTS, NOW) is None
    assert sum(PAUSES, timedelta()) > timedelta(days=3)
    assert next_attempt(Answer(410), 1, NOW) is None


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "120", 120),
        (503, " 7 ", 7),
        (503, "0", 1),
        (429, "99999999999999999999", 86400),
        (503, "Sat, 21 Nov 2026 12:05:00 GMT", 300),
        (503, "Sat, 21 Nov 2026 12:05:00 -0000", 300),
        (503, "Sat, 21 Nov 2020 12:05:00 GMT", 1),
        (503, "Sat, 21 Nov 2099 12:05:00 GMT", 86400),
        (503, "soon", None),
        (503, "-5", None),
        (503, "٣", None),
        (503, "Sat, 99 Nov 2026 99:05:00 GMT", None),
        (503, None, None),
        (500, "120", None),
        (200, "120", None),
    ],
)
def test_who_is_busy_is_given_time_within_reason(
    status: int, value: str | None, seconds: int | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert read_retry_after(status, value, NOW) == expected


def test_one_that_fails_again_and_again_is_asked_more_and_more_rarely() -> None:
    one, other, resting, now = uuid4(), uuid4(), Resting(), NOW
    waited: list[float] = []
    for _ in range(12):
        resting.note(one, now, has_failed=True)
        before = now
        while resting.at(now):
            assert resting.at(now) == [one]
            now += timedelta(seconds=1)
        waited.append((now - before).total_seconds())
    assert waited == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64]
    resting.note(one, now, has_failed=False)
    resting.note(one, now, has_failed=True)
    assert resting.at(now) == []
    for _ in range(9):
        resting.note(other, now, has_failed=True)
    assert resting.at(now) == [other]
    # Forgotten after a while, so it begins again.
    resting.at(now + timedelta(hours=2))
    resting.note(other, now, has_failed=True)
    assert resting.at(now) == []
