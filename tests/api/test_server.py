"""The port itself: what may come before anybody answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import Served, running_node, served, settings_for
from tests.databases import TestDatabase


class Line:
    """A TCP connection to a server."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer


@pytest.fixture
async def line(server: Served) -> AsyncIterator[Line]:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    yield Line(reader, writer)
    writer.transport.abort()


@pytest.mark.parametrize(
    "endless", [b"x" * 8192, b"a: b\r\n" * 1000], ids=["one line", "many lines"]
)
async def test_a_head_without_end_is_refused(line: Line, endless: bytes) -> None:
    sent = 0
    line.writer.write(b"GET /healthz HTTP/1.1\r\nHost: callboard.test\r\nX-Long: ")
    while not line.reader.at_eof() and sent < 2_000_000:
        line.writer.write(endless)
        sent += len(endless)
        try:
            answer = await asyncio.wait_for(line.reader.readline(), 0.01)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        assert answer.startswith(b"HTTP/1.1 431 ")
        break
    assert sent < 1_000_000


async def test_a_large_body_is_no_large_head(line: Line) -> None:
    line.writer.write(
        b"POST /nowhere HTTP/1.1\r\nHost: callboard.test\r\n"
        b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000
    )
    assert (await line.reader.readline()).startswith(b"HTTP/1.1 404 ")


async def test_requests_on_one_connection_have_heads_of_their_own(line: Line) -> None:
    for _ in range(5):
        line.writer.write(
            b"GET /healthz HTTP/1.1\r\nHost: callboard.test\r\nX-Long: "
            + b"x" * 30_000
            + b"\r\n\r\n"
        )
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        (length,) = (
            int(header.partition(b":")[2])
            for header in head.splitlines()
            if header.lower().startswith(b"content-length:")
        )
        await line.reader.readexactly(length)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /v1/ws HTTP/1.1\r\nHost: callboard.test\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\nGET",
    ],
)
async def test_a_request_that_does_not_come_is_given_up(
    database: TestDatabase, begun: bytes
) -> None:
    settings = settings_for(database, handshake_seconds=0.2)
    async with running_node(settings) as node, served(node) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(begun)
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()
        await writer.wait_closed()
