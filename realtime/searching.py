"""
Who may search now: few at once, so that no search keeps others from being told.

A search costs the database and this process far more than a message does. A process
runs two at a time and one for each person; the others wait, holding nothing, and not
for long.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from realtime.errors import RateLimited, Unavailable
from storage.records import UserId

AT_ONCE = 2
WAIT_SECONDS = 2.0

_RETRY_AFTER_MS = 1000


class Turns:
    """The searches of one process."""

    def __init__(
        self, at_once: int = AT_ONCE, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._wait_seconds = wait_seconds
        # Whoever searches or waits, with how many of theirs.
        self._own: dict[UserId, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        return len(self._own)

    @asynccontextmanager
    async def turn(self, user: UserId) -> AsyncIterator[None]:
        """
        Wait until somebody may search, and let the next one in at the end.

        Raises:
            RateLimited: Their own searches before this one take too long.
            Unavailable: Those of others do.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_seconds
        own, count = self._own.get(user, (asyncio.Lock(), 0))
        self._own[user] = own, count + 1
        try:
            try:
                async with asyncio.timeout_at(until):
                    await own.acquire()
            except TimeoutError:
                raise RateLimited(retry_after_ms=_RETRY_AFTER_MS) from None
            try:
                try:
                    async with asyncio.timeout_at(until):
                        await self._free.acquire()
                except TimeoutError:
                    raise Unavailable(retry_after_ms=_RETRY_AFTER_MS) from None
                try:
                    yield
                finally:
                    self._free.release()
            finally:
                own.release()
        finally:
            own, count = self._own.pop(user)
            if count > 1:
                self._own[user] = own, count - 1
