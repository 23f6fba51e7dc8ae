"""Oneself and others: what is shown to whom."""

from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import KEY, problem
from tests.factories import (
    connect_people,
    make_pair,
    make_people,
    set_account_status,
    token_for,
)


async def test_me_shows_profile_preferences_and_what_waits(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    for _ in range(3):
        body = {"client_id": str(uuid4()), "body": "Hi"}
        assert (await http.post(path, json=body, headers=ada.headers)).is_success
    await http.put(
        f"/v1/platform/users/{grace.id}",
        json={"display_name": "Grace", "email": "grace@example.org"},
        headers=KEY,
    )
    answer = (await http.get("/v1/me", headers=grace.headers)).json()
    assert answer["profile"]["id"] == str(grace.id)
    assert answer["profile"]["display_name"] == "Grace"
    assert answer["profile"]["email"] == "grace@example.org"
    assert answer["profile"]["account_status"] == "active"
    assert answer["preferences"].keys() == {"privacy", "content", "notifications"}
    assert answer["unread"] == {"conversations": 1, "messages": 3, "notifications": 0}


async def test_a_token_of_somebody_new_creates_them(http: httpx.AsyncClient) -> None:
    user = uuid4()
    headers = {"Authorization": f"Bearer {token_for(user)}"}
    answer = await http.get("/v1/me", headers=headers)
    assert answer.json()["profile"]["id"] == str(user)


async def test_a_public_profile_has_nothing_private(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    answer = await http.get(f"/v1/users/{grace.id}", headers=ada.headers)
    assert answer.json() == {
        "id": str(grace.id),
        "display_name": "Grace",
        "handle": None,
        "avatar_url": None,
        "headline": None,
        "role": None,
    }


@pytest.mark.parametrize("status", ["suspended", "deleted"])
async def test_who_is_not_active_has_no_profile_like_nobody(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await set_account_status(node, grace, status)
    inactive = await http.get(f"/v1/users/{grace.id}", headers=ada.headers)
    nobody = await http.get(f"/v1/users/{uuid4()}", headers=ada.headers)
    assert problem(inactive, 404, "not_found") == problem(nobody, 404, "not_found")


@pytest.mark.parametrize("status", ["active", "suspended", "deleted"])
async def test_permissions_do_not_tell_a_stranger_from_nobody(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await set_account_status(node, grace, status)
    stranger = await http.get(f"/v1/users/{grace.id}/permissions", headers=ada.headers)
    nobody = await http.get(f"/v1/users/{uuid4()}/permissions", headers=ada.headers)
    assert stranger.content == nobody.content
    assert stranger.headers == nobody.headers
    assert stranger.json() == {
        "message": False,
        "connect": True,
        "reason": "not_connected",
        "unlock": ["connection.request"],
    }


@pytest.mark.parametrize(
    ("status", "is_asker", "message", "connect", "unlock"),
    [
        ("pending", True, False, False, []),
        ("pending", False, False, False, ["connection.accept"]),
        ("accepted", True, True, False, []),
        ("rejected", True, False, True, ["connection.request"]),
        ("withdrawn", False, False, True, ["connection.request"]),
        ("removed", True, False, True, ["connection.request"]),
    ],
)
async def test_permissions_say_what_would_help_and_requests_agree(
    http: httpx.AsyncClient,
    node: Node,
    status: str,
    *,
    is_asker: bool,
    message: bool,
    connect: bool,
    unlock: list[str],
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    pair = (ada, grace) if is_asker else (grace, ada)
    await connect_people(node, *pair, status)
    told = await http.get(f"/v1/users/{grace.id}/permissions", headers=ada.headers)
    assert told.json() == {
        "message": message,
        "connect": connect,
        "reason": None if message else "not_connected",
        "unlock": unlock,
    }
    asked = await http.post(
        "/v1/connections", json={"user_id": str(grace.id)}, headers=ada.headers
    )
    assert asked.is_success is connect


async def test_only_who_blocked_is_told_how_to_unblock(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    await http.put(f"/v1/blocks/{grace.id}", headers=ada.headers)
    mine = await http.get(f"/v1/users/{grace.id}/permissions", headers=ada.headers)
    theirs = await http.get(f"/v1/users/{ada.id}/permissions", headers=grace.headers)
    blocked = {"message": False, "connect": False, "reason": "blocked"}
    assert mine.json() == blocked | {"unlock": ["user.unblock"]}
    assert theirs.json() == blocked | {"unlock": []}


async def test_one_needs_no_permission_for_oneself(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.get(f"/v1/users/{ada.id}/permissions", headers=ada.headers)
    problem(answer, 422, "invalid")


async def test_an_id_that_is_none_is_invalid(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.get("/v1/users/no-such-id-hunter2", headers=ada.headers)
    problem(answer, 422, "invalid")
    assert "hunter2" not in answer.text


async def test_many_profiles_come_at_once_in_the_order_asked_for(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, mei = await make_people(node, "Ada", "Grace", "Mei")
    ids = f"{mei.id},{ada.id},{grace.id},{mei.id}"
    answer = await http.get("/v1/users", params={"ids": ids}, headers=ada.headers)
    names = [each["display_name"] for each in answer.json()["items"]]
    assert names == ["Mei", "Ada", "Grace"]
    one = await http.get(f"/v1/users/{mei.id}", headers=ada.headers)
    assert answer.json()["items"][0] == one.json()


async def test_of_many_who_is_not_active_is_left_out_like_nobody(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, mei, ivan = await make_people(node, "Ada", "Grace", "Mei", "Ivan")
    await set_account_status(node, grace, "suspended")
    await set_account_status(node, mei, "deleted")
    ids = f"{grace.id},{uuid4()},{ivan.id},{mei.id}"
    answer = await http.get("/v1/users", params={"ids": ids}, headers=ada.headers)
    assert [each["id"] for each in answer.json()["items"]] == [str(ivan.id)]


@pytest.mark.parametrize(
    "ids",
    ["no-such-id-hunter2", ",".join(["0191b1a2-0000-7000-8000-00000000ada0"] * 101)],
)
async def test_of_many_ids_all_are_ids_and_no_more_than_a_hundred(
    http: httpx.AsyncClient, node: Node, ids: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.get("/v1/users", params={"ids": ids}, headers=ada.headers)
    problem(answer, 422, "invalid")
    assert "hunter2" not in answer.text


async def test_profiles_are_asked_for_by_name(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    problem(await http.get("/v1/users", headers=ada.headers), 422, "invalid")
