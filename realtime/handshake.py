"""What the opening handshake of a socket says: who comes, from where, since when."""

from collections.abc import Collection
from urllib.parse import unquote

from websockets.http11 import Request

PATH = "/v1/ws"
SUBPROTOCOL = "callboard.v1"
_BEARER = "bearer."


def token_of(request: Request) -> str | None:
    """Find the token in the header, else among the subprotocols; never in the URL."""
    for header in request.headers.get_all("Authorization"):
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
    for header in request.headers.get_all("Sec-WebSocket-Protocol"):
        for offered in header.split(","):
            if offered.strip().startswith(_BEARER):
                return offered.strip().removeprefix(_BEARER)
    return None


def cursor_of(query: str) -> str | None:
    """Find the cursor in the query."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "cursor" and value:
            return unquote(value)
    return None


def address_of(request: Request, peer: str, trusted: Collection[str]) -> str:
    """Give the address of who is there; a trusted proxy says it for others."""
    forwarded = request.headers.get_all("X-Forwarded-For")
    if forwarded and (peer in trusted or "*" in trusted):
        # The last one is what the proxy itself saw; the rest anybody can write.
        return forwarded[-1].rpartition(",")[2].strip()
    return peer
