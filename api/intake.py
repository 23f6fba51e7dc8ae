"""`callboard intake`: takes mail that comes in, until a signal comes."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.readiness import wait_for_database
from api.refusals import CannotRun
from api.server import listen
from api.serving import opened, run, start_listening
from realtime.intake.server import DEFAULT_PORT, Intake
from realtime.node import Node
from realtime.settings import Settings

log = logging.getLogger(__name__)


def take_mail(settings: Settings) -> None:
    """
    Take mail until SIGINT or SIGTERM; what is being taken is finished.

    Raises:
        CannotListen: The address is taken, or not this machine's.
        CannotRun, Unusable: A setting is missing, or the database is not as it must be.
    """
    if settings.mail_domain is None:
        raise CannotRun(
            "CALLBOARD_MAIL_DOMAIN is not set: it names the domain whose mail comes in."
        )
    with listen_for_mail(settings) as listener:
        run(_take_until_signal(settings, listener))


def listen_for_mail(settings: Settings) -> socket.socket:
    """
    Bind the address at which mail comes in.

    Raises:
        CannotListen: It is taken, or not this machine's.
    """
    return listen(settings.intake_host, intake_port(settings))


def intake_port(settings: Settings) -> int:
    """Give the port at which mail comes in."""
    return DEFAULT_PORT if settings.intake_port is None else settings.intake_port


@asynccontextmanager
async def taking_mail(node: Node, listener: socket.socket) -> AsyncIterator[None]:
    """Take mail for an opened node inside the block."""
    intake = Intake(node)
    start_listening(listener)
    await intake.open(listener)
    host, port = listener.getsockname()[:2]
    log.info("taking mail", extra={"host": host, "port": port})
    try:
        yield
    finally:
        await intake.close()


async def take_mail_beside(node: Node, listener: socket.socket) -> None:
    """Take mail for a node that does more, until this is cancelled."""
    with listener:
        async with taking_mail(node, listener):
            await asyncio.Event().wait()


async def _take_until_signal(settings: Settings, listener: socket.socket) -> None:
    await wait_for_database(settings)
    is_told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, is_told_to_stop.set)
    # A node without sockets: it sends what answers say, and tells the other nodes.
    async with opened(settings) as node, taking_mail(node, listener):
        await is_told_to_stop.wait()
