"""
A line between clients and a server that is as bad as a test wants it.

It passes bytes on, but reads the frames which the server sends, so that it can repeat
them, bring them late and in another order, or lose a reply.
"""

import asyncio
import json
import random
import re
import struct
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

HttpFault = Literal["hangs", "gateway"]

_SEED = 20261121
_TEXT = 1
# So many events are held back at the most, and for so long.
_HELD = 4
_HELD_SECONDS = 0.03
_REMEMBERED = 30
# What says "everything before this has come" may be overtaken by nothing.
_LANDMARKS = frozenset({"hello", "cursor", "resync", "draining", "ok", "error"})
_CURSOR = re.compile(r"(?<=[?&])cursor=[^ &]*")
_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
    b"Content-Length: 15\r\nConnection: close\r\n\r\n<h1>Sorry.</h1>"
)


@dataclass
class Proxy:
    """What passes on; every switch is a fault."""

    server_port: int
    port: int = 0
    is_up: bool = True
    """Whether connections are taken; those which are there are cut by `cut`."""
    takes_sockets: bool = True
    """Whether sockets are let through where connections are taken."""
    is_wild: bool = False
    """Whether events come twice, late, out of order, and long after their time."""
    drops_events: bool = False
    """Whether events never come, as where a server has given up telling them."""
    lost_replies: int = 0
    """So many sends are acknowledged into nothing: the line breaks instead."""
    stays_down: bool = False
    """Whether no connection is taken after that."""
    forgets_cursors: bool = False
    """Whether the server is given cursors that it does not know."""
    http: dict[str, HttpFault] = field(default_factory=dict)
    """What is wrong with calls whose path contains this."""
    http_calls: list[str] = field(default_factory=list)
    """Every call over HTTP, as `GET /path?query`."""
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)
    _sockets: set[asyncio.StreamWriter] = field(default_factory=set)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _dice: random.Random = field(default_factory=lambda: random.Random(_SEED))

    @property
    def url(self) -> str:
        """Where it is, for clients."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection without a word."""
        for line in list(self._lines):
            line.transport.abort()

    def freeze(self) -> None:
        """Let nothing pass any more, and have nobody notice."""
        self._flowing.clear()

    def say(self, event: Mapping[str, object]) -> None:
        """Bring every client an event that the server has not said."""
        payload = json.dumps(event).encode()
        assert len(payload) < 126, "It is to be one frame of the shortest kind."
        for socket in self._sockets:
            socket.write(bytes([0x80 | _TEXT, len(payload)]) + payload)

    def calm(self) -> None:
        """Be a good line again; what hung breaks."""
        self.drops_events = False
        self._flowing.set()
        self.is_up, self.is_wild, self.forgets_cursors = True, False, False
        self.lost_replies, self.stays_down, self.takes_sockets = 0, False, True
        if self.http:
            self.http.clear()
            self.cut()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listen on a free port."""
        self._flowing.set()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self._flowing.set()
            self.cut()
            await server.wait_closed()

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self.is_up:
            writer.transport.abort()
            return
        self._lines.add(writer)
        # Both ends of it may go at any time; then it is over.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        self._lines.discard(writer)
        writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        is_socket = "\r\nupgrade: websocket\r\n" in head.lower()
        if is_socket and not self.takes_sockets:
            return
        if not is_socket:
            method, path, _ = head.split(" ", 2)
            self.http_calls.append(f"{method} {path}")
            fault = next((self.http[each] for each in self.http if each in path), None)
            if fault == "gateway":
                writer.write(_GATEWAY)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
                return
            if fault == "hangs":
                await reader.read()
                return
        if self.forgets_cursors:
            head = _CURSOR.sub("cursor=forgotten", head, count=1)
        from_server, to_server = await asyncio.open_connection(
            "127.0.0.1", self.server_port
        )
        try:
            to_server.write(_one_request(head, is_socket=is_socket).encode("latin-1"))
            onward = asyncio.create_task(self._pass_on(reader, to_server))
            try:
                if is_socket:
                    await _Frames(self, from_server, writer).pass_on()
                else:
                    await self._pass_on(from_server, writer)
            finally:
                onward.cancel()
                await asyncio.gather(onward, return_exceptions=True)
        finally:
            to_server.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        # What was written goes out before the line ends.
        writer.write_eof()
        if writer in self._lines:
            writer.close()
            await writer.wait_closed()


@dataclass
class _Frames:
    """The frames of one socket, from the server to the client."""

    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _held: list[bytes] = field(default_factory=list)
    _earlier: deque[bytes] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _letting_go: asyncio.TimerHandle | None = None

    async def pass_on(self) -> None:
        """Pass on the answer to the handshake, then frames, until the line ends."""
        self.writer.write(await self.reader.readuntil(b"\r\n\r\n"))
        self.proxy._sockets.add(self.writer)
        try:
            while True:
                head, payload = await self._read()
                await self.proxy._flowing.wait()
                kind = _kind_of(head, payload)
                if self._is_to_be_lost(kind, payload):
                    self.proxy.is_up = not self.proxy.stays_down
                    self.writer.transport.abort()
                    return
                self._deal(kind, head + payload)
                await self.writer.drain()
        finally:
            self.proxy._sockets.discard(self.writer)
            if self._letting_go is not None:
                self._letting_go.cancel()

    async def _read(self) -> tuple[bytes, bytes]:
        head = await self.reader.readexactly(2)
        size = head[1] & 0x7F
        if size == 126:
            head += await self.reader.readexactly(2)
            (size,) = struct.unpack("!H", head[2:])
        elif size == 127:
            head += await self.reader.readexactly(8)
            (size,) = struct.unpack("!Q", head[2:])
        return head, await self.reader.readexactly(size)

    def _is_to_be_lost(self, kind: str | None, payload: bytes) -> bool:
        # The sender is told by an event as well, which may come first.
        if self.proxy.lost_replies == 0 or kind not in {"ok", "message.created"}:
            return False
        if b'"message":{' not in payload:
            return False
        self.proxy.lost_replies -= 1
        return True

    def _deal(self, kind: str | None, frame: bytes) -> None:
        is_event = kind is not None and kind not in _LANDMARKS
        if is_event and self.proxy.drops_events:
            return
        if not is_event or not self.proxy.is_wild:
            if kind not in {"ok", "error"}:
                self._let_go()
            self.writer.write(frame)
            return
        dice = self.proxy._dice
        copies = dice.choice((1, 1, 2, 3))
        self._held += [frame] * copies
        if self._earlier and dice.random() < 0.5:
            self._held.append(dice.choice(self._earlier))
        self._earlier.append(frame)
        if len(self._held) >= _HELD:
            self._let_go()
        elif self._letting_go is None:
            loop = asyncio.get_running_loop()
            self._letting_go = loop.call_later(_HELD_SECONDS, self._let_go)

    def _let_go(self) -> None:
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        self.proxy._dice.shuffle(self._held)
        for frame in self._held:
            self.writer.write(frame)
        self._held.clear()


def _kind_of(head: bytes, payload: bytes) -> str | None:
    if head[0] & 0x0F != _TEXT:
        return None
    kind: str = json.loads(payload)["type"]
    return kind


def _one_request(head: str, *, is_socket: bool) -> str:
    """Ask for frames that can be read, and for HTTP one request a connection."""
    first, *fields = head.split("\r\n")
    unwanted = ("sec-websocket-extensions:",) if is_socket else ("connection:",)
    kept = [each for each in fields if not each.lower().startswith(unwanted)]
    added = [] if is_socket else ["Connection: close"]
    return "\r\n".join([first, *added, *kept])
