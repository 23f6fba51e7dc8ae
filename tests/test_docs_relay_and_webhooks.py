"""What docs/relay-and-webhooks.md shows can be run as it stands there."""

import re
from pathlib import Path
from typing import Any

import pytest

from realtime.clock import system_clock
from realtime.webhooks.signing import headers_of, new_secret, rotated
from tests.api.test_relay import Feed, feed
from tests.conftest import API_KEY

__all__ = ["feed"]

_PAGE = Path(__file__).parents[1] / "docs" / "relay-and-webhooks.md"


def _example(name: str) -> dict[str, Any]:
    found = re.search(rf"```python {name}\n(.*?)```", _PAGE.read_text("utf-8"), re.S)
    assert found
    names: dict[str, Any] = {}
    exec(compile(found[1], str(_PAGE), "exec"), names)
    return names


@pytest.mark.parametrize(
    ("changed", "is_genuine"),
    [
        ({}, True),
        ({"body": b'{"a": 2}'}, False),
        ({"webhook-id": "evt_1_2"}, False),
        ({"webhook-timestamp": "1"}, False),
        ({"webhook-signature": "v1,AAAA v2,AAAA"}, False),
    ],
)
def test_the_receiver_of_the_page_knows_what_is_genuine(
    changed: dict[str, Any], *, is_genuine: bool
) -> None:
    now = system_clock()
    old = new_secret(now)
    new, _ = rotated([old], now)
    headers = headers_of([new, old], "evt_1_1", '{"a": 1}', now)
    body = changed.pop("body", b'{"a": 1}')
    check = _example("verify")["is_genuine"]
    for secret in (old, new):
        assert check(secret["secret"], headers | changed, body) is is_genuine


async def test_the_relay_of_the_page_delivers_what_is_due(feed: Feed) -> None:
    ada, grace = await feed.desk.people(2)
    for _ in range(2):
        await feed.desk.note(ada, "push")
    await feed.desk.note(grace, "push")
    answers = {str(ada.id): "delivered", str(grace.id): "rejected"}

    async def deliver(item: dict[str, Any]) -> str:
        return answers[item["recipient"]["id"]]

    await _example("relay")["relay"](feed.http, API_KEY, deliver, rounds=2)
    assert await feed.desk.outcome(ada) == ["delivered", "delivered"]
    assert await feed.desk.outcome(grace) == ["failed"]
