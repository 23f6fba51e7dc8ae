"""
Every refusal that a client can be told.

One base, `Problem`; its subclasses carry the stable `code` of the contract, the HTTP
`status`, the `close` code of a socket that cannot go on, and `retry`: whether the same
call may succeed later unchanged. The first line of a docstring is what people read.
Rendered in two places only: `realtime/incoming.py` and `api/errors.py`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Problem(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    close: ClassVar[int | None] = None
    retry: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_ms: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        doc = type(self).__doc__ or ""
        self.detail = detail or doc.strip().splitlines()[0]
        self.retry_after_ms = retry_after_ms
        self.details = dict(details or {})
        super().__init__(self.detail)


class Internal(Problem):
    """The server failed; it has been logged."""


class Invalid(Problem):
    """The request is not what the contract says."""

    code = "invalid"
    status = 422


class Unauthenticated(Problem):
    """The token or key is missing, wrong, expired or revoked."""

    code = "unauthenticated"
    status = 401
    close = 4500


class Forbidden(Problem):
    """This is not yours to do."""

    code = "forbidden"
    status = 403


class NotFound(Problem):
    """There is nothing here that you may see."""

    code = "not_found"
    status = 404


class NotConnected(Problem):
    """You are not connected with this person."""

    code = "not_connected"
    status = 403


class NotAParticipant(Problem):
    """You are not in this conversation any more."""

    code = "not_a_participant"
    status = 403


class Blocked(Problem):
    """One of you has blocked the other."""

    code = "blocked"
    status = 403


class ConversationArchived(Problem):
    """This conversation is archived; nobody can write in it."""

    code = "conversation_archived"
    status = 403


class ConversationBlocked(Problem):
    """This conversation is blocked; nobody can write in it."""

    code = "conversation_blocked"
    status = 403


class GigClosed(Problem):
    """The gig is closed, so nobody can write in its conversation."""

    code = "gig_closed"
    status = 403


class Suspended(Problem):
    """The account is suspended."""

    code = "suspended"
    status = 403
    close = 4501


class AlreadyConnected(Problem):
    """You are connected already."""

    code = "already_connected"
    status = 409


class AlreadyRequested(Problem):
    """There is a connection request between you already."""

    code = "already_requested"
    status = 409


class Conflict(Problem):
    """This contradicts what is stored already."""

    code = "conflict"
    status = 409


class TooLarge(Problem):
    """This is larger than the server takes."""

    code = "too_large"
    status = 413


class RateLimited(Problem):
    """Too much in too short a time."""

    code = "rate_limited"
    status = 429
    retry = True


class Unavailable(Problem):
    """The server cannot answer now; try again."""

    code = "unavailable"
    status = 503
    retry = True


REFUSALS: tuple[type[Problem], ...] = (
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    NotConnected,
    NotAParticipant,
    Blocked,
    ConversationArchived,
    ConversationBlocked,
    GigClosed,
    Suspended,
    AlreadyConnected,
    AlreadyRequested,
    Conflict,
    TooLarge,
    RateLimited,
    Unavailable,
    Internal,
)

# A ledger reason is the code of the refusal.
BY_CODE: Mapping[str, type[Problem]] = {kind.code: kind for kind in REFUSALS}
