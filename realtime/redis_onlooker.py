"""
Who is there, for a process that has no sessions of its own: it only asks.

It settles nothing and is told nothing, for what it were told the nodes would miss.
"""

import asyncio
import logging
from collections.abc import Collection

from realtime.presence import Found
from realtime.redis_link import FAULTS, Address, Link, describe
from realtime.redis_roll import RedisRoll
from storage.records import UserId

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.5
# A Redis that was away is not asked again at once: nobody waits for it each time.
_PAUSE_SECONDS = 5.0


class RedisOnlooker:
    """
    Finds how users stand on all nodes that share a Redis; see `Finder`.

    Raises:
        ValueError: The URL is not one of Redis; what it says is not repeated.
    """

    def __init__(self, url: str, *, is_cluster: bool = False) -> None:
        self._address = Address.parse(url, is_cluster=is_cluster)
        self._roll = RedisRoll("", 0)
        self._link: Link | None = None
        self._away_until = 0.0
        self._turn = asyncio.Lock()

    async def find(self, users: Collection[UserId]) -> Found:
        """Tell how users stand; without Redis nobody is there, as far as this knows."""
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            return Found({}, is_whole=False)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._turn:
                if self._link is None:
                    self._link = await Link.open(self._address)
                return Found(await self._roll.find(self._link, users), is_whole=True)
        except FAULTS as fault:
            log.warning("presence was not found", extra={"why": describe(fault)})
            self._away_until = now + _PAUSE_SECONDS
            await self.close()
            return Found({}, is_whole=False)

    async def close(self) -> None:
        """Let go of Redis."""
        link, self._link = self._link, None
        if link is not None:
            await link.aclose()
