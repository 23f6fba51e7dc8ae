"""
Takes turns: one at a time for each destination, first come, first served.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Lanes"]


class Lanes:
    """
    A queue for each destination that is being sent to, and none for the others.
    """

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @property
    def waiting(self) -> int:
        """
        How many are in all lanes, those whose turn it is included.
        """
        return sum(self._users.values())

    @asynccontextmanager
    async def turn(self, destination: str) -> AsyncIterator[None]:
        """
        Wait for one's turn at a destination, and hold it for the block.
        """
        lock = self._locks.setdefault(destination, asyncio.Lock())
        self._users[destination] = self._users.get(destination, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users[destination] -= 1
            if not self._users[destination]:
                del self._users[destination], self._locks[destination]
