"""
Where tokens come from, and when the next one is due.
"""

import base64
import binascii
import inspect
import json
import time
from collections.abc import Awaitable, Callable

__all__ = ["TokenSource", "Tokens", "expiry_of"]

TokenSource = str | Callable[[], str | Awaitable[str]]
"""A token, or a function (plain or async) that fetches one."""

JWT_PARTS = 3
LAST_PART = 0.2


def expiry_of(token: str) -> float | None:
    """
    Read when a JWT expires, as a Unix time, without judging whether it is genuine.

    Returns None for what is not a JWT or does not say.
    """
    parts = token.split(".")
    if len(parts) != JWT_PARTS:
        return None
    payload = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload))
    except (binascii.Error, ValueError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, int | float) else None


class Tokens:
    """
    Holds the current token and fetches the next one from its source in time.

    A source that is a plain string can never be renewed.
    """

    def __init__(self, source: TokenSource, *, margin_s: float = 60.0) -> None:
        self._source = source
        self._margin_s = margin_s
        self._token: str | None = None
        self._due: float | None = None
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
        Fetch a new token, whatever the present one is worth.

        Whatever the source raises goes through.
        """
        if isinstance(self._source, str):
            return self._source
        fetched = self._source()
        return self._take(await fetched if inspect.isawaitable(fetched) else fetched)

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

    def _take(self, token: str) -> str:
        self._token = token
        expiry = expiry_of(token)
        if expiry is None:
            self._due = None
        else:
            # A short-lived token would be due at once by the whole margin.
            margin_s = min(self._margin_s, (expiry - time.time()) * LAST_PART)
            self._due = expiry - margin_s
        return token
