"""
The rules of WebSocket without a network: bytes in, whole messages and bytes out.

RFC 6455 and RFC 7692 are the business of the Sans-I/O core of `websockets`; this adds
what it leaves to others: joining fragments, one limit for a whole message, and a
limit for frames that say nothing.
"""

import logging
import time
from collections.abc import Callable, Sequence

from websockets.exceptions import ProtocolError
from websockets.extensions.base import ServerExtensionFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

# protocol.md: malformed frame or flood; not to come back.
FLOOD = 4502

# The most that a control frame carries (RFC 6455, section 5.5).
_CONTROL_BYTES = 125

# Pings, pongs and tiny fragments cost us as much as commands and can go on for ever:
# so many at once are taken, and so many a second.
_CHATTER = 1000.0
_CHATTER_PER_SECOND = 100.0
_TINY_BYTES = 32

# A tuple: enumerations are slow to hash.
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

OnMessage = Callable[[Opcode, bytes], None]
ChooseSubprotocol = Callable[[Sequence[Subprotocol]], Subprotocol | None]


class Core(ServerProtocol):
    """
    The server's side of one WebSocket, as bytes.

    `on_message` is called while bytes are being taken, for each message before the
    frame after it is looked at: it may close, and an answer stands before whatever
    the next frame causes. Text is not checked to be UTF-8.
    """

    def __init__(
        self,
        on_message: OnMessage,
        choose_subprotocol: ChooseSubprotocol,
        *,
        max_bytes: int | None,
        extensions: Sequence[ServerExtensionFactory] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            extensions=extensions,
            # Room for a ping in the middle of a message that is nearly too long: the
            # core takes the rest of the message's size for the limit of any frame.
            max_size=None if max_bytes is None else max_bytes + _CONTROL_BYTES,
            select_subprotocol=lambda _, offered: choose_subprotocol(offered),
            logger=logging.getLogger("websockets.server"),
        )
        self._on_message = on_message
        self._max_bytes = max_bytes
        self._clock = clock
        self._fragments = bytearray()
        self._opcode = Opcode.TEXT
        self._chatter = 0.0
        self._chattered_at = clock()

    @property
    def ended_with(self) -> int:
        """Give the code of whoever closed first, 1006 where nobody did."""
        first = self.close_rcvd if self.close_rcvd_then_sent else self.close_sent
        return int(CloseCode.ABNORMAL_CLOSURE if first is None else first.code)

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame; control frames may come between fragments (section 5.4)."""
        if self.state is State.CONNECTING:
            raise ProtocolError("a frame came before the handshake was answered")
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)
        self.events.clear()
        is_data = opcode in _DATA
        says_nothing = not (is_data and (frame.fin or len(frame.data) >= _TINY_BYTES))
        if says_nothing and opcode is not Opcode.CLOSE and self._is_flood():
            self.fail(FLOOD, "too many frames that say nothing")
        elif is_data:
            self._join(frame)

    def _join(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
        size = len(self._fragments) + len(frame.data)
        if self._max_bytes is not None and size > self._max_bytes:
            self._fragments = bytearray()
            self.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {self._max_bytes} bytes")
        elif not frame.fin:
            self._fragments += frame.data
        elif frame.opcode is Opcode.CONT:
            whole, self._fragments = self._fragments, bytearray()
            whole += frame.data
            self._on_message(self._opcode, bytes(whole))
        else:
            self._on_message(self._opcode, bytes(frame.data))

    def _is_flood(self) -> bool:
        now = self._clock()
        forgiven = (now - self._chattered_at) * _CHATTER_PER_SECOND
        self._chatter = max(self._chatter - forgiven, 0.0) + 1
        self._chattered_at = now
        return self._chatter > _CHATTER
