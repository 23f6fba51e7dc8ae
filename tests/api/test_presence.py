"""Who is there, asked over HTTP: only of those whom one may know."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from realtime.node import Node
from storage.records import UserId
from tests.api.calling import problem
from tests.factories import (
    Person,
    connect_people,
    hide,
    leave_group,
    make_group,
    make_pair,
    make_people,
    set_account_status,
)


async def look(
    http: httpx.AsyncClient, person: Person, *others: Person
) -> list[dict[str, object]]:
    ids = ",".join(str(other.id) for other in others)
    answer = await http.get(
        "/v1/presence", params={"user_ids": ids}, headers=person.headers
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["presence"]
    return found


async def be_there(node: Node, *people: Person) -> None:
    for person in people:
        await node.presence.enter(person.id, uuid4())


async def test_connections_are_answered_in_the_order_asked(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, joan, edith = await make_people(node, "Ada", "Grace", "Joan", "Edith")
    for other in (grace, joan, edith):
        await connect_people(node, ada, other)
    await be_there(node, grace)
    session = uuid4()
    await node.presence.enter(joan.id, session)
    await node.presence.set(joan.id, session, "away")
    assert await look(http, ada, edith, grace, joan, grace) == [
        {"user_id": str(edith.id), "status": "offline", "last_seen_at": None},
        {"user_id": str(grace.id), "status": "online", "last_seen_at": None},
        {"user_id": str(joan.id), "status": "away", "last_seen_at": None},
    ]


async def test_who_is_offline_was_last_seen_when_they_left(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, _ = await make_pair(node)
    seen = datetime(2026, 11, 21, 1, 20, tzinfo=UTC)
    for moment in (seen, seen - timedelta(days=1)):
        async with node.transaction() as work:
            await work.presences.keep_last_seen({grace.id: moment})
    assert await look(http, ada, grace) == [
        {
            "user_id": str(grace.id),
            "status": "offline",
            "last_seen_at": "2026-11-21T01:20:00.000Z",
        }
    ]
    await be_there(node, grace)
    (entry,) = await look(http, ada, grace)
    assert (entry["status"], entry["last_seen_at"]) == ("online", None)


async def test_strangers_are_answered_like_nobody(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, *others = await make_people(node, "Ada", "Grace", "Joan", "Edith", "Al")
    for other, status in zip(others, ("pending", "rejected", "removed"), strict=True):
        await connect_people(node, ada, other, status)
    nobody = Person(UserId(uuid4()), "Nobody", "")
    await be_there(node, grace, *others)
    assert await look(http, ada, grace, *others, nobody) == []


async def test_a_direct_conversation_does_not_outlive_the_connection(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, _ = await make_pair(node)
    await be_there(node, grace)
    assert len(await look(http, ada, grace)) == 1
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.connections SET status = 'removed'")
        )
    assert await look(http, ada, grace) == []
    assert await look(http, grace, ada) == []


async def test_people_of_a_group_know_each_other_until_one_leaves(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, joan = await make_people(node, "Ada", "Grace", "Joan")
    group = await make_group(node, ada, grace)
    await be_there(node, ada, grace, joan)
    assert [entry["user_id"] for entry in await look(http, ada, grace, joan)] == [
        str(grace.id)
    ]
    assert await look(http, joan, ada, grace) == []
    await leave_group(node, group, grace)
    assert await look(http, ada, grace) == []
    assert await look(http, grace, ada) == []


@pytest.mark.parametrize("who", ["blocker", "blocked"])
async def test_a_block_hides_both_from_each_other(
    http: httpx.AsyncClient, node: Node, who: str
) -> None:
    ada, grace, _ = await make_pair(node)
    await make_group(node, ada, grace)
    await be_there(node, ada, grace)
    blocker, blocked = (ada, grace) if who == "blocker" else (grace, ada)
    await http.put(f"/v1/blocks/{blocked.id}", headers=blocker.headers)
    assert await look(http, ada, grace) == []


async def test_who_hides_and_who_is_suspended_is_like_nobody(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, joan = await make_people(node, "Ada", "Grace", "Joan")
    await connect_people(node, ada, grace)
    await connect_people(node, ada, joan)
    await be_there(node, ada, grace, joan)
    await hide(node, grace, "hide_presence")
    await set_account_status(node, joan, "suspended")
    assert await look(http, ada, grace, joan) == []
    # Hiding is no trade: who hides still sees others.
    assert len(await look(http, grace, ada)) == 1


async def test_too_many_and_what_is_no_id_are_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    hundred = ",".join(str(uuid4()) for _ in range(100))
    for ids, is_good in (
        (hundred, True),
        (f"{hundred},{uuid4()}", False),
        ("everybody", False),
        ("", True),
    ):
        answer = await http.get(
            "/v1/presence", params={"user_ids": ids}, headers=ada.headers
        )
        if is_good:
            assert answer.json() == {"presence": []}
        else:
            problem(answer, 422, "invalid")
    problem(await http.get("/v1/presence", headers=ada.headers), 422, "invalid")
    problem(
        await http.get("/v1/presence", params={"user_ids": hundred}),
        401,
        "unauthenticated",
    )


async def test_a_large_group_is_looked_at_by_index(node: Node) -> None:
    ada, *others = await make_people(node, "Ada", *(f"P{n}" for n in range(999)))
    await make_group(node, ada, *others)
    async with node.transaction() as work:
        pairs = [(other.id, ada.id) for other in others]
        permitted, _ = await work.presences.permitted(pairs)
        assert permitted == set(pairs)
        rows = await work.connection.execute(
            text(
                "EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM callboard.presence_pairs("
                "CAST(:watchers AS uuid[]), CAST(:users AS uuid[]))"
            ),
            {
                "watchers": [other.id for other in others],
                "users": [ada.id for _ in others],
            },
        )
        # Milliseconds; a scan of the group for each pair would take seconds.
        assert rows.scalar_one()[0]["Execution Time"] < 500


async def test_people_cannot_ask_for_pairs_of_others(node: Node) -> None:
    ada, grace, _ = await make_pair(node)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with node.transaction(ada.id) as work:
            await work.presences.permitted([(grace.id, ada.id)])
