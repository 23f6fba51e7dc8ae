"""Who did what to whom: what is kept, what is not, and that nothing can change it."""

import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from realtime.auth import create_key, revoke_key
from realtime.node import Node
from realtime.worker import Worker
from storage.domain_events import BEGINNING
from storage.ids import uuid7
from tests.api.calling import KEY, key_with, problem, say
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import make_pair, make_people, token_for

AUDIT = "/v1/platform/audit"
EVENTS = "/v1/platform/events"


async def _acts(http: httpx.AsyncClient, **query: object) -> list[dict[str, Any]]:
    params = {name: str(value) for name, value in query.items()}
    answer = await http.get(AUDIT, params=params, headers=KEY)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_steps_of_a_connection_are_kept_with_who_took_them(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    asked = {"user_id": str(grace.id), "message": "We met at the casting."}
    link = (await http.post("/v1/connections", json=asked, headers=ada.headers)).json()
    path = f"/v1/connections/{link['id']}"
    # The second time nothing happens, so nothing is kept.
    for _ in range(2):
        await http.post(f"{path}/accept", headers=grace.headers)
    await http.delete(path, headers=ada.headers)
    acts = await _acts(http, subject=link["id"])
    assert [(act["action"], act["actor_kind"], act["actor_id"]) for act in acts] == [
        ("connection.removed", "user", str(ada.id)),
        ("connection.accepted", "user", str(grace.id)),
        ("connection.requested", "user", str(ada.id)),
    ]
    assert acts[0]["subject"] == {
        "connection_id": link["id"],
        "requester_id": str(ada.id),
        "recipient_id": str(grace.id),
    }
    assert "casting" not in str(acts)


async def test_blocks_are_kept_where_they_change_something(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, alan = await make_people(node, "Ada", "Alan")
    path = f"/v1/blocks/{alan.id}"
    for method in ("DELETE", "PUT", "PUT", "DELETE", "DELETE"):
        answer = await http.request(method, path, headers=ada.headers)
        assert answer.is_success, answer.text
    acts = await _acts(http, actor_id=ada.id)
    assert [act["action"] for act in acts] == ["user.unblocked", "user.blocked"]
    assert acts[0]["subject"] == {"blocker_id": str(ada.id), "blocked_id": str(alan.id)}


async def test_what_the_platform_does_to_people_is_kept_by_field_not_by_value(
    http: httpx.AsyncClient,
) -> None:
    user = uuid4()
    path = f"/v1/platform/users/{user}"
    for fields in (
        {"display_name": "Ada"},
        {"display_name": "Ada"},
        {"display_name": "Ada", "email": "ada@example.org", "handle": "ada"},
        {"display_name": "Ada", "account_status": "suspended"},
        {"display_name": "Ada"},
    ):
        assert (await http.put(path, json=fields, headers=KEY)).status_code == 200
    await http.post(f"{path}/revoke", headers=KEY)
    await http.post(f"{path}/suspend", headers=KEY)
    acts = await _acts(http, subject=user)
    assert [(act["action"], act["data"].get("changed")) for act in acts] == [
        ("user.suspended", None),
        ("user.revoked", None),
        ("user.suspended", ["account_status"]),
        ("user.updated", ["handle", "email"]),
        ("user.created", None),
    ]
    assert {act["actor_kind"] for act in acts} == {"platform"}
    assert len({act["actor_id"] for act in acts}) == 1
    assert "example.org" not in str(acts)


async def test_a_batch_keeps_one_act_an_item_that_changed(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")

    async def put(*statuses: str) -> None:
        items = [
            {
                "id": str(link),
                "requester_id": str(ada.id),
                "recipient_id": str(other.id),
                "status": status,
            }
            for link, other, status in zip(links, (grace, alan), statuses, strict=True)
        ]
        path = "/v1/platform/connections/batch"
        answer = await http.post(path, json={"items": items}, headers=KEY)
        assert answer.status_code == 200, answer.text

    links = [uuid4(), uuid4()]
    await put("pending", "pending")
    await put("pending", "accepted")
    assert [act["action"] for act in await _acts(http, subject=links[0])] == [
        "connection.requested"
    ]
    assert [act["action"] for act in await _acts(http, subject=links[1])] == [
        "connection.accepted",
        "connection.requested",
    ]


async def test_whoever_a_token_brings_is_kept_once(
    http: httpx.AsyncClient,
) -> None:
    user = uuid4()
    headers = {"Authorization": f"Bearer {token_for(user)}"}
    for _ in range(2):
        assert (await http.get("/v1/me", headers=headers)).status_code == 200
    (act,) = await _acts(http, subject=user)
    assert (act["action"], act["actor_kind"], act["actor_id"]) == (
        "user.created",
        "system",
        None,
    )


async def test_keys_and_tokens_are_kept_as_facts_and_never_themselves(
    http: httpx.AsyncClient, node: Node, database: TestDatabase
) -> None:
    key_id, key = await create_key(node.transaction, "a name", frozenset({"users"}))
    await revoke_key(node.transaction, key_id)
    assert not await revoke_key(node.transaction, key_id)
    acts = await _acts(http, subject=key_id)
    assert [act["action"] for act in acts] == ["api_key.revoked", "api_key.created"]
    assert acts[1]["data"] == {"scopes": ["users"]}
    user = uuid4()
    wanted = {"user_id": str(user), "expires_in": 60}
    answer = await http.post("/v1/platform/tokens", json=wanted, headers=KEY)
    token = answer.json()["token"]
    (act,) = await _acts(http, action="token.created")
    assert act["subject"] == {"user_id": str(user)}
    assert act["data"] == {"expires_in": 60}
    # The key of the start is made once, however often a server starts.
    async with running_node(settings_for(database)):
        pass
    everything = await _acts(http, limit=200)
    assert token not in str(everything)
    assert key not in str(everything)
    created = [act for act in everything if act["action"] == "api_key.created"]
    assert len(created) == 2


async def test_what_people_write_stands_in_no_log(
    http: httpx.AsyncClient,
    node: Node,
    database: TestDatabase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "the-secret-text")
    await http.post(
        "/v1/reports",
        json={
            "content_type": "message",
            "content_id": message["id"],
            "reason": "the-secret-reason",
            "description": "the-secret-description",
        },
        headers=grace.headers,
    )
    await http.post(
        "/v1/connections",
        json={"user_id": str(grace.id), "message": "the-secret-note"},
        headers=ada.headers,
    )
    owner = await asyncpg.connect(database.admin_url)
    rows = [
        str(list(row.values()))
        for table in ("audit_logs", "domain_events", "feed")
        for row in await owner.fetch(f"SELECT * FROM callboard.{table}")
    ]
    await owner.close()
    assert any(message["id"] in row for row in rows)
    assert not any("the-secret" in row for row in rows)
    assert "the-secret" not in caplog.text


async def test_acts_page_and_are_found_by_time(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *others = await make_people(node, "Ada", "B", "C", "D")
    for other in others:
        await http.put(f"/v1/blocks/{other.id}", headers=ada.headers)
    acts = await _acts(http, actor_id=ada.id)
    assert [act["subject"]["blocked_id"] for act in acts] == [
        str(other.id) for other in reversed(others)
    ]
    params = {"actor_id": str(ada.id), "limit": "2"}
    first = (await http.get(AUDIT, params=params, headers=KEY)).json()
    params["next"] = first["next"]
    rest = (await http.get(AUDIT, params=params, headers=KEY)).json()
    assert first["items"] + rest["items"] == acts
    assert rest["next"] is None
    assert await _acts(http, actor_id=ada.id, until="2020-01-01T00:00:00Z") == []
    assert await _acts(http, actor_id=ada.id, since="2020-01-01T00:00:00Z") == acts
    assert await _acts(http, actor_id=ada.id, since="2120-01-01T00:00:00Z") == []
    assert await _acts(http, action="user.unblocked") == []


async def test_logs_are_for_keys_that_may(http: httpx.AsyncClient, node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    for path, scope in ((AUDIT, "audit"), (EVENTS, "events")):
        problem(await http.get(path), 401, "unauthenticated")
        problem(await http.get(path, headers=ada.headers), 403, "forbidden")
        others = await key_with(node, "users", "moderation", "connections")
        problem(await http.get(path, headers=others), 403, "forbidden")
        good = await key_with(node, scope)
        assert (await http.get(path, headers=good)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "action=%00",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "actor_id=x",
        "next=x",
        "limit=0",
    ],
)
async def test_what_is_no_question_to_the_log_is_refused(
    http: httpx.AsyncClient, query: str
) -> None:
    problem(await http.get(f"{AUDIT}?{query}", headers=KEY), 422, "invalid")


@pytest.mark.parametrize("role", ["callboard_service", "callboard_user"])
@pytest.mark.parametrize("table", ["audit_logs", "domain_events", "moderation_log"])
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM callboard.{table}", "TRUNCATE callboard.{table}"],
)
async def test_logs_only_grow(
    node: Node, database: TestDatabase, role: str, table: str, statement: str
) -> None:
    await make_people(node, "Ada")
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute(f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(table=table))
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["callboard_service", "callboard_user"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE callboard.audit_logs SET actor_id = NULL",
        "UPDATE callboard.domain_events SET type = ''",
        "UPDATE callboard.moderation_log SET note = ''",
    ],
)
async def test_what_is_in_a_log_cannot_be_changed(
    database: TestDatabase, role: str, statement: str
) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute(f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_person_acts_in_nobody_elses_name_and_makes_nobody_forget(
    node: Node, database: TestDatabase
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    connection = await asyncpg.connect(database.url)

    async def as_ada(statement: str, *values: object) -> None:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE callboard_user")
            await connection.execute(
                "SELECT set_config('callboard.user_id', $1, true)", str(ada.id)
            )
            await connection.execute(statement, *values)

    act = (
        "INSERT INTO callboard.audit_logs (id, actor_kind, actor_id, action)"
        " VALUES ($1, $2, $3, 'user.blocked')"
    )
    try:
        await as_ada(act, uuid7(), "user", ada.id)
        for kind, actor in (("user", grace.id), ("platform", ada.id), ("system", None)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await as_ada(act, uuid7(), kind, actor)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_ada("SELECT callboard.forget_logs(1, 1)")
    finally:
        await connection.close()


async def test_a_thousand_happenings_cost_one_statement(node: Node) -> None:
    began = time.perf_counter()
    async with node.transaction() as work:
        for place in range(1000):
            work.happen("test.happened", {"user_id": UUID(int=place + 1)})
    assert time.perf_counter() - began < 2
    async with node.transaction() as work:
        found, _ = await work.domain_events.after(
            BEGINNING, kind="test.happened", limit=1001
        )
    assert [event.subject["user_id"] for event in found] == [
        str(UUID(int=place + 1)) for place in range(1000)
    ]


async def test_what_is_older_than_its_days_is_forgotten_and_the_rest_is_not(
    node: Node, database: TestDatabase
) -> None:
    owner = await asyncpg.connect(database.admin_url)
    try:
        for days in (29, 31, 364, 366):
            await owner.execute(
                "INSERT INTO callboard.audit_logs (id, at, actor_kind, action)"
                f" VALUES ($1, now() - interval '{days} days', 'system', '{days}')",
                uuid7(),
            )
            await owner.execute(
                "INSERT INTO callboard.domain_events (type, occurred_at)"
                f" VALUES ('{days}', now() - interval '{days} days')"
            )
        await Worker(settings_for(database), node.database).go_round()
        acts = await owner.fetch("SELECT action FROM callboard.audit_logs ORDER BY at")
        events = await owner.fetch("SELECT type FROM callboard.domain_events")
    finally:
        await owner.close()
    days_left = [row["action"] for row in acts if row["action"].isdigit()]
    assert days_left == ["364", "31", "29"]
    assert [row["type"] for row in events if row["type"].isdigit()] == ["29"]
