"""What every way to push has to do, whatever its service does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from realtime.node import Node
from realtime.notifications.notifier import Rejected, Retry, Sent, Skipped
from storage.devices import NewDevice
from tests.factories import make_people
from tests.push_services import Mood, Reply
from tests.realtime.push.parcels import NOW, Rig, a_rig, item


def _fcm(status: int, code: str, **headers: str) -> Reply:
    body = f'{{"error": {{"details": [{{"errorCode": "{code}"}}]}}}}'
    return Reply(status, headers, body.encode())


def _apns(status: int, reason: str, **headers: str) -> Reply:
    return Reply(status, headers, f'{{"reason": "{reason}"}}'.encode())


GONE: Mapping[str, Sequence[Reply]] = {
    "webpush": [Reply(404), Reply(410)],
    "fcm": [
        _fcm(404, "UNREGISTERED"),
        _fcm(400, "UNREGISTERED"),
        Reply(404),
        Reply(
            400,
            body=b'{"error": {"message": "The registration token is not a valid FCM'
            b' registration token", "details": [{"errorCode": "INVALID_ARGUMENT"}]}}',
        ),
    ],
    "apns": [
        _apns(410, "Unregistered"),
        _apns(410, "ExpiredToken"),
        _apns(400, "BadDeviceToken"),
        Reply(410),
    ],
}

# The device registered with what does not belong together.
REFUSED: Mapping[str, Sequence[Reply]] = {
    "webpush": [Reply(403), Reply(401), Reply(400, body=b'"VapidPkHashMismatch"')],
    "fcm": [_fcm(403, "SENDER_ID_MISMATCH")] * 3,
    "apns": [
        _apns(400, "DeviceTokenNotForTopic"),
        _apns(400, "TopicDisallowed"),
        _apns(400, "BadTopic"),
    ],
}

# Ours, not the device's.
OUR_FAULT: Mapping[str, Sequence[Reply]] = {
    "webpush": [Reply(403, body=b'{"reason":"BadJwtToken"}')],
    "fcm": [_fcm(401, "THIRD_PARTY_AUTH_ERROR")] * 2 + [Reply(403)],
    "apns": [_apns(403, "InvalidProviderToken"), _apns(403, "ExpiredProviderToken")],
}


@pytest.fixture(params=["webpush", "fcm", "apns"])
async def rig(
    request: pytest.FixtureRequest, node: Node, tmp_path: Path
) -> AsyncIterator[Rig]:
    """Each way to push, with little patience."""
    (ada,) = await make_people(node, "Ada")
    within = timedelta(seconds=0.5)
    async with a_rig(request.param, node.transaction, ada, tmp_path, within) as made:
        yield made


def kind_of(rig: Rig) -> str:
    (kind,) = rig.notifier.kinds
    return kind


async def is_left_alone(rig: Rig, node: Node) -> bool:
    async with node.transaction() as work:
        device = (await work.devices.with_ids([rig.target.id]))[rig.target.id]
        return device.user_id not in await work.devices.of([device.user_id])


async def test_what_is_taken_is_sent(rig: Rig) -> None:
    outcomes = await asyncio.gather(
        *(rig.notifier.send(rig.parcel()) for _ in range(10))
    )
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len(rig.service.asked) == 10


async def test_the_dead_are_reported(rig: Rig, node: Node) -> None:
    for reply in GONE[kind_of(rig)]:
        rig.service.next.append(reply)
        outcome = await rig.notifier.send(rig.parcel())
        assert outcome == Rejected("gone", is_target_gone=True), reply
    assert not await is_left_alone(rig, node)


async def test_a_device_that_has_a_new_token_meanwhile_is_not_dead(
    rig: Rig, node: Node
) -> None:
    async with node.transaction() as work:
        device = (await work.devices.with_ids([rig.target.id]))[rig.target.id]
    async with node.transaction(device.user_id) as work:
        anew = NewDevice(device.id, device.kind, f"{device.token}1", device.keys)
        await work.devices.put(anew, 20, NOW)
    rig.service.next.append(GONE[kind_of(rig)][0])
    assert await rig.notifier.send(rig.parcel()) == Retry("registered_anew")


async def test_who_refuses_three_times_is_left_alone(rig: Rig, node: Node) -> None:
    for reply in REFUSED[kind_of(rig)]:
        assert not await is_left_alone(rig, node)
        rig.service.next.append(reply)
        outcome = await rig.notifier.send(rig.parcel())
        assert isinstance(outcome, Rejected), reply
        assert not outcome.is_target_gone
    assert await is_left_alone(rig, node)


async def test_what_the_operator_has_to_repair_is_tried_again(
    rig: Rig, node: Node
) -> None:
    replies = OUR_FAULT[kind_of(rig)]
    rig.service.next.extend(replies)
    while rig.service.next:
        assert isinstance(await rig.notifier.send(rig.parcel()), Retry)
    async with node.transaction() as work:
        device = (await work.devices.with_ids([rig.target.id]))[rig.target.id]
    assert device.failures == 0


async def test_the_service_says_when_to_come_back(rig: Rig) -> None:
    in_a_minute = "Sat, 21 Nov 2026 01:21:00 GMT"
    for written, after in [
        ("30", timedelta(seconds=30)),
        (in_a_minute, timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 01:00:00 GMT", timedelta(0)),
        ("999999999", timedelta(days=1)),
        ("soon", None),
        ("", None),
    ]:
        for status in (429, 503):
            rig.service.next.append(Reply(status, {"Retry-After": written}))
            outcome = await rig.notifier.send(rig.parcel())
            assert isinstance(outcome, Retry)
            assert outcome.after == after, written
    assert rig.clock.now == NOW


async def test_what_makes_no_sense_ends_it_and_leads_nowhere(rig: Rig) -> None:
    elsewhere = {"Location": f"{rig.service.url}/elsewhere"}
    statuses = [301, 302, 307, 308, 400, 405, 409, 418]
    for status in statuses:
        rig.service.next.append(Reply(status, elsewhere, b"<html>"))
        outcome = await rig.notifier.send(rig.parcel())
        assert outcome == Rejected(f"http_{status}")
    assert len(rig.service.asked) == len(statuses)


@pytest.mark.parametrize("mood", ["says nothing", "breaks off", "never ends"])
async def test_a_service_that_misbehaves_does_not_hold_anybody_up(
    rig: Rig, mood: Mood
) -> None:
    rig.service.next.append(Reply(503, mood=mood))
    async with asyncio.timeout(5):
        assert isinstance(await rig.notifier.send(rig.parcel()), Retry)
        # And is good again afterwards.
        assert isinstance(await rig.notifier.send(rig.parcel()), Sent)


async def test_nothing_leaves_that_is_over_or_cannot_be_carried(rig: Rig) -> None:
    over = rig.parcel(expires_at=NOW)
    assert await rig.notifier.send(over) == Skipped("expired")
    nowhere = rig.parcel(target=None)
    assert await rig.notifier.send(nowhere) == Rejected("device_gone")
    assert rig.service.asked == []


async def test_nothing_is_logged_of_what_is_said_and_to_whom(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "realtime")
    replies: list[Any] = [*OUR_FAULT[kind_of(rig)], *GONE[kind_of(rig)]]
    rig.service.next.extend(replies)
    while rig.service.next:
        await rig.notifier.send(rig.parcel(items=[item(text="between us")]))
    for secret in ("between us", rig.target.token, "an-access-token"):
        assert secret not in caplog.text
        assert secret not in repr(rig.notifier)


async def test_a_service_that_fails_is_waited_for(rig: Rig) -> None:
    for status in (500, 502):
        rig.service.next.append(Reply(status))
        assert await rig.notifier.send(rig.parcel()) == Retry(f"http_{status}")
