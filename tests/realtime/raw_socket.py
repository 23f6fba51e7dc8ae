"""
A WebSocket client with no manners: it sends whatever it is told to.

What a proper client would never do is what most of these tests are about.
"""

import asyncio
import base64
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from websockets.frames import Close, Frame, Opcode
from websockets.utils import apply_mask

KEY = base64.b64encode(b"0123456789abcdef").decode()


def head(*lines: str, path: str = "/v1/ws", host: str = "callboard.test") -> bytes:
    """Write a handshake request with more headers."""
    return "\r\n".join(
        [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13",
            *lines,
            "\r\n",
        ]
    ).encode("iso-8859-1")


def frame(
    payload: str | bytes, *, opcode: Opcode | None = None, fin: bool = True
) -> bytes:
    """Write a masked frame: text from `str`, binary from `bytes`."""
    if opcode is None:
        opcode = Opcode.TEXT if isinstance(payload, str) else Opcode.BINARY
    data = payload.encode() if isinstance(payload, str) else payload
    # By hand, because a proper writer refuses to write what is wrong.
    first = opcode | (0x80 if fin else 0)
    if len(data) < 126:
        header = struct.pack("!BB", first, 0x80 | len(data))
    elif len(data) < 65_536:
        header = struct.pack("!BBH", first, 0x80 | 126, len(data))
    else:
        header = struct.pack("!BBQ", first, 0x80 | 127, len(data))
    mask = b"\x37\xfa\x21\x3d"
    return header + mask + apply_mask(data, mask)


class RawSocket:
    """A TCP connection on which WebSocket may be spoken."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, *, receive_bytes: int | None = None) -> Self:
        """Connect; `receive_bytes` makes the kernel's own buffer that small."""
        plain = socket.socket()
        if receive_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.setblocking(False)  # noqa: FBT003 - the standard library's
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        # A small limit, so that what is not asked for stays in the kernel.
        reader, writer = await asyncio.open_connection(sock=plain, limit=1024)
        return cls(reader, writer)

    @classmethod
    async def open(
        cls, port: int, *lines: str, receive_bytes: int | None = None
    ) -> Self:
        """Connect and shake hands."""
        self = await cls.connect(port, receive_bytes=receive_bytes)
        await self.shake_hands(*lines)
        return self

    async def shake_hands(self, *lines: str) -> str:
        """Send a handshake, which is accepted; gives the answer."""
        self.send(head(*lines))
        answer = await self.answer()
        assert answer.startswith("HTTP/1.1 101 "), answer
        return answer

    def send(self, *data: bytes) -> None:
        """Send bytes, all in one piece."""
        self._writer.write(b"".join(data))

    def send_frames(self, payloads: Sequence[str | bytes]) -> None:
        """Send messages, all in one piece."""
        self.send(*(frame(payload) for payload in payloads))

    async def answer(self) -> str:
        """Take the head of an HTTP answer; empty if the connection ended instead."""
        lines = []
        while (line := await self._reader.readline()).strip():
            lines.append(line.decode("iso-8859-1"))
        return "".join(lines)

    async def receive(self) -> Frame:
        """
        Take the next frame.

        Raises:
            asyncio.IncompleteReadError: The connection has ended.
        """
        first, second = await self._reader.readexactly(2)
        assert second < 128, "servers do not mask"
        if second == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        else:
            length = second
        payload = await self._reader.readexactly(length)
        return Frame(
            Opcode(first & 0x0F),
            payload,
            fin=bool(first & 0x80),
            rsv1=bool(first & 0x40),
        )

    async def text(self) -> str:
        """Take the next frame, which is a text."""
        received = await self.receive()
        assert received.opcode is Opcode.TEXT, received
        return bytes(received.data).decode()

    async def close_frame(self) -> Close:
        """Take frames up to the close frame and give that."""
        while True:
            received = await self.receive()
            if received.opcode is Opcode.CLOSE:
                return Close.parse(received.data)

    async def ended(self) -> None:
        """Wait for the end of the connection, however it comes."""
        with suppress(ConnectionError):
            while await self._reader.read(65_536):
                pass

    def end(self) -> None:
        """Send the end of bytes, and go on reading."""
        self._writer.write_eof()

    def abort(self) -> None:
        """Cut the line."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
