"""The users that a node has joined, and the one task that keeps their routes."""

import asyncio
import contextlib
from collections.abc import Callable
from itertools import takewhile

from realtime.redis_link import Link
from realtime.redis_routes import Routes, chunks
from storage.records import UserId


class Joined:
    """
    Who is joined, what of it Redis knows, and what is still to be written.

    One task writes (`keep`), so that a join and a leave that cross each other reach
    Redis in the order in which they were decided.
    """

    def __init__(self, routes: Routes, *, refresh: float, grace: float) -> None:
        self._routes = routes
        self._refresh = refresh
        self._grace = grace
        self._wanted: set[UserId] = set()
        self._stored: set[UserId] = set()
        self._pending: set[UserId] = set()
        # Left at this time of the loop, oldest first; their routes wait for the grace.
        self._left: dict[UserId, float] = {}
        self._is_kept = False
        self._has_work = asyncio.Event()
        # Set when what is pending, or being written just now, is stored.
        self._stored_next = asyncio.Event()
        self._stored_now = asyncio.Event()

    def __len__(self) -> int:
        return len(self._wanted)

    def clear(self) -> set[UserId]:
        """Have nobody joined; name all users that may still have a route."""
        users = self._wanted | self._left.keys()
        self._wanted.clear()
        self._pending.clear()
        self._left.clear()
        return users

    async def join(self, user: UserId) -> None:
        """
        Have a route for a user; returns when it is stored.

        Where nobody keeps routes now it returns at once: `store_all` comes first then.
        """
        self._wanted.add(user)
        self._left.pop(user, None)
        if user in self._stored:
            return
        self._pending.add(user)
        if self._is_kept:
            self._has_work.set()
            await self._stored_next.wait()

    def leave(self, user: UserId) -> None:
        """Have no route for a user, unless they are joined again within the grace."""
        if user not in self._wanted:
            return
        self._wanted.discard(user)
        self._pending.discard(user)
        now = asyncio.get_running_loop().time()
        # Again at the end: the dict is in the order of time.
        self._left.pop(user, None)
        self._left[user] = now
        self._has_work.set()
        if not self._is_kept:
            self._forget_left_before(now - self._routes.ttl)

    async def store_all(self, link: Link) -> None:
        """Store every route anew; when it returns, `keep` has to follow at once."""
        self._stored.clear()
        self._pending = set(self._wanted)
        while self._pending:
            await self._store_pending(link)
        self._is_kept = True

    async def keep(self, link: Link, lost: Callable[[], None]) -> None:
        """Write and renew routes until cancelled; `lost` when some had vanished."""
        loop = asyncio.get_running_loop()
        renew_at = loop.time() + self._refresh
        while True:
            await self._wait_for_work(renew_at)
            await self._store_pending(link)
            await self._remove_left(link)
            if loop.time() >= renew_at:
                if await self._renew(link):
                    lost()
                renew_at = loop.time() + self._refresh

    def release(self) -> None:
        """Let nobody wait any longer: routes are not kept now."""
        self._is_kept = False
        self._stored.clear()
        self._stored_now.set()
        self._stored_next.set()
        self._stored_next = asyncio.Event()

    def _forget_left_before(self, moment: float) -> None:
        """Drop what has expired by itself: an outage may be long."""
        for user in list(takewhile(lambda user: self._left[user] < moment, self._left)):
            del self._left[user]

    async def _wait_for_work(self, until: float) -> None:
        oldest = next(iter(self._left.values()), None)
        if oldest is not None:
            until = min(until, oldest + self._grace)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._has_work.wait()
        self._has_work.clear()

    async def _store_pending(self, link: Link) -> None:
        if not self._pending:
            return
        users, self._pending = self._pending, set()
        self._stored_now, self._stored_next = self._stored_next, asyncio.Event()
        for chunk in chunks(users):
            await self._routes.store(link, chunk)
            # Who has left meanwhile is stored too: the grace has not ended yet.
            self._stored.update(chunk)
        self._stored_now.set()

    async def _remove_left(self, link: Link) -> None:
        due_before = asyncio.get_running_loop().time() - self._grace
        due = list(takewhile(lambda user: self._left[user] <= due_before, self._left))
        for chunk in chunks(due):
            users = [user for user in chunk if user in self._left]
            # No longer stored from here on: who joins now has to store it anew.
            self._stored.difference_update(users)
            await self._routes.remove(link, users)
            for user in users:
                self._left.pop(user, None)

    async def _renew(self, link: Link) -> int:
        """Tell how many routes should have been there and were not."""
        missing = 0
        for chunk in chunks(list(self._stored)):
            users = [user for user in chunk if user in self._stored]
            missing += await self._routes.store(link, users)
            await self._store_pending(link)
        return missing
