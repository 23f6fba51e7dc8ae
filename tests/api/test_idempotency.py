"""`Idempotency-Key`: done once, answered as often as asked."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from realtime.node import Node
from tests.api.calling import KEY, ear_of, key_with, problem
from tests.databases import TestDatabase
from tests.factories import make_people

USERS = "/v1/platform/users/batch"
REPLAYED = "idempotent-replayed"


def _person(**fields: object) -> dict[str, Any]:
    return {"id": str(uuid4()), "display_name": "Grace", **fields}


async def _post(
    http: httpx.AsyncClient, key: str, body: object, path: str = USERS
) -> httpx.Response:
    return await http.post(path, json=body, headers=KEY | {"Idempotency-Key": key})


async def test_a_repeated_request_is_answered_again_and_not_done_again(
    http: httpx.AsyncClient,
) -> None:
    body = {"items": [_person()]}
    first = await _post(http, "a", body)
    assert first.status_code == 200
    assert REPLAYED not in first.headers
    path = f"/v1/platform/users/{body['items'][0]['id']}"
    await http.put(path, json={"display_name": "Somebody else"}, headers=KEY)
    second = await _post(http, "a", body)
    assert second.headers[REPLAYED] == "true"
    assert second.content == first.content
    assert second.status_code == first.status_code
    user = await http.put(path, json={"display_name": "x"}, headers=KEY)
    assert user.json()["created_at"] == first.json()["items"][0]["created_at"]


async def test_spaces_and_order_of_fields_make_no_other_request(
    http: httpx.AsyncClient,
) -> None:
    first = await _post(
        http, "a", {"items": [{"id": (user := str(uuid4())), "display_name": "x"}]}
    )
    raw = f' {{ "items" : [ {{ "display_name" : "x" , "id" : "{user}" }} ] }}'
    second = await http.post(
        USERS,
        content=raw,
        headers=KEY | {"Idempotency-Key": "a", "Content-Type": "application/json"},
    )
    assert second.content == first.content
    assert second.headers[REPLAYED] == "true"


async def test_equal_requests_at_once_are_one(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    ear = await ear_of(node, ada.id)
    link = {
        "id": str(uuid4()),
        "requester_id": str(ada.id),
        "recipient_id": str(grace.id),
        "status": "accepted",
    }
    path = "/v1/platform/connections/batch"
    answers = await asyncio.gather(
        *(_post(http, "once", {"items": [link]}, path) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert ear.kinds == ["connection.accepted"]


async def test_another_body_or_call_under_a_key_is_refused(
    http: httpx.AsyncClient,
) -> None:
    body = {"items": [_person()]}
    await _post(http, "a", body)
    problem(await _post(http, "a", {"items": [_person()]}), 422, "invalid")
    other = f"/v1/platform/users/{body['items'][0]['id']}/suspend"
    problem(await _post(http, "a", None, other), 422, "invalid")


async def test_keys_of_two_backends_do_not_meet(
    http: httpx.AsyncClient, node: Node
) -> None:
    await _post(http, "a", {"items": [_person()]})
    headers = await key_with(node, "users") | {"Idempotency-Key": "a"}
    answer = await http.post(USERS, json={"items": [_person()]}, headers=headers)
    assert answer.status_code == 200
    assert REPLAYED not in answer.headers


async def test_a_refusal_is_not_remembered(http: httpx.AsyncClient) -> None:
    taken, wanting = _person(handle="grace"), _person(handle="Grace")
    await _post(http, "first", {"items": [taken]})
    problem(await _post(http, "a", {"items": [wanting]}), 409, "conflict")
    await _post(http, "second", {"items": [taken | {"handle": None}]})
    answer = await _post(http, "a", {"items": [wanting]})
    assert answer.status_code == 200
    assert REPLAYED not in answer.headers


async def test_what_is_a_day_old_is_forgotten(
    http: httpx.AsyncClient, database: TestDatabase
) -> None:
    await _post(http, "a", {"items": [_person()]})
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute(
        "UPDATE callboard.idempotency_keys"
        " SET created_at = created_at - interval '24 hours 1 second'"
    )
    await connection.close()
    answer = await _post(http, "a", {"items": [_person()]})
    assert answer.status_code == 200
    assert REPLAYED not in answer.headers


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
async def test_a_key_is_printable_ascii(http: httpx.AsyncClient, key: str) -> None:
    headers = [
        (b"Authorization", KEY["Authorization"].encode()),
        (b"Idempotency-Key", key.encode()),
    ]
    answer = await http.post(USERS, json={"items": [_person()]}, headers=headers)
    problem(answer, 422, "invalid")


async def test_suspending_and_revoking_take_keys_too(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    for verb in ("revoke", "suspend"):
        path = f"/v1/platform/users/{ada.id}/{verb}"
        first = await _post(http, verb, None, path)
        second = await _post(http, verb, None, path)
        assert second.headers[REPLAYED] == "true"
        assert second.content == first.content


async def test_a_minted_token_is_the_same_again_and_is_nowhere_kept(
    http: httpx.AsyncClient, database: TestDatabase
) -> None:
    body = {"user_id": str(uuid4()), "expires_in": 60}
    first = await _post(http, "a", body, "/v1/platform/tokens")
    second = await _post(http, "a", body, "/v1/platform/tokens")
    assert second.headers[REPLAYED] == "true"
    assert second.content == first.content
    assert second.status_code == first.status_code == 201
    connection = await asyncpg.connect(database.admin_url)
    kept = await connection.fetchval("SELECT response FROM callboard.idempotency_keys")
    await connection.close()
    assert first.json()["token"].encode() not in kept
