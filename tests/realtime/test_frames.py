"""Frames that are encoded once for every socket."""

import json
import random

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from realtime.frames import DEFLATE, TextFrame, takes_deflated

LONG = json.dumps([{"type": "message.created", "seq": n} for n in range(2000)]).encode()


def shake_hands(
    *offers: ClientPerMessageDeflateFactory,
) -> tuple[ClientProtocol, ServerProtocol]:
    """Negotiate what a client offers with what we take."""
    uri = parse_uri("ws://callboard.test/")
    client = ClientProtocol(uri, extensions=offers or None)
    server = ServerProtocol(extensions=[DEFLATE])
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    client.receive_data(b"".join(server.data_to_send()))
    client.events_received()
    assert client.handshake_exc is None
    return client, server


def read(client: ClientProtocol, data: bytes) -> bytes:
    """Give the payload of a text frame as a client reads it."""
    client.receive_data(data)
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    assert frame.opcode is Opcode.TEXT
    return bytes(frame.data)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_plain_frames_are_what_a_client_reads(size: int) -> None:
    client, server = shake_hands()
    assert not takes_deflated(list(server.extensions))
    assert read(client, TextFrame(b"x" * size).plain) == b"x" * size


@pytest.mark.parametrize(
    "offer",
    [
        ClientPerMessageDeflateFactory(),
        ClientPerMessageDeflateFactory(client_max_window_bits=None),
        ClientPerMessageDeflateFactory(server_max_window_bits=12),
        ClientPerMessageDeflateFactory(server_max_window_bits=15),
        ClientPerMessageDeflateFactory(server_no_context_takeover=True),
    ],
)
def test_deflated_frames_are_what_a_client_reads(
    offer: ClientPerMessageDeflateFactory,
) -> None:
    client, server = shake_hands(offer)
    assert takes_deflated(list(server.extensions))
    # Twice, because nothing may be remembered from one message for the next.
    for _ in range(2):
        frame = TextFrame(LONG)
        assert len(frame.deflated) < len(LONG) / 4
        assert read(client, frame.deflated) == LONG
        assert read(client, frame.deflated) == LONG


@pytest.mark.parametrize("bits", [9, 10, 11])
def test_who_has_less_memory_gets_plain_frames(bits: int) -> None:
    client, server = shake_hands(
        ClientPerMessageDeflateFactory(server_max_window_bits=bits)
    )
    (extension,) = server.extensions
    assert isinstance(extension, PerMessageDeflate)
    assert extension.local_max_window_bits == bits
    assert not takes_deflated(list(server.extensions))
    assert read(client, TextFrame(LONG).plain) == LONG


def test_who_has_hardly_any_memory_gets_no_compression() -> None:
    client, server = shake_hands(
        ClientPerMessageDeflateFactory(server_max_window_bits=8)
    )
    assert not server.extensions
    assert read(client, TextFrame(LONG).plain) == LONG


def test_what_does_not_get_shorter_stays_plain() -> None:
    noise = "".join(
        chr(code) for code in random.Random(1).sample(range(0x4E00, 0x9FA0), 600)
    ).encode()
    for payload in (b"short", noise):
        frame = TextFrame(payload)
        assert len(frame.deflated) <= len(frame.plain)
    assert TextFrame(b"short").deflated == TextFrame(b"short").plain


def test_a_frame_is_compressed_once() -> None:
    frame = TextFrame(LONG)
    assert frame.deflated is frame.deflated
