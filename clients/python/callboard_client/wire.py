"""
Addresses, frames and refusals as they stand on the wire. No I/O.
"""

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from callboard_client.errors import ProtocolFault, Refused
from callboard_client.shapes import Json

__all__ = [
    "decode_frame",
    "encode_frame",
    "http_address",
    "milliseconds",
    "problem",
    "refusal",
    "socket_address",
]

SOCKET_PATH = "/v1/ws"
SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
FIRST_ERROR_STATUS = 400
LONGEST_WAIT_MS = 3_600_000
# Python reads no more than some thousands, and nobody means more than these.
MOST_DIGITS = 9
PASSING_STATUSES = frozenset({429, 502, 503, 504})
CODES_BY_STATUS = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    429: "rate_limited",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}


def socket_address(url: str, cursor: str | None = None) -> str:
    """
    Give the WebSocket address of a server named by its base address or by that.

    Raises:
        ValueError: The address is neither http(s) nor ws(s).
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"not an address of a server: {url!r}")
    path = parts.path.removesuffix(SOCKET_PATH).rstrip("/") + SOCKET_PATH
    query = urlencode({"cursor": cursor}) if cursor is not None else ""
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, path, query, ""))


def http_address(url: str) -> str:
    """
    Give the HTTP base address of a server named by that or by its WebSocket address.

    Raises:
        ValueError: The address is neither http(s) nor ws(s).
    """
    parts = urlsplit(socket_address(url))
    scheme = "https" if parts.scheme == "wss" else "http"
    path = parts.path.removesuffix(SOCKET_PATH)
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def encode_frame(frame: Mapping[str, Any]) -> str:
    """
    Write a frame as compact JSON.
    """
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def decode_frame(text: str | bytes) -> Json:
    """
    Read a frame of the server.

    Raises:
        ProtocolFault: It is not an object with a type.
    """
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolFault("the server sent a frame that is not JSON") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise ProtocolFault("the server sent a frame without a type")
    return cast("Json", frame)


def refusal(error: Mapping[str, Any]) -> Refused:
    """
    Read the `error` of a reply.
    """
    details = error.get("details")
    return Refused(
        str(error["code"]),
        str(error.get("message", "")),
        retry=error.get("retry") is True,
        retry_after_ms=milliseconds(error.get("retry_after_ms")),
        details=details if isinstance(details, dict) else None,
    )


def milliseconds(said: object) -> int | None:
    """
    Read how long the server wants one to wait: an hour at the most, whatever it says.

    What is no length of time asks for nothing.
    """
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    # Not so of NaN either.
    return int(min(said, LONGEST_WAIT_MS)) if said >= 0 else None


def problem(status: int, headers: Mapping[str, str], body: bytes) -> Refused:
    """
    Read an HTTP answer of 400 and above, problem document or not.

    A proxy's page of words becomes the code that belongs to its status.
    """
    document: Json = {}
    if "json" in headers.get("content-type", ""):
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            read = None
        document = read if isinstance(read, dict) else {}
    after_s = headers.get("retry-after", "")
    is_number = after_s.isdecimal() and len(after_s) <= MOST_DIGITS
    after_ms = int(after_s) * 1000 if is_number else None
    known = {"type", "title", "status", "detail", "code", "retry", "retry_after_ms"}
    details = document.get("details")
    return Refused(
        str(document.get("code") or CODES_BY_STATUS.get(status, "internal")),
        str(document.get("detail") or document.get("title") or f"HTTP status {status}"),
        retry=bool(document.get("retry", status in PASSING_STATUSES)),
        retry_after_ms=milliseconds(document.get("retry_after_ms", after_ms)),
        details=details
        if isinstance(details, dict)
        else {name: each for name, each in document.items() if name not in known},
        status=status,
    )
