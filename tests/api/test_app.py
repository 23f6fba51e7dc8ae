"""The application as a whole: what stands around every call, and its description."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.middleware import BATCH_BYTES, BODY_BYTES
from realtime.errors import RateLimited
from realtime.node import Node
from tests.api.calling import KEY, problem
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import make_people


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://callboard.test")


async def test_what_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/redoc"),
        ("GET", "/v1"),
        ("GET", "/v1/me/"),
        ("DELETE", "/v1/me"),
        ("POST", "/healthz"),
        ("GET", "/v1/users/..%2f..%2fetc"),
    ):
        problem(await http.request(method, path), 404, "not_found")


async def test_answers_are_kept_by_nobody(http: httpx.AsyncClient) -> None:
    for path in ("/v1/me", "/healthz", "/nothing"):
        assert (await http.get(path)).headers["cache-control"] == "no-store"


async def test_a_fault_is_told_without_details_and_logged_with_them(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(node)

    async def fail() -> None:
        raise RuntimeError("the secret is hunter2")

    app.add_api_route("/fault", fail)
    async with _client(app) as http:
        with caplog.at_level(logging.ERROR):
            answer = await http.get("/fault?q=secret")
    problem(answer, 500, "internal")
    assert "hunter2" not in answer.text
    (record,) = [one for one in caplog.records if one.name == "api.middleware"]
    assert record.exc_info
    assert vars(record)["path"] == "/fault"


async def test_who_asks_too_often_is_told_when_to_come_back(node: Node) -> None:
    app = create_app(node)

    async def refuse() -> None:
        raise RateLimited(retry_after_ms=2500)

    app.add_api_route("/often", refuse)
    async with _client(app) as http:
        answer = await http.get("/often")
    assert problem(answer, 429, "rate_limited")["retry_after_ms"] == 2500
    assert answer.headers["retry-after"] == "3"


async def test_without_the_database_calls_are_unavailable(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    await node.database.close()
    dead = "postgresql://nobody@127.0.0.1:1/nothing"
    node.database._dsn = dead
    answer = await http.get("/v1/me", headers=ada.headers)
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text


async def _chunks(size: int, sent: list[int]) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536 + 1):
        sent.append(65_536)
        yield b" " * 65_536


@pytest.mark.parametrize("is_declared", [True, False])
@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v1/platform/users/0199f1c2-0000-7000-8000-00000000beef", BODY_BYTES),
        ("/v1/platform/users/batch", BATCH_BYTES),
        ("/v1/connections/batch", BODY_BYTES),
    ],
)
async def test_a_body_that_is_too_large_is_refused_early(
    http: httpx.AsyncClient, path: str, limit: int, *, is_declared: bool
) -> None:
    method = "POST" if path.endswith("batch") else "PUT"
    headers = KEY | {"Content-Type": "application/json"}
    sent: list[int] = []
    if is_declared:
        content: bytes | AsyncIterator[bytes] = b" " * (limit + 1)
    else:
        content = _chunks(limit * 3, sent)
    answer = await http.request(method, path, content=content, headers=headers)
    if path == "/v1/connections/batch" and not is_declared:
        # No such call: nobody reads a body that nobody asked for.
        problem(answer, 404, "not_found")
        return
    problem(answer, 413, "too_large")
    assert sum(sent) <= limit + 2 * 65_536


async def test_a_batch_may_be_larger_than_other_bodies(http: httpx.AsyncClient) -> None:
    body = b'{"items": [' + b" " * BODY_BYTES + b"]}"
    headers = KEY | {"Content-Type": "application/json"}
    answer = await http.post("/v1/platform/users/batch", content=body, headers=headers)
    problem(answer, 422, "invalid")


async def test_pages_of_allowed_origins_may_call(database: TestDatabase) -> None:
    settings = settings_for(database, allowed_origins=("https://app.example",))
    async with running_node(settings) as node, _client(create_app(node)) as http:
        asking = {
            "Access-Control-Request-Method": "PUT",
            "Origin": "https://app.example",
        }
        answer = await http.options("/v1/me", headers=asking)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        refused = await http.get("/v1/me", headers={"Origin": "https://app.example"})
        problem(refused, 401, "unauthenticated")
        assert refused.headers["access-control-allow-origin"] == "https://app.example"
        answer = await http.get("/healthz", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers


# --- OpenAPI ----------------------------------------------------------------------


@pytest.fixture
async def document(http: httpx.AsyncClient) -> dict[str, Any]:
    """The description as clients get it."""
    found: dict[str, Any] = (await http.get("/openapi.json")).json()
    return found


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(_references(document))
    assert references
    for reference in references:
        assert reference.startswith("#/")
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


async def test_what_people_change_is_documented_as_limited(
    document: dict[str, Any],
) -> None:
    for call, operation in _operations(document):
        is_a_change = call.startswith(("PUT", "PATCH", "DELETE"))
        if is_a_change and operation["security"] == [{"UserToken": []}]:
            assert "429" in operation["responses"], call


async def test_every_call_is_documented_with_example_and_refusals(
    document: dict[str, Any],
) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Callboard"
    tags = {tag["name"] for tag in document["tags"]}
    names = []
    for call, operation in _operations(document):
        names.append(operation["operationId"])
        assert operation["summary"], call
        assert operation["description"], call
        assert set(operation["tags"]) <= tags, call
        good = [
            answer
            for status, answer in operation["responses"].items()
            if status < "300"
        ]
        assert good, call
        for answer in good:
            assert answer["description"], call
        if "204" not in operation["responses"]:
            shown = [
                content
                for answer in good
                for content in answer["content"].values()
                if "example" in content
            ]
            assert shown, f"{call} shows no example"
        for status, answer in operation["responses"].items():
            if status >= "400" and status != "503":
                assert set(answer["content"]) == {"application/problem+json"}, call
        if "/v1/" in call:
            assert operation["security"], call
            assert {"401", "403", "503"} <= operation["responses"].keys(), call
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            assert content["schema"], call
    assert len(names) == len(set(names))


async def test_the_description_has_every_call_of_the_contract_so_far(
    document: dict[str, Any],
) -> None:
    assert {call for call, _ in _operations(document)} == {
        "GET /v1/me",
        "GET /v1/privacy",
        "PUT /v1/privacy",
        "GET /v1/content-preferences",
        "PUT /v1/content-preferences",
        "GET /v1/users",
        "GET /v1/users/{user_id}",
        "GET /v1/users/{user_id}/permissions",
        "POST /v1/connections",
        "GET /v1/connections",
        "POST /v1/connections/{connection_id}/accept",
        "POST /v1/connections/{connection_id}/reject",
        "POST /v1/connections/{connection_id}/withdraw",
        "DELETE /v1/connections/{connection_id}",
        "GET /v1/presence",
        "GET /v1/blocks",
        "PUT /v1/blocks/{user_id}",
        "DELETE /v1/blocks/{user_id}",
        "GET /v1/gigs/{gig_id}",
        "GET /v1/conversations",
        "POST /v1/conversations",
        "GET /v1/conversations/{conversation_id}",
        "PATCH /v1/conversations/{conversation_id}",
        "GET /v1/conversations/{conversation_id}/participants",
        "PUT /v1/conversations/{conversation_id}/participants/{user_id}",
        "DELETE /v1/conversations/{conversation_id}/participants/{user_id}",
        "POST /v1/conversations/{conversation_id}/read",
        "GET /v1/conversations/{conversation_id}/permissions",
        "GET /v1/conversations/{conversation_id}/messages",
        "POST /v1/conversations/{conversation_id}/messages",
        "GET /v1/messages/search",
        "GET /v1/notifications",
        "POST /v1/notifications/seen",
        "POST /v1/notifications/read",
        "POST /v1/notifications/archive",
        "GET /v1/job-alerts",
        "POST /v1/job-alerts",
        "PATCH /v1/job-alerts/{alert_id}",
        "DELETE /v1/job-alerts/{alert_id}",
        "GET /v1/notification-preferences",
        "PUT /v1/notification-preferences",
        "GET /v1/quiet-hours",
        "PUT /v1/quiet-hours",
        "PATCH /v1/messages/{message_id}",
        "DELETE /v1/messages/{message_id}",
        "GET /v1/messages/{message_id}/history",
        "PUT /v1/messages/{message_id}/reactions/{emoji}",
        "DELETE /v1/messages/{message_id}/reactions/{emoji}",
        "POST /v1/conversations/{conversation_id}/uploads",
        "GET /v1/uploads/{upload_id}",
        "PUT /v1/platform/users/{user_id}",
        "POST /v1/platform/users/batch",
        "POST /v1/platform/users/{user_id}/revoke",
        "POST /v1/platform/users/{user_id}/suspend",
        "PUT /v1/platform/organizations/{organization_id}",
        "GET /v1/platform/organizations/{organization_id}",
        "POST /v1/platform/organizations/batch",
        "GET /v1/platform/organizations/{organization_id}/members",
        "PUT /v1/platform/organizations/{organization_id}/members/{user_id}",
        "DELETE /v1/platform/organizations/{organization_id}/members/{user_id}",
        "PUT /v1/platform/gigs/{gig_id}",
        "GET /v1/platform/gigs/{gig_id}",
        "POST /v1/platform/gigs/batch",
        "GET /v1/platform/gigs/{gig_id}/members",
        "PUT /v1/platform/gigs/{gig_id}/members/{user_id}",
        "DELETE /v1/platform/gigs/{gig_id}/members/{user_id}",
        "PUT /v1/platform/gigs/{gig_id}/applications/{application_id}",
        "GET /v1/platform/gigs/{gig_id}/applications/{application_id}",
        "POST /v1/platform/applications/batch",
        "PUT /v1/platform/groups/{group_id}",
        "GET /v1/platform/groups/{group_id}",
        "GET /v1/platform/groups/{group_id}/members",
        "PUT /v1/platform/groups/{group_id}/members/{user_id}",
        "DELETE /v1/platform/groups/{group_id}/members/{user_id}",
        "POST /v1/platform/groups/{group_id}/members/batch",
        "PUT /v1/platform/connections/{connection_id}",
        "POST /v1/platform/connections/batch",
        "POST /v1/platform/tokens",
        "POST /v1/reports",
        "GET /v1/reports",
        "GET /v1/platform/reports",
        "GET /v1/platform/reports/{report_id}",
        "POST /v1/platform/reports/{report_id}/resolve",
        "GET /v1/platform/moderation-log",
        "GET /v1/platform/audit",
        "GET /v1/topics",
        "PUT /v1/topics/{topic}",
        "DELETE /v1/topics/{topic}",
        "POST /v1/platform/notifications",
        "DELETE /v1/platform/notifications/{notification_id}",
        "POST /v1/platform/events",
        "PUT /v1/platform/topics/{topic}/subscribers/{user_id}",
        "DELETE /v1/platform/topics/{topic}/subscribers/{user_id}",
        "GET /v1/platform/deliveries",
        "POST /v1/platform/deliveries/{delivery_id}/retry",
        "GET /v1/platform/notifications/{notification_id}/why",
        "POST /v1/platform/notifications/dry-run",
        "GET /v1/platform/events",
        "GET /v1/platform/suppressions",
        "PUT /v1/platform/suppressions/{address}",
        "DELETE /v1/platform/suppressions/{address}",
        "POST /v1/platform/relay/lease",
        "POST /v1/platform/relay/ack",
        "POST /v1/platform/webhooks",
        "GET /v1/platform/webhooks",
        "GET /v1/platform/webhooks/{webhook_id}",
        "PATCH /v1/platform/webhooks/{webhook_id}",
        "DELETE /v1/platform/webhooks/{webhook_id}",
        "POST /v1/platform/webhooks/{webhook_id}/rotate",
        "POST /v1/platform/webhooks/{webhook_id}/pause",
        "POST /v1/platform/webhooks/{webhook_id}/resume",
        "POST /v1/platform/webhooks/{webhook_id}/replay",
        "POST /v1/platform/webhooks/{webhook_id}/test",
        "GET /v1/platform/webhooks/{webhook_id}/deliveries",
        "GET /v1/devices",
        "GET /v1/devices/{device_id}",
        "PUT /v1/devices/{device_id}",
        "DELETE /v1/devices/{device_id}",
        "GET /v1/push/vapid-key",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /asyncapi.json",
    }


async def test_examples_are_what_the_schemas_say(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for call, operation in _operations(document):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/json", {})
            example = content.get("example")
            if not isinstance(example, dict) or "$ref" not in content["schema"]:
                continue
            name = content["schema"]["$ref"].rsplit("/", 1)[1]
            expected = set(schemas[name]["properties"])
            assert set(example) == expected, f"{call} {status}"


async def test_whatever_takes_a_body_says_how_an_unreadable_one_is_refused(
    http: httpx.AsyncClient,
) -> None:
    described = (await http.get("/openapi.json")).json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            has_body = "requestBody" in operation
            assert ("400" in operation["responses"]) is has_body, (method, path)
