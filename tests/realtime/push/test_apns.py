"""APNs over HTTP/2: the team's token, what is said, and what Apple answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from realtime.node import Node
from realtime.notifications.notifier import Rejected, Retry, Sent
from realtime.push.apns import Apns, ProviderTokens
from tests.factories import make_people
from tests.push_services import Reply
from tests.realtime.push.parcels import (
    NOW,
    TEAM_KEY,
    TOPIC,
    Rig,
    a_rig,
    item,
    team_key,
)


@pytest.fixture
async def rig(node: Node, tmp_path: Path) -> AsyncIterator[Rig]:
    """APNs, for one device."""
    (ada,) = await make_people(node, "Ada")
    async with a_rig("apns", node.transaction, ada, tmp_path) as made:
        yield made


def claims_of(authorization: str) -> dict[str, Any]:
    scheme, token = authorization.split()
    assert scheme == "bearer"
    assert jwt.get_unverified_header(token)["kid"] == "KEY1234567"
    claims: dict[str, Any] = jwt.decode(
        token, TEAM_KEY, algorithms=["ES256"], options={"verify_iat": False}
    )
    return claims


async def test_a_push_says_what_it_is_and_how_long_it_matters(rig: Rig) -> None:
    parcel = rig.parcel(expires_at=NOW + timedelta(hours=1))
    assert await rig.notifier.send(parcel) == Sent("an-id-of-apple")
    (asked,) = rig.service.asked
    assert asked.path == f"/3/device/{rig.target.token}"
    assert claims_of(asked.headers["authorization"]) == {
        "iss": "TEAM123456",
        "iat": int(NOW.timestamp()),
    }
    push = asked.json()
    tag = push["callboard"]["tag"]
    wanted = {
        "apns-topic": TOPIC,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(NOW.timestamp()) + 3600),
        "apns-collapse-id": tag,
    }
    assert wanted.items() <= asked.headers.items()
    assert len(tag) <= 64
    assert push["aps"] == {
        "alert": {"title": "Grace", "body": "Can you come on Monday?"},
        "badge": 3,
        "mutable-content": 1,
        "thread-id": tag,
    }
    assert push["callboard"]["seq"] == 12


async def test_ids_alone_say_in_the_persons_language_that_there_is_something(
    rig: Rig,
) -> None:
    ids_only = replace(rig.target, payload="id_only", app="com.example.other")
    await rig.notifier.send(rig.parcel(target=ids_only, priority="normal"))
    (asked,) = rig.service.asked
    assert asked.headers["apns-topic"] == "com.example.other"
    assert asked.headers["apns-priority"] == "5"
    push = asked.json()
    assert push["aps"]["alert"] == {"title": "Es gibt etwas Neues"}
    assert "link" not in push["callboard"]
    assert b"Monday" not in asked.body
    assert b"Grace" not in asked.body


async def test_what_is_taken_back_wakes_the_app_and_shows_nothing(rig: Rig) -> None:
    await rig.notifier.send(rig.parcel())
    await rig.notifier.send(rig.parcel(kind="retract"))
    shown, back = rig.service.asked
    assert back.headers["apns-push-type"] == "background"
    assert back.headers["apns-priority"] == "5"
    assert back.headers["apns-collapse-id"] == shown.headers["apns-collapse-id"]
    assert back.json()["aps"] == {"content-available": 1}
    assert back.json()["callboard"]["kind"] == "retract"


async def test_what_is_too_large_is_sent_as_ids(rig: Rig) -> None:
    await rig.notifier.send(rig.parcel(items=[item(text="ü🎬" * 2000)]))
    assert len(rig.service.asked[-1].body) <= 4096
    too_large = Reply(413, body=b'{"reason": "PayloadTooLarge"}')
    rig.service.next.append(too_large)
    assert isinstance(await rig.notifier.send(rig.parcel()), Sent)
    assert b"Monday" not in rig.service.asked[-1].body
    rig.service.next.extend([too_large, too_large])
    assert await rig.notifier.send(rig.parcel()) == Rejected("too_large")


async def test_the_teams_token_lasts_less_than_an_hour(rig: Rig) -> None:
    tokens = []
    for minutes in (0, 49, 2):
        rig.clock.move(minutes=minutes)
        await rig.notifier.send(rig.parcel())
        tokens.append(rig.service.asked[-1].headers["authorization"])
    assert tokens[0] == tokens[1] != tokens[2]
    issued = claims_of(tokens[2])["iat"]
    assert issued == int((NOW + timedelta(minutes=51)).timestamp())


async def test_an_expired_token_is_replaced_once_and_not_more_often_than_allowed(
    rig: Rig,
) -> None:
    expired = Reply(403, body=b'{"reason": "ExpiredProviderToken"}')
    await rig.notifier.send(rig.parcel())
    rig.clock.move(minutes=30)
    rig.service.next.append(expired)
    assert isinstance(await rig.notifier.send(rig.parcel()), Sent)
    assert len(rig.service.asked) == 3
    before, after = [a.headers["authorization"] for a in rig.service.asked[1:]]
    assert before != after
    # A new one that is refused is not the token's fault.
    rig.service.next.append(expired)
    assert await rig.notifier.send(rig.parcel()) == Retry("provider_auth")
    assert len(rig.service.asked) == 4
    too_many = Reply(429, body=b'{"reason": "TooManyProviderTokenUpdates"}')
    rig.service.next.append(too_many)
    assert await rig.notifier.send(rig.parcel()) == Retry("rate_limited")


async def test_a_device_without_an_app_needs_one(rig: Rig, tmp_path: Path) -> None:
    tokens = ProviderTokens(team_key(tmp_path), "KEY1234567", "TEAM123456", rig.clock)
    carrier = Apns(tokens, rig.service.url, None, rig.clock)
    outcome = await carrier.carry(rig.parcel(), rig.target)
    assert outcome == Rejected("wrong_topic")
    await carrier.close()


def test_a_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.p8"
    path.write_text("-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n")
    for where, says in ((path, "is no key for ES256"), (tmp_path / "x", "cannot be")):
        with pytest.raises(ValueError, match=says):
            ProviderTokens(where, "KEY1234567", "TEAM123456", lambda: NOW)
