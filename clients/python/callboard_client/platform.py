"""
The platform's backend over HTTP, awaited; `sync.py` has the same without `await`.
"""

import asyncio
from typing import TypeVar

import httpx

from callboard_client.attempts import Attempts
from callboard_client.caller import Caller
from callboard_client.calls import Call
from callboard_client.errors import Refused
from callboard_client.platform_moderating import ModeratingCalls
from callboard_client.platform_people import PeopleCalls
from callboard_client.platform_telling import TellingCalls

__all__ = ["Platform", "PlatformCalls"]

T = TypeVar("T")


class PlatformCalls(PeopleCalls, TellingCalls, ModeratingCalls):
    """
    Everything that a platform's backend can ask.
    """


class Platform(PlatformCalls, Caller):
    """
    What a platform's backend can do, with its API key in place of a token.

    Where the server is busy, away or not heard, a call is tried again as `attempts`
    says: a POST always under one Idempotency-Key, so that it is done once. Calls
    raise `Refused` for what the server refuses, `httpx.TransportError` where it could
    not be reached in the end.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        attempts: Attempts | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, transport=transport)
        self._attempts = attempts or Attempts()

    async def do(self, call: Call[T]) -> T:
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
                return await super().do(call)
            except (Refused, httpx.TransportError) as fault:
                pause_s = self._attempts.pause_after(fault, call, tried)
            await asyncio.sleep(pause_s)
