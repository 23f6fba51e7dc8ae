"""
Push services on this machine, and what is at their other end.

Each answers what it was told to, one answer a request, and keeps what it was sent.
"""

import asyncio
import secrets
import struct
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from realtime.push.encryption import decode, encode, point_of

Mood = Literal["answers", "says nothing", "breaks off", "never ends"]


@dataclass(frozen=True)
class Reply:
    """What the service is to answer."""

    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    mood: Mood = "answers"


@dataclass(frozen=True)
class Asked:
    """What the service was sent; names of headers are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Read the body."""
        return orjson.loads(self.body)


class Service:
    """A service, where it is, what it was asked and what it answers next."""

    def __init__(self, port: int, usual: Reply) -> None:
        self.port = port
        self.usual = usual
        self.asked: list[Asked] = []
        self.next: deque[Reply] = deque()
        # What is always answered there, and not kept among what was asked.
        self.beside: dict[str, Reply] = {}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def reply_to(self, asked: Asked) -> Reply:
        """Keep what was asked, and give the next answer."""
        if asked.path in self.beside:
            return self.beside[asked.path]
        self.asked.append(asked)
        return self.next.popleft() if self.next else self.usual


@asynccontextmanager
async def service_over_http(usual: Reply | None = None) -> AsyncIterator[Service]:
    """Run a service that speaks HTTP/1.1."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while (asked := await _read(reader)) is not None:
                if not await _answer(writer, service.reply_to(asked)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    service = Service(server.sockets[0].getsockname()[1], usual or Reply())
    try:
        yield service
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)


async def _answer(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    if reply.mood == "says nothing":
        await asyncio.Event().wait()
    if reply.mood == "breaks off":
        return False
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    if reply.mood == "never ends":
        headers["Content-Length"] = str(10**12)
    lines = [f"HTTP/1.1 {reply.status} So", *(f"{n}: {v}" for n, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
    while reply.mood == "never ends":
        writer.write(b"x" * 65_536)
        await writer.drain()
    await writer.drain()
    return True


@asynccontextmanager
async def service_over_http2(usual: Reply | None = None) -> AsyncIterator[Service]:
    """Run a service that speaks HTTP/2 and nothing else, without TLS."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _speak_http2(service, reader, writer)
        except (ConnectionError, h2.exceptions.ProtocolError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    service = Service(server.sockets[0].getsockname()[1], usual or Reply(200))
    try:
        yield service
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _speak_http2(
    service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    heads: dict[int, dict[str, str]] = {}
    bodies: dict[int, bytearray] = {}
    while data := await reader.read(65_536):
        for event in connection.receive_data(data):
            match event:
                case h2.events.RequestReceived():
                    heads[event.stream_id] = {
                        str(name): str(value) for name, value in event.headers
                    }
                    bodies[event.stream_id] = bytearray()
                case h2.events.DataReceived():
                    bodies[event.stream_id] += event.data
                    connection.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                case h2.events.StreamEnded():
                    head = heads.pop(event.stream_id)
                    asked = Asked(
                        head[":method"],
                        head[":path"],
                        head,
                        bytes(bodies.pop(event.stream_id)),
                    )
                    reply = service.reply_to(asked)
                    if reply.mood == "breaks off":
                        return
                    if reply.mood != "says nothing":
                        _send(connection, event.stream_id, reply)
        writer.write(connection.data_to_send())
        await writer.drain()


def _send(connection: h2.connection.H2Connection, stream: int, reply: Reply) -> None:
    headers = [(":status", str(reply.status)), *reply.headers.items()]
    connection.send_headers(stream, [(name.lower(), value) for name, value in headers])
    body = reply.body
    if reply.mood == "never ends":
        body = b"x" * connection.local_flow_control_window(stream)
    room = connection.max_outbound_frame_size
    for begin in range(0, len(body), room):
        connection.send_data(stream, body[begin : begin + room])
    if reply.mood != "never ends":
        connection.end_stream(stream)


class Browser:
    """A subscription: its keys, and what it reads (RFC 8291, section 3.1)."""

    def __init__(self, private: bytes | None = None, auth: bytes | None = None) -> None:
        self._private = (
            derive_private_key(int.from_bytes(private), SECP256R1())
            if private
            else generate_private_key(SECP256R1())
        )
        self._auth = auth or secrets.token_bytes(16)
        self._point = point_of(self._private.public_key())

    @property
    def keys(self) -> dict[str, str]:
        """What it tells the application's server."""
        return {"p256dh": encode(self._point), "auth": encode(self._auth)}

    def decrypt(self, body: bytes) -> bytes:
        """Read a message, as RFC 8188 and RFC 8291 have it."""
        salt, (size, length) = body[:16], struct.unpack("!IB", body[16:21])
        sender = body[21 : 21 + length]
        record = body[21 + length :]
        assert len(record) <= size
        their = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender)
        secret = HKDF(
            SHA256(), 32, self._auth, b"WebPush: info\0" + self._point + sender
        ).derive(self._private.exchange(ECDH(), their))
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert padded[-1:] == b"\x02"
        return padded[:-1]


def verify_vapid(asked: Asked, audience: str) -> tuple[dict[str, Any], str]:
    """Check who sent it as a push service does (RFC 8292); gives claims and key."""
    scheme, _, rest = asked.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    point = decode(parts["k"])
    assert point is not None
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    claims: dict[str, Any] = jwt.decode(
        parts["t"],
        public,
        algorithms=["ES256"],
        audience=audience,
        # The clock of a test is its own.
        options={"require": ["aud", "exp"], "verify_exp": False},
    )
    return claims, parts["k"]
