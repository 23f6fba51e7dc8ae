"""One client id is one message, whatever races."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from callboard_client import Refused, Socket

from realtime.bus import MemoryBus
from realtime.node import Node
from storage.database import Database
from tests.conftest import Served, served, settings_for
from tests.databases import TestDatabase
from tests.factories import connect_people, make_pair, make_people

ROUNDS = 25


@pytest.fixture
async def servers(database: TestDatabase) -> AsyncIterator[tuple[Served, Served]]:
    """Two nodes on one database, reaching each other over a bus."""
    buses: list[MemoryBus] = []
    async with AsyncExitStack() as stack:
        running = []
        for _ in range(2):
            node = Node(
                settings_for(database), Database(database.url), MemoryBus(buses)
            )
            await node.open()
            stack.push_async_callback(node.close)
            running.append(await stack.enter_async_context(served(node)))
        yield running[0], running[1]


async def outcome(socket: Socket, **data: object) -> dict[str, Any] | str:
    """Send, and give the message or the refusal's code."""
    try:
        message: dict[str, Any] = (await socket.request("message.send", **data))[
            "message"
        ]
    except Refused as refused:
        return refused.code
    return message


async def test_the_same_send_on_two_nodes_at_once_is_one_message(
    servers: tuple[Served, Served],
) -> None:
    ada, grace, conversation = await make_pair(servers[0].node)
    here = await Socket.connect(servers[0].socket_url, ada.token)
    there = await Socket.connect(servers[1].socket_url, ada.token)
    reader = await Socket.connect(servers[1].socket_url, grace.token)
    for number in range(ROUNDS):
        send = {
            "conversation_id": str(conversation),
            "client_id": str(uuid4()),
            "body": f"once {number}",
        }
        one, other = await asyncio.gather(outcome(here, **send), outcome(there, **send))
        assert one == other
        assert isinstance(one, dict)
        assert one["seq"] == number + 1
    for number in range(ROUNDS):
        event = await reader.expect("message.created")
        assert event["message"]["seq"] == number + 1
    await reader.expect_nothing("message.created")
    for socket in (here, there, reader):
        await socket.close()


async def test_other_content_under_a_client_id_is_a_conflict(
    servers: tuple[Served, Served],
) -> None:
    ada, _grace, conversation = await make_pair(servers[0].node)
    here = await Socket.connect(servers[0].socket_url, ada.token)
    there = await Socket.connect(servers[1].socket_url, ada.token)
    for number in range(ROUNDS):
        client_id = str(uuid4())
        outcomes = await asyncio.gather(
            *(
                outcome(
                    socket,
                    conversation_id=str(conversation),
                    client_id=client_id,
                    body=body,
                )
                for socket, body in ((here, "this"), (there, "that"))
            )
        )
        stored = [one for one in outcomes if isinstance(one, dict)]
        assert len(stored) == 1
        assert "conflict" in outcomes
        assert stored[0]["seq"] == number + 1
    await here.close()
    await there.close()


@pytest.mark.parametrize(
    "change",
    [
        {"body": "other"},
        {"metadata": {"a": 2}},
        {"attachments": []},
        {"metadata": {}},
    ],
    ids=str,
)
async def test_every_part_of_the_content_counts(
    server: Served, change: dict[str, object]
) -> None:
    ada, _grace, conversation = await make_pair(server.node)
    socket = await Socket.connect(server.socket_url, ada.token)
    send = {
        "conversation_id": str(conversation),
        "client_id": str(uuid4()),
        "body": "text",
        "metadata": {"a": 1, "b": 2},
        "attachments": [
            {
                "url": "https://files.example/a",
                "name": "a",
                "mime_type": "text/plain",
                "size": 1,
            }
        ],
    }
    first = await outcome(socket, **send)
    assert await outcome(socket, **send) == first
    reordered = send | {"metadata": {"b": 2, "a": 1}, "body": " text "}
    assert await outcome(socket, **reordered) == first
    assert await outcome(socket, **(send | change)) == "conflict"
    await socket.close()


async def test_another_conversation_is_other_content(
    servers: tuple[Served, Served],
) -> None:
    node = servers[0].node
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    await connect_people(node, ada, grace)
    await connect_people(node, ada, alan)
    here = await Socket.connect(servers[0].socket_url, ada.token)
    there = await Socket.connect(servers[1].socket_url, ada.token)
    for _ in range(ROUNDS):
        client_id = str(uuid4())
        outcomes = await asyncio.gather(
            outcome(here, to_user_id=str(grace.id), client_id=client_id, body="x"),
            outcome(there, to_user_id=str(alan.id), client_id=client_id, body="x"),
        )
        assert sum(isinstance(one, dict) for one in outcomes) == 1
        assert "conflict" in outcomes
    await here.close()
    await there.close()


async def test_a_client_id_belongs_to_its_sender(server: Served) -> None:
    ada, grace, conversation = await make_pair(server.node)
    client_id = str(uuid4())
    for person, seq in ((ada, 1), (grace, 2)):
        socket = await Socket.connect(server.socket_url, person.token)
        sent = await outcome(
            socket, conversation_id=str(conversation), client_id=client_id, body="x"
        )
        assert isinstance(sent, dict)
        assert sent["seq"] == seq
        await socket.close()


async def test_two_who_open_their_conversation_at_once_get_the_same_one(
    servers: tuple[Served, Served],
) -> None:
    node = servers[0].node
    for _ in range(10):
        ada, grace = await make_people(node, "Ada", "Grace")
        await connect_people(node, ada, grace)
        one = await Socket.connect(servers[0].socket_url, ada.token)
        other = await Socket.connect(servers[1].socket_url, grace.token)
        sent = await asyncio.gather(
            outcome(one, to_user_id=str(grace.id), client_id=str(uuid4()), body="a"),
            outcome(other, to_user_id=str(ada.id), client_id=str(uuid4()), body="g"),
        )
        assert all(isinstance(message, dict) for message in sent)
        messages = [message for message in sent if isinstance(message, dict)]
        assert len({message["conversation_id"] for message in messages}) == 1
        assert {message["seq"] for message in messages} == {1, 2}
        await one.close()
        await other.close()


async def test_a_send_repeated_after_access_ended_gives_the_first_message(
    server: Served,
) -> None:
    ada, grace, conversation = await make_pair(server.node)
    socket = await Socket.connect(server.socket_url, ada.token)
    send = {
        "conversation_id": str(conversation),
        "client_id": str(uuid4()),
        "body": "before",
    }
    first = await outcome(socket, **send)
    async with server.node.transaction(grace.id) as work:
        await work.blocks.add(grace.id, ada.id)
    assert await outcome(socket, **send) == first
    again = send | {"client_id": str(uuid4())}
    assert await outcome(socket, **again) == "blocked"
    await socket.close()


async def test_two_requests_that_cross_are_one_relation(
    servers: tuple[Served, Served],
) -> None:
    node = servers[0].node
    for _ in range(ROUNDS):
        ada, grace = await make_people(node, "Ada", "Grace")
        one = await Socket.connect(servers[0].socket_url, ada.token)
        other = await Socket.connect(servers[1].socket_url, grace.token)

        async def ask(socket: Socket, user: object) -> str:
            try:
                answer = await socket.request("connection.request", user_id=str(user))
            except Refused as refused:
                return refused.code
            return str(answer["connection"]["status"])

        outcomes = await asyncio.gather(ask(one, grace.id), ask(other, ada.id))
        assert sorted(outcomes) == ["already_requested", "pending"]
        async with node.transaction(ada.id) as work:
            links = await work.connections.of(
                ada.id, status=None, before=None, limit=10
            )
        assert len(links) == 1
        await one.close()
        await other.close()
