"""
Where a push may go: at a push service that is known, and nowhere else.

People name the address, so without this whoever registers a device could have the
server call whatever it can reach (server-side request forgery). Where a name leads is
looked at when it is called (`realtime/outgoing.py`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

# Longer than any that a push service makes.
ENDPOINT_CHARS = 2048

# What the browsers use. Others, such as servers of UnifiedPush, an operator adds.
PUSH_SERVICES = (
    "fcm.googleapis.com",
    "jmt17.google.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)

_PORTS = {"https": 443, "http": 80}
# A name has a dot and does not end in a number: all ways to write an IP address do,
# or have no dot.
_NAME = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*"
)
_PLAIN = re.compile(r"[!-\[\]-~]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    """
    One host, or with `*.` all below it.

    With a port it is exactly this service, wherever that is; without, it is to be
    reached as the rest of the world reaches it.
    """

    scheme: str
    host: str
    port: int
    is_exact: bool

    def matches(self, scheme: str, host: str, port: int) -> bool:
        if (scheme, port) != (self.scheme, self.port):
            return False
        if self.is_exact:
            return host == self.host
        if _NAME.fullmatch(host) is None:
            return False
        if self.host == "*":
            return True
        if self.host.startswith("*."):
            return host.endswith(self.host[1:])
        return host == self.host


@dataclass(frozen=True, slots=True)
class PushHosts:
    """The services to which pushes may go, as an operator lists them."""

    entries: tuple[_Entry, ...]

    @classmethod
    def parse(cls, written: Iterable[str]) -> Self:
        """
        Read `push.example`, `*.push.example`, `*`, `push.internal:8443`.

        An entry with a port may be an address and may be private; `http://` in front
        of one lets pushes to it go without TLS.

        Raises:
            ValueError: One is something else; it is named.
        """
        return cls(tuple(_read(entry.strip().lower()) for entry in written))

    def check(self, endpoint: str) -> None:
        """
        Let an endpoint pass that is at one of these services.

        Raises:
            ValueError: It is not, or is no plain URL; says why, without the address.
        """
        scheme, host, port = _parts(endpoint)
        if not any(entry.matches(scheme, host, port) for entry in self.entries):
            raise ValueError("is not at a push service that this server knows")

    @property
    def exempt(self) -> Sequence[str]:
        """Name what may be anywhere, for the operator has named it with its port."""
        return [
            f"{_bracketed(entry.host)}:{entry.port}"
            for entry in self.entries
            if entry.is_exact
        ]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _parts(endpoint: str) -> tuple[str, str, int]:
    """Take a URL apart that every program takes apart in the same way."""
    if len(endpoint) > ENDPOINT_CHARS or not _PLAIN.fullmatch(endpoint):
        raise ValueError("must be a URL of at most 2048 plain characters")
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if parts.scheme not in _PORTS or not host:
        raise ValueError("must be an https URL")
    shown = _bracketed(host)
    if parts.netloc.lower() != (shown if port is None else f"{shown}:{port}"):
        raise ValueError("must be a URL without credentials")
    if "#" in endpoint:
        raise ValueError("must be a URL without a fragment")
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


def _read(entry: str) -> _Entry:
    wrong = ValueError(f"{entry!r} is not a host such as push.example or push.lan:8443")
    scheme, separator, rest = entry.rpartition("://")
    scheme = scheme if separator else "https"
    if scheme not in _PORTS or not rest or set(rest) & set("/?#@\\ "):
        raise wrong
    name, colon, digits = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        if scheme != "https" or not _NAME.fullmatch(rest.removeprefix("*.")):
            if rest == "*" and scheme == "https":
                return _Entry(scheme, "*", _PORTS[scheme], is_exact=False)
            raise wrong
        return _Entry(scheme, rest, _PORTS[scheme], is_exact=False)
    host = name.removeprefix("[").removesuffix("]")
    if not digits.isdecimal() or not 0 < int(digits) < 65_536 or not host:  # noqa: PLR2004
        raise wrong
    if "*" in host:
        raise wrong
    return _Entry(scheme, host, int(digits), is_exact=True)
