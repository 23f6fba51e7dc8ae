"""Faults that were found once, and must not come back."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from callboard_client import Socket

from realtime.actions.connections import block_user
from realtime.actions.conversations import open_direct
from realtime.actor import Actor
from realtime.node import Node
from realtime.protocol import SendMessage
from storage.records import UserId
from tests.conftest import API_KEY, Served, running_node, settings_for
from tests.databases import TestDatabase as Database
from tests.factories import connect_people, make_pair, make_people

# jsonb gives these back as integers that no writer of JSON takes.
LARGE = [1e22, 1e308, 2.0**64]


@pytest.mark.parametrize("number", [*LARGE, 123456789012345678901])
async def test_a_large_number_in_metadata_harms_nobody(
    server: Served, number: float
) -> None:
    ada, grace, conversation = await make_pair(server.node)
    reader = await Socket.connect(server.socket_url, grace.token)
    cursor = reader.cursor
    await reader.close()
    socket = await Socket.connect(server.socket_url, ada.token)
    send = {
        "conversation_id": str(conversation),
        "client_id": str(uuid4()),
        "body": "large",
        "metadata": {"n": number},
    }
    first = (await socket.request("message.send", **send))["message"]
    again = (await socket.request("message.send", **send))["message"]
    assert again["id"] == first["id"]
    assert again["metadata"]["n"] == pytest.approx(number)
    await socket.close()

    back = await Socket.connect(server.socket_url, grace.token, cursor=cursor)
    assert back.hello["resumed"] is True
    missed = (await back.expect("message.created"))["message"]
    assert missed["metadata"]["n"] == pytest.approx(number)
    await back.close()
    async with httpx.AsyncClient(base_url=server.url, headers=grace.headers) as http:
        path = f"/v1/conversations/{conversation}"
        assert (await http.get(f"{path}/messages")).status_code == 200
        archived = await http.patch(path, json={"status": "archived"})
        assert archived.status_code == 200
        assert (await http.put(f"/v1/blocks/{ada.id}")).status_code == 204


@pytest.mark.parametrize("number", LARGE)
async def test_a_large_number_does_not_stop_the_sweep_of_another_node(
    database: Database, server: Served, number: float
) -> None:
    ada, grace, conversation = await make_pair(server.node)
    # Another process on the same database, with no bus between.
    async with running_node(settings_for(database)) as elsewhere:
        reader = await Socket.connect(server.socket_url, grace.token)
        for metadata in ({"n": number}, {}):
            command = {
                "conversation_id": conversation,
                "client_id": uuid4(),
                "body": "x",
                "metadata": metadata,
            }
            await send_on(elsewhere, ada.id, command)
        for seq in (1, 2):
            event = await reader.expect("message.created")
            assert event["message"]["seq"] == seq
        await reader.close()


async def send_on(node: Node, sender: UserId, command: dict[str, object]) -> None:
    await node.sender.send(Actor(sender), SendMessage.model_validate(command))


async def test_changes_of_a_link_are_dated_in_the_order_of_their_commits(
    node: Node,
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    link = await connect_people(node, ada, grace)
    late = asyncio.Event()
    locked = asyncio.Event()

    async def early_and_slow() -> None:
        async with node.transaction(ada.id) as work:
            # This transaction began first and gets to the row last.
            await work.users.get(ada.id)
            locked.set()
            await late.wait()
            await work.connections.lock(link)
            await work.connections.request_again(link, ada.id, grace.id, None)

    slow = asyncio.create_task(early_and_slow())
    await locked.wait()
    async with node.transaction(grace.id) as work:
        await work.connections.lock(link)
        removed = await work.connections.set_status(link, "removed")
    late.set()
    await slow
    async with node.transaction(ada.id) as work:
        (now,) = await work.connections.of(ada.id, status=None, before=None, limit=5)
    assert now.status == "pending"
    assert now.updated_at > removed.updated_at


async def test_who_blocks_while_the_conversation_is_being_opened_has_it_blocked(
    node: Node,
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    opened = asyncio.Event()
    goes_on = asyncio.Event()

    async def open_slowly() -> None:
        async with node.transaction(ada.id) as work:
            await open_direct(work, Actor(ada.id), grace.id)
            opened.set()
            await goes_on.wait()

    async def block() -> None:
        async with node.transaction(grace.id) as work:
            await block_user(work, Actor(grace.id), ada.id)

    opening = asyncio.create_task(open_slowly())
    await opened.wait()
    blocking = asyncio.create_task(block())
    await waits_for_a_lock(node)
    goes_on.set()
    await asyncio.gather(opening, blocking)
    async with node.transaction(ada.id) as work:
        seen, _ = await work.conversations.of(ada.id)
    assert [conversation.status for conversation in seen] == ["blocked"]


async def waits_for_a_lock(node: Node) -> None:
    """Wait until somebody waits for an advisory lock."""
    async with node.database.hot() as connection:
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ):
            continue


@pytest.mark.parametrize("action", ["revoke", "suspend"])
@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 100_000, b"1" * 5000], ids=["{", "utf", "[", "1"]
)
async def test_a_body_that_is_no_json_is_refused_where_none_is_wanted(
    http: httpx.AsyncClient, node: Node, action: str, body: bytes
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.post(
        f"/v1/platform/users/{ada.id}/{action}",
        content=body,
        headers={
            "Authorization": f"Bearer {API_KEY}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
        },
    )
    assert answer.status_code < 500, answer.text


async def test_a_database_that_took_over_is_noticed(server: Served) -> None:
    (ada,) = await make_people(server.node, "Ada")
    socket = await Socket.connect(server.socket_url, ada.token)
    # As a promoted standby would: the name of the cluster is another one.
    server.node._identity = "elsewhere"
    assert (await socket.wait_closed()).code == 1012
