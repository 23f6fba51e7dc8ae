"""When a webhook is tried again, and what a busy receiver may ask for."""

from datetime import UTC, datetime, timedelta

import pytest

from realtime.webhooks.schedule import (
    ATTEMPTS,
    PAUSES,
    Answer,
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
