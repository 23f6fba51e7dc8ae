"""One server process from settings to the last committed message."""

import asyncio
import errno
import gc
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop
from fastapi import FastAPI

from api.app import create_app
from api.readiness import database_url, wait_for_database
from api.refusals import CannotRun
from api.server import CannotListen, build_node, listen, serve
from realtime.node import Node
from realtime.settings import Settings
from storage.checkup import explained

log = logging.getLogger(__name__)

T = TypeVar("T")

_BACKLOG = 4096

# Reference counts free nearly all that a command leaves behind. At the default of 700
# the search for the rest took a fifth of the time of a server under load.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop, which is what everything here was measured on."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Node]:
    """
    Open a node, and close it whatever happens.

    Raises:
        CannotRun: A setting that only the parts can judge is unfit.
        Unusable: The database or Redis went away in this moment.
    """
    dsn = database_url(settings)
    try:
        node = build_node(settings)
    except ValueError as error:
        raise CannotRun(f"{error} Correct the settings.") from None
    try:
        with explained(dsn):
            await node.open()
        yield node
    finally:
        await node.close()


async def serve_until_signal(
    settings: Settings,
    listener: socket.socket,
    *,
    prepare: Callable[[Node, FastAPI], Awaitable[None]] | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """
    Serve on a bound address until a signal comes, and drain.

    `prepare` is given the node and its application before anybody can reach them,
    `ready` is called when everybody can.

    Raises:
        CannotListen: Somebody took the address meanwhile.
        CannotRun, Unusable: As `opened` and `wait_for_database`.
    """
    await wait_for_database(settings)
    async with opened(settings) as node:
        app = create_app(node)
        if prepare is not None:
            await prepare(node, app)
        start_listening(listener)
        # What is here now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        await serve(node, app, listener, ready=ready)


def start_listening(listener: socket.socket) -> None:
    """
    Let connections come; binding alone does not keep others off the port.

    Raises:
        CannotListen: Somebody else was faster.
    """
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        port = listener.getsockname()[1]
        raise CannotListen(
            f"Port {port} is taken by another program;"
            f" choose another one with --port {port + 1}."
        ) from None


def serve_alone(settings: Settings, *, is_shared: bool = False) -> None:
    """Serve in this process; `is_shared` is for one of several workers."""
    with listen(settings.host, settings.port, is_shared=is_shared) as listener:

        def announce() -> None:
            log.info("listening", extra={"address": address_of(listener)})

        run(serve_until_signal(settings, listener, ready=announce))


def address_of(listener: socket.socket) -> str:
    """Give the URL at which a browser on this machine finds a listener."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104 - as above
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
