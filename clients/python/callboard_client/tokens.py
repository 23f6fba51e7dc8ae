"""
Where tokens come from, and when the next one is due.
"""

import asyncio
import base64
import binascii
import inspect
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from callboard_client.errors import Refused

__all__ = ["TokenSource", "Tokens", "expiry_of"]

TokenSource = str | Callable[[], str | Awaitable[str]]
"""A token, or a function (plain or async) that fetches one."""

JWT_PARTS = 3
LAST_PART = 0.2
PATIENCE_S = 30.0


def expiry_of(token: str) -> float | None:
    """
    Read when a JWT expires, as a Unix time, without judging whether it is genuine.

    Returns None for what is not a JWT or does not say.
    """
    expiry = claims_of(token).get("exp")
    try:
        return float(expiry) if isinstance(expiry, int | float) else None
    except OverflowError:
        return None


def claims_of(token: str) -> dict[str, Any]:
    """
    Read what a JWT says, without judging whether it is genuine; {} where it is none.
    """
    parts = token.split(".")
    if len(parts) != JWT_PARTS:
        return {}
    payload = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


class Tokens:
    """
    Holds the current token and fetches the next one from its source in time.

    A source that is a plain string can never be renewed. All are one person's: a token
    of somebody else is refused as `forbidden`, so that nobody sends, or is given, what
    belongs to another.
    """

    def __init__(self, source: TokenSource, *, margin_s: float = 60.0) -> None:
        self._source = source
        self._margin_s = margin_s
        self._token: str | None = None
        self._due: float | None = None
        self._user_id: str | None = None
        self._fetching: asyncio.Task[str] | None = None
        if isinstance(source, str):
            self._take(source)

    @property
    def can_renew(self) -> bool:
        """
        Whether a new token can be had at all.
        """
        return not isinstance(self._source, str)

    async def current(self) -> str:
        """
        Give a token that holds for a while, fetching one where needed.
        """
        if self._token is None or (self.can_renew and self.seconds_left() == 0.0):
            return await self.renew()
        return self._token

    async def renew(self) -> str:
        """
        Fetch a new token, whatever the present one is worth; one fetch at a time.

        Whatever the source raises goes through.

        Raises:
            TimeoutError: It gave none in half a minute.
            Refused: It gave somebody else's (`forbidden`).
        """
        if isinstance(self._source, str):
            return self._source
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(self._source))
            self._fetching.add_done_callback(self._fetched)
        # Whoever gives up leaves the others their token.
        return await asyncio.shield(self._fetching)

    def forget(self) -> None:
        """
        Drop the present token, because the server called it expired.
        """
        if self.can_renew:
            self._token = None

    def seconds_left(self) -> float | None:
        """
        Give the seconds until a renewal is due, None where the token never says.
        """
        return None if self._due is None else max(0.0, self._due - time.time())

    async def _fetch(self, source: Callable[[], str | Awaitable[str]]) -> str:
        fetched = source()
        if inspect.isawaitable(fetched):
            async with asyncio.timeout(PATIENCE_S):
                fetched = await fetched
        return self._take(fetched)

    def _fetched(self, task: asyncio.Task[str]) -> None:
        self._fetching = None
        if not task.cancelled():
            # Seen, also where nobody waits any longer.
            task.exception()

    def _take(self, token: str) -> str:
        user_id = claims_of(token).get("sub")
        if isinstance(user_id, str):
            if self._user_id not in {None, user_id}:
                raise Refused(
                    "forbidden", "this token is somebody else's: make a new client"
                )
            self._user_id = user_id
        self._token = token
        expiry = expiry_of(token)
        if expiry is None:
            self._due = None
        else:
            # A short-lived token would be due at once by the whole margin.
            margin_s = min(self._margin_s, (expiry - time.time()) * LAST_PART)
            self._due = expiry - margin_s
        return token
