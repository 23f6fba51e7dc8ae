"""Blocks over HTTP: they hold for both, and only the blocker sees them."""

from uuid import uuid4

import httpx

from realtime.node import Node
from tests.api.calling import ear_of, problem
from tests.factories import make_pair, make_people


async def test_a_block_stops_both_until_it_is_taken_away(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    ear = await ear_of(node, grace.id)
    path = f"/v1/conversations/{conversation}/messages"
    for _ in range(2):
        answer = await http.put(f"/v1/blocks/{grace.id}", headers=ada.headers)
        assert (answer.status_code, answer.content) == (204, b"")
    refusals = []
    for person in (ada, grace):
        body = {"client_id": str(uuid4()), "body": "Hi"}
        answer = await http.post(path, json=body, headers=person.headers)
        refusals.append(problem(answer, 403, "blocked"))
    assert refusals[0] == refusals[1]
    listed = (await http.get("/v1/blocks", headers=ada.headers)).json()
    assert [item["user_id"] for item in listed["items"]] == [str(grace.id)]
    assert (await http.get("/v1/blocks", headers=grace.headers)).json() == {
        "items": [],
        "next": None,
    }
    assert ear.kinds == ["conversation.updated"]
    for _ in range(2):
        answer = await http.delete(f"/v1/blocks/{grace.id}", headers=ada.headers)
        assert answer.status_code == 204
    body = {"client_id": str(uuid4()), "body": "Hi"}
    assert (await http.post(path, json=body, headers=ada.headers)).is_success


async def test_nobody_and_oneself_cannot_be_blocked(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.put(f"/v1/blocks/{uuid4()}", headers=ada.headers)
    problem(answer, 404, "not_found")
    answer = await http.put(f"/v1/blocks/{ada.id}", headers=ada.headers)
    problem(answer, 422, "invalid")


async def test_unblocking_nobody_is_quiet(http: httpx.AsyncClient, node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.delete(f"/v1/blocks/{uuid4()}", headers=ada.headers)
    assert answer.status_code == 204


async def test_the_list_has_pages(http: httpx.AsyncClient, node: Node) -> None:
    ada, *others = await make_people(node, "Ada", *"BCDEF")
    for other in others:
        await http.put(f"/v1/blocks/{other.id}", headers=ada.headers)
    found: list[str] = []
    params = {"limit": "2"}
    while True:
        answer = await http.get("/v1/blocks", params=params, headers=ada.headers)
        page = answer.json()
        found += [item["user_id"] for item in page["items"]]
        if page["next"] is None:
            break
        params["next"] = page["next"]
    assert found == sorted(str(other.id) for other in others)
