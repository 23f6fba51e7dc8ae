"""
The server that the Autobahn|Testsuite plays against: each message comes back.

Our WebSocket layer straight on the loop that serves in production, without HTTP in
front of it; what is tested is the layer, not the application.
"""

import argparse
import asyncio
import logging

import uvloop
from websockets.frames import CloseCode, Opcode

from realtime.frames import DEFLATE, TextFrame
from realtime.websocket import Flusher, WebSocket

# The suite sends messages of up to 16 MiB, and wants them back however slowly.
MESSAGE_BYTES = 32 * 2**20
OUTBOUND_BYTES = 256 * 2**20


class BinaryFrame(TextFrame):
    """The same for binary messages, which nothing but this echo sends."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload)
        self.plain = as_binary(self.plain)

    @property
    def deflated(self) -> bytes:
        """Give the compressed frame."""
        text = super().deflated
        return text if text is self.plain else as_binary(text)


def as_binary(frame: bytes) -> bytes:
    """Make a binary frame of a text frame; they differ in the opcode."""
    return bytes([frame[0] ^ Opcode.TEXT ^ Opcode.BINARY]) + frame[1:]


class Echo(WebSocket):
    """Answers each message with itself."""

    def on_text(self, data: bytes) -> None:
        """Send a text back, if it is one."""
        try:
            data.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_DATA, "not UTF-8")
        else:
            self.send(TextFrame(data))

    def on_binary(self, data: bytes) -> None:
        """Send a binary message back."""
        self.send(BinaryFrame(data))


async def serve(port: int, *, has_deflate: bool) -> None:
    """Serve until killed."""
    flusher = Flusher()

    def new_echo() -> Echo:
        return Echo(
            flusher,
            max_bytes=MESSAGE_BYTES,
            outbound_bytes=OUTBOUND_BYTES,
            heartbeat_seconds=60,
            handshake_seconds=10,
            extensions=[DEFLATE] if has_deflate else [],
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(new_echo, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, prog="tests.autobahn.echo")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--deflate", action="store_true", help="permessage-deflate")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(chosen.port, has_deflate=chosen.deflate))


if __name__ == "__main__":
    main()
