"""
Calls to addresses that others have chosen: webhooks and push endpoints.

Whoever may name an address must not thereby reach what only this machine can reach
(server-side request forgery): every address that a name leads to has to be public, and
the connection goes to the very addresses that were looked at, so that a name cannot
lead elsewhere a moment later. Redirects are not followed, and no proxy of the
environment is used. An operator's list names the hosts of their own that are exempt.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

# Another address is tried when the first does not answer, but not a hundred.
_ADDRESSES = 3
_URL_CHARS = 2048

# RFC 6052: addresses of IPv4 behind a translator; the local ones are somebody's own.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    # Deprecated, yet some networks still use them within (RFC 3879).
    ipaddress.IPv6Network("fec0::/10"),
    # RFC 6890 and 9637; the standard library knows parts of them.
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv6Network("3fff::/20"),
    # Public by number, but it answers as a platform's own agent inside its machines.
    ipaddress.IPv4Network("168.63.129.16/32"),
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(httpx.ConnectError):
    """The name leads to an address that is not public; nothing was sent."""


def is_public(address: str) -> bool:
    """
    Tell whether an IP address is one of the whole internet.

    Of an IPv6 address that stands for one of IPv4, that one has to be public.
    """
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.teredo is not None:
            return False
        if found in _NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    if any(found in network for network in _NOT_PUBLIC):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


class Hosts:
    """The hosts that an operator has exempted: `host`, or `host:port` for one port."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(each.lower() for each in allowed)

    def has(self, host: str, port: int) -> bool:
        """Tell whether a host may be anywhere, at this port."""
        host = host.lower().rstrip(".")
        written = f"[{host}]" if ":" in host else host
        return not self._allowed.isdisjoint({host, written, f"{written}:{port}"})

    def check(self, url: str) -> None:
        """
        Look at a URL before it is kept; where it leads is looked at when it is called.

        Raises:
            ValueError: It is not https (http is for exempted hosts), names an address
                that is not public, or has a user, a password or a fragment.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            read = httpx.URL(url)
        except (ValueError, httpx.InvalidURL):
            raise ValueError("must be a URL") from None
        if parts.scheme not in {"http", "https"} or not host or len(url) > _URL_CHARS:
            raise ValueError("must be an https URL")
        if read.host.lower() != host.lower() or not url.isprintable() or " " in url:
            raise ValueError("must be a URL that everybody reads alike")
        if parts.username or parts.password or "#" in url or "\\" in url:
            raise ValueError("must have no user, password or fragment")
        if port == 0:
            raise ValueError("must have a port that exists")
        if self.has(host, port or (443 if parts.scheme == "https" else 80)):
            return
        if parts.scheme != "https":
            raise ValueError("must begin with https://")
        if _is_address(host) and not is_public(host):
            raise ValueError("must lead to a public address")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, and to whatever the operator has exempted."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """
        Look a name up, look at all its addresses, and connect to one of them.

        Raises:
            NotPublic: One of them is not public.
            httpcore.ConnectError: There is none, or none answers.
            httpcore.ConnectTimeout: That took too long.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await _addresses_of(host, port)
                if not self._hosts.has(host, port) and not all(
                    is_public(address) for address in addresses
                ):
                    raise NotPublic("the name leads to an address that is not public")
                for address in addresses[:-1]:
                    try:
                        return await self._backend.connect_tcp(
                            address, port, None, local_address, socket_options
                        )
                    except httpcore.ConnectError:
                        continue
                return await self._backend.connect_tcp(
                    addresses[-1], port, None, local_address, socket_options
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool asks."""
        await self._backend.sleep(seconds)


async def _addresses_of(host: str, port: int) -> list[str]:
    """
    Look a name up; gives a few addresses, at least one.

    Raises:
        httpcore.ConnectError: The name leads nowhere.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("the name leads nowhere") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not addresses:
        raise httpcore.ConnectError("the name leads nowhere")
    # All are looked at, few are tried.
    private = [address for address in addresses if not is_public(address)]
    return (private + [each for each in addresses if each not in private])[:_ADDRESSES]


class _Body(httpx.AsyncByteStream):
    """The body of a response, in httpx's words."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - httpcore's, untyped
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_words_of_httpx():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class PublicTransport(httpx.AsyncBaseTransport):
    """
    Carries requests of an httpx client to public addresses only.

    It has a connection pool of its own instead of httpx's, which cannot be given
    another way to connect.
    """

    def __init__(
        self, hosts: Hosts, *, connections: int, keep: int, http2: bool = False
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=keep,
            keepalive_expiry=30.0,
            http2=http2,
            network_backend=_PublicOnly(hosts),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send one request.

        Raises:
            NotPublic: Its host leads to an address that is not public.
            httpx.TransportError: It did not arrive, or nothing came back.
        """
        with _in_words_of_httpx():
            answer = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._pool.aclose()


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    """Turn the pool's exceptions into httpx's, which have the same names."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error


def public_client(
    allowed: Collection[str],
    *,
    timeout: httpx.Timeout,
    connections: int = 100,
    keep: int = 20,
    http2: bool = False,
) -> httpx.AsyncClient:
    """
    Make a client for addresses that others have chosen.

    `allowed` are the hosts of the operator's own that are exempt, `host[:port]`.
    """
    return httpx.AsyncClient(
        transport=PublicTransport(
            Hosts(allowed), connections=connections, keep=keep, http2=http2
        ),
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
    )
