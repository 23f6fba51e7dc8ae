"""A mail server to hand mails over to, which can be in every mood."""

import asyncio
import ssl
import warnings
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

USER, PASSWORD = "board", "a secret: of/these@tests"

# Hangs up instead of an answer, or says nothing at all.
Silence = Literal["hang up", "say nothing"]


@dataclass
class Received:
    """A mail that was taken, or would have been."""

    sender: str
    recipient: str
    options: list[str]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        """The mail as a mail program reads it."""
        read = message_from_bytes(self.raw, policy=default)
        assert isinstance(read, EmailMessage)
        return read


@dataclass
class FarSide:
    """What the server has been given, and what it answers next to whom."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    # For each the next answers; then it is content.
    to_sender: deque[str] = field(default_factory=deque)
    to_recipient: deque[str | Silence] = field(default_factory=deque)
    to_data: deque[str | Silence] = field(default_factory=deque)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    # What aiosmtpd calls these is given.
    async def handle_MAIL(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a sender, or not."""
        if self.to_sender:
            return self.to_sender.popleft()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient, or not."""
        self.heard.set()
        if self.to_recipient:
            return await self._said(server, self.to_recipient.popleft())
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, or not."""
        assert envelope.mail_from is not None
        assert isinstance(envelope.original_content, bytes)
        self.received.append(
            Received(
                envelope.mail_from,
                envelope.rcpt_tos[0],
                [*envelope.mail_options, *envelope.rcpt_options],
                envelope.original_content,
            )
        )
        if self.to_data:
            return await self._said(server, self.to_data.popleft())
        return f"250 2.0.0 Ok: queued as 4F{len(self.received)}A"

    async def _said(self, server: SMTP, answer: str) -> str:
        if answer == "hang up":
            _abort(server)
        if answer in ("hang up", "say nothing"):
            await asyncio.Event().wait()
        return answer


@asynccontextmanager
async def smtp_server(
    *,
    tls: ssl.SSLContext | None = None,
    is_tls: bool = False,
    wants_login: bool = False,
    takes_utf8: bool = True,
) -> AsyncIterator[FarSide]:
    """Run a server: `tls` is offered by STARTTLS, or spoken from the start."""
    far_side = FarSide()
    servers: list[SMTP] = []

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        is_right = data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)

    def build() -> SMTP:
        far_side.connections += 1
        with warnings.catch_warnings():
            # A login over TLS from the start is none without it, as it believes.
            warnings.simplefilter("ignore", UserWarning)
            server = SMTP(
                far_side,
                hostname="far.example",
                tls_context=None if is_tls else tls,
                require_starttls=tls is not None and not is_tls,
                auth_required=wants_login,
                auth_require_tls=False,
                authenticator=authenticate,
                enable_SMTPUTF8=takes_utf8,
                loop=asyncio.get_running_loop(),
            )
        servers.append(server)
        return server

    listening = await asyncio.get_running_loop().create_server(
        build, "127.0.0.1", 0, ssl=tls if is_tls else None
    )
    far_side.port = listening.sockets[0].getsockname()[1]
    try:
        yield far_side
    finally:
        listening.close()
        for server in servers:
            _abort(server)
            if (task := server._handler_coroutine) is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await listening.wait_closed()


def _abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for this machine: the server's side, and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far.example")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, whole = folder / "ca.pem", folder / "server.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    whole.write_bytes(private + trusted.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(whole)
    return context, trusted
