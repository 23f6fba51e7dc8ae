"""Conversations over HTTP: opening, listing, arranging, reading."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import ear_of, problem
from tests.factories import (
    Person,
    connect_people,
    make_pair,
    make_people,
    open_direct,
    set_account_status,
)


def _opening(*people: Person, **more: object) -> dict[str, Any]:
    ids = [str(person.id) for person in people]
    return {"kind": "direct", "user_ids": ids, **more}


async def _send(http: httpx.AsyncClient, sender: Person, conversation: object) -> None:
    answer = await http.post(
        f"/v1/conversations/{conversation}/messages",
        json={"client_id": str(uuid4()), "body": "Hi"},
        headers=sender.headers,
    )
    assert answer.status_code == 201, answer.text


async def test_opening_twice_finds_the_first_and_tells_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    ear = await ear_of(node, grace.id)
    first = await http.post(
        "/v1/conversations", json=_opening(grace), headers=ada.headers
    )
    assert first.status_code == 201
    opened = first.json()
    assert opened["kind"] == "direct"
    assert opened["status"] == "active"
    assert {one["user_id"] for one in opened["participants"]} == {
        str(ada.id),
        str(grace.id),
    }
    second = await http.post(
        "/v1/conversations", json=_opening(ada, grace), headers=grace.headers
    )
    assert second.status_code == 200
    assert second.json()["id"] == opened["id"]
    assert ear.kinds == ["conversation.created"]


async def test_two_who_open_at_once_get_the_same(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    answers = await asyncio.gather(
        *(
            http.post("/v1/conversations", json=_opening(other), headers=person.headers)
            for person, other in [(ada, grace), (grace, ada)] * 3
        )
    )
    assert all(answer.is_success for answer in answers)
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize("status", ["active", "suspended", "deleted"])
async def test_opening_does_not_tell_a_stranger_from_nobody(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await set_account_status(node, grace, status)
    refusals = []
    for user in (grace.id, uuid4()):
        body = {"kind": "direct", "user_ids": [str(user)]}
        answer = await http.post("/v1/conversations", json=body, headers=ada.headers)
        refusals.append(problem(answer, 403, "not_connected"))
    assert refusals[0] == refusals[1]


async def test_a_direct_conversation_has_one_other_person_and_no_title(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, eve = await make_people(node, "Ada", "Grace", "Eve")
    await connect_people(node, ada, grace)
    bodies: list[object] = [
        _opening(),
        _opening(ada),
        _opening(grace, eve),
        _opening(grace, title="Us"),
        _opening(grace, gig_id=str(uuid4())),
        _opening(grace, application_id=str(uuid4())),
        _opening(grace, surplus=1),
        _opening(grace) | {"kind": "odd"},
        {"kind": "direct"},
        {"user_ids": [str(grace.id)]},
        {"kind": "direct", "user_ids": str(grace.id)},
        [],
    ]
    for body in bodies:
        answer = await http.post("/v1/conversations", json=body, headers=ada.headers)
        problem(answer, 422, "invalid")


@pytest.mark.parametrize("kind", ["assistant"])
async def test_other_kinds_are_not_built_yet(
    http: httpx.AsyncClient, node: Node, kind: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    body = _opening(grace) | {"kind": kind}
    answer = await http.post("/v1/conversations", json=body, headers=ada.headers)
    problem(answer, 404, "not_found")


async def test_the_list_shows_newest_activity_first_in_pages(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *others = await make_people(node, "Ada", *"BCDEF")
    conversations = []
    for other in others:
        await connect_people(node, ada, other)
        conversations.append(str(await open_direct(node, ada, other)))
    await _send(http, others[1], conversations[1])
    await _send(http, others[3], conversations[3])
    expected = [conversations[at] for at in (3, 1, 4, 2, 0)]
    params = {"limit": "2", "kind": "direct", "status": "active"}
    found = []
    while True:
        answer = await http.get("/v1/conversations", params=params, headers=ada.headers)
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            break
        params["next"] = page["next"]
    assert [item["id"] for item in found] == expected
    assert [item["unread"] for item in found] == [1, 1, 0, 0, 0]
    assert found[0]["last_message"]["body"] == "Hi"
    assert found[2]["last_message"] is None
    for params in (
        {"kind": "group"},
        {"status": "archived"},
        {"gig_id": str(uuid4())},
    ):
        answer = await http.get("/v1/conversations", params=params, headers=ada.headers)
        assert answer.json() == {"items": [], "next": None}


async def test_arranging_is_for_oneself_and_told_to_own_sessions(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    mine, theirs = await ear_of(node, ada.id), await ear_of(node, grace.id)
    path = f"/v1/conversations/{conversation}"
    answer = await http.patch(
        path,
        json={"muted_until": "2030-01-01T02:00:00.5+02:00", "status": "archived"},
        headers=ada.headers,
    )
    assert answer.json()["muted_until"] == "2030-01-01T00:00:00.500Z"
    assert answer.json()["status"] == "archived"
    assert mine.kinds == ["conversation.updated"]
    assert theirs.kinds == []
    seen = (await http.get(path, headers=grace.headers)).json()
    assert (seen["status"], seen["muted_until"]) == ("active", None)
    answer = await http.patch(
        path, json={"muted_until": None, "status": "active"}, headers=ada.headers
    )
    assert (answer.json()["status"], answer.json()["muted_until"]) == ("active", None)
    unchanged = await http.patch(path, json={}, headers=ada.headers)
    assert unchanged.json() == answer.json()
    assert len(mine.heard) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Us"},
        {"status": "blocked"},
        {"status": None},
        {"muted_until": 1},
        {"muted_until": "tomorrow"},
        {"muted_until": "2030-01-01T00:00:00"},
        {"muted_until": "9999-12-31T23:00:00-12:00"},
        {"odd": 1},
    ],
)
async def test_what_cannot_be_arranged_is_invalid(
    http: httpx.AsyncClient, node: Node, changes: dict[str, object]
) -> None:
    ada, _, conversation = await make_pair(node)
    answer = await http.patch(
        f"/v1/conversations/{conversation}", json=changes, headers=ada.headers
    )
    problem(answer, 422, "invalid")


async def test_a_conversation_of_others_is_like_none(
    http: httpx.AsyncClient, node: Node
) -> None:
    _, _, conversation = await make_pair(node)
    (eve,) = await make_people(node, "Eve")
    for method, rest, body in (
        ("GET", "", None),
        ("PATCH", "", {"status": "archived"}),
        ("PATCH", "", {}),
        ("POST", "/read", {"seq": 1}),
        ("GET", "/permissions", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"client_id": str(uuid4()), "body": "Hi"}),
    ):
        answers = [
            await http.request(
                method, f"/v1/conversations/{id_}{rest}", json=body, headers=eve.headers
            )
            for id_ in (conversation, uuid4())
        ]
        assert problem(answers[0], 404, "not_found") == problem(
            answers[1], 404, "not_found"
        )


async def test_later_calls_are_not_found(http: httpx.AsyncClient, node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    for method, path in (
        ("POST", "/v1/assistant/messages"),
        ("DELETE", "/v1/me"),
        ("GET", "/v1/me/export"),
    ):
        answer = await http.request(method, path, headers=ada.headers)
        problem(answer, 404, "not_found")


async def test_reading_moves_forward_and_is_told(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    for _ in range(3):
        await _send(http, ada, conversation)
    ear = await ear_of(node, ada.id)
    path = f"/v1/conversations/{conversation}/read"
    for seq, read, unread in ((2, 2, 1), (1, 2, 1), (2, 2, 1), (99, 3, 0)):
        answer = await http.post(path, json={"seq": seq}, headers=grace.headers)
        assert answer.json() == {"read_seq": read, "unread": unread}
    assert ear.kinds == ["receipt.read"] * 2
    assert [event["data"]["seq"] for event in ear.heard] == [2, 3]
    history = await http.get(
        f"/v1/conversations/{conversation}/messages", headers=ada.headers
    )
    read_at = [item["read_at"] for item in history.json()["items"]]
    assert read_at[1] == read_at[2] == ear.heard[0]["data"]["at"]
    wrong: list[object] = [-1, "1", 1.5, None, 2**53]
    for value in wrong:
        answer = await http.post(path, json={"seq": value}, headers=grace.headers)
        problem(answer, 422, "invalid")


# No life-cycle rule says anything.
_OPEN: dict[str, Any] = {"closed_by": None, "read_only_at": None}


async def test_permissions_of_a_conversation_follow_the_relation(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    link = await connect_people(node, ada, grace)
    conversation = await open_direct(node, ada, grace)
    path = f"/v1/conversations/{conversation}/permissions"
    answer = await http.get(path, headers=ada.headers)
    assert answer.json() == _OPEN | {"write": True, "reason": None, "unlock": []}
    await http.delete(f"/v1/connections/{link}", headers=grace.headers)
    answer = await http.get(path, headers=ada.headers)
    assert answer.json() == _OPEN | {
        "write": False,
        "reason": "not_connected",
        "unlock": ["connection.request"],
    }
    await http.put(f"/v1/blocks/{ada.id}", headers=grace.headers)
    answer = await http.get(path, headers=ada.headers)
    told = {"write": False, "reason": "blocked", "unlock": []}
    assert answer.json() == _OPEN | told
