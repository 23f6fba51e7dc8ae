"""
The store of notifications: whatever comes, in whatever order, it ends the same.
"""

import random
from typing import Any, cast

import pytest
from callboard_client import Event, Notification, Notifications


def instant(second: int) -> str:
    return f"2026-11-21T10:{second // 60:02}:{second % 60:02}.000Z"


def told(number: int, **changes: object) -> Notification:
    shown: dict[str, Any] = {
        "id": f"{number:04}",
        "type": "project",
        "title": f"Number {number}",
        "message": "",
        "data": {},
        "priority": "normal",
        "related_user_id": None,
        "related_connection_id": None,
        "conversation_id": None,
        "gig_id": None,
        "count": 1,
        "is_read": False,
        "seen_at": None,
        "read_at": None,
        "archived_at": None,
        "expires_at": None,
        "created_at": instant(number),
        **changes,
    }
    return cast("Notification", shown)


def event(notification: Notification, kind: str = "updated") -> Event:
    return {
        "type": f"notification.{kind}",
        "data": {"notification": notification},
        "at": instant(0),
    }


def loaded(*held: Notification, more: str | None = None) -> Notifications:
    store = Notifications()
    newest = sorted(held, key=lambda each: each["id"], reverse=True)
    store.load(
        {"items": newest, "next": more},
        {"items": [each for each in newest if not each["read_at"]], "next": None},
        total=0,
    )
    return store


def life_of(number: int) -> list[Notification]:
    """
    Give all states of one notification, in the order in which they happen.
    """
    seen, read, away = (instant(number + step) for step in (10, 20, 30))
    return [
        told(number),
        told(number, seen_at=seen),
        told(number, count=2),
        told(number, count=2, seen_at=seen),
        told(number, count=2, seen_at=seen, read_at=read, is_read=True),
        told(
            number, count=2, seen_at=seen, read_at=read, is_read=True, archived_at=away
        ),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_events_in_any_order_and_any_number_end_in_the_last_state(seed: int) -> None:
    dice = random.Random(seed)
    lives = [life_of(number)[: dice.randint(1, 6)] for number in range(8)]
    events = [event(each) for life in lives for each in life] * 2
    dice.shuffle(events)
    store = loaded()
    for each in events:
        store.apply(each)

    last = [life[-1] for life in lives]
    shown = [each for each in reversed(last) if each["archived_at"] is None]
    assert store.listing() == shown
    assert store.unread == sum(each["read_at"] is None for each in shown)


def test_a_repeat_is_no_change() -> None:
    store = loaded(told(1))
    read = told(1, read_at=instant(5), is_read=True)

    assert store.apply(event(read))
    assert not store.apply(event(read))
    assert not store.apply(event(told(1), "created"))
    assert store.unread == 0


def test_what_has_expired_is_neither_shown_nor_counted() -> None:
    store = loaded(told(1, expires_at="2020-01-01T00:00:00.000Z"), told(2))

    assert [each["id"] for each in store.listing()] == ["0002"]
    assert store.unread == 1


def test_what_is_unread_and_further_back_is_counted_and_not_listed() -> None:
    store = Notifications()
    store.load(
        {"items": [told(9), told(8)], "next": "more"},
        {"items": [told(9), told(8), told(1)], "next": None},
        total=3,
    )
    assert [each["id"] for each in store.listing()] == ["0009", "0008"]
    assert store.unread == 3

    store.apply(event(told(1, read_at=instant(9), is_read=True)))
    assert store.unread == 2
    store.load_more({"items": [told(7), told(6)], "next": None})
    assert [each["id"] for each in store.listing()][:4] == [
        "0009",
        "0008",
        "0007",
        "0006",
    ]
    assert not store.has_more


def test_more_unread_than_a_page_are_counted_by_the_server() -> None:
    store = Notifications()
    page = [told(each) for each in range(300, 100, -1)]
    store.load({"items": page[:50], "next": "x"}, {"items": page, "next": "y"}, 290)
    assert store.unread == 290

    away = told(5, read_at=instant(9), is_read=True)
    for _ in range(2):
        store.apply(event(away))
    assert store.unread == 289


def test_no_more_is_held_than_was_allowed() -> None:
    store = Notifications(limit=10)
    store.load({"items": [], "next": None}, {"items": [], "next": None}, 0)
    for number in range(50):
        store.apply(event(told(number), "created"))

    assert [each["id"] for each in store.listing()] == [
        f"{each:04}" for each in range(49, 39, -1)
    ]
    assert store.unread == 50
    assert store.has_more
