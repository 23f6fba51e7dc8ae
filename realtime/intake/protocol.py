"""
One connection that brings mail, over SMTP (RFC 5321) or LMTP (RFC 2033).

aiosmtpd speaks; here stand the bounds it lacks, and no line of its log is kept, because
it writes addresses into it.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import AnyStr, Protocol, cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from realtime.errors import Problem
from realtime.intake import answers
from realtime.intake.taking import Taker
from storage.errors import Busy

log = logging.getLogger(__name__)

# A signed address has 100 characters; parameters and a long domain fit as well.
COMMAND_BYTES = 1024
# Mails with lines beyond RFC 5321's 998 are many, and do no harm.
LINE_BYTES = 16_384
RECIPIENTS = 20
# Of each command in one connection; MAIL, RCPT and DATA are what a busy server says.
COMMANDS = {"*": 20, "MAIL": 1000, "RCPT": 2000, "DATA": 1000, "RSET": 1000}
# Beyond its largest mail a connection may send this much before it is cut: what is too
# large is read to its end, so that the other side hears why, but not for ever.
_EXCESS_BYTES = 8_388_608

_GOODBYE = b"421 4.3.2 The server stops; come again.\r\n"
_FULL = b"421 4.3.2 Too many connections; come again later.\r\n"
_CUT = b"552 5.3.4 The mail is too large.\r\n"


class Doors(Protocol):
    """What connections share: who is in, and what they are told to."""

    taker: Taker
    hostname: str
    mail_bytes: int
    idle_seconds: float
    is_lmtp: bool

    def enter(self, connection: "SmtpConnection") -> bool:
        """Let a connection in; False where there is no room."""

    def leave(self, connection: "SmtpConnection") -> None:
        """Let a connection go."""


class _CommandSizes(dict[str, int]):
    """The lengths of commands; keeps nothing of those that somebody made up."""

    def __missing__(self, command: str) -> int:
        return COMMAND_BYTES


class Handler:
    """What aiosmtpd asks when a mail is brought."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: "SmtpConnection",
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take addresses of ours, and no other: nothing is carried on to anybody."""
        if len(envelope.rcpt_tos) >= (RECIPIENTS if self._doors.is_lmtp else 1):
            # SMTP has one answer for all, so each is answered by itself.
            return answers.TOO_MANY if self._doors.is_lmtp else answers.ONE_AT_A_TIME
        try:
            if await self._doors.taker.read_address(address) is None:
                return answers.NO_SUCH_ADDRESS
        except (Problem, Busy):
            return answers.LATER
        envelope.rcpt_tos.append(address)
        return answers.WELCOME

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: "SmtpConnection", session: Session, envelope: Envelope
    ) -> str:
        """Take the mail for each of its recipients; LMTP hears of each."""
        data = cast("bytes", envelope.content)
        sender = envelope.mail_from or ""
        take = self._doors.taker.take
        with server.being_busy():
            said = [await take(address, sender, data) for address in envelope.rcpt_tos]
        return "\r\n".join(said)

    async def handle_exception(self, error: Exception) -> str:
        """Log what went wrong, and have the mail brought again."""
        log.error("mail session failed", exc_info=error)
        return answers.LATER


class SmtpConnection(SMTP):
    """A connection over SMTP."""

    def __init__(self, doors: Doors) -> None:
        super().__init__(
            Handler(doors),
            data_size_limit=doors.mail_bytes,
            enable_SMTPUTF8=True,
            hostname=doors.hostname,
            ident="Callboard",
            timeout=doors.idle_seconds,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            command_call_limit=COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self.command_size_limits = _CommandSizes()
        self._doors = doors
        self._is_in = False
        self._is_busy = False
        self._is_ending = False
        self._received = 0

    @contextmanager
    def being_busy(self) -> Iterator[None]:
        """Be let finish what is done inside."""
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    def finish(self) -> None:
        """Say goodbye, after the answer to a mail that is being taken."""
        self._is_ending = True
        if not self._is_busy:
            self._end(_GOODBYE)

    def abort(self) -> None:
        """Hang up."""
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    async def push(self, status: AnyStr) -> None:
        """Answer."""
        await super().push(status)
        if self._is_ending and not self._is_busy:
            self._end(_GOODBYE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if there is room."""
        self._is_in = self._doors.enter(self)
        if self._is_in:
            super().connection_made(transport)
        else:
            writing = cast("asyncio.Transport", transport)
            writing.write(_FULL)
            writing.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes, of each mail so many."""
        self._received += len(data)
        if not self._is_in:
            return
        if self._received > self._doors.mail_bytes + _EXCESS_BYTES:
            self._is_in = False
            self._end(_CUT)
            return
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """Hear that no more comes."""
        return super().eof_received() if self._is_in else False

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if self._handler_coroutine is not None:
            super().connection_lost(error)
            self._doors.leave(self)

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self._received = 0

    def _end(self, said: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            cast("asyncio.Transport", self.transport).write(said)
            self.transport.close()


class LmtpConnection(SmtpConnection, LMTP):
    """A connection over LMTP, which answers for each recipient."""
