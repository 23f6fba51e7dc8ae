"""Addresses of people and of the server that takes mails, read and checked."""

import re
from dataclasses import dataclass, field
from typing import Literal, Self, get_args
from urllib.parse import parse_qs, unquote, urlsplit

StartTls = Literal["required", "opportunistic", "off"]

# RFC 5321, 4.5.3.1, in octets.
_LONGEST_LOCAL = 64
_LONGEST = 254

# The atoms of RFC 5322 and, by RFC 6531, anything beyond ASCII that is no space. What
# is quoted is let be: hardly anybody has such an address, and much breaks on them.
_LOCAL = re.compile(r"[^\s\"(),.:;<>@\[\\\]\x00-\x20\x7f-\xa0]+")
_LABEL = re.compile(r"(?!-)[\w\-]{1,63}(?<!-)", re.UNICODE)

_PORTS = {"smtp": 587, "smtps": 465}
_STARTTLS: dict[str, StartTls] = {each: each for each in get_args(StartTls)}


def is_mail_address(text: str) -> bool:
    """Tell whether something can be written to, in a header and on the wire."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not text.isprintable():
        return False
    if len(local.encode()) > _LONGEST_LOCAL or len(text.encode()) > _LONGEST:
        return False
    atoms = all(_LOCAL.fullmatch(atom) for atom in local.split("."))
    return atoms and all(_LABEL.fullmatch(label) for label in domain.split("."))


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """Where mails are handed over, and how the connection is secured."""

    host: str
    port: int
    is_tls: bool
    starttls: StartTls
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        Read smtp://user:password@host:587?starttls=required, or smtps://….

        Raises:
            ValueError: It is none; says why, without the URL.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("must be smtp://host or smtps://host") from None
        if parts.scheme not in _PORTS or not host or parts.path.strip("/"):
            raise ValueError("must be smtp://host or smtps://host")
        query = parse_qs(parts.query, keep_blank_values=True)
        asked = query.pop("starttls", ["required"])[-1]
        if query or parts.fragment:
            raise ValueError("may be followed by ?starttls=… only")
        starttls = _STARTTLS.get(asked)
        if starttls is None:
            raise ValueError("starttls must be required, opportunistic or off")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("needs both a user and a password, or neither")
        is_tls = parts.scheme == "smtps"
        if parts.password and not is_tls and starttls == "opportunistic":
            # Whoever stands in between would only have to hide STARTTLS to be told it.
            raise ValueError("must not leave to chance who reads the password")
        return cls(
            host,
            port or _PORTS[parts.scheme],
            is_tls,
            starttls,
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
        )


def ascii_domain(domain: str) -> str:
    """
    Write a domain as the wire has it: bücher.example is xn--bcher-kva.example.

    Raises:
        ValueError: No domain can be written so.
    """
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
