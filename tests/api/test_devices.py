"""Devices over HTTP: registering, seeing, removing; and the key to subscribe."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.keys import rotate_vapid
from realtime.node import Node
from realtime.worker import Worker
from tests.api.calling import KEY, problem
from tests.factories import make_people
from tests.push_services import Browser

ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABx7Qc2w"


def subscription(**more: object) -> dict[str, Any]:
    return {
        "kind": "webpush",
        "endpoint": ENDPOINT,
        "keys": Browser().keys,
        "expirationTime": None,
        **more,
    }


async def test_a_browser_registers_is_listed_and_removed(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    key = (await http.get("/v1/push/vapid-key", headers=ada.headers)).json()
    assert len(key["public_key"]) == 87
    at = f"/v1/devices/{uuid4()}"
    body = subscription(
        vapid_key_id=key["id"], name="Firefox", locale="de", payload="id_only"
    )
    put = await http.put(at, json=body, headers=ada.headers)
    assert put.status_code == 200, put.text
    device = put.json()
    assert device == {
        "id": at.rpartition("/")[2],
        "kind": "webpush",
        "app": None,
        "name": "Firefox",
        "locale": "de",
        "payload": "id_only",
        "token_end": "x7Qc2w",
        "vapid_key_id": key["id"],
        "is_refusing": False,
        "created_at": device["created_at"],
        "seen_at": device["created_at"],
    }
    assert ENDPOINT not in put.text
    assert body["keys"]["auth"] not in put.text
    again = await http.put(at, json=body, headers=ada.headers)
    assert again.json() == device | {"seen_at": again.json()["seen_at"]}
    listed = await http.get("/v1/devices", headers=ada.headers)
    assert listed.json() == {"items": [again.json()], "next": None}
    assert (await http.get(at, headers=ada.headers)).json() == again.json()
    # Nobody else's business.
    problem(await http.get(at, headers=grace.headers), 404, "not_found")
    other = subscription(endpoint=f"{ENDPOINT}-of-another")
    problem(await http.put(at, json=other, headers=grace.headers), 409, "conflict")
    assert (await http.delete(at, headers=grace.headers)).status_code == 204
    assert (await http.get(at, headers=ada.headers)).status_code == 200
    for _ in range(2):
        assert (await http.delete(at, headers=ada.headers)).status_code == 204
    problem(await http.get(at, headers=ada.headers), 404, "not_found")


async def test_every_kind_of_device_has_its_own_body(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    good: list[dict[str, Any]] = [
        {"kind": "fcm", "token": "dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U0a3"},
        {"kind": "apns", "token": "a1" * 32, "app": "com.example.talent"},
        {"kind": "relay", "token": "whatever-the-relay-knows", "app": "sms"},
        subscription(retract=True),
        subscription(endpoint=f"{ENDPOINT}-2") | {"payload": "full"},
    ]
    for body in good:
        put = await http.put(f"/v1/devices/{uuid4()}", json=body, headers=ada.headers)
        assert put.status_code == 200, put.text
    found = (await http.get("/v1/devices", headers=ada.headers)).json()["items"]
    assert {each["kind"] for each in found} == {"fcm", "apns", "relay", "webpush"}
    keys = {"p256dh": Browser().keys["p256dh"], "auth": "AAAA"}
    wrong: list[object] = [
        {},
        {"kind": "sms", "token": "0123456789"},
        {"kind": "fcm"},
        {"kind": "fcm", "token": "short"},
        {"kind": "fcm", "token": "with a space in it"},
        {"kind": "fcm", "token": "dpH5lCsTSSM", "app": "none"},
        {"kind": "apns", "token": "../../3/device/a1a1a1a1a1a1a1a1a1a1"},
        {"kind": "relay", "token": "x" * 4097},
        subscription(keys=keys),
        subscription(keys={"p256dh": "A" * 87, "auth": Browser().keys["auth"]}),
        subscription(endpoint="https://169.254.169.254/latest/meta-data"),
        subscription(endpoint="http://updates.push.services.mozilla.com/x"),
        subscription(vapid_key_id=str(uuid4())),
        subscription(payload="some"),
        subscription(locale="not a locale"),
    ]
    for refused in wrong:
        answer = await http.put(
            f"/v1/devices/{uuid4()}", json=refused, headers=ada.headers
        )
        assert answer.status_code in {400, 422}, refused
        assert answer.json()["code"] == "invalid"
        assert "169.254" not in answer.text
    assert (
        len((await http.get("/v1/devices", headers=ada.headers)).json()["items"]) == 5
    )
    problem(await http.get("/v1/push/vapid-key"), 401, "unauthenticated")


async def test_a_person_has_twenty_devices_and_the_unseen_go(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    ids = [uuid4() for _ in range(21)]
    for number, device in enumerate(ids):
        body = {"kind": "relay", "token": f"token-number-{number}"}
        await http.put(f"/v1/devices/{device}", json=body, headers=ada.headers)
    listed = (await http.get("/v1/devices", headers=ada.headers)).json()["items"]
    assert [each["id"] for each in listed] == [str(each) for each in ids[:0:-1]]


async def test_a_rotated_key_is_for_new_subscriptions(
    http: httpx.AsyncClient, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    (ada,) = await make_people(node, "Ada")
    first = (await http.get("/v1/push/vapid-key", headers=ada.headers)).json()
    old = await http.put(
        f"/v1/devices/{uuid4()}", json=subscription(), headers=ada.headers
    )
    await rotate_vapid(node.settings)
    printed = capsys.readouterr()
    second = (await http.get("/v1/push/vapid-key", headers=ada.headers)).json()
    assert second != first
    assert printed.out == second["public_key"] + "\n"
    assert second["id"] in printed.err
    new = subscription(endpoint=f"{ENDPOINT}-2")
    put = await http.put(f"/v1/devices/{uuid4()}", json=new, headers=ada.headers)
    assert put.json()["vapid_key_id"] == second["id"]
    kept = await http.get(f"/v1/devices/{old.json()['id']}", headers=ada.headers)
    assert kept.json()["vapid_key_id"] == first["id"]
    # A browser that subscribed a moment before says with which key.
    before = subscription(endpoint=f"{ENDPOINT}-3", vapid_key_id=first["id"])
    put = await http.put(f"/v1/devices/{uuid4()}", json=before, headers=ada.headers)
    assert put.json()["vapid_key_id"] == first["id"]


@pytest.mark.parametrize("how", ["revoke", "suspend", "delete"])
async def test_who_is_signed_out_everywhere_has_no_devices(
    http: httpx.AsyncClient, node: Node, how: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    for person in (ada, grace):
        body = {"kind": "relay", "token": f"token of {person.name}".replace(" ", "-")}
        await http.put(f"/v1/devices/{uuid4()}", json=body, headers=person.headers)
    at = f"/v1/platform/users/{ada.id}"
    if how == "delete":
        gone = {"display_name": "Ada", "account_status": "deleted"}
        answer = await http.put(at, json=gone, headers=KEY)
    else:
        answer = await http.post(f"{at}/{how}", headers=KEY)
    assert answer.status_code == 200, answer.text
    async with node.transaction() as work:
        assert set(await work.devices.of([ada.id, grace.id])) == {grace.id}


async def test_devices_that_are_not_seen_for_long_are_forgotten(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    body = {"kind": "relay", "token": "a-token-of-a-relay"}
    await http.put(f"/v1/devices/{uuid4()}", json=body, headers=ada.headers)
    days = 0
    worker = Worker(
        node.settings,
        node.database,
        clock=lambda: node.clock() + timedelta(days=days),
    )
    days = 269
    assert await worker.chores["devices"]() == 0
    days = 271
    assert await worker.chores["devices"]() == 1
    assert (await http.get("/v1/devices", headers=ada.headers)).json()["items"] == []
