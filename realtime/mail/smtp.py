"""
Connections to the server that takes mails: few, used again, and never waited for long.

The steps of a transaction are taken one by one, because what a refusal means depends
on which of them it answers (RFC 5321, 4.2 and 4.5.4).
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from realtime.mail.addresses import SmtpAddress

_CONNECT_SECONDS = 10.0
# After the final dot servers look through the mail; less than the whole.
_COMMAND_SECONDS = 20.0
WHOLE_SECONDS = 45.0
# To a library that takes none for no limit.
_LEAST_SECONDS = 0.01
# Servers close after five minutes (RFC 5321, 4.5.3.2.7), many much sooner.
_IDLE_SECONDS = 20.0
# So many mails over one connection: some servers take no more.
_MAILS = 50

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_QUEUE_IDS = (
    re.compile(r"queued as <?([^\s<>;]+)", re.IGNORECASE),
    re.compile(r"\bid=([^\s<>;]+)"),
)
_ID_CHARS = 200

Step = Literal["connect", "login", "sender", "recipient", "data"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """From where, to whom, and as what it is known in reports (RFC 3461)."""

    sender: str
    recipient: str
    id: str
    # Reports are only asked for where somebody takes them in.
    wants_reports: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """The server took it, and calls it so."""

    queue_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """
    The server answered no, or did not answer: `code` is 0 then.

    `status` is the enhanced code of RFC 3463, `answer` what it said, which is for the
    log of mails only: it may repeat addresses.
    """

    step: Step
    code: int
    status: str | None
    answer: str

    @property
    def reason(self) -> str:
        """Say what happened in one word, without what the server wrote."""
        if not self.code:
            return f"smtp_{self.step}_lost"
        return "_".join(
            ["smtp", str(self.code), *([self.status] if self.status else [])]
        )


class SmtpPool:
    """
    Hands mails over, at most so many at a time.

    Guarantees: `hand_over` answers within `WHOLE_SECONDS` and raises nothing for what
    the server does; certificates are verified wherever there is TLS.
    """

    def __init__(
        self,
        address: SmtpAddress,
        *,
        connections: int,
        ca_file: Path | None = None,
        local_hostname: str,
    ) -> None:
        self._address = address
        self._free = asyncio.Semaphore(connections)
        self._idle: deque[_Connection] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._local_hostname = local_hostname

    async def hand_over(self, mail: bytes, envelope: Envelope) -> Taken | Refused:
        """Try once; what is lost at the step `data` may have been taken or not."""
        attempt = _Attempt(asyncio.get_running_loop().time() + WHOLE_SECONDS)
        try:
            async with asyncio.timeout_at(attempt.until), self._free:
                return await self._hand_over(mail, envelope, attempt)
        except SMTPAuthenticationError as error:
            return _refused("login", error.code, error.message)
        except SMTPResponseException as error:
            return _refused(attempt.step, error.code, error.message)
        except (SMTPException, OSError, ssl.SSLError) as error:
            # The class says enough; a text may hold what was sent.
            return Refused(attempt.step, 0, None, type(error).__name__)

    async def close(self) -> None:
        """Say goodbye on all connections that nobody uses."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        while self._idle:
            await self._idle.popleft().quit()

    async def _hand_over(
        self, mail: bytes, envelope: Envelope, attempt: "_Attempt"
    ) -> Taken | Refused:
        async with self._connection(attempt) as connection:
            smtp = connection.smtp
            is_utf8 = not envelope.recipient.isascii()
            if is_utf8 and not smtp.supports_extension("smtputf8"):
                return Refused("recipient", 553, "5.6.7", "no SMTPUTF8 there")
            options, to = _options(smtp, envelope, len(mail), is_utf8=is_utf8)
            encoding = "utf-8" if is_utf8 else "ascii"
            try:
                attempt.take(smtp, "sender")
                await smtp.mail(envelope.sender, options=options, encoding=encoding)
                attempt.take(smtp, "recipient")
                await smtp.rcpt(envelope.recipient, options=to, encoding=encoding)
                attempt.take(smtp, "data")
                answer = await smtp.data(mail)
            except (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError):
                # It said no and is still there: the next may have better luck.
                connection.is_good = await connection.answers(smtp.rset)
                raise
            connection.is_good = True
            return Taken(_queue_id(answer.message))

    @asynccontextmanager
    async def _connection(self, attempt: "_Attempt") -> AsyncIterator["_Connection"]:
        connection = await self._reused() or await self._opened(attempt)
        connection.is_good = False
        try:
            yield connection
        finally:
            connection.mails += 1
            if connection.is_good and connection.mails < _MAILS:
                self._keep(connection)
            else:
                connection.smtp.close()

    async def _reused(self) -> "_Connection | None":
        """Find a connection that is still alive, the last one used first."""
        while self._idle:
            connection = self._idle.pop()
            if await connection.answers(connection.smtp.noop):
                return connection
            connection.smtp.close()
        return None

    def _keep(self, connection: "_Connection") -> None:
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_IDLE_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        """Close what nobody has used for long enough; the oldest stand first."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        while self._idle:
            closes_at = self._idle[0].idle_since + _IDLE_SECONDS
            if closes_at > loop.time():
                self._sweep = loop.call_at(closes_at, self._close_idle)
                return
            self._idle.popleft().smtp.close()

    async def _opened(self, attempt: "_Attempt") -> "_Connection":
        starttls = {"required": True, "opportunistic": None, "off": False}
        smtp = SMTP(
            hostname=self._address.host,
            port=self._address.port,
            use_tls=self._address.is_tls,
            start_tls=False
            if self._address.is_tls
            else starttls[self._address.starttls],
            tls_context=self._tls,
            timeout=attempt.seconds(),
            local_hostname=self._local_hostname,
        )
        try:
            await smtp.connect(timeout=min(_CONNECT_SECONDS, attempt.seconds()))
            if self._address.user is not None and self._address.password is not None:
                attempt.take(smtp, "login")
                await smtp.login(self._address.user, self._address.password)
            elif smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return _Connection(smtp)


@dataclass
class _Attempt:
    """
    How far a mail has come, and until when it may take.

    Each command has what is left of that as its own limit: a cancellation that comes
    in the moment of an answer is lost in Python 3.11 (`asyncio.wait_for`).
    """

    until: float
    step: Step = "connect"

    def take(self, smtp: SMTP, step: Step) -> None:
        """Begin a step."""
        self.step = step
        smtp.timeout = self.seconds()

    def seconds(self) -> float:
        """Give what the next command may take."""
        left = self.until - asyncio.get_running_loop().time()
        return max(min(left, _COMMAND_SECONDS), _LEAST_SECONDS)


class _Connection:
    """One connection, and what is known of it."""

    def __init__(self, smtp: SMTP) -> None:
        self.smtp = smtp
        self.mails = 0
        self.idle_since = 0.0
        self.is_good = False

    async def answers(self, ask: Callable[..., Awaitable[object]]) -> bool:
        """Tell whether it is still there and at the beginning of a mail."""
        try:
            await ask(timeout=_CONNECT_SECONDS)
        except (SMTPException, OSError):
            return False
        return True

    async def quit(self) -> None:
        """Say goodbye; it is closed whatever comes back."""
        try:
            await self.smtp.quit(timeout=1)
        except (SMTPException, OSError):
            self.smtp.close()


def _options(
    smtp: SMTP, envelope: Envelope, size: int, *, is_utf8: bool
) -> tuple[list[str], list[str]]:
    mail, recipient = [], []
    if smtp.supports_extension("size"):
        mail.append(f"SIZE={size}")
    if is_utf8:
        mail += ["BODY=8BITMIME", "SMTPUTF8"]
    if envelope.wants_reports and smtp.supports_extension("dsn"):
        mail += ["RET=HDRS", f"ENVID={envelope.id}"]
        recipient.append("NOTIFY=FAILURE,DELAY")
    return mail, recipient


def _refused(step: Step, code: int, message: str) -> Refused:
    found = _ENHANCED.search(message)
    return Refused(
        step,
        # What made no sense is no answer.
        max(code, 0),
        found[1] if found else None,
        " ".join(message.split())[:_ID_CHARS],
    )


def _queue_id(answer: str) -> str | None:
    """Read what the server calls the mail; each has its own way to say it."""
    for pattern in _QUEUE_IDS:
        if found := pattern.search(answer):
            return found[1][:_ID_CHARS]
    told = _ENHANCED.sub("", answer).strip()
    return " ".join(told.split())[:_ID_CHARS] or None
