"""Web Push against a service that checks who sends, and a browser that reads."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from realtime.node import Node
from realtime.notifications.notifier import Rejected, Retry, Sent, Skipped
from realtime.push.addresses import PushHosts
from realtime.push.sending import PushNotifier
from realtime.push.vapid import Vapid, current_key, public_of, rotate_key
from realtime.push.webpush import WebPush
from tests.factories import Person, make_people
from tests.push_services import Reply, verify_vapid
from tests.realtime.push.parcels import NOW, SUBJECT, Rig, a_rig, item


@pytest.fixture
async def ada(node: Node) -> Person:
    """Who is pushed to."""
    return (await make_people(node, "Ada"))[0]


@pytest.fixture
async def rig(node: Node, ada: Person, tmp_path: Path) -> AsyncIterator[Rig]:
    """Web Push to a browser of this machine."""
    async with a_rig("webpush", node.transaction, ada, tmp_path) as made:
        yield made


def read(rig: Rig, number: int = -1) -> dict[str, Any]:
    """Read a push as the browser does."""
    found: dict[str, Any] = orjson.loads(
        rig.browser.decrypt(rig.service.asked[number].body)
    )
    return found


async def test_a_push_is_signed_encrypted_and_labelled(rig: Rig, node: Node) -> None:
    rig.service.next.append(Reply(201, {"Location": "/message/1"}))
    parcel = rig.parcel(expires_at=NOW + timedelta(hours=1))
    assert await rig.notifier.send(parcel) == Sent("/message/1")
    (asked,) = rig.service.asked
    assert (asked.method, asked.path) == ("POST", "/push/1")
    assert asked.headers["content-encoding"] == "aes128gcm"
    assert asked.headers["ttl"] == "3600"
    assert asked.headers["urgency"] == "high"
    assert b"Monday" not in asked.body
    claims, key = verify_vapid(asked, rig.service.url)
    assert claims["sub"] == SUBJECT
    assert 0 < claims["exp"] - NOW.timestamp() <= 24 * 3600
    async with node.transaction() as work:
        assert key == public_of(await current_key(work))
    push = read(rig)
    assert push == {
        "title": "Grace",
        "body": "Can you come on Monday?",
        "delivery_id": str(parcel.delivery_id),
        "kind": "conversation",
        "type": "message_received",
        "tag": push["tag"],
        "conversation_id": str(parcel.items[0].conversation_id),
        "message_id": str(parcel.items[0].message_id),
        "seq": 12,
        "badge": 3,
        "count": 1,
        "at": "2026-11-21T01:20:00.000Z",
        "link": "/chat/1",
    }
    # RFC 8030, section 5.4.
    assert asked.headers["topic"] == push["tag"]
    assert len(push["tag"]) == 32


async def test_one_signature_serves_for_hours(rig: Rig) -> None:
    tokens = []
    for hours in (0, 10, 2, 12):
        rig.clock.move(hours=hours)
        await rig.notifier.send(rig.parcel())
        claims, _ = verify_vapid(rig.service.asked[-1], rig.service.url)
        assert claims["exp"] > rig.clock().timestamp() + 3000
        tokens.append(rig.service.asked[-1].headers["authorization"])
    assert tokens[0] == tokens[1] != tokens[2] != tokens[3]


async def test_a_subscription_is_signed_for_by_the_key_it_was_made_with(
    rig: Rig, node: Node
) -> None:
    await rig.notifier.send(rig.parcel())
    _, before = verify_vapid(rig.service.asked[-1], rig.service.url)
    rotated = await rotate_key(node.transaction, rig.clock())
    await rig.notifier.send(rig.parcel())
    assert verify_vapid(rig.service.asked[-1], rig.service.url)[1] == before
    subscribed_again = replace(rig.target, vapid_key_id=rotated.id)
    await rig.notifier.send(rig.parcel(target=subscribed_again))
    _, after = verify_vapid(rig.service.asked[-1], rig.service.url)
    assert after == public_of(rotated) != before
    nobodys = replace(rig.target, vapid_key_id=rig.target.id)
    outcome = await rig.notifier.send(rig.parcel(target=nobodys))
    assert outcome == Rejected("vapid_mismatch")
    assert len(rig.service.asked) == 3


async def test_what_is_too_large_for_the_service_is_sent_as_ids(rig: Rig) -> None:
    rig.service.next.extend([Reply(413), Reply(201)])
    assert await rig.notifier.send(rig.parcel()) == Sent()
    assert "Monday" in read(rig, 0)["body"]
    assert set(read(rig, 1)) == {
        "delivery_id",
        "kind",
        "type",
        "tag",
        "conversation_id",
        "message_id",
        "seq",
        "badge",
    }
    rig.service.next.extend([Reply(413), Reply(413)])
    assert await rig.notifier.send(rig.parcel()) == Rejected("too_large")
    ids_only = rig.parcel(target=replace(rig.target, payload="id_only"))
    rig.service.next.extend([Reply(413)])
    assert await rig.notifier.send(ids_only) == Rejected("too_large")
    assert len(rig.service.asked) == 5


async def test_long_texts_are_cut_to_what_services_take(rig: Rig) -> None:
    long = '"\\ü🎬' * 1000
    await rig.notifier.send(rig.parcel(items=[item(text=long, title=long)]))
    asked = rig.service.asked[-1]
    assert 3500 < len(asked.body) <= 4096
    push = read(rig)
    assert push["body"].endswith("…")
    assert push["conversation_id"]


async def test_only_who_can_take_back_is_told_to(rig: Rig) -> None:
    back = rig.parcel(kind="retract")
    assert await rig.notifier.send(back) == Skipped("cannot_retract")
    able = replace(rig.target, keys={**rig.target.keys, "retract": "true"})
    await rig.notifier.send(rig.parcel())
    assert await rig.notifier.send(rig.parcel(kind="retract", target=able)) == Sent()
    shown, taken_back = read(rig, 0), read(rig, 1)
    assert taken_back["tag"] == shown["tag"]
    assert "title" not in taken_back


async def test_a_name_that_leads_inside_is_not_followed(
    rig: Rig, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = rig.service.port
    hosts = PushHosts.parse(["push.example"])
    vapid = Vapid(node.transaction, rig.clock, SUBJECT)
    guarded = PushNotifier(
        WebPush(hosts, vapid, rig.clock), node.transaction, rig.clock
    )
    target = replace(rig.target, token="https://push.example/x")
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        async def resolve(*_: object, **__: object) -> list[Any]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)),
                (family, socket.SOCK_STREAM, 6, "", (address, port)),  # noqa: B023
            ]

        monkeypatch.setattr("asyncio.BaseEventLoop.getaddrinfo", resolve)
        outcome = await guarded.send(rig.parcel(target=target))
        assert outcome == Rejected("forbidden_address"), address
    monkeypatch.undo()
    # What was allowed when it registered and is no longer.
    outcome = await guarded.send(rig.parcel())
    assert outcome == Rejected("forbidden_address")
    await guarded.close()
    assert rig.service.asked == []


async def test_a_service_that_is_not_there_is_tried_again(rig: Rig, node: Node) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    vapid = Vapid(node.transaction, rig.clock, SUBJECT)
    notifier = PushNotifier(
        WebPush(PushHosts.parse([url]), vapid, rig.clock), node.transaction, rig.clock
    )
    target = replace(rig.target, token=f"{url}/x")
    assert await notifier.send(rig.parcel(target=target)) == Retry("unreachable")
    await notifier.close()
