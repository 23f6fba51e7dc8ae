"""How a session begins and ends: doors, tokens, limits, and nothing left behind."""

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from callboard_client import ConnectionLost, Refused, Socket
from callboard_client.socket import How

from realtime.bus import MemoryBus
from realtime.node import Node
from storage.database import Database
from storage.records import UserId
from tests.conftest import Served, running_node, served, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_people, set_account_status, token_for
from tests.realtime.raw_socket import RawSocket, head
from tests.waiting import until


@asynccontextmanager
async def serving(database: TestDatabase, **settings: object) -> AsyncIterator[Served]:
    """A server with settings of its own."""
    async with (
        running_node(settings_for(database, **settings)) as node,
        served(node) as server,
    ):
        yield server


@pytest.fixture
async def ada(server: Served) -> Person:
    """Somebody."""
    (person,) = await make_people(server.node, "Ada")
    return person


async def lost_code(server: Served, token: str, **options: Any) -> int:  # noqa: ANN401
    """Give the close code of a socket that is not let in."""
    with pytest.raises(ConnectionLost) as lost:
        await Socket.connect(server.url, token, **options)
    return lost.value.code


def client_of(server: Served) -> Any:  # noqa: ANN401
    """Give the server's side of the only socket."""
    (client,) = server.node.hub
    return client


# --- ways in ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["header", "subprotocol", "frame"])
async def test_a_token_lets_in_by_header_subprotocol_and_frame(
    server: Served, ada: Person, how: How
) -> None:
    async with await Socket.connect(server.url, ada.token, how=how) as socket:
        assert socket.hello["user_id"] == str(ada.id)


@pytest.mark.parametrize(
    "lines",
    [
        ["Sec-WebSocket-Protocol: bearer.{token}, callboard.v1"],
        ["Sec-WebSocket-Protocol: callboard.v1,other,bearer.{token}"],
        [
            "Sec-WebSocket-Protocol: callboard.v1",
            "sec-websocket-protocol: bearer.{token}",
        ],
    ],
)
async def test_the_subprotocols_may_stand_in_any_order(
    server: Served, ada: Person, lines: list[str]
) -> None:
    raw = await RawSocket.connect(server.port)
    answer = await raw.shake_hands(*(line.format(token=ada.token) for line in lines))
    assert "Sec-WebSocket-Protocol: callboard.v1\r\n" in answer
    assert ada.token not in answer
    assert json.loads(await raw.text())["type"] == "hello"
    await raw.close()


async def test_the_header_counts_before_the_subprotocol(
    server: Served, ada: Person
) -> None:
    (grace,) = await make_people(server.node, "Grace")
    raw = await RawSocket.open(
        server.port,
        f"authorization: bearer  {ada.token}",
        f"Sec-WebSocket-Protocol: callboard.v1, bearer.{grace.token}",
    )
    assert json.loads(await raw.text())["data"]["user_id"] == str(ada.id)
    await raw.close()


async def test_a_token_in_the_query_is_no_token(database: TestDatabase) -> None:
    async with serving(database, auth_seconds=0.1) as server:
        raw = await RawSocket.connect(server.port)
        token = token_for(uuid4())
        raw.send(head(path=f"/v1/ws?token={token}&access_token={token}"))
        assert "101" in await raw.answer()
        assert (await raw.close_frame()).code == 4500
        await raw.close()


async def test_a_cursor_may_be_escaped(server: Served, ada: Person) -> None:
    async with await Socket.connect(server.url, ada.token) as socket:
        cursor = socket.cursor or ""
    escaped = "".join(f"%{ord(letter):02X}" for letter in cursor)
    for form in (cursor, quote(cursor, safe=""), escaped):
        raw = await RawSocket.connect(server.port)
        lines = f"Authorization: Bearer {ada.token}"
        raw.send(head(lines, path=f"/v1/ws?x=1&cursor={form}"))
        await raw.answer()
        assert json.loads(await raw.text())["data"]["resumed"] is True
        await raw.close()


@pytest.mark.parametrize(
    "cursor", ["x", "\0", "𝄞", "../..", "AAAA====", "x" * 7000, "%", "' OR 1=1 --"]
)
async def test_an_unknown_cursor_says_reload(
    server: Served, ada: Person, cursor: str
) -> None:
    ways: list[How] = ["header", "frame"]
    for how in ways:
        async with await Socket.connect(
            server.url, ada.token, how=how, cursor=cursor
        ) as socket:
            assert socket.hello["resumed"] is False


async def test_other_paths_have_no_socket(server: Served) -> None:
    for path in ("/", "/v1/ws/", "/v1/wss", "/V1/WS", "//v1/ws", "/v1%2Fws"):
        raw = await RawSocket.connect(server.port)
        raw.send(head(path=path))
        assert (await raw.answer()).startswith("HTTP/1.1 404 ")
        await raw.close()


# --- who is not let in ------------------------------------------------------------


async def test_bad_tokens_close_with_4500(server: Served, ada: Person) -> None:
    header, _, signature = ada.token.rpartition(".")
    unsigned = "eyJhbGciOiJub25lIn0." + header.partition(".")[2] + "."
    expired = token_for(ada.id, timedelta(seconds=-60))
    for token in (
        "x",
        "a.b.c",
        "..",
        header + "." + signature[::-1],
        unsigned,
        expired,
    ):
        assert await lost_code(server, token) == 4500
        assert await lost_code(server, token, how="subprotocol") == 4500
        with pytest.raises(Refused) as refused:
            await Socket.connect(server.url, token, how="frame")
        assert refused.value.code == "unauthenticated"


async def test_an_empty_token_in_the_subprotocols_closes_with_4500(
    server: Served,
) -> None:
    raw = await RawSocket.open(
        server.port, "Sec-WebSocket-Protocol: callboard.v1, bearer."
    )
    assert (await raw.close_frame()).code == 4500
    await raw.close()


async def test_a_suspended_account_closes_with_4501(
    server: Served, ada: Person
) -> None:
    await set_account_status(server.node, ada, "suspended")
    assert await lost_code(server, ada.token) == 4501


async def test_a_silent_socket_closes_with_4500(database: TestDatabase) -> None:
    async with serving(database, auth_seconds=0.1) as server:
        socket = await Socket.open(server.url)
        assert (await socket.wait_closed()).code == 4500


async def test_mistakes_do_not_prolong_the_time_for_the_token(
    database: TestDatabase,
) -> None:
    async with serving(database, auth_seconds=0.2) as server:
        socket = await Socket.open(server.url)
        while socket.close_code is None:
            with pytest.raises((Refused, ConnectionLost)):
                await socket.request("auth", token=1)
            # Few enough to be no flood.
            await asyncio.sleep(0.02)
        assert socket.close_code == 4500


async def test_another_command_before_auth_is_refused_and_closes_with_4500(
    server: Served,
) -> None:
    for command in ("ping", "message.send", "typing", "nonsense"):
        socket = await Socket.open(server.url)
        with pytest.raises(Refused) as refused:
            await socket.request(command)
        assert refused.value.code == "unauthenticated"
        assert (await socket.wait_closed()).code == 4500


async def test_a_wrong_auth_may_be_followed_by_a_right_one(
    server: Served, ada: Person
) -> None:
    async with await Socket.open(server.url) as socket:
        for wrong in ({}, {"token": 1}, {"token": ada.token, "x": 1}):
            with pytest.raises(Refused) as refused:
                await socket.request("auth", **wrong)
            assert refused.value.code == "invalid"
        answer = await socket.request("auth", token=ada.token)
        assert answer.keys() == {"expires_at"}
        await socket.expect("hello")


async def test_pages_of_other_origins_close_with_4503(
    server: Served, ada: Person
) -> None:
    for origin in ("https://evil.example", "null", "http://[", "http://[::1"):
        assert await lost_code(server, ada.token, origin=origin) == 4503
    own = f"http://127.0.0.1:{server.port}"
    async with await Socket.connect(server.url, ada.token, origin=own):
        pass


async def test_too_many_sockets_of_a_user_close_with_4003(
    database: TestDatabase,
) -> None:
    async with serving(database, max_connections_per_user=2) as server:
        ada, grace = await make_people(server.node, "Ada", "Grace")
        async with (
            await Socket.connect(server.url, ada.token),
            await Socket.connect(server.url, grace.token),
        ):
            async with await Socket.connect(server.url, ada.token):
                assert await lost_code(server, ada.token) == 4003
            await until(lambda: len(server.node.hub) == 2)
            async with await Socket.connect(server.url, ada.token):
                pass


async def test_too_many_sockets_of_a_process_close_with_4003(
    database: TestDatabase,
) -> None:
    async with serving(database, max_connections=1) as server:
        (ada,) = await make_people(server.node, "Ada")
        async with await Socket.connect(server.url, ada.token):
            assert await lost_code(server, ada.token) == 4003
        await until(lambda: len(server.node.hub) == 0)
        async with await Socket.connect(server.url, ada.token):
            pass


async def test_too_many_sockets_of_an_address_close_with_4003(
    database: TestDatabase,
) -> None:
    async with serving(database, max_connections_per_address=1) as server:
        ada, grace = await make_people(server.node, "Ada", "Grace")

        def from_address(person: Person, *addresses: str) -> list[str]:
            return [
                f"Authorization: Bearer {person.token}",
                *(f"X-Forwarded-For: {address}" for address in addresses),
            ]

        first = await RawSocket.open(
            server.port, *from_address(ada, "203.0.113.9, 192.0.2.1")
        )
        assert json.loads(await first.text())["type"] == "hello"
        # What the client itself wrote before what our proxy saw counts for nothing.
        for forged in (["198.51.100.1, 192.0.2.1"], ["198.51.100.2", "192.0.2.1"]):
            raw = await RawSocket.open(server.port, *from_address(grace, *forged))
            assert (await raw.close_frame()).code == 4003
            await raw.close()
        other = await RawSocket.open(server.port, *from_address(grace, "192.0.2.2"))
        assert json.loads(await other.text())["type"] == "hello"
        await other.close()
        await first.close()


# --- tokens that end --------------------------------------------------------------


async def test_a_token_that_expires_closes_with_4001(server: Served) -> None:
    (ada,) = await make_people(server.node, "Ada")
    token = token_for(ada.id, timedelta(seconds=1))
    socket = await Socket.connect(server.url, token)
    assert (await socket.wait_closed()).code == 4001


async def test_a_new_token_prolongs_the_session(server: Served) -> None:
    (ada,) = await make_people(server.node, "Ada")
    token = token_for(ada.id, timedelta(minutes=1))
    async with await Socket.connect(server.url, token) as socket:
        client = client_of(server)
        before = client._expiry
        answer = await socket.request("auth", token=token_for(ada.id))
        assert answer.keys() == {"expires_at"}
        assert before.cancelled()
        assert client._expiry.when() - before.when() > 3000


async def test_somebody_elses_token_is_forbidden_and_changes_nothing(
    server: Served, ada: Person
) -> None:
    (grace,) = await make_people(server.node, "Grace")
    async with await Socket.connect(server.url, ada.token) as socket:
        expiry = client_of(server)._expiry
        with pytest.raises(Refused) as refused:
            await socket.request("auth", token=grace.token)
        assert refused.value.code == "forbidden"
        assert client_of(server)._expiry is expiry
        assert "at" in await socket.request("ping")


async def test_a_bad_token_leaves_the_session_as_it_is(
    server: Served, ada: Person
) -> None:
    async with await Socket.connect(server.url, ada.token) as socket:
        expiry = client_of(server)._expiry
        for token in ("", "x", token_for(ada.id, timedelta(seconds=-60))):
            with pytest.raises(Refused) as refused:
                await socket.request("auth", token=token)
            assert refused.value.code == "unauthenticated"
        assert client_of(server)._expiry is expiry
        assert "at" in await socket.request("ping")


# --- nothing left behind ----------------------------------------------------------


class SlowBus(MemoryBus):
    """A bus on which joining takes until a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.may_join = asyncio.Event()

    async def join(self, user: UserId) -> None:
        """Join when the test lets."""
        self.is_asked.set()
        await self.may_join.wait()
        await super().join(user)


@asynccontextmanager
async def entering(
    database: TestDatabase,
) -> AsyncIterator[tuple[Served, SlowBus, Person, RawSocket]]:
    """A socket that is kept from becoming live."""
    settings = settings_for(database, max_connections_per_user=1, max_connections=1)
    bus = SlowBus()
    node = Node(settings, Database(database.url), bus)
    await node.open()
    try:
        async with served(node) as server:
            (ada,) = await make_people(node, "Ada")
            lines = f"Authorization: Bearer {ada.token}"
            raw = await RawSocket.open(server.port, lines)
            await bus.is_asked.wait()
            yield server, bus, ada, raw
            raw.abort()
            await raw.close()
    finally:
        bus.may_join.set()
        await node.close()


async def test_who_leaves_while_entering_leaves_nothing_behind(
    database: TestDatabase,
) -> None:
    async with entering(database) as (server, bus, ada, raw):
        client = weakref.ref(client_of(server))
        raw.abort()
        await until(lambda: len(server.node.hub) == 0)
        bus.may_join.set()
        # No timer of a token that is still good for an hour keeps it.
        await until(lambda: gc.collect() >= 0 and client() is None)
        async with await Socket.connect(server.url, ada.token):
            pass


async def test_who_is_suspended_while_entering_is_not_let_in(
    database: TestDatabase,
) -> None:
    async with entering(database) as (server, bus, ada, raw):
        await set_account_status(server.node, ada, "suspended")
        bus.may_join.set()
        assert (await raw.close_frame()).code == 4501
        await until(lambda: len(server.node.hub) == 0)


async def test_who_was_live_and_left_is_forgotten(server: Served, ada: Person) -> None:
    raw = await RawSocket.open(server.port, f"Authorization: Bearer {ada.token}")
    await raw.text()
    client = weakref.ref(client_of(server))
    raw.abort()
    await until(lambda: len(server.node.hub) == 0)
    await until(lambda: gc.collect() >= 0 and client() is None)
    await raw.close()


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: other.example"],
        ["Origin: http://["],
        ["Origin: http://[", "Host: other.example"],
        ["Origin: https://a.example", "Origin: https://b.example"],
        ["Authorization: Basic x", "Authorization: Bearer"],
        ["Sec-WebSocket-Protocol: ;"],
        ["X-Forwarded-For: ,"],
        ["X-Forwarded-For: " + "1" * 5000],
    ],
)
async def test_a_strange_handshake_takes_nobodys_place(
    database: TestDatabase, lines: list[str]
) -> None:
    async with serving(database, max_connections=1, auth_seconds=0.05) as server:
        (ada,) = await make_people(server.node, "Ada")
        for _ in range(3):
            raw = await RawSocket.connect(server.port)
            raw.send(head(*lines))
            await raw.ended()
            await raw.close()
        async with await Socket.connect(server.url, ada.token):
            pass


async def test_access_taken_away_leaves_nothing_to_a_slow_reader(
    server: Served, ada: Person
) -> None:
    lines = f"Authorization: Bearer {ada.token}"
    raw = await RawSocket.connect(server.port, receive_bytes=4096)
    await raw.shake_hands(lines)
    await raw.text()
    client = client_of(server)
    while not client._is_paused:
        client._reply(json.dumps({"before": "x" * 10_000}).encode())
        await asyncio.sleep(0)
    client._reply(b'{"too late": 1}')
    client.close_with(4501, "access revoked")
    texts = []
    while (received := await raw.receive()).opcode.name == "TEXT":
        texts.append(bytes(received.data))
    assert int.from_bytes(received.data[:2]) == 4501
    assert b'{"too late": 1}' not in texts
    await raw.close()


async def test_closes_are_counted_by_code_and_strange_ones_together(
    server: Served, ada: Person
) -> None:
    for code in (1000, 3123, 4999):
        async with await Socket.connect(server.url, ada.token) as socket:
            await socket.close(code)
    await until(lambda: len(server.node.hub) == 0)
    exposed = server.node.metrics.render().decode()
    assert 'callboard_sockets_closed_total{code="1000"} 1.0' in exposed
    assert 'callboard_sockets_closed_total{code="other"} 2.0' in exposed
