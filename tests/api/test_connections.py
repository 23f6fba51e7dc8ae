"""Links over HTTP: each step, who may take it, and what both sides hear."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import ear_of, problem
from tests.factories import connect_people, make_people, set_account_status


async def test_a_request_is_heard_by_both_and_accepted_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    ears = [await ear_of(node, ada.id), await ear_of(node, grace.id)]
    asked = await http.post(
        "/v1/connections",
        json={"user_id": str(grace.id), "message": "  Hello 👋 "},
        headers=ada.headers,
    )
    assert asked.status_code == 201
    link = asked.json()
    assert link["requester_id"] == str(ada.id)
    assert link["recipient_id"] == str(grace.id)
    assert (link["status"], link["message"]) == ("pending", "Hello 👋")
    path = f"/v1/connections/{link['id']}/accept"
    accepted = await http.post(path, headers=grace.headers)
    assert accepted.json()["status"] == "accepted"
    again = await http.post(path, headers=grace.headers)
    assert again.json() == accepted.json()
    for ear in ears:
        assert ear.kinds == ["connection.requested", "connection.accepted"]
        assert ear.heard[0]["data"] == {"connection": link}


@pytest.mark.parametrize("is_crossed", [False, True])
async def test_a_pair_has_one_relation(
    http: httpx.AsyncClient, node: Node, *, is_crossed: bool
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")

    async def ask(one: str, headers: dict[str, str]) -> httpx.Response:
        return await http.post(
            "/v1/connections", json={"user_id": one}, headers=headers
        )

    second = (
        (str(ada.id), grace.headers) if is_crossed else (str(grace.id), ada.headers)
    )
    answers = await asyncio.gather(ask(str(grace.id), ada.headers), ask(*second))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    problem(refused, 409, "already_requested")


async def test_who_is_connected_cannot_ask_again(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, grace, ada)
    answer = await http.post(
        "/v1/connections", json={"user_id": str(grace.id)}, headers=ada.headers
    )
    problem(answer, 409, "already_connected")


@pytest.mark.parametrize(
    ("step", "status", "by_requester", "expected"),
    [
        ("accept", "pending", True, (403, "forbidden")),
        ("reject", "pending", True, (403, "forbidden")),
        ("withdraw", "pending", False, (403, "forbidden")),
        ("accept", "removed", False, (409, "conflict")),
        ("reject", "accepted", False, (409, "conflict")),
        ("withdraw", "accepted", True, (409, "conflict")),
        ("remove", "pending", True, (409, "conflict")),
        ("accept", "pending", False, "accepted"),
        ("reject", "pending", False, "rejected"),
        ("withdraw", "pending", True, "withdrawn"),
        ("remove", "accepted", True, "removed"),
        ("remove", "accepted", False, "removed"),
        ("remove", "removed", False, "removed"),
    ],
)
async def test_each_step_is_for_the_right_person_at_the_right_stage(
    http: httpx.AsyncClient,
    node: Node,
    step: str,
    status: str,
    *,
    by_requester: bool,
    expected: tuple[int, str] | str,
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    link = await connect_people(node, ada, grace, status)
    headers = ada.headers if by_requester else grace.headers
    if step == "remove":
        answer = await http.delete(f"/v1/connections/{link}", headers=headers)
    else:
        answer = await http.post(f"/v1/connections/{link}/{step}", headers=headers)
    if isinstance(expected, str):
        assert answer.status_code == 200
        assert answer.json()["status"] == expected
    else:
        problem(answer, *expected)


@pytest.mark.parametrize("step", ["accept", "reject", "withdraw", "remove"])
async def test_a_link_of_others_is_like_none(
    http: httpx.AsyncClient, node: Node, step: str
) -> None:
    ada, grace, eve = await make_people(node, "Ada", "Grace", "Eve")
    link = await connect_people(node, ada, grace, "pending")

    async def take(connection: object) -> httpx.Response:
        path = f"/v1/connections/{connection}"
        if step == "remove":
            return await http.delete(path, headers=eve.headers)
        return await http.post(f"{path}/{step}", headers=eve.headers)

    theirs, nobodys = await take(link), await take(uuid4())
    assert problem(theirs, 404, "not_found") == problem(nobodys, 404, "not_found")


async def test_requests_to_nobody_inactive_or_oneself_are_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await set_account_status(node, grace, "suspended")

    async def ask(user: object, **more: object) -> httpx.Response:
        body = {"user_id": str(user), **more}
        return await http.post("/v1/connections", json=body, headers=ada.headers)

    nobody, inactive = await ask(uuid4()), await ask(grace.id)
    assert problem(nobody, 404, "not_found") == problem(inactive, 404, "not_found")
    problem(await ask(ada.id), 422, "invalid")
    problem(await ask(grace.id, message="x" * 501), 422, "invalid")
    problem(await ask(grace.id, surplus=1), 422, "invalid")
    problem(await ask("x"), 422, "invalid")


async def test_who_is_blocked_cannot_ask(http: httpx.AsyncClient, node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await http.put(f"/v1/blocks/{grace.id}", headers=ada.headers)
    for asker, other in ((ada, grace), (grace, ada)):
        answer = await http.post(
            "/v1/connections", json={"user_id": str(other.id)}, headers=asker.headers
        )
        problem(answer, 403, "blocked")


async def test_the_list_has_pages_and_stages(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *others = await make_people(node, "Ada", *"BCDEFGH")
    links = [
        str(await connect_people(node, other, ada, status))
        for other, status in zip(
            others, ["accepted"] * 5 + ["pending", "removed"], strict=True
        )
    ]
    found: list[str] = []
    following = None
    pages = 0
    while pages == 0 or following:
        params = {"limit": "2"} | ({"next": following} if following else {})
        answer = await http.get("/v1/connections", params=params, headers=ada.headers)
        page = answer.json()
        assert page.keys() == {"items", "next"}
        found += [item["id"] for item in page["items"]]
        following = page["next"]
        pages += 1
    assert found == links[::-1]
    assert pages == 4
    answer = await http.get(
        "/v1/connections", params={"status": "pending"}, headers=ada.headers
    )
    assert [item["id"] for item in answer.json()["items"]] == [links[5]]
    answer = await http.get(
        "/v1/connections", params={"status": "odd"}, headers=ada.headers
    )
    problem(answer, 422, "invalid")
