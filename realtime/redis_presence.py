"""
Presence of nodes that share a Redis or a Valkey.

What a node knows of its own sessions it keeps itself; Redis holds those of all
(`redis_roll.py`), each for as long as its node renews it. Everything that needs Redis
runs in one session, as the bus does: whatever goes wrong ends it, and the next one
begins by writing all of the node's own sessions anew. What a Redis that has lost all
learns by that is told to nobody, for it would be everybody: nodes look again at whom
they watch (`watching.py`).
"""

import asyncio
import contextlib
import logging
import math
import random
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import aclosing
from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

from redis.exceptions import ConnectionError as ConnectionLost

from realtime.presence import GRACE, Change, Found, MemoryPresence, Status
from realtime.redis_link import FAULTS, Address, Link, describe
from realtime.redis_roll import Deed, RedisRoll
from storage.records import UserId

log = logging.getLogger(__name__)

# How long anybody waits for Redis before what this node knows has to do.
_PATIENCE = 0.5
# How long `open` waits for the first session, and `close` for its farewells.
_FAREWELL = 2.0

# Pauses between sessions that fail: doubled each time, and up to half of it by lot.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_DOUBLINGS = 6

# What lapses is looked for so finely, and a little after it has.
_DUE_STEP = 0.1


class RedisPresence:
    """
    Nodes that share a Redis, alone or a cluster; see `Presence`.

    A session lasts `ttl` in Redis and is renewed every `refresh`; each node looks for
    what has lapsed every `poll`, and when a session of its own has.

    Raises:
        ValueError: The URL is not one of Redis; what it says is not repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        is_cluster: bool = False,
        grace: timedelta = GRACE,
        ttl: timedelta = timedelta(seconds=60),
        refresh: timedelta = timedelta(seconds=25),
        poll: timedelta = timedelta(seconds=5),
    ) -> None:
        self._address = Address.parse(url, is_cluster=is_cluster)
        self._own = MemoryPresence(grace=grace)
        self._roll = RedisRoll(str(uuid4()), ttl.total_seconds())
        self._grace = grace.total_seconds()
        self._ttl = ttl.total_seconds()
        self._refresh = refresh.total_seconds()
        self._poll = poll.total_seconds()
        self._changed: Callable[[Change], None] | None = None
        self._recovered: Callable[[], None] | None = None
        self._sessions: asyncio.Task[None] | None = None
        self._has_tried = asyncio.Event()
        # While Redis is there; and while what is done here is to be written to it.
        self._link: Link | None = None
        self._is_writing = False
        self._pending: dict[UUID, Deed] = {}
        self._has_work = asyncio.Event()
        self._written_next = asyncio.Event()
        # When own sessions that have ended lapse, in times of the loop.
        self._dues: deque[float] = deque()
        self._untold: dict[UserId, Change] = {}
        self._is_closing = False
        self._last_fault = ""

    async def open(
        self, changed: Callable[[Change], None], recovered: Callable[[], None]
    ) -> None:
        """Begin; returns after the first attempt to connect, or two seconds."""
        self._changed, self._recovered = changed, recovered
        self._is_closing = False
        await self._own.open(self._changed_here, recovered)
        self._sessions = asyncio.create_task(self._run(), name="presence")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._has_tried.wait()

    async def enter(self, user: UserId, session: UUID) -> None:
        """Have a session there; returns when other nodes can find it."""
        await self._own.enter(user, session)
        await self._write(user, session, "enter")

    async def set(self, user: UserId, session: UUID, status: Status) -> None:
        """Have a session stand otherwise; returns when other nodes can find it."""
        await self._own.set(user, session, status)
        await self._write(user, session, "keep")

    def leave(self, user: UserId, session: UUID) -> None:
        """End a session, after the grace."""
        sitting = self._own.roll.get(user, session)
        if sitting is None:
            return
        self._own.leave(user, session)
        self._note(Deed(user, session, "leave", sitting.status, self._grace))
        lapses = asyncio.get_running_loop().time() + self._grace
        due = (math.ceil(lapses / _DUE_STEP) + 1) * _DUE_STEP
        if not self._dues or self._dues[-1] < due:
            self._dues.append(due)

    async def find(self, users: Collection[UserId]) -> Found:
        """Tell how users stand, on all nodes where that can be asked."""
        if self._link is not None:
            try:
                async with asyncio.timeout(_PATIENCE):
                    statuses = await self._roll.find(self._link, users)
            except FAULTS as fault:
                log.debug("presence was not found", extra={"why": describe(fault)})
                self._look_at_once()
            else:
                return Found(statuses, is_whole=True)
        found = await self._own.find(users)
        return Found(found.statuses, is_whole=False)

    async def close(self) -> None:
        """End, within a few seconds; sessions that are left lapse after the grace."""
        if self._sessions is None:
            return
        await self._own.close()
        link_was_there = self._link is not None
        self._is_closing = True
        while not self._sessions.done():
            # Again, should a library have taken the cancelling for a time-out.
            self._sessions.cancel()
            await asyncio.wait([self._sessions], timeout=1)
        self._sessions = None
        if link_was_there:
            await self._say_farewell()

    async def _say_farewell(self) -> None:
        try:
            async with (
                asyncio.timeout(_FAREWELL),
                aclosing(await Link.open(self._address)) as link,
            ):
                await self._roll.write(link, self._all_own(), is_silent=True)
        except FAULTS as fault:
            log.warning("presence is left to lapse", extra={"why": describe(fault)})

    # --- what is to be written ------------------------------------------------------

    async def _write(
        self, user: UserId, session: UUID, kind: Literal["enter", "keep"]
    ) -> None:
        sitting = self._own.roll.get(user, session)
        if sitting is None or not self._is_writing:
            return
        # Whether who enters was invisible a moment ago, Redis knows of all nodes.
        status = "online" if kind == "enter" else sitting.status
        self._note(Deed(user, session, kind, status, self._ttl))
        written = self._written_next
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await written.wait()

    def _look_at_once(self) -> None:
        """See whether Redis is still there: whoever waits for it waits in vain."""
        self._dues.appendleft(0.0)
        self._has_work.set()

    def _note(self, deed: Deed) -> None:
        if self._is_writing:
            # Again at the end: what is written is in the order of what was done.
            self._pending.pop(deed.session, None)
            self._pending[deed.session] = deed
            self._has_work.set()

    def _all_own(self) -> list[Deed]:
        """Say anew what all own sessions are, ended ones among them."""
        now = asyncio.get_running_loop().time()
        return [
            Deed(user, session, "keep", sitting.status, self._ttl)
            if sitting.until is None
            else Deed(
                user, session, "leave", sitting.status, max(sitting.until - now, 0.001)
            )
            for user, session, sitting in self._own.roll
        ]

    # --- sessions with Redis --------------------------------------------------------

    async def _run(self) -> None:
        """Have one session after the other, for ever."""
        failures = 0
        while not self._is_closing:
            try:
                await self._session()
            except FAULTS as fault:
                failures = 1 if self._link is not None else failures + 1
                self._tell_fault(describe(fault))
            except Exception:
                failures += 1
                log.exception("presence has failed")
            finally:
                self._end_session()
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, _DOUBLINGS))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _session(self) -> None:
        async with aclosing(await Link.open(self._address)) as link:
            self._is_writing = True
            self._pending = {deed.session: deed for deed in self._all_own()}
            await self._flush(link, is_silent=True)
            # Not before: by now own sessions that lapsed there have been renewed. And
            # where there was nothing to write, this is what a link connects by.
            await self._settle(link)
            while self._pending:
                await self._flush(link, is_silent=True)
            self._link = link
            self._last_fault = ""
            self._has_tried.set()
            assert self._recovered is not None  # noqa: S101 - for the type checker
            self._recovered()
            await self._keep(link)

    def _end_session(self) -> None:
        self._link = None
        self._is_writing = False
        self._pending.clear()
        untold, self._untold = self._untold, {}
        for change in untold.values():
            self._changed_here(change)
        self._written_next.set()
        self._written_next = asyncio.Event()
        self._has_tried.set()

    async def _keep(self, link: Link) -> None:
        """Write, renew and look for what has lapsed, until something goes wrong."""
        loop = asyncio.get_running_loop()
        renew_at, poll_at = loop.time() + self._refresh, loop.time() + self._poll
        while not self._is_closing:
            until = min(renew_at, poll_at, *list(self._dues)[:1])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._has_work.wait()
            self._has_work.clear()
            await self._flush(link, is_silent=False)
            now = loop.time()
            if now >= renew_at:
                for deed in self._all_own():
                    if deed.kind == "keep":
                        self._pending.setdefault(deed.session, deed)
                await self._flush(link, is_silent=False)
                renew_at = now + self._refresh
            if now >= poll_at or (self._dues and now >= self._dues[0]):
                while self._dues and self._dues[0] <= now:
                    self._dues.popleft()
                has_more = await self._settle(link)
                poll_at = now if has_more else now + self._poll

    async def _settle(self, link: Link) -> bool:
        """
        End what has lapsed; tell whether there may be more.

        Raises:
            ConnectionLost: Redis has lost what was written to it in this session.
        """
        settled = await self._roll.settle(link)
        self._tell(settled.changes)
        if self._link is not None and not settled.is_known:
            raise ConnectionLost("the server has forgotten who is there")
        return settled.has_more

    async def _flush(self, link: Link, *, is_silent: bool) -> None:
        if not self._pending:
            return
        deeds, self._pending = self._pending, {}
        untold = set(self._untold)
        written, self._written_next = self._written_next, asyncio.Event()
        try:
            changes, taken = await self._roll.write(
                link, list(deeds.values()), is_silent=is_silent
            )
        finally:
            written.set()
        for user in untold:
            self._untold.pop(user, None)
        for deed, status in taken:
            # What was done meanwhile counts more than what it stood as on entering.
            if deed.kind == "enter" and deed.session not in self._pending:
                await self._own.set(deed.user, deed.session, status)
        self._tell(changes)

    # --- what is told ---------------------------------------------------------------

    def _changed_here(self, change: Change) -> None:
        """Tell what changed on this node, where no Redis tells it of all nodes."""
        if self._link is not None:
            # Unless it is gone before it was told of this.
            self._untold[change.user] = change
        elif not self._is_closing:
            self._tell([change])

    def _tell(self, changes: Iterable[Change]) -> None:
        assert self._changed is not None  # noqa: S101 - for the type checker
        for change in changes:
            self._changed(change)

    def _tell_fault(self, why: str) -> None:
        """Log a fault, once for as long as it stays the same."""
        if why != self._last_fault:
            log.warning("presence is not shared", extra={"why": why})
        self._last_fault = why
