"""Frames encoded once, so that the same bytes go to every socket."""

from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode

# With 4 KiB of window and nothing kept between messages (RFC 7692, section 7.1) a
# compressed frame is the same for every socket, and a socket costs no more memory.
_WINDOW_BITS = 12

_FINAL_TEXT = 0x81
# The longest payloads whose length stands in the second byte, and in two more.
_SHORT, _MEDIUM = 125, 65_535

# Below this compression saves too little to be worth the time.
_WORTH_BYTES = 256

DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=_WINDOW_BITS,
)


class TextFrame:
    """
    Text messages that leave together, as unmasked WebSocket frames (RFC 6455, 5.2).

    Mostly it is one. `plain` suits every socket; `deflated` those for which
    `takes_deflated` holds, and is made when the first of them asks.
    """

    __slots__ = ("_deflated", "payloads", "plain")

    def __init__(self, *payloads: bytes) -> None:
        self.payloads = payloads
        self.plain = b"".join([_plain(payload) for payload in payloads])
        self._deflated: bytes | None = None

    @property
    def deflated(self) -> bytes:
        """Give compressed frames, and plain ones where those are shorter."""
        if self._deflated is None:
            self._deflated = b"".join([_deflate(payload) for payload in self.payloads])
        return self._deflated


def _deflate(payload: bytes) -> bytes:
    plain = _plain(payload)
    if len(plain) < _WORTH_BYTES:
        return plain
    extension = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=_WINDOW_BITS,
    )
    frame = Frame(Opcode.TEXT, payload)
    return min(frame.serialize(mask=False, extensions=[extension]), plain, key=len)


def _plain(payload: bytes) -> bytes:
    """Make a final, unmasked text frame; by hand, because each event is one."""
    length = len(payload)
    if length <= _SHORT:
        return bytes((_FINAL_TEXT, length)) + payload
    if length <= _MEDIUM:
        return bytes((_FINAL_TEXT, _SHORT + 1)) + length.to_bytes(2) + payload
    return bytes((_FINAL_TEXT, _SHORT + 2)) + length.to_bytes(8) + payload


def takes_deflated(extensions: list[object]) -> bool:
    """Tell whether the shared compressed frames fit what a socket has negotiated."""
    return any(
        isinstance(extension, PerMessageDeflate)
        and extension.local_max_window_bits == _WINDOW_BITS
        for extension in extensions
    )
