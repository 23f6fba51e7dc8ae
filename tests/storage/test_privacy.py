"""What people hide stays hidden, whatever happens at the same time."""

import asyncio

import asyncpg
import httpx

from realtime.actions.privacy import change_privacy
from realtime.actor import Actor
from realtime.node import Node
from storage.records import ConversationId
from tests.api.test_privacy import choose, make_group
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_people, open_direct
from tests.storage.test_policies import as_user

SECONDS = 10


async def somebody_waits(node: Node) -> None:
    """Wait until a transaction waits for another's lock."""
    async with asyncio.timeout(SECONDS), node.database.hot() as connection:
        is_waiting = False
        while not is_waiting:
            is_waiting = await connection.fetchval(
                "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
            )


async def hide(node: Node, person: Person) -> None:
    async with node.transaction(person.id) as work:
        await change_privacy(work, Actor(person.id), {"hide_receipts": True})


async def hides(node: Node, person: Person) -> list[bool]:
    """Tell of each conversation of somebody whether they hide receipts there."""
    async with node.database.hot() as connection:
        rows = await connection.fetch(
            "SELECT hides_receipts FROM callboard.participants WHERE user_id = $1",
            person.id,
        )
    return [row["hides_receipts"] for row in rows]


async def test_hiding_reaches_a_conversation_that_is_just_being_opened(
    node: Node,
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    async with node.transaction() as work:
        new = ConversationId(ada.id)
        await work.conversations.open_direct(new, ada.id, grace.id)
        hiding = asyncio.create_task(hide(node, grace))
        await somebody_waits(node)
    await hiding
    assert await hides(node, grace) == [True]


async def test_a_conversation_that_opens_while_one_hides_begins_hidden(
    node: Node,
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    async with node.transaction(grace.id) as work:
        await change_privacy(work, Actor(grace.id), {"hide_receipts": True})
        opening = asyncio.create_task(open_direct(node, ada, grace))
        await somebody_waits(node)
    await opening
    assert await hides(node, grace) == [True]
    assert await hides(node, ada) == [False]


async def test_who_hides_while_they_are_out_comes_back_hidden(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    group = await make_group(http, ada, grace)
    path = f"/v1/conversations/{group}/participants/{grace.id}"
    assert (await http.delete(path, headers=grace.headers)).is_success
    await choose(http, grace, hide_receipts=True)
    assert (await http.put(path, headers=ada.headers)).is_success
    assert await hides(node, grace) == [True]


async def test_nobody_chooses_for_others(node: Node, database: TestDatabase) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    await open_direct(node, ada, grace)
    connection = await asyncpg.connect(database.url)
    try:
        for statement in (
            "UPDATE callboard.users SET privacy = '{}' RETURNING id",
            "UPDATE callboard.participants SET hides_receipts = true"
            " RETURNING user_id AS id",
            "INSERT INTO callboard.user_content_preferences (user_id)"
            f" VALUES ('{ada.id}') RETURNING user_id AS id",
        ):
            rows = await as_user(connection, ada, statement)
            assert [row["id"] for row in rows] == [ada.id]
    finally:
        await connection.close()
