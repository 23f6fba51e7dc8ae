"""
One WebSocket connection: bytes in, messages out, and a bounded way back.

The rules of RFC 6455 are in `websocket_core.py`; here are the transport, pings, time
limits, fairness between sockets and the queue of what the other side is owed. What
the messages mean is the business of who derives from `WebSocket`.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from websockets.extensions.base import ServerExtensionFactory
from websockets.frames import CloseCode, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from realtime.frames import TextFrame, takes_deflated
from realtime.websocket_core import Core

log = logging.getLogger(__name__)

# Our own range beside the standard codes (protocol.md): 4000–4499 come back.
SLOW_CONSUMER = 4000
HEARTBEAT_MISSED = 4002

# How long the other side may take to answer a close frame, and to take what it is
# still owed, before the connection is cut.
_CLOSE_SECONDS = 5.0

# Above this the kernel and the transport hold enough; the rest waits with us.
_TRANSPORT_BYTES = 65_536

# What has come in is taken in pieces, so that a pause holds within a piece, and for
# so long at once, so that a flood on one socket does not keep the others waiting.
_PIECE_BYTES = 4096
_TURN_SECONDS = 0.005


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
            try:
                socket.flush()
            except Exception:
                # The others still get theirs.
                log.exception("flush failed")
                socket.cut()


class WebSocket(asyncio.Protocol):
    """
    The server's side of one WebSocket.

    Promises to who derives from it: `on_request` once, before anything else; then
    `on_text` and `on_binary` with whole messages within `max_bytes`, valid UTF-8 not
    checked, and none while reading is paused but those of the piece being taken;
    `on_lost` once at the end, whatever happened. What they raise closes with 1011.
    What is given to `send` leaves in order, or the connection is closed; a reader
    who is owed more than `outbound_bytes` is closed with 4000. Who is closed has a
    few seconds to take what is left and to close too, and is cut then.
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
        self.core = Core(
            self._deliver,
            self.choose_subprotocol,
            max_bytes=max_bytes,
            extensions=extensions,
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
        self._is_held = False
        self._is_reading = True
        self._unread = bytearray()
        self._is_taking_soon = False
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
        if self.is_open:
            self._queue(frame.deflated if self._takes_deflated else frame.plain)
            if self._is_paused and self.owed_bytes > self._outbound_bytes:
                self.drop()
                self.close(SLOW_CONSUMER, "slow consumer")

    def send_if_idle(self, frame: TextFrame) -> bool:
        """Send what is worth nothing later; False for a reader who lags."""
        if self._is_paused and self.owed_bytes >= self._outbound_bytes // 2:
            return False
        self.send(frame)
        return True

    async def drained(self) -> None:
        """Wait until the other side has taken most of what it was sent."""
        if self._out_bytes > _TRANSPORT_BYTES:
            # Only what has been written shows how fast the other side reads.
            self.flush()
        if self._is_paused and not self._is_lost:
            self._resumed = self._resumed or asyncio.Event()
            await self._resumed.wait()

    def close(self, code: int, reason: str = "") -> None:
        """Close with a code; a second time changes nothing."""
        if self.core.state is State.OPEN:
            self.core.fail(code, reason)
            self._emit()

    def drop(self) -> None:
        """Forget what waits to be written; what the transport has may still leave."""
        self._out.clear()
        self._out_bytes = 0

    def cut(self) -> None:
        """End now, whatever is still owed."""
        self._transport.abort()

    def flush(self) -> None:
        """Write everything that waits, in one write."""
        self._is_queued = False
        if not self._is_paused and not self._is_lost:
            self._write()

    def pause(self, *, is_paused: bool) -> None:
        """Stop or go on reading; the other side's own queue then grows, not ours."""
        if is_paused == self._is_held or not self.is_open:
            return
        self._is_held = is_paused
        if not is_paused:
            # It had no chance to be heard.
            self._heard = True
            if self._unread:
                self._take_soon()
        self._steer_reading()

    def _queue(self, data: bytes) -> None:
        self._out.append(data)
        self._out_bytes += len(data)
        if not self._is_queued:
            self._is_queued = True
            self._flusher.add(self)

    def _write(self) -> None:
        if self._out:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self.drop()
            self._transport.write(data)

    # --- asyncio's side -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a transport."""
        # uvloop's transports have the methods without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_TRANSPORT_BYTES)
        self._timer = asyncio.get_running_loop().call_later(
            self._handshake_seconds, self.cut
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        self._heard = True
        if self._unread or self._is_held or len(data) > _PIECE_BYTES:
            self._unread += data
            self._take()
        else:
            self._feed(data)

    def eof_received(self) -> bool:
        """Take the end of bytes; what is owed is still sent."""
        self.core.receive_eof()
        self._emit()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._is_lost = True
        for timer in (self._timer, self._closing_timer):
            if timer is not None:
                timer.cancel()
        self.drop()
        self._unread.clear()
        if self._resumed is not None:
            self._resumed.set()
        if self.core.state is not State.CLOSED:
            self.core.receive_eof()
        self.on_lost(self.core.ended_with)

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

    def _take(self) -> None:
        """Take what has come in, until paused or until it is the others' turn."""
        self._is_taking_soon = False
        loop = asyncio.get_running_loop()
        end = loop.time() + _TURN_SECONDS
        while self._unread and not self._is_held:
            piece = bytes(self._unread[:_PIECE_BYTES])
            del self._unread[:_PIECE_BYTES]
            self._feed(piece)
            if loop.time() > end:
                self._take_soon()
                break
        self._steer_reading()

    def _take_soon(self) -> None:
        if not self._is_taking_soon:
            self._is_taking_soon = True
            asyncio.get_running_loop().call_soon(self._take)

    def _steer_reading(self) -> None:
        """Read from the network only when all that came is taken and more may."""
        wanted = not self._is_held and not self._unread
        if wanted == self._is_reading or self._is_lost:
            return
        self._is_reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _feed(self, data: bytes) -> None:
        self.core.receive_data(data)
        for event in self.core.events_received():
            # No answer to who did not wait for it.
            if isinstance(event, Request) and not self.core.eof_sent:
                self._open(event)
        self._emit()

    def _emit(self) -> None:
        """Queue what the core wants to say."""
        for data in self.core.data_to_send():
            if data:
                self._queue(data)
                if self._is_paused and self.owed_bytes > 2 * self._outbound_bytes:
                    # Somebody who pings and never reads.
                    self.cut()
            else:
                self._end()

    def _open(self, request: Request) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            response = self.on_request(request)
        except Exception:
            log.exception("handshake failed")
            response = self.core.reject(500, "The server failed.\n")
        self.core.send_response(response)
        if self.core.state is not State.OPEN:
            return
        self._takes_deflated = takes_deflated(list(self.core.extensions))
        self._timer = asyncio.get_running_loop().call_later(
            self._heartbeat_seconds, self._beat
        )
        try:
            self.on_open()
        except Exception:
            log.exception("opening failed")
            self.close(CloseCode.INTERNAL_ERROR, "internal")

    def _deliver(self, opcode: Opcode, data: bytes) -> None:
        if self.core.writes:
            # Pongs to pings that came before leave before the answer.
            self._emit()
        try:
            if opcode is Opcode.TEXT:
                self.on_text(data)
            else:
                self.on_binary(data)
        except Exception:
            log.exception("message failed")
            self.close(CloseCode.INTERNAL_ERROR, "internal")

    def _beat(self) -> None:
        """Ping; who was silent since the last ping is gone."""
        if not self._heard and not self._is_held:
            self.drop()
            self.close(HEARTBEAT_MISSED, "heartbeat missed")
            return
        self._heard = False
        if self.core.state is State.OPEN:
            self.core.send_ping(b"")
            self._emit()
            self._timer = asyncio.get_running_loop().call_later(
                self._heartbeat_seconds, self._beat
            )

    def _end(self) -> None:
        """Write what is left and no more; the other side closes too, or is cut."""
        # Also what a full transport should not get: it is bounded, nothing comes
        # after it, and without the close frame nobody would know why.
        self._write()
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()
        self._closing_timer = asyncio.get_running_loop().call_later(
            _CLOSE_SECONDS, self.cut
        )
        # What still comes is read and thrown away, to see the other side's end.
        self._unread.clear()
        self._is_held = False
        self._steer_reading()
