"""What calls ask of a request: who is there, which page they want, the node."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from realtime.actor import Actor, Platform
from realtime.auth import FULL_SCOPE, KEY_PREFIX
from realtime.errors import Forbidden, Invalid, Unauthenticated
from realtime.node import Node

# Methods by which people change what is there; what they POST has limits of its own.
CHANGING = frozenset({"PUT", "PATCH", "DELETE"})

LARGEST_PAGE = 200
# A UUID in its longest form, and a comma.
ID_CHARS = 46
_NEXT_CHARS = 500

_user_token = HTTPBearer(
    scheme_name="UserToken",
    bearerFormat="JWT",
    description="A token that the platform's identity provider issued to a person.",
    auto_error=False,
)
_api_key = HTTPBearer(
    scheme_name="ApiKey",
    bearerFormat="cbk_…",
    description="An API key of a platform's backend (`callboard keys create`).",
    auto_error=False,
)
Credentials = HTTPAuthorizationCredentials | None


def _node(request: Request) -> Node:
    node = request.app.state.node
    assert isinstance(node, Node)  # noqa: S101 - `create_app` put it there
    return node


ANode = Annotated[Node, Depends(_node)]


async def _actor(
    request: Request,
    node: ANode,
    credentials: Annotated[Credentials, Security(_user_token)],
) -> Actor:
    """
    Let a person in, who changes things as often as the limits allow.

    A good key is told that it is the wrong thing.
    """
    token = _bearer(credentials)
    if token.startswith(KEY_PREFIX):
        await node.authenticator.platform(token)
        raise Forbidden("This call takes a person's token, not an API key.")
    actor = (await node.authenticator.user(token)).actor
    if request.method in CHANGING:
        await node.limits.check("changes", actor.user_id)
    return actor


AnActor = Annotated[Actor, Depends(_actor)]


async def _changing_actor(node: ANode, actor: AnActor) -> Actor:
    """Let a person in to a change that is none by its method."""
    await node.limits.check("changes", actor.user_id)
    return actor


AChangingActor = Annotated[Actor, Depends(_changing_actor)]


def platform_with(scope: str) -> Callable[..., Any]:
    """Make a dependency that lets a backend in whose key has a scope."""

    async def platform(
        node: ANode, credentials: Annotated[Credentials, Security(_api_key)]
    ) -> Platform:
        key = _bearer(credentials)
        if not key.startswith(KEY_PREFIX):
            await node.authenticator.user(key)
            raise Forbidden("This call takes an API key, not a person's token.")
        found = await node.authenticator.platform(key)
        if found.scopes.isdisjoint({scope, FULL_SCOPE}):
            raise Forbidden(f"The API key has not the scope {scope}.")
        return found

    return platform


def _bearer(credentials: Credentials) -> str:
    if credentials is None or not credentials.credentials.strip():
        raise Unauthenticated("Send Authorization: Bearer, then a token or key.")
    return credentials.credentials.strip()


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is wanted: at most `limit`, from where `next` says."""

    limit: int
    next: str | None

    def position(self, *readers: Callable[[str], Any]) -> Sequence[Any] | None:
        """
        Read the position that an earlier page gave; None for the first page.

        Raises:
            Invalid: Nobody was ever given this.
        """
        if self.next is None:
            return None
        try:
            parts = _texts(self.next)
            return [reader(part) for reader, part in zip(readers, parts, strict=True)]
        except (ValueError, OverflowError):
            raise Invalid("next: this is no page that a list has given.") from None


def read_ids(name: str, texts: Sequence[str], at_most: int) -> list[UUID]:
    """
    Read the ids that a parameter has, between commas or each by itself.

    Raises:
        Invalid: They are no UUIDs, or too many.
    """
    parts = [part.strip() for text in texts for part in text.split(",")]
    try:
        ids = [UUID(part) for part in parts if part]
    except ValueError:
        raise Invalid(f"{name}: these are not all UUIDs.") from None
    if len(ids) > at_most:
        raise Invalid(f"{name}: at most {at_most} at a time.")
    return ids


def next_page(*parts: object) -> str:
    """Write a position so that nobody is tempted to make one up."""
    return (
        base64.urlsafe_b64encode(orjson.dumps([str(part) for part in parts]))
        .decode("ascii")
        .rstrip("=")
    )


def _texts(position: str) -> list[str]:
    padded = position + "=" * (-len(position) % 4)
    parts = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("a position is a list of texts")
    return parts


def moment(text: str) -> datetime:
    """
    Read a moment of a position.

    Raises:
        ValueError: It is none, or has no zone.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return read.astimezone(UTC)


def _paging(
    limit: Annotated[
        int, Query(ge=1, le=LARGEST_PAGE, description="Items on the page.")
    ] = 50,
    next: Annotated[  # noqa: A002 - the contract's word
        str | None,
        Query(max_length=_NEXT_CHARS, description="`next` of the page before."),
    ] = None,
) -> Paging:
    return Paging(limit, next)


APaging = Annotated[Paging, Depends(_paging)]
