"""
One identity over HTTP: sends requests, pages through lists, reads refusals.
"""

import ssl
from collections.abc import AsyncIterator
from functools import cache
from types import TracebackType
from typing import Self, cast

import httpx

from callboard_client.shapes import Json
from callboard_client.tokens import Tokens, TokenSource
from callboard_client.wire import FIRST_ERROR_STATUS, http_address, problem

__all__ = ["LARGEST_PAGE", "Caller"]

TIMEOUT_S = 10.0
LARGEST_PAGE = 200
UNAUTHORIZED = 401


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

        A token called stale is fetched anew once, where it can be.

        Raises:
            Refused: The answer was 400 or above.
            httpx.TransportError: There was no answer.
        """
        params = {
            name: each for name, each in (query or {}).items() if each is not None
        }
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        token = await self._tokens.current()
        answer = await self._send(method, path, params, body, headers, token)
        if answer.status_code == UNAUTHORIZED and self._tokens.can_renew:
            token = await self._tokens.renew()
            answer = await self._send(method, path, params, body, headers, token)
        if answer.status_code >= FIRST_ERROR_STATUS:
            raise problem(answer.status_code, answer.headers, answer.content)
        return cast("Json", answer.json()) if answer.content else {}

    async def _send(
        self,
        method: str,
        path: str,
        params: Json,
        body: Json | None,
        headers: dict[str, str],
        token: str,
    ) -> httpx.Response:
        return await self._http.request(
            method,
            path,
            params=params,
            json=body,
            headers={**headers, "Authorization": f"Bearer {token}"},
        )

    async def all_of(self, path: str, **query: object) -> AsyncIterator[Json]:
        """
        Walk a list to its end, page after page.
        """
        query.setdefault("limit", LARGEST_PAGE)
        while True:
            page = await self.call("GET", path, query=query)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            query["next"] = page["next"]


@cache
def trusted_certificates() -> ssl.SSLContext:
    """
    Load the certificates to trust, once: it takes longer than everything else here.
    """
    return httpx.create_ssl_context()
