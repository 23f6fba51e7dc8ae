"""
What can go wrong between a client and its server, as types to catch.

`CallboardError` is the base of all of them.
"""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "CallboardError",
    "ClientClosed",
    "ConnectionLost",
    "ProtocolFault",
    "Refused",
    "TooManyPending",
    "comes_back",
]

# Our own frames were at fault: the same frames would end the next socket as well.
OWN_FAULTS = frozenset({1002, 1003, 1007, 1008, 1009})
FIRST_FINAL, LAST_FINAL = 4500, 4999


class CallboardError(Exception):
    """
    The base of everything this package raises on purpose.
    """


class Refused(CallboardError):
    """
    The server understood and said no.

    `code` is the stable code of the contract. `retry` says that the same thing
    may succeed later, not before `retry_after_ms` where that is given. `status`
    is the HTTP status, None on a socket.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        retry: bool = False,
        retry_after_ms: int | None = None,
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.retry = retry
        self.retry_after_ms = retry_after_ms
        self.details = dict(details or {})
        self.status = status


class ConnectionLost(CallboardError):
    """
    The socket closed; what was not answered is unknown, not undone.

    `code` is the close code, 1006 when the line went dead without one.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed with {code}" + (f": {reason}" if reason else ""))
        self.code = code
        self.reason = reason


class ClientClosed(CallboardError):
    """
    The client has ended for good; its `__cause__` says why, where there is a cause.
    """


class TooManyPending(CallboardError):
    """
    As many messages wait for their acknowledgement as the client was allowed.
    """


class ProtocolFault(CallboardError):
    """
    The server said something the contract does not know.
    """


def comes_back(code: int) -> bool:
    """
    Tell whether a close code invites the client to connect again.
    """
    return code not in OWN_FAULTS and not FIRST_FINAL <= code <= LAST_FINAL
