"""
The platform's backend without `await`: for scripts, jobs and frameworks that wait.

    with Platform("https://chat.example", key) as platform:
        platform.put_user(user_id, display_name="Ada")
"""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self, TypeVar

import httpx

from callboard_client.attempts import Attempts
from callboard_client.caller import trusted_certificates
from callboard_client.calls import TIMEOUT_S, Call, Listing
from callboard_client.errors import Refused
from callboard_client.platform import PlatformCalls
from callboard_client.wire import http_address

__all__ = ["Platform"]

T = TypeVar("T")


class Platform(PlatformCalls):
    """
    What a platform's backend can do, with its API key; each call waits for its answer.

    Keeps connections between calls, and may be used by several threads. Promises and
    raises what `callboard_client.Platform` does.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        attempts: Attempts | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._key = key
        self._attempts = attempts or Attempts()
        self._http = httpx.Client(
            base_url=http_address(url),
            timeout=TIMEOUT_S,
            transport=transport,
            verify=trusted_certificates(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """
        Give the connections back.
        """
        self._http.close()

    def do(self, call: Call[T]) -> T:
        """
        Make a call, as often as it takes and may be tried.

        Raises:
            Refused: The server said no, or kept saying "later".
            httpx.TransportError: It was not reached, or not heard.
        """
        tried = 0
        while True:
            tried += 1
            try:
                return call.answer(self._http.request(**call.request(self._key)))
            except (Refused, httpx.TransportError) as fault:
                pause_s = self._attempts.pause_after(fault, call, tried)
            time.sleep(pause_s)

    def walk(self, listing: Listing[T]) -> Iterator[T]:
        """
        Walk a list to its end, page after page.
        """
        following: str | None = None
        while True:
            page = self.do(listing.page(following))
            yield from page["items"]
            following = listing.after(page, following)
            if following is None:
                return
