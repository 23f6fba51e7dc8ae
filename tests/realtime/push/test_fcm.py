"""FCM's HTTP v1: who sends, what is said, and access tokens that end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest

from realtime.node import Node
from realtime.notifications.notifier import Rejected, Retry, Sent
from realtime.push.fcm import ServiceAccount
from tests.factories import make_people
from tests.push_services import Reply
from tests.realtime.push.parcels import (
    ACCOUNT_KEY,
    NOW,
    PROJECT,
    Rig,
    a_rig,
    item,
    service_account,
)


@pytest.fixture
async def rig(node: Node, tmp_path: Path) -> AsyncIterator[Rig]:
    """FCM, for one device."""
    (ada,) = await make_people(node, "Ada")
    async with a_rig("fcm", node.transaction, ada, tmp_path) as made:
        yield made


async def test_a_message_is_shown_by_the_system_and_known_to_the_app(rig: Rig) -> None:
    parcel = rig.parcel(expires_at=NOW + timedelta(minutes=2))
    assert await rig.notifier.send(parcel) == Sent("projects/a-project/messages/1")
    (asked,) = rig.service.asked
    assert asked.path == f"/v1/projects/{PROJECT}/messages:send"
    assert asked.headers["authorization"] == "Bearer an-access-token"
    message = asked.json()["message"]
    tag = message["data"]["tag"]
    assert message["token"] == rig.target.token
    assert message["notification"] == {
        "title": "Grace",
        "body": "Can you come on Monday?",
    }
    assert message["android"] == {
        "priority": "HIGH",
        "collapse_key": tag,
        "ttl": "120s",
        "notification": {"tag": tag},
    }
    assert message["apns"]["payload"] == {"aps": {"badge": 3, "mutable-content": 1}}
    assert all(isinstance(value, str) for value in message["data"].values())
    assert message["data"]["seq"] == "12"


async def test_ids_alone_and_what_is_taken_back_are_for_the_app(rig: Rig) -> None:
    ids_only = replace(rig.target, payload="id_only")
    await rig.notifier.send(rig.parcel(target=ids_only))
    await rig.notifier.send(rig.parcel(kind="retract"))
    shown, back = [asked.json()["message"] for asked in rig.service.asked]
    assert shown["data"]["tag"] == back["data"]["tag"]
    assert back["data"]["kind"] == "retract"
    assert back["android"]["priority"] == "NORMAL"
    for message in (shown, back):
        assert "notification" not in message
        assert "notification" not in message["android"]
        assert "link" not in message["data"]
        assert b"Monday" not in rig.service.asked[0].body


async def test_long_texts_fit(rig: Rig) -> None:
    await rig.notifier.send(rig.parcel(items=[item(text="ü🎬" * 2000)]))
    (asked,) = rig.service.asked
    assert len(asked.body) <= 4096
    assert asked.json()["message"]["notification"]["body"].endswith("…")


async def test_an_access_token_is_asked_for_once_and_renewed_in_time(
    rig: Rig,
) -> None:
    # From here on it is asked like everything else.
    token = rig.service.beside.pop("/token")
    rig.service.next.append(token)
    await asyncio.gather(*(rig.notifier.send(rig.parcel()) for _ in range(5)))
    first, *messages = rig.service.asked
    assert [asked.path for asked in messages] == [messages[0].path] * 5
    form = parse_qs(first.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        ACCOUNT_KEY,
        algorithms=["RS256"],
        audience=f"{rig.service.url}/token",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "push@a-project.example"
    assert claims["scope"].endswith("firebase.messaging")
    assert claims["exp"] - claims["iat"] <= 3600
    rig.clock.move(minutes=59)
    rig.service.next.append(token)
    await rig.notifier.send(rig.parcel())
    assert rig.service.asked[-2].path == "/token"


async def test_a_refused_access_token_is_replaced_once(rig: Rig) -> None:
    token = rig.service.beside.pop("/token")
    other = replace(token, body=token.body.replace(b"an-access", b"another"))
    rig.service.next.extend([token, Reply(401), other])
    assert isinstance(await rig.notifier.send(rig.parcel()), Sent)
    assert rig.service.asked[-1].headers["authorization"] == "Bearer another-token"
    rig.service.next.extend([Reply(401), other, Reply(401)])
    assert await rig.notifier.send(rig.parcel()) == Retry("provider_auth")
    # The account is not (any more) what it was.
    rig.clock.move(hours=2)
    for refusal in (
        Reply(400, body=b'{"error": "invalid_grant"}'),
        Reply(200, body=b"not JSON"),
        Reply(200, body=b"[]"),
        Reply(200, body=b'{"access_token": 1}'),
    ):
        rig.service.next.append(refusal)
        assert await rig.notifier.send(rig.parcel()) == Retry("provider_auth")
    rig.service.next.append(Reply(503))
    assert await rig.notifier.send(rig.parcel()) == Retry("unreachable")


async def test_used_up_quota_is_given_a_minute(rig: Rig) -> None:
    body = b'{"error": {"details": [{}, 1, {"errorCode": "QUOTA_EXCEEDED"}]}}'
    rig.service.next.append(Reply(429, body=body))
    minute = Retry("rate_limited", timedelta(minutes=1))
    assert await rig.notifier.send(rig.parcel()) == minute
    rig.service.next.append(Reply(429, {"Retry-After": "5"}, body))
    five = Retry("rate_limited", timedelta(seconds=5))
    assert await rig.notifier.send(rig.parcel()) == five
    invalid = b'{"error": {"details": [{"errorCode": "INVALID_ARGUMENT"}]}}'
    rig.service.next.append(Reply(400, body=invalid))
    assert await rig.notifier.send(rig.parcel()) == Rejected("http_400")


async def test_a_file_that_is_no_service_account_is_named(
    rig: Rig, tmp_path: Path
) -> None:
    path = service_account(tmp_path, rig.service)
    good = path.read_text()
    assert "BEGIN" not in repr(ServiceAccount.read(path))
    for text in ("", "[]", "{}", good.replace("BEGIN", "BEGGIN"), good[:-5]):
        path.write_text(text)
        with pytest.raises(ValueError, match="is no service account") as refused:
            ServiceAccount.read(path)
        assert "PRIVATE" not in str(refused.value)
    with pytest.raises(ValueError, match="cannot be read"):
        ServiceAccount.read(tmp_path / "nowhere.json")
