"""Servers in this process, and sockets on them, for tests about faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from callboard_client import Api, Message, Socket

from api.server import build_node
from realtime.bus import Bus, MemoryBus
from realtime.settings import Settings
from storage.records import ConversationId
from tests.conftest import Served, served
from tests.factories import Person

# How long the contract gives delivery to catch up.
CATCH_UP_SECONDS = 5


@asynccontextmanager
async def server_of(
    settings: Settings, bus: Bus | None = None
) -> AsyncIterator[Served]:
    """Serve a new node, with the bus of the settings or another."""
    node = build_node(settings)
    if bus is not None:
        node.bus = bus
    await node.open()
    try:
        async with served(node) as server:
            yield server
    finally:
        await node.close()


@asynccontextmanager
async def two_servers(settings: Settings) -> AsyncIterator[tuple[Served, Served]]:
    """Serve two nodes that reach each other."""
    nodes: list[MemoryBus] = []
    async with (
        server_of(settings, MemoryBus(nodes)) as one,
        server_of(settings, MemoryBus(nodes)) as two,
    ):
        yield one, two


async def connect(server: Served, person: Person, cursor: str | None = None) -> Socket:
    """Open a socket of somebody."""
    return await Socket.connect(server.socket_url, person.token, cursor=cursor)


async def say(socket: Socket, conversation: ConversationId, body: str) -> Message:
    """Send a message once."""
    answer = await socket.request(
        "message.send",
        conversation_id=str(conversation),
        client_id=str(uuid4()),
        body=body,
    )
    message: Message = answer["message"]
    return message


async def hear(socket: Socket, last_seq: int) -> None:
    """Wait until a message has come, as long as delivery may take to catch up."""
    await socket.expect(
        "message.created",
        timeout=CATCH_UP_SECONDS,
        where=lambda data: data["message"]["seq"] == last_seq,
    )


def heard(socket: Socket) -> list[int]:
    """List the `seq` of every message that came, in the order in which they did."""
    return [
        frame["data"]["message"]["seq"]
        for frame in socket.received
        if frame["type"] == "message.created"
    ]


async def cursor_behind(server: Served, person: Person) -> str:
    """Take a cursor behind everything that has been committed by now."""
    async with await connect(server, person) as socket:
        return socket.hello["cursor"]


async def history_of(
    server: Served, person: Person, conversation: ConversationId
) -> list[Message]:
    """Fetch a whole history over HTTP."""
    async with Api(server.url, person.token) as api:
        return [each async for each in api.history(str(conversation))]
