"""
One identity over HTTP: sends requests, pages through lists, reads refusals.
"""

import ssl
from collections.abc import AsyncIterator
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from callboard_client.calls import TIMEOUT_S, Call, Listing
from callboard_client.shapes import Json
from callboard_client.tokens import Tokens, TokenSource
from callboard_client.wire import http_address

__all__ = ["Caller", "trusted_certificates"]

UNAUTHORIZED = 401

T = TypeVar("T")


class Caller:
    """
    Sends requests under one identity and reads their answers.
    """

    def __init__(
        self,
        url: str,
        token: TokenSource | Tokens,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._tokens = token if isinstance(token, Tokens) else Tokens(token)
        self._http = httpx.AsyncClient(
            base_url=http_address(url),
            timeout=TIMEOUT_S,
            transport=transport,
            verify=trusted_certificates(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """
        Give the connections back.
        """
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Json | None = None,
        body: Json | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """
        Make a call that has no method of its own here; an empty answer is {}.

        Raises:
            Refused: The answer was 400 or above.
            httpx.TransportError: There was no answer.
        """
        asked: Call[Json] = Call(method, path, query or {}, body, idempotency_key)
        return await self.do(asked)

    async def do(self, call: Call[T]) -> T:
        """
        Make a call, once.

        A token called stale is fetched anew once, where it can be. Raises as `call`.
        """
        answer = await self._send(call, await self._tokens.current())
        if answer.status_code == UNAUTHORIZED and self._tokens.can_renew:
            answer = await self._send(call, await self._tokens.renew())
        return call.answer(answer)

    async def _send(self, call: Call[Any], token: str) -> httpx.Response:
        return await self._http.request(**call.request(token))

    async def walk(self, listing: Listing[T]) -> AsyncIterator[T]:
        """
        Walk a list to its end, page after page.
        """
        following: str | None = None
        while True:
            page = await self.do(listing.page(following))
            for item in page["items"]:
                yield item
            following = listing.after(page, following)
            if following is None:
                return

    def all_of(self, path: str, **query: object) -> AsyncIterator[Json]:
        """
        Walk a list that has no method of its own here.
        """
        return self.walk(Listing(path, query))


@cache
def trusted_certificates() -> ssl.SSLContext:
    """
    Load the certificates to trust, once: it takes longer than everything else here.
    """
    return httpx.create_ssl_context()
