"""`callboard recount`: what it finds, what it mends, what it leaves alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from realtime.node import Node
from realtime.recount import Recount, Tally
from realtime.settings import load
from realtime.worker import Worker
from storage.records import ConversationId
from storage.recount import KINDS
from tests.api.calling import KEY, ear_of
from tests.api.programs import call
from tests.databases import TestDatabase
from tests.factories import Person, make_pair

RIGHT = dict.fromkeys(KINDS, 0)


@pytest.fixture
async def owner(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Who may change what nobody ought to."""
    connection = await asyncpg.connect(database.admin_url)
    yield connection
    await connection.close()


async def say(http: httpx.AsyncClient, person: Person, place: object) -> str:
    answer = await http.post(
        f"/v1/conversations/{place}/messages",
        json={"client_id": str(uuid4()), "body": "Hi"},
        headers=person.headers,
    )
    assert answer.status_code == 201, answer.text
    message: str = answer.json()["id"]
    return message


async def unread(http: httpx.AsyncClient, person: Person, place: object) -> int:
    answer = await http.get(f"/v1/conversations/{place}", headers=person.headers)
    count: int = answer.json()["unread"]
    return count


async def count_again(node: Node, *, is_mending: bool = False) -> Tally:
    tally = Tally()
    recount = Recount(node.transaction, is_mending=is_mending)
    while await recount.go_on(tally):
        pass
    return tally


async def spoil(
    owner: asyncpg.Connection, table: str, change: str, **where: object
) -> None:
    named = " AND ".join(f"{name} = ${i}" for i, name in enumerate(where, 1))
    await owner.execute(
        f"UPDATE callboard.{table} SET {change} WHERE {named}", *where.values()
    )


async def test_what_people_did_is_counted_rightly(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace, place = await make_pair(node)
    for person in (ada, grace, ada):
        await say(http, person, place)
    tally = await count_again(node)
    assert (tally.conversations, tally.participants, tally.messages) == (1, 2, 3)
    assert tally.found_by_kind() == RIGHT


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("conversations", "last_seq = 2", {"last_seq"}),
        ("conversations", "last_seq = 9", {"last_seq", "unread"}),
        ("conversations", "last_message_at = now()", {"last_message_at"}),
        ("participants", "joined_seq = 9", {"joined_seq"}),
        (
            "participants",
            "read_seq = 9, delivered_seq = 9",
            {"read_seq", "delivered_seq"},
        ),
        ("participants", "read_seq = 0", {"read_seq"}),
        ("participants", "delivered_seq = 8", {"delivered_seq"}),
        ("participants", "hides_receipts = true", {"hides_receipts"}),
    ],
)
async def test_what_is_wrong_is_named_and_mended_and_told(
    node: Node,
    http: httpx.AsyncClient,
    owner: asyncpg.Connection,
    table: str,
    change: str,
    found: set[str],
) -> None:
    ada, grace, place = await make_pair(node)
    for person in (ada, ada, grace, ada):
        await say(http, person, place)
    where: dict[str, object] = (
        {"id": place} if table == "conversations" else {"conversation_id": place}
    )
    if table == "participants":
        where["user_id"] = grace.id
    await spoil(owner, table, change, **where)

    looked = await count_again(node)
    assert {drift.kind for drift in looked.found} >= found
    assert looked.left == looked.found
    ear = await ear_of(node, ada.id)
    mended = await count_again(node, is_mending=True)
    assert mended.found == looked.found
    assert mended.left == []
    assert ear.kinds == ["conversation.updated"]
    assert (await count_again(node)).found == []
    assert await unread(http, ada, place) == 0
    await say(http, ada, place)
    shown = await http.get(f"/v1/conversations/{place}", headers=grace.headers)
    assert shown.json()["last_seq"] == 5


async def test_a_message_that_is_gone_stays_a_gap(
    node: Node, http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    ada, _, place = await make_pair(node)
    for _ in range(3):
        await say(http, ada, place)
    await owner.execute("DELETE FROM callboard.messages WHERE seq = 2")
    tally = await count_again(node, is_mending=True)
    assert tally.left_by_kind() == RIGHT | {"gap": 1, "unread": 1}


async def test_what_is_being_written_meanwhile_is_not_wrong(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace, place = await make_pair(node)
    is_over = asyncio.Event()

    async def talk(person: Person) -> None:
        for _ in range(30):
            await say(http, person, place)

    async def look() -> Tally:
        tally = Tally()
        recount = Recount(node.transaction, is_mending=True)
        while not is_over.is_set():
            await recount.go_on(tally)
        return tally

    looking = asyncio.create_task(look())
    await asyncio.gather(talk(ada), talk(grace), talk(ada))
    is_over.set()
    assert (await looking).found == []


async def test_all_conversations_are_looked_at_a_few_at_a_time(node: Node) -> None:
    places = {(await make_pair(node))[2] for _ in range(5)}
    recount, seen = Recount(node.transaction), list[ConversationId]()
    while ids := await recount.go_on(Tally(), limit=2):
        assert len(ids) <= 2
        seen += ids
    assert sorted(seen) == sorted(places)
    async with node.transaction() as work:
        assert await work.recount.page(min(places), 10, weight=1) == sorted(places)[1:2]
        assert await work.recount.anywhere() in places


async def test_a_worker_shows_what_is_wrong_until_it_is_mended(
    node: Node, http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    ada, grace, place = await make_pair(node)
    await say(http, ada, place)
    await spoil(owner, "participants", "hides_receipts = true", user_id=grace.id)
    worker = Worker(load({}), node.database)
    assert await worker.chores["counts"]() == 1
    await shown_drift(node, http, {"hides_receipts": 1.0})
    # Not before an hour has passed.
    assert await worker.chores["counts"]() == 0
    await count_again(node, is_mending=True)
    assert await Worker(load({}), node.database).chores["counts"]() == 0
    await shown_drift(node, http, {})


async def shown_drift(
    node: Node, http: httpx.AsyncClient, expected: Mapping[str, float]
) -> None:
    """Wait for the sweep to bring the numbers to what /metrics shows."""
    wanted = [
        f'callboard_count_drift{{kind="{kind}"}} {expected.get(kind, 0.0)}'
        for kind in KINDS
    ]
    async with asyncio.timeout(5):
        while True:
            lines = (await http.get("/metrics", headers=KEY)).text.splitlines()
            if all(line in lines for line in wanted):
                return


def run(database: TestDatabase, *options: str) -> tuple[int, Any]:
    done = call("recount", *options, CALLBOARD_DATABASE_URL=database.url)
    assert done.stderr == ""
    is_json = "--json" in options
    return done.returncode, json.loads(done.stdout) if is_json else done.stdout


async def test_the_command_says_what_is_wrong_and_mends_it(
    node: Node,
    http: httpx.AsyncClient,
    database: TestDatabase,
    owner: asyncpg.Connection,
) -> None:
    ada, grace, place = await make_pair(node)
    await say(http, ada, place)
    code, text = await asyncio.to_thread(partial(run, database))
    assert (code, text.splitlines()[-1]) == (0, "Every count is right.")
    await spoil(owner, "participants", "hides_receipts = true", user_id=grace.id)

    code, told = await asyncio.to_thread(partial(run, database, "--json"))
    assert code == 1
    assert told["found"] == told["left"] == RIGHT | {"hides_receipts": 1}
    assert told["drift"] == [
        {
            "conversation_id": str(place),
            "user_id": str(grace.id),
            "kind": "hides_receipts",
            "held": "true",
            "due": "false",
            "is_mended": False,
        }
    ]
    ear = await ear_of(node, grace.id)
    code, text = await asyncio.to_thread(partial(run, database, "--mend"))
    assert (code, text.splitlines()[-1]) == (0, "All of it is mended.")
    await ear.hear(lambda event: event["type"] == "conversation.updated")
