"""Who is let in, with what, and how refusals to others look."""

import base64
from datetime import timedelta

import httpx
import orjson
import pytest

from realtime.node import Node
from tests.api.calling import KEY, key_with, problem
from tests.factories import make_people, set_account_status, token_for

# Of nobody, and the same in every process that collects these tests.
NOBODY = "0199f1c2-0000-7000-8000-00000000beef"

FOR_PEOPLE = [
    ("GET", "/v1/me"),
    ("GET", f"/v1/users/{NOBODY}"),
    ("GET", f"/v1/users/{NOBODY}/permissions"),
    ("GET", "/v1/connections"),
    ("POST", "/v1/connections"),
    ("POST", f"/v1/connections/{NOBODY}/accept"),
    ("DELETE", f"/v1/connections/{NOBODY}"),
    ("GET", "/v1/blocks"),
    ("PUT", f"/v1/blocks/{NOBODY}"),
    ("GET", "/v1/conversations"),
    ("POST", "/v1/conversations"),
    ("PATCH", f"/v1/conversations/{NOBODY}"),
    ("POST", f"/v1/conversations/{NOBODY}/read"),
    ("GET", f"/v1/conversations/{NOBODY}/messages"),
    ("POST", f"/v1/conversations/{NOBODY}/messages"),
    ("GET", "/v1/reports"),
    ("POST", "/v1/reports"),
]
FOR_BACKENDS = [
    ("PUT", f"/v1/platform/users/{NOBODY}", "users"),
    ("POST", "/v1/platform/users/batch", "users"),
    ("POST", f"/v1/platform/users/{NOBODY}/revoke", "users"),
    ("POST", f"/v1/platform/users/{NOBODY}/suspend", "users"),
    ("PUT", f"/v1/platform/connections/{NOBODY}", "connections"),
    ("POST", "/v1/platform/connections/batch", "connections"),
    ("POST", "/v1/platform/tokens", "tokens"),
    ("GET", "/v1/platform/reports", "moderation"),
    ("GET", f"/v1/platform/reports/{NOBODY}", "moderation"),
    ("POST", f"/v1/platform/reports/{NOBODY}/resolve", "moderation"),
    ("GET", "/v1/platform/moderation-log", "moderation"),
    ("GET", "/v1/platform/audit", "audit"),
    ("GET", "/v1/platform/events", "events"),
]


@pytest.mark.parametrize(("method", "path"), FOR_PEOPLE)
async def test_calls_for_people_ask_for_a_token(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, path)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    problem(await http.request(method, path, headers=KEY), 403, "forbidden")


@pytest.mark.parametrize(("method", "path", "scope"), FOR_BACKENDS)
async def test_calls_for_backends_ask_for_a_key_with_their_scope(
    http: httpx.AsyncClient, node: Node, method: str, path: str, scope: str
) -> None:
    problem(await http.request(method, path), 401, "unauthenticated")
    (ada,) = await make_people(node, "Ada")
    problem(await http.request(method, path, headers=ada.headers), 403, "forbidden")
    other = await key_with(node, "metrics")
    problem(await http.request(method, path, headers=other), 403, "forbidden")
    fitting = await key_with(node, scope)
    answer = await http.request(method, path, headers=fitting)
    assert answer.status_code not in {401, 403}


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", "Bearer cbk_nobody-has-it"],
)
async def test_wrong_credentials_are_refused_and_not_repeated(
    http: httpx.AsyncClient, value: str
) -> None:
    for path in ("/v1/me", "/v1/platform/tokens"):
        method = "GET" if path == "/v1/me" else "POST"
        answer = await http.request(method, path, headers={"Authorization": value})
        problem(answer, 401, "unauthenticated")
        secret = value.partition(" ")[2]
        assert not secret.strip() or secret not in answer.text


async def test_a_token_out_of_time_is_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    token = token_for(ada.id, timedelta(minutes=-1))
    headers = {"Authorization": f"Bearer {token}"}
    answer = await http.get("/v1/me", headers=headers)
    problem(answer, 401, "unauthenticated")
    assert token not in answer.text


async def test_who_is_suspended_or_deleted_is_out(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    await set_account_status(node, ada, "suspended")
    problem(await http.get("/v1/me", headers=ada.headers), 403, "suspended")
    await set_account_status(node, ada, "deleted")
    problem(await http.get("/v1/me", headers=ada.headers), 401, "unauthenticated")


async def test_a_revoked_key_opens_nothing(http: httpx.AsyncClient, node: Node) -> None:
    headers = await key_with(node, "*")
    async with node.transaction() as work:
        newest = (await work.api_keys.all())[0]
        assert await work.api_keys.revoke(newest.id)
    answer = await http.post("/v1/platform/tokens", headers=headers)
    problem(answer, 401, "unauthenticated")


def _position(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


@pytest.mark.parametrize(
    "position",
    [
        "",
        "?",
        "é",
        "AAAA",
        "////",
        _position(None),
        _position({}),
        _position([]),
        _position([1]),
        _position(["x"]),
        _position(["x", "y"]),
        _position([None, None]),
        _position(["2026-01-01T00:00:00", NOBODY]),
        _position(["0001-01-01T00:00:00+23:00", NOBODY]),
        _position(["before", "-1"]),
        _position(["before", "9" * 30]),
        _position(["sideways", "1"]),
        _position([[[[[]]]]]),
        "A" * 501,
    ],
)
async def test_a_page_that_nobody_gave_is_invalid(
    http: httpx.AsyncClient, node: Node, position: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    for path in (
        "/v1/connections",
        "/v1/blocks",
        "/v1/conversations",
        f"/v1/conversations/{NOBODY}/messages",
    ):
        answer = await http.get(path, params={"next": position}, headers=ada.headers)
        problem(answer, 422, "invalid")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", ""])
async def test_a_page_has_1_to_200_items(
    http: httpx.AsyncClient, node: Node, limit: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.get(
        "/v1/connections", params={"limit": limit}, headers=ada.headers
    )
    found = problem(answer, 422, "invalid")
    assert [field["field"] for field in found["details"]["fields"]] == ["limit"]
