"""
A server that says what none should, and a token that is not what it seems.

Nothing of it may reach another server, another person, or somebody's log.
"""

import asyncio
import base64
import contextlib
import json
import logging
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from callboard_client import (
    Api,
    Backoff,
    Client,
    ClientClosed,
    Conversations,
    Refused,
    Socket,
    SqliteOutbox,
    Stored,
)
from callboard_client.calls import part
from callboard_client.catching_up import fill_gaps
from callboard_client.errors import ConnectionLost, ProtocolFault
from callboard_client.socket import How
from callboard_client.timeline import Timeline
from callboard_client.tokens import Tokens
from callboard_client.wire import decode_frame, milliseconds, problem, refusal
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.clients.fake_server import LIMITS, FakeServer, port_of
from tests.clients.histories import FRIEND, ME, TALK

SECRET = "a-token-that-nobody-else-may-see"
HELLO = {"user_id": ME, "resumed": None, "cursor": "0", "limits": LIMITS}
AT_ONCE = Backoff(first_s=0.001, longest_s=0.01)

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def token_of(user_id: str, mark: str = "") -> str:
    """
    Make a token that says whose it is.
    """
    claims = json.dumps({"sub": user_id, "mark": mark}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.sig"


def modes_in(directory: Path) -> set[int]:
    """
    Say what may be done with the files of a directory.
    """
    return {stat.S_IMODE(each.stat().st_mode) for each in directory.iterdir()}


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    """
    Answer connections by hand; gives the address.
    """
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def request_in(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


# --- where a token goes -------------------------------------------------------------


@pytest.mark.parametrize("how", ["header", "subprotocol", "frame"])
async def test_no_token_follows_a_redirect(how: How) -> None:
    stolen: list[str] = []

    async def steal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stolen.append(await request_in(reader))
        writer.close()

    async with listening(steal) as elsewhere:
        place = elsewhere.replace("http://127.0.0.1", "ws://localhost")

        async def lead_away(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await request_in(reader)
            writer.write(
                f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {place}/v1/ws\r\n"
                "Content-Length: 0\r\n\r\n".encode()
            )
            await writer.drain()
            writer.close()

        async with listening(lead_away) as url:
            with pytest.raises(Refused) as caught:
                await Socket.connect(url, SECRET, how=how)
    assert caught.value.status == 307
    assert stolen == []


@pytest.mark.parametrize("how", ["header", "frame"])
async def test_the_log_has_neither_the_token_nor_what_was_said(
    server: FakeServer, caplog: pytest.LogCaptureFixture, how: How
) -> None:
    server.tokens.add(SECRET)
    with caplog.at_level(logging.DEBUG):
        async with Client(server.url, SECRET, how=how, backoff=AT_ONCE) as client:
            await client.send("My bank's number is 4711", conversation_id=TALK)
            await client.api.conversations()
            server.cut_all()
            await client.until(lambda: len(server.cursors) >= 2)
    # The server of the test, in the same process, has a log of its own.
    said = [
        each.getMessage()
        for each in caplog.records
        if not each.name.startswith("websockets.server")
    ]
    assert said
    assert not any(SECRET in each or "4711" in each for each in said)


async def test_an_error_does_not_show_the_token(server: FakeServer) -> None:
    client = Client(server.url, SECRET, backoff=AT_ONCE)
    with pytest.raises(ClientClosed) as caught:
        await client.start()
    said = [repr(client), repr(client.api), repr(caught.value)]
    said += [repr(caught.value.__cause__), str(caught.value)]
    assert not any(SECRET in each for each in said)


# --- whose it is --------------------------------------------------------------------


async def test_a_client_that_is_greeted_as_somebody_else_ends(
    server: FakeServer,
) -> None:
    store = Conversations(FRIEND)
    client = Client(server.url, "good", cursor="0", store=store, backoff=AT_ONCE)
    with pytest.raises(ClientClosed, match="somebody else"):
        await client.start()
    assert store.user_id == FRIEND
    assert store.ids() == []


async def test_a_token_of_somebody_else_sends_nothing_of_ones_own(
    server: FakeServer, tmp_path: Path
) -> None:
    outbox = SqliteOutbox(tmp_path / "outbox")
    given = [token_of(ME), token_of(FRIEND)]
    server.tokens.update(given)

    async with Client(
        server.url, lambda: given.pop(0), outbox=outbox, backoff=AT_ONCE
    ) as client:
        await client.send("First", conversation_id=TALK)
        server.tokens.clear()
        await server.close_all(4001)
        with pytest.raises(ClientClosed, match="somebody else"):
            await client.until(lambda: False)
    assert [each["body"] for each in server.sends()] == ["First"]
    outbox.close()


async def test_a_source_of_tokens_that_hangs_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("callboard_client.tokens.PATIENCE_S", 0.01)
    never = asyncio.Event()

    async def hang() -> str:
        await never.wait()
        return SECRET

    with pytest.raises(TimeoutError):
        await Tokens(hang).current()


async def test_a_hundred_calls_ask_for_one_token() -> None:
    asked = 0

    async def fetch() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return token_of(ME, str(asked))

    tokens = Tokens(fetch)
    given = await asyncio.gather(*(tokens.current() for _ in range(100)))
    assert (asked, set(given)) == (1, {token_of(ME, "1")})


async def test_an_outbox_that_others_could_read_is_closed_to_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "outbox"
    path.touch(mode=0o644)
    outbox = SqliteOutbox(path)
    await outbox.put(ME, Stored("1", {"body": "Hi"}))
    outbox.close()
    assert modes_in(tmp_path) == {0o600}


# --- a server that goes, or is none -------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 "])
async def test_a_server_that_goes_away_in_the_middle_is_tried_again(
    server: FakeServer, said: bytes
) -> None:
    tries = 0

    async def go_away(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal tries
        await request_in(reader)
        tries += 1
        writer.write(said)
        writer.close()
        if tries == 3:
            tried.set()

    tried = asyncio.Event()
    async with listening(go_away) as url:
        client = Client(url, "good", backoff=AT_ONCE)
        starting = asyncio.create_task(client.start())
        async with asyncio.timeout(20):
            await tried.wait()
        assert not starting.done()
        starting.cancel()
        await asyncio.wait([starting])
        await client.close()


async def test_who_is_greeted_and_cut_off_each_time_waits_longer_each_time(
    server: FakeServer,
) -> None:
    waits: list[int] = []

    class Noting(Backoff):
        def delay(self, attempt: int) -> float:
            waits.append(attempt)
            return 0.0

    async with asyncio.timeout(20):
        async with Client(server.url, "good", backoff=Noting()) as client:
            for sessions in range(2, 6):
                server.cut_all()
                await client.until(lambda n=sessions: len(server.cursors) >= n)  # type: ignore[misc]
    assert waits == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "said",
    [
        '{"type": "error", "id": 1, "error": {}}',
        '{"type": "error", "id": 1, "error": []}',
        '{"type": "error", "id": 1, "error": "no"}',
        '{"type": "error", "id": 1}',
        '{"type": "ok", "id": []}',
        '{"type": "ok", "id": {"__proto__": 1}}',
        '{"type": "hello", "id": 1}',
        pytest.param("[" * 100_000, id="nested"),
        "5",
        "null",
    ],
)
async def test_a_frame_out_of_shape_ends_the_socket_for_whoever_asks(said: str) -> None:
    async def talk(line: ServerConnection) -> None:
        await line.send(json.dumps({"type": "hello", "data": HELLO}))
        async for _ in line:
            await line.send(said)

    async with serve(talk, "127.0.0.1", 0) as nonsense:
        socket = await Socket.connect(f"http://127.0.0.1:{port_of(nonsense)}", "good")
        with pytest.raises(ConnectionLost):
            await socket.request("ping")
        assert (await socket.wait_closed()).code == 1002


async def test_a_frame_without_an_end_is_not_held() -> None:
    async def talk(line: ServerConnection) -> None:
        await line.send(json.dumps({"type": "hello", "data": HELLO}))
        with contextlib.suppress(ConnectionClosed):
            # Never finished, as a frame in pieces may be.
            await line.send("x" * 1_000_000 for _ in range(1000))

    async with serve(talk, "127.0.0.1", 0, max_size=None) as endless:
        socket = await Socket.connect(f"http://127.0.0.1:{port_of(endless)}", "good")
        # By a close frame, or before one could come through.
        async with asyncio.timeout(20):
            assert (await socket.wait_closed()).code in {1006, 1009}


# --- numbers and lists without end --------------------------------------------------


@pytest.mark.parametrize(
    ("said", "is_read"),
    [
        (1500, 1500),
        (0, 0),
        (1e300, 3_600_000),
        (10**400, 3_600_000),
        (float("inf"), 3_600_000),
        (float("nan"), None),
        (-5, None),
        ("soon", None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_bounded(said: object, is_read: int | None) -> None:
    assert milliseconds(said) == is_read
    assert refusal({"code": "x", "retry_after_ms": said}).retry_after_ms == is_read


@pytest.mark.parametrize(
    ("after", "is_read"),
    [
        ("7", 7000),
        ("9" * 9, 3_600_000),
        pytest.param("9" * 5000, None, id="long"),
        ("-1", None),
        ("٣", 3000),
    ],
)
def test_a_header_of_any_length_is_read(after: str, is_read: int | None) -> None:
    assert problem(429, {"retry-after": after}, b"").retry_after_ms == is_read


def test_a_problem_of_any_shape_is_a_refusal() -> None:
    body = json.dumps({"code": ["x"], "detail": {}, "retry": "x", "details": 5})
    headers = {"content-type": "application/json"}
    refused = problem(500, headers, body.encode())
    assert (refused.code, refused.status) == ("['x']", 500)
    assert problem(500, headers, b"[" * 100_000).code == "internal"


def test_a_frame_nested_without_end_is_a_fault_and_no_crash() -> None:
    with pytest.raises(ProtocolFault):
        decode_frame("[" * 100_000)


async def test_a_list_that_goes_in_circles_is_left() -> None:
    page = {"items": [{"id": "1"}], "next": "again"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=page))
    api = Api("http://chat.example", "good", transport=transport)
    with pytest.raises(ProtocolFault):
        await api.connections()


async def test_a_history_that_goes_in_circles_is_left() -> None:
    page = {"items": [{"seq": 1}], "next": "again"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=page))
    api = Api("http://chat.example", "good", transport=transport)
    with pytest.raises(ProtocolFault):
        async for _ in api.history(TALK):
            pass


async def test_what_never_comes_is_not_asked_for_for_ever(server: FakeServer) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        # Another conversation each time than the one that was asked for.
        return httpx.Response(200, json=server.history.conversation(ME))

    store = Conversations(ME)
    message = server.history.send(FRIEND, "Hi")
    elsewhere = {**message, "conversation_id": "somewhere else"}
    store.apply({"type": "message.created", "at": "", "data": {"message": elsewhere}})
    api = Api("http://chat.example", "x", transport=httpx.MockTransport(answer))
    with pytest.raises(ProtocolFault):
        await fill_gaps(api, store)
    assert asked <= 200


def test_readers_of_what_has_gone_are_forgotten() -> None:
    timeline = Timeline(limit=10)
    for number in range(1, 1001):
        timeline.reach(number)
        timeline.mark_read(f"reader {number}", number, "2026-11-21T12:00:00.000Z")
    assert len(timeline._reads) <= 11


# --- paths --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_what_is_no_part_of_a_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a part of a path"):
        part(text)


async def test_an_id_that_somebody_made_up_stays_within_its_call() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, json={})

    api = Api("http://chat.example", "x", transport=httpx.MockTransport(answer))
    await api.block("../me?x=")
    await api.user("x/permissions#")
    assert asked == ["/v1/blocks/..%2Fme%3Fx%3D", "/v1/users/x%2Fpermissions%23"]
