"""
One port: HTTP by uvicorn, sockets by our own protocol class, handed over on upgrade.

A signal drains: new sockets are refused, open ones are sent away a few at a time, and
what was taken is committed before the process ends.
"""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from typing import cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from realtime.attachments import UPLOADS_PATH
from realtime.bus import Bus, MemoryBus
from realtime.client import Client
from realtime.doorkeeper import Doorkeeper
from realtime.limits import Limits, rates_of
from realtime.metrics import Metrics
from realtime.node import Node
from realtime.redis_bus import RedisBus
from realtime.redis_limits import RedisLimits
from realtime.redis_presence import RedisPresence
from realtime.settings import Settings
from realtime.websocket import Flusher
from storage.database import Database

# A request whose body trickles in for longer than this is given up.
_BODY_SECONDS = 60.0

# A file of 25 MiB over a slow mobile network; its link was checked before.
_UPLOAD_SECONDS = 600.0

# The request line and headers together; a browser's cookies fit many times.
_HEAD_BYTES = 65_536
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class CannotListen(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def build_node(settings: Settings) -> Node:
    """
    Build a node as the settings say: with Redis, or with the in-process bus.

    Raises:
        ValueError: No database is configured.
    """
    if settings.database_url is None:
        raise ValueError("CALLBOARD_DATABASE_URL is not set")
    database = Database(
        settings.database_url.get_secret_value(),
        connections=settings.database_connections,
        variables=settings.session_variables,
    )
    metrics = Metrics()
    limits = _redis_limits(settings, metrics) if settings.redis_url else None
    node = Node(settings, database, MemoryBus(), metrics=metrics, limits=limits)
    if settings.redis_url is not None:
        node.bus = _redis_bus(settings, node)
        node.presence = RedisPresence(
            settings.redis_url.get_secret_value(), is_cluster=settings.redis_cluster
        )
    return node


def _redis_bus(settings: Settings, node: Node) -> Bus:
    assert settings.redis_url is not None  # noqa: S101 - asked before
    return RedisBus(
        settings.redis_url.get_secret_value(),
        node.id,
        is_cluster=settings.redis_cluster,
    )


def _redis_limits(settings: Settings, metrics: Metrics) -> Limits:
    assert settings.redis_url is not None  # noqa: S101 - asked before
    return RedisLimits(
        settings.redis_url.get_secret_value(),
        rates_of(settings),
        is_cluster=settings.redis_cluster,
        refused=metrics.count_rate_limited,
    )


def listen(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """
    Bind an address; `is_shared` lets other workers bind it too.

    Raises:
        CannotListen: With one sentence for whoever started the server.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only where the protocol is named; with it a
    # reply that follows an event would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotListen(_why(error, host, port)) from None
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program;"
            f" choose another one with --port {port + 1}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs root; choose one above 1023 with --port."
    return f"Cannot listen on {host}: {error.strerror}. Try --host 127.0.0.1."


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which gives a request limited time and room to arrive."""

    head_seconds = 10.0
    _timer: asyncio.TimerHandle | None = None
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for the first request only so long."""
        super().connection_made(transport)
        self._arm(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._arm(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head without end is refused."""
        super().data_received(data)
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._arm(self.head_seconds)
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Have the head; an upgrade leaves this protocol here."""
        self._is_in_head = False
        is_socket = self.parser.should_upgrade() and self._should_upgrade()
        is_upload = self.url.startswith(UPLOADS_PATH.encode())
        seconds = _UPLOAD_SECONDS if is_upload else _BODY_SECONDS
        self._arm(None if is_socket else seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Have the body."""
        self._arm(None)
        super().on_message_complete()

    def _arm(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self.transport.abort)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: they end the process before we are done."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


async def serve(
    node: Node,
    app: FastAPI,
    listener: socket.socket,
    *,
    ready: Callable[[], None] | None = None,
) -> None:
    """
    Serve an opened node until a signal comes, then drain.

    Closes neither the node nor the database; whoever opened them does.
    """
    doorkeeper, flusher = Doorkeeper(node.settings), Flusher()

    def new_client(**_uvicorn: object) -> Client:
        return Client(node, doorkeeper, flusher)

    protocol = type(
        "Http", (HttpProtocol,), {"head_seconds": node.settings.handshake_seconds}
    )
    config = uvicorn.Config(
        app,
        http=protocol,
        ws=cast("type[asyncio.Protocol]", new_client),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=node.settings.forwarded_allow_ips,
        timeout_graceful_shutdown=int(node.settings.drain_seconds) + 1,
    )
    server = _Uvicorn(config)
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task[None]] = []

    async def stop() -> None:
        await node.drain()
        server.should_exit = True

    def on_signal() -> None:
        if draining:
            server.force_exit = server.should_exit = True
            draining[0].cancel()
        else:
            draining.append(loop.create_task(stop()))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    if ready is not None:
        loop.call_soon(ready)
    try:
        await server.serve(sockets=[listener])
    finally:
        # A cancelled uvicorn goes on listening; whoever closes the socket then would
        # leave the loop with a descriptor that soon is another socket's.
        for each in server.servers:
            each.close()
    await asyncio.gather(*draining, return_exceptions=True)
