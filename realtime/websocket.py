"""
One WebSocket connection: bytes in, messages out, and a bounded way back.

The rules of RFC 6455 are those of the Sans-I/O core of `websockets`; here are the
transport, fragments, pings, time limits and the queue of what the other side is
owed. What the messages mean is the business of who derives from `WebSocket`.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from websockets.extensions.base import ServerExtensionFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from realtime.frames import TextFrame, takes_deflated

log = logging.getLogger(__name__)

# Our own range beside the standard codes (protocol.md): 4000–4499 come back.
SLOW_CONSUMER = 4000
HEARTBEAT_MISSED = 4002

# How long the other side may take to answer a close frame, and to take what it is
# still owed, before the connection is cut.
_CLOSE_SECONDS = 5.0

# Above this the kernel and the transport hold enough; the rest waits with us.
_TRANSPORT_BYTES = 65_536


class Flusher:
    """Writes what sockets are owed: once a socket and loop turn."""

    def __init__(self) -> None:
        self._waiting: list[WebSocket] = []

    def add(self, socket: "WebSocket") -> None:
        """Have a socket flushed at the end of this turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(socket)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for socket in waiting:
            socket.flush()


class _Core(ServerProtocol):
    """The Sans-I/O core, which lets the other side close in mid-message."""

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame; control frames may come between fragments (section 5.4)."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class WebSocket(asyncio.Protocol):
    """
    The server's side of one WebSocket.

    Promises to who derives from it: `on_request` once, before anything else; then
    `on_text` and `on_binary` with whole messages within `max_bytes`, valid UTF-8 not
    checked; `on_lost` once at the end, whatever happened. What is given to `send`
    leaves in order, or the connection is closed; a reader who owes more than
    `outbound_bytes` is closed with 4000.
    """

    def __init__(
        self,
        flusher: Flusher,
        *,
        max_bytes: int | None,
        outbound_bytes: int,
        heartbeat_seconds: float,
        handshake_seconds: float,
        extensions: Sequence[ServerExtensionFactory] = (),
    ) -> None:
        self.core = _Core(
            extensions=extensions,
            max_size=max_bytes,
            select_subprotocol=lambda _, offered: self.choose_subprotocol(offered),
            logger=logging.getLogger("websockets.server"),
        )
        self._flusher = flusher
        self._outbound_bytes = outbound_bytes
        self._heartbeat_seconds = heartbeat_seconds
        self._handshake_seconds = handshake_seconds
        self._transport: asyncio.Transport
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._is_queued = False
        self._is_paused = False
        self._resumed: asyncio.Event | None = None
        self._is_reading_paused = False
        self._fragments = bytearray()
        self._opcode = Opcode.TEXT
        self._timer: asyncio.TimerHandle | None = None
        self._closing_timer: asyncio.TimerHandle | None = None
        self._heard = True
        self._takes_deflated = False
        self._is_lost = False

    # --- for who derives ----------------------------------------------------------

    def choose_subprotocol(self, offered: Sequence[str]) -> Subprotocol | None:
        """Choose one of the subprotocols that the other side offers."""
        return None

    def on_request(self, request: Request) -> Response:
        """Answer the handshake; `self.core.accept(request)` says yes."""
        return self.core.accept(request)

    def on_open(self) -> None:
        """Begin: the handshake is done."""

    def on_text(self, data: bytes) -> None:
        """Take a whole text message."""

    def on_binary(self, data: bytes) -> None:
        """Take a whole binary message; by default it is refused."""
        self.close(CloseCode.UNSUPPORTED_DATA, "binary frames are not understood")

    def on_lost(self, code: int) -> None:
        """Clean up: the connection has ended."""

    # --- sending ------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Tell whether messages can be sent."""
        return self.core.state is State.OPEN and not self._is_lost

    @property
    def owed_bytes(self) -> int:
        """Count what was sent and has not left yet."""
        return self._out_bytes + self._transport.get_write_buffer_size()

    def send(self, frame: TextFrame) -> None:
        """Send a message; a socket that is closing drops it."""
        if self.core.state is State.OPEN:
            self._queue(frame.deflated if self._takes_deflated else frame.plain)
            if self._is_paused and self.owed_bytes > self._outbound_bytes:
                self._drop_queue()
                self.close(SLOW_CONSUMER, "slow consumer")

    def send_if_idle(self, frame: TextFrame) -> None:
        """Send what is worth nothing later; a reader who lags does not get it."""
        if not self._is_paused or self.owed_bytes < self._outbound_bytes // 2:
            self.send(frame)

    async def drained(self) -> None:
        """Wait until the other side has taken most of what it was sent."""
        if self._is_paused and not self._is_lost:
            self._resumed = self._resumed or asyncio.Event()
            await self._resumed.wait()

    def close(self, code: int, reason: str = "") -> None:
        """Close with a code; a second time changes nothing."""
        if self.core.state is State.OPEN:
            self.core.fail(code, reason)
            self._pump()

    def flush(self) -> None:
        """Write everything that waits, in one write."""
        self._is_queued = False
        if self._is_paused or not self._out or self._is_lost:
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        self._transport.write(data)

    def pause(self, *, is_paused: bool) -> None:
        """Stop or go on reading; the other side's own queue then grows, not ours."""
        if is_paused == self._is_reading_paused or self._is_lost:
            return
        self._is_reading_paused = is_paused
        if is_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _queue(self, data: bytes) -> None:
        self._out.append(data)
        self._out_bytes += len(data)
        if not self._is_queued:
            self._is_queued = True
            self._flusher.add(self)

    def _drop_queue(self) -> None:
        self._out.clear()
        self._out_bytes = 0

    # --- asyncio's side -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a transport."""
        # uvloop's transports have the methods without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_TRANSPORT_BYTES)
        self._timer = asyncio.get_running_loop().call_later(
            self._handshake_seconds, self._cut
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        self._heard = True
        self.core.receive_data(data)
        self._pump()

    def eof_received(self) -> bool:
        """Take the end of bytes; what is owed is still sent."""
        self.core.receive_eof()
        self._pump()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._is_lost = True
        for timer in (self._timer, self._closing_timer):
            if timer is not None:
                timer.cancel()
        self._drop_queue()
        if self._resumed is not None:
            self._resumed.set()
        if self.core.state is not State.CLOSED:
            self.core.receive_eof()
        self.on_lost(self.core.close_code or CloseCode.ABNORMAL_CLOSURE)

    def pause_writing(self) -> None:
        """Keep what is sent from now on: the transport holds enough."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_paused = False
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None
        self.flush()

    # --- inside -------------------------------------------------------------------

    def _pump(self) -> None:
        """Handle what has come in and queue what the core wants to say."""
        for event in self.core.events_received():
            if isinstance(event, Request):
                self._open(event)
            elif isinstance(event, Frame) and self.core.state is State.OPEN:
                self._receive(event)
        for data in self.core.data_to_send():
            if data:
                self._queue(data)
                if self._is_paused and self.owed_bytes > 2 * self._outbound_bytes:
                    # Somebody who pings and never reads.
                    self._cut()
            else:
                self._end()
        if self.core.close_expected() and self._closing_timer is None:
            self._closing_timer = asyncio.get_running_loop().call_later(
                _CLOSE_SECONDS, self._cut
            )

    def _open(self, request: Request) -> None:
        if self._timer is not None:
            self._timer.cancel()
        response = self.on_request(request)
        self.core.send_response(response)
        if self.core.state is State.OPEN:
            self._takes_deflated = takes_deflated(list(self.core.extensions))
            self._timer = asyncio.get_running_loop().call_later(
                self._heartbeat_seconds, self._beat
            )
            self.on_open()

    def _receive(self, frame: Frame) -> None:
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._opcode = frame.opcode
            if frame.fin:
                self._deliver(bytes(frame.data))
            else:
                self._fragments = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT:
            self._fragments += frame.data
            if frame.fin:
                whole, self._fragments = bytes(self._fragments), bytearray()
                self._deliver(whole)

    def _deliver(self, data: bytes) -> None:
        if self._opcode is Opcode.TEXT:
            self.on_text(data)
        else:
            self.on_binary(data)

    def _beat(self) -> None:
        """Ping; who was silent since the last ping is gone."""
        if not self._heard and not self._is_reading_paused:
            self._drop_queue()
            self.close(HEARTBEAT_MISSED, "heartbeat missed")
            return
        self._heard = False
        if self.core.state is State.OPEN:
            self.core.send_ping(b"")
            self._pump()
            self._timer = asyncio.get_running_loop().call_later(
                self._heartbeat_seconds, self._beat
            )

    def _end(self) -> None:
        """Finish writing; the other side closes, or is cut."""
        self.flush()
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()
        if self._closing_timer is None:
            self._closing_timer = asyncio.get_running_loop().call_later(
                _CLOSE_SECONDS, self._cut
            )

    def _cut(self) -> None:
        """End now, whatever is still owed."""
        self._transport.abort()
