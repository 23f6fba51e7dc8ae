"""The platform's links: told where they change, once for each pair."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import KEY, ear_of, problem
from tests.factories import Person, connect_people, make_people


def _fields(
    requester: Person, recipient: Person, status: str = "accepted", **more: object
) -> dict[str, Any]:
    return {
        "requester_id": str(requester.id),
        "recipient_id": str(recipient.id),
        "status": status,
        **more,
    }


async def _put(
    http: httpx.AsyncClient, connection: object, fields: dict[str, Any]
) -> httpx.Response:
    path = f"/v1/platform/connections/{connection}"
    return await http.put(path, json=fields, headers=KEY)


async def _batch(http: httpx.AsyncClient, *items: dict[str, Any]) -> httpx.Response:
    return await http.post(
        "/v1/platform/connections/batch", json={"items": list(items)}, headers=KEY
    )


async def test_both_sides_hear_of_a_change_and_nobody_of_a_repetition(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    ears = [await ear_of(node, ada.id), await ear_of(node, grace.id)]
    link = uuid4()
    first = await _put(http, link, _fields(ada, grace, "pending", message="Hello"))
    assert first.status_code == 200
    assert first.json()["id"] == str(link)
    second = await _put(http, link, _fields(ada, grace, "pending"))
    assert second.json() == first.json()
    third = await _put(http, link, _fields(ada, grace))
    assert third.json()["message"] == "Hello"
    for status in ("removed", "rejected", "withdrawn"):
        await _put(http, link, _fields(ada, grace, status))
    for ear in ears:
        assert ear.kinds == [
            "connection.requested",
            "connection.accepted",
            "connection.removed",
            "connection.rejected",
            "connection.withdrawn",
        ]
        assert ear.heard[0]["data"] == {"connection": first.json()}


async def test_equal_puts_at_once_are_one_link(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    link = uuid4()
    answers = await asyncio.gather(
        *(_put(http, link, _fields(ada, grace)) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["id"] for answer in answers} == {str(link)}


async def test_a_pair_has_one_link_whoever_made_it(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    link = await connect_people(node, grace, ada)
    found = problem(await _put(http, uuid4(), _fields(ada, grace)), 409, "conflict")
    assert found["details"]["connection_id"] == str(link)
    # The direction may be corrected, the people may not be exchanged.
    turned = await _put(http, link, _fields(ada, grace, "pending"))
    assert turned.json()["requester_id"] == str(ada.id)
    (eve,) = await make_people(node, "Eve")
    problem(await _put(http, link, _fields(ada, eve)), 409, "conflict")


async def test_what_is_no_link_is_refused(http: httpx.AsyncClient, node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    good = _fields(ada, grace)
    for wrong in (
        {"requester_id": str(uuid4())},
        {"recipient_id": str(uuid4())},
        {"recipient_id": str(ada.id)},
        {"recipient_id": None},
        {"status": "odd"},
        {"status": None},
        {"message": "x" * 501},
        {"message": "\0"},
        {"odd": 1},
    ):
        problem(await _put(http, uuid4(), good | wrong), 422, "invalid")


async def test_a_batch_tells_of_what_changed(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *others = await make_people(node, "Ada", *"BCD")
    items = [{"id": str(uuid4()), **_fields(ada, other)} for other in others]
    assert (await _batch(http, *items[:2])).status_code == 200
    ear = await ear_of(node, ada.id)
    answer = await _batch(http, items[0], items[1] | {"status": "removed"}, items[2])
    shown = [(one["id"], one["status"]) for one in answer.json()["items"]]
    assert shown == [
        (items[0]["id"], "accepted"),
        (items[1]["id"], "removed"),
        (items[2]["id"], "accepted"),
    ]
    assert sorted(ear.kinds) == ["connection.accepted", "connection.removed"]


@pytest.mark.parametrize("fault", ["nobody", "oneself", "same pair", "other", "twice"])
async def test_a_batch_is_all_or_nothing_and_names_the_first_bad_item(
    http: httpx.AsyncClient, node: Node, fault: str
) -> None:
    ada, grace, eve = await make_people(node, "Ada", "Grace", "Eve")
    ear = await ear_of(node, ada.id)
    known = await connect_people(node, grace, eve)
    good = {"id": str(uuid4()), **_fields(ada, grace)}
    fresh = str(uuid4())
    bad, status, code = {
        "nobody": (
            {"id": fresh, **_fields(ada, eve), "recipient_id": str(uuid4())},
            422,
            "invalid",
        ),
        "oneself": ({"id": fresh, **_fields(ada, ada)}, 422, "invalid"),
        "same pair": ({"id": fresh, **_fields(grace, ada)}, 409, "conflict"),
        "other": ({"id": str(known), **_fields(ada, eve)}, 409, "conflict"),
        "twice": (good, 422, "invalid"),
    }[fault]
    found = problem(await _batch(http, good, bad), status, code)
    assert found["details"]["index"] == 1
    assert ear.heard == []
    answer = await http.get("/v1/connections", headers=ada.headers)
    assert answer.json()["items"] == []


async def test_a_thousand_links_fit(http: httpx.AsyncClient, node: Node) -> None:
    people = await make_people(node, *[f"P{number}" for number in range(46)])
    pairs = [
        (one, other) for at, one in enumerate(people) for other in people[at + 1 :]
    ]
    items = [{"id": str(uuid4()), **_fields(*pair)} for pair in pairs[:1000]]
    answer = await _batch(http, *items)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == 1000
