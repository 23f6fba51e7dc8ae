"""
The load's side of a socket: as little work per frame as Python allows.

A real client would be slower than the server. This one makes frames from a template,
masks them with the key 0 (which RFC 6455 allows, and which the server undoes like any
other) and looks at one byte of what it is sent to know what that is.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

_HANDSHAKE = (
    "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Authorization: Bearer {}\r\n\r\n"
)
_BODY = "Could we meet on Thursday at ten and look at the plans?"

# Where the type of a frame differs: {"type":"message.created" and {"type":"ok".
_TELLING = len('{"type":"')
_CREATED, _OK, _ERROR, _HELLO = b"moeh"

_TEXT, _PING, _CLOSE = 0x81, 0x89, 0x88
_CONNECTING_AT_ONCE = 50
_PATIENCE_SECONDS = 30.0


class ServerRefused(Exception):
    """The server answered something that no benchmark expects."""


class Socket(asyncio.Protocol):
    """One client; who derives from it is told how many messages have come."""

    def __init__(self, token: str) -> None:
        loop = asyncio.get_running_loop()
        self.live: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport
        self.oks = 0
        self._token = token
        self._rest = b""
        self._is_open = False

    def on_created(self, count: int) -> None:
        """Take note of messages that have come."""

    # --- asyncio's side -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self.transport = transport  # type: ignore[assignment]
        self.transport.write(_HANDSHAKE.format(self._token).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail who still waits."""
        self._fail(f"the socket was closed: {exc}")

    def data_received(self, data: bytes) -> None:
        """Count the frames in what came."""
        if self._rest:
            data = self._rest + data
        at = 0 if self._is_open else self._read_handshake(data)
        end = len(data)
        created = 0
        while end - at >= 4:
            head, size = 2, data[at + 1]
            if size == 126:
                head, size = 4, data[at + 2] << 8 | data[at + 3]
            stop = at + head + size
            if stop > end:
                break
            kind = data[at + head + _TELLING] if size > _TELLING else 0
            if kind == _CREATED and data[at] == _TEXT:
                created += 1
            elif kind == _OK:
                self.oks += 1
            else:
                self._take_other(data[at], kind, data[at + head : stop])
            at = stop
        self._rest = data[at:]
        if created:
            self.on_created(created)

    # --- inside -------------------------------------------------------------------

    def _read_handshake(self, data: bytes) -> int:
        """Give where the frames begin: the end, as long as there are none."""
        head, separator, _ = data.partition(b"\r\n\r\n")
        if not separator:
            return 0
        if not head.startswith(b"HTTP/1.1 101"):
            self._fail(head.decode(errors="replace"))
        self._is_open = True
        return len(head) + len(separator)

    def _take_other(self, opcode: int, kind: int, payload: bytes) -> None:
        if opcode == _PING:
            self.transport.write(b"\x8a\x80\0\0\0\0")
        elif kind == _HELLO and not self.live.done():
            self.live.set_result(None)
        elif kind == _ERROR or opcode == _CLOSE:
            self._fail(payload.decode(errors="replace"))

    def _fail(self, why: str) -> None:
        if not self.live.done():
            self.live.set_exception(ServerRefused(why))
        elif not self.transport.is_closing():
            # In the middle of a measurement: its end would never come.
            raise ServerRefused(why)


class Template:
    """Makes the frames of one sender: only the ids in them differ."""

    def __init__(self, number: int, conversation: UUID) -> None:
        self._number = number
        self._conversation = conversation
        self._count = 0

    def next(self) -> bytes:
        """Make a frame that sends one more message."""
        self._count += 1
        n = self._count
        payload = (
            f'{{"id":{n},"type":"message.send","data":{{"conversation_id":'
            f'"{self._conversation}","client_id":"{self._number:08x}-0000-4000-8000-'
            f'{n:012x}","body":"{_BODY}"}}}}'
        ).encode()
        return b"\x81\xfe" + len(payload).to_bytes(2) + b"\0\0\0\0" + payload


async def connect(port: int, sockets: Sequence[Socket]) -> None:
    """
    Connect sockets and wait until each has been greeted.

    Raises:
        ServerRefused: One was not let in.
    """
    loop = asyncio.get_running_loop()

    async def connect_one(socket: Socket) -> None:
        async with places:
            await loop.create_connection(lambda: socket, "127.0.0.1", port)
            await socket.live

    places = asyncio.Semaphore(_CONNECTING_AT_ONCE)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await asyncio.gather(*(connect_one(socket) for socket in sockets))


def disconnect(sockets: Sequence[Socket]) -> None:
    """Close sockets without ceremony."""
    for socket in sockets:
        socket.transport.abort()
