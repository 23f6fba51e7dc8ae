"""The door for mail: listens, and ends what is going on before it closes."""

import asyncio
import logging
import socket

from realtime.intake.protocol import LmtpConnection, SmtpConnection
from realtime.intake.taking import Taker
from realtime.node import Node

log = logging.getLogger(__name__)

DEFAULT_PORT = 2525

# What a database takes to answer, or to be given up.
_CLOSE_SECONDS = 35.0


class Intake:
    """
    Takes mail for an opened node, between `open` and `close`.

    It relays nothing and sends no mail: what it does not take is refused at once.
    """

    def __init__(self, node: Node) -> None:
        settings = node.settings
        if settings.mail_domain is None:
            raise ValueError("CALLBOARD_MAIL_DOMAIN is not set.")
        self.taker = Taker(node)
        self.hostname = settings.mail_domain
        self.mail_bytes = settings.intake_bytes
        self.idle_seconds = settings.intake_seconds
        self.is_lmtp = settings.intake_protocol == "lmtp"
        self._limit = settings.intake_connections
        self._connections: set[SmtpConnection] = set()
        self._server: asyncio.Server | None = None
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    async def open(self, listener: socket.socket) -> None:
        """Begin to take mail at a bound address."""
        # It names who writes to whom.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
        kind = LmtpConnection if self.is_lmtp else SmtpConnection
        self._server = await asyncio.get_running_loop().create_server(
            lambda: kind(self), sock=listener
        )

    async def close(self) -> None:
        """Take no more, and finish what is being taken."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.finish()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._is_empty.wait()
        except TimeoutError:
            log.warning("mail cut off", extra={"connections": len(self._connections)})
            for connection in list(self._connections):
                connection.abort()
            await self._is_empty.wait()
        await self._server.wait_closed()
        self._server = None

    def enter(self, connection: SmtpConnection) -> bool:
        """Let a connection in; False where there is no room."""
        if len(self._connections) >= self._limit:
            return False
        self._connections.add(connection)
        self._is_empty.clear()
        return True

    def leave(self, connection: SmtpConnection) -> None:
        """Let a connection go."""
        self._connections.discard(connection)
        if not self._connections:
            self._is_empty.set()
