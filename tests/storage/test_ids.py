"""Ids sort as they were made."""

import time

import pytest

from storage.ids import uuid7


def test_ids_sort_in_the_order_in_which_they_were_made() -> None:
    ids = [uuid7() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {(each.version, each.variant) for each in ids} == {
        (7, "specified in RFC 4122")
    }
    assert abs((ids[-1].int >> 80) - time.time() * 1000) < 60_000


def test_a_clock_that_goes_back_changes_no_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    ids = [uuid7() for _ in range(1000)]
    assert [before, *ids] == sorted({before, *ids})
    assert {each.version for each in ids} == {7}
