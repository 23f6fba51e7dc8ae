"""
Calls of HTTP as values: what is asked and how it is read, without who asks and how.

A class of calls is written once; mixed into a caller that awaits its methods are
coroutines, mixed into one that waits they are plain.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    overload,
)
from urllib.parse import quote
from uuid import uuid4

import httpx

from callboard_client.errors import ProtocolFault
from callboard_client.shapes import Json, Page
from callboard_client.wire import FIRST_ERROR_STATUS, problem

__all__ = [
    "LARGEST_PAGE",
    "Asked",
    "Call",
    "Listed",
    "Listing",
    "get",
    "part",
    "post",
    "send",
]

TIMEOUT_S = 10.0
LARGEST_PAGE = 200

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """
    One request, answered with a T.

    `key` goes out as Idempotency-Key, the same in each attempt. `can_repeat` says
    whether another attempt does no harm when the answer to one was lost.
    """

    method: str
    path: str
    query: Mapping[str, object] = field(default_factory=dict)
    body: Json | None = None
    key: str | None = None
    can_repeat: bool = True
    patience_s: float = 0.0
    """So much longer than others the server may take, because it was asked to wait."""

    def request(self, token: str) -> dict[str, Any]:
        """
        Give what `request` of a client of httpx takes, as whom a token says.
        """
        # Asked so, an upload answers with its link and does not lead there.
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        return {
            "method": self.method,
            "url": self.path,
            "params": {
                name: each for name, each in self.query.items() if each is not None
            },
            "json": self.body,
            "headers": headers,
            "timeout": TIMEOUT_S + self.patience_s,
        }

    def answer(self, response: httpx.Response) -> T:
        """
        Read an answer; an empty one is {}.

        Raises:
            Refused: It is 400 or above.
        """
        if response.status_code >= FIRST_ERROR_STATUS:
            raise problem(response.status_code, response.headers, response.content)
        return cast("T", response.json() if response.content else {})


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """
    A list, answered page by page.
    """

    path: str
    query: Mapping[str, object] = field(default_factory=dict)

    def page(self, following: str | None) -> Call[Page[T]]:
        """
        Ask for the first page (None), or for the one that an answer named.
        """
        query = {"limit": LARGEST_PAGE, **self.query, "next": following}
        return Call("GET", self.path, query)

    def after(self, page: Page[T], asked: str | None) -> str | None:
        """
        Name what follows a page, None at the end.

        Raises:
            ProtocolFault: It is the page itself, and the list would never end.
        """
        following = page["next"]
        if following is not None and following == asked:
            raise ProtocolFault("the list goes in circles")
        return following


class Awaiting(Protocol):
    """
    A caller that is awaited.
    """

    async def do(self, call: Call[T]) -> T:
        """
        Make a call.
        """
        ...

    def walk(self, listing: Listing[T]) -> AsyncIterator[T]:
        """
        Walk a list to its end.
        """
        ...


class Waiting(Protocol):
    """
    A caller that waits for its answers.
    """

    def do(self, call: Call[T]) -> T:
        """
        Make a call.
        """
        ...

    def walk(self, listing: Listing[T]) -> Iterator[T]:
        """
        Walk a list to its end.
        """
        ...


class Asked(Generic[P, T]):
    """
    Makes a method that asks, from one that says what to ask.
    """

    def __init__(self, make: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, caller: None, owner: type) -> "Asked[P, T]": ...

    @overload
    def __get__(
        self, caller: Awaiting, owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(self, caller: Waiting, owner: type) -> Callable[P, T]: ...

    def __get__(self, caller: Any, owner: type) -> Any:
        if caller is None:
            return self

        @wraps(self.make)
        def ask(*args: P.args, **kwargs: P.kwargs) -> object:
            return caller.do(self.make(caller, *args, **kwargs))

        return ask


class Listed(Generic[P, T]):
    """
    Makes a method that walks a list, from one that says which.
    """

    def __init__(self, make: Callable[Concatenate[Any, P], Listing[T]]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, caller: None, owner: type) -> "Listed[P, T]": ...

    @overload
    def __get__(
        self, caller: Awaiting, owner: type
    ) -> Callable[P, AsyncIterator[T]]: ...

    @overload
    def __get__(self, caller: Waiting, owner: type) -> Callable[P, Iterator[T]]: ...

    def __get__(self, caller: Any, owner: type) -> Any:
        if caller is None:
            return self

        @wraps(self.make)
        def walk(*args: P.args, **kwargs: P.kwargs) -> object:
            return caller.walk(self.make(caller, *args, **kwargs))

        return walk


def get(path: str, **query: object) -> Call[Any]:
    """
    Ask for something.
    """
    return Call("GET", path, query)


def send(method: str, path: str, body: Mapping[str, Any] | None = None) -> Call[Any]:
    """
    Say something that is safe to say twice.
    """
    return Call(method, path, body=None if body is None else dict(body))


def post(path: str, body: Mapping[str, Any] | None, key: str | None) -> Call[Any]:
    """
    Say something that the server does once for a key, which is made up if need be.
    """
    body = None if body is None else dict(body)
    return Call("POST", path, body=body, key=key or str(uuid4()))


def part(text: str) -> str:
    """
    Write a text of anybody's as one part of a path.

    Raises:
        ValueError: It is none, and would make the path that of another call.
    """
    if text in {"", ".", ".."}:
        raise ValueError(f"not a part of a path: {text!r}")
    return quote(text, safe="")
