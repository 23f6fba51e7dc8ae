"""
Announcements between nodes over Redis or Valkey.

Each node subscribes to one channel of its own, and Redis holds which nodes have
sockets of a user (`redis_routes.py`). Announcing asks for the routes of the audience,
after the commit, and sends each node its part.

Everything that needs Redis runs in one session. Whatever goes wrong in it, on either
connection, ends all of it: then nothing travels, `is_connected` is false, and the next
session begins from nothing: subscribe, store all routes, hear oneself, `recovered`.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

from realtime.announcements import Announcement
from realtime.bus import Receive
from realtime.redis_joined import Joined
from realtime.redis_link import FAULTS, Address, Command, Link, Subscription, describe
from realtime.redis_outbox import Outbox, pieces
from realtime.redis_routes import Routes
from storage.records import UserId

log = logging.getLogger(__name__)

# Begins what a node sends itself, to see that it is heard; announcements begin with {.
_BEAT = b"beat "

# What is sent before the server's answers are awaited.
_FLIGHT_BYTES = 1 << 20

# Pauses between sessions that fail: doubled each time, and up to half of it by lot.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# A session that lasted this long was no failure.
_LASTING_SECONDS = 10.0

# How long `open` waits for the first session, and `close` for its farewells.
_PATIENCE = 2.0


class RedisBus:
    """
    Nodes that share a Redis, or a Valkey, alone or a cluster; see `Bus`.

    A node hears itself every `beat`; when it does not within two of them, the session
    is taken for dead. Routes are renewed every `refresh`, and that is when routes lost
    by Redis are noticed. `dropped` counts announcements left to the sweep, and
    `lag_seconds` is how long the bus took from this node to itself, None without it.

    Raises:
        ValueError: The URL is not one of Redis; what it says is not repeated.
    """

    def __init__(
        self,
        url: str,
        node_id: UUID,
        *,
        is_cluster: bool = False,
        route_ttl: timedelta = timedelta(seconds=90),
        refresh: timedelta = timedelta(seconds=30),
        grace: timedelta = timedelta(seconds=1),
        beat: timedelta = timedelta(seconds=5),
        capacity: int = 10_000,
        byte_capacity: int = 64 << 20,
    ) -> None:
        self._address = Address.parse(url, is_cluster=is_cluster)
        self._channel = _channel(str(node_id))
        self._beat_seconds = beat.total_seconds()
        self._routes = Routes(
            str(node_id), route_ttl.total_seconds(), is_cluster=is_cluster
        )
        self._joined = Joined(
            self._routes, refresh=refresh.total_seconds(), grace=grace.total_seconds()
        )
        self._outbox = Outbox(capacity, byte_capacity)
        self._receive: Receive | None = None
        self._recovered: Callable[[], None] | None = None
        self._sessions: asyncio.Task[None] | None = None
        self._has_tried = asyncio.Event()
        self._has_opened = False
        self._is_connected = False
        self._is_closing = False
        self._last_fault = ""
        self._expected_beat = b""
        self._heard = asyncio.Event()
        self.dropped = 0
        self.lag_seconds: float | None = None

    @property
    def is_connected(self) -> bool:
        """Tell whether announcements travel now."""
        return self._is_connected

    async def open(self, receive: Receive, recovered: Callable[[], None]) -> None:
        """
        Begin; `recovered` is called after each time that something may be lost.

        Returns after the first attempt to connect, or two seconds, and keeps trying.
        """
        self._receive = receive
        self._recovered = recovered
        self._has_opened = self._is_closing = False
        self._has_tried.clear()
        self._sessions = asyncio.create_task(self._run(), name="bus")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._has_tried.wait()
        self._has_opened = True

    async def join(self, user: UserId) -> None:
        """Have announcements for a user come to this node; never raises."""
        await self._joined.join(user)

    def leave(self, user: UserId) -> None:
        """Have them no longer come, unless the user joins again within the grace."""
        self._joined.leave(user)

    def announce(self, announcement: Announcement) -> None:
        """Queue this for the other nodes; dropped when there is no way or no room."""
        if not self._is_connected or not self._outbox.put(announcement):
            self.dropped += 1

    async def close(self) -> None:
        """
        End, and leave every user, within a few seconds.

        What waits is still sent. Routes that cannot be removed expire.
        """
        if self._sessions is None:
            return
        was_connected = self._is_connected
        if was_connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._outbox.done()
        self._is_closing = True
        while not self._sessions.done():
            # Again, should a library have taken the cancelling for its own.
            self._sessions.cancel()
            await asyncio.wait([self._sessions], timeout=1)
        self._sessions = None
        users = self._joined.clear()
        if was_connected:
            await self._remove_routes(users)

    async def _remove_routes(self, users: set[UserId]) -> None:
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                aclosing(await Link.open(self._address)) as link,
            ):
                await self._routes.remove(link, users)
        except FAULTS as fault:
            log.warning("routes are left to expire", extra={"why": describe(fault)})

    async def _run(self) -> None:
        """Have one session after the other, for ever."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            begun = loop.time()
            try:
                await self._session()
            except* FAULTS as faults:
                self._tell_fault(describe(faults))
            except* Exception:
                log.exception("the bus has failed")
            self._has_tried.set()
            # A fault at the moment of our cancellation may have come through instead.
            if self._is_closing:
                return
            failures = 0 if loop.time() - begun > _LASTING_SECONDS else failures + 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _session(self) -> None:
        """Connect and carry announcements, until something goes wrong."""
        async with (
            aclosing(await Link.open(self._address)) as link,
            aclosing(await link.subscribe(self._channel)) as subscription,
        ):
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(subscription))
                    await self._hear_oneself(link)
                    await self._joined.store_all(link)
                    self._begin_travelling()
                    tasks.create_task(self._joined.keep(link, self._tell_recovered))
                    tasks.create_task(self._publish(link))
                    tasks.create_task(self._beat(link))
            finally:
                self._stop_travelling()

    def _begin_travelling(self) -> None:
        self._is_connected = True
        self._last_fault = ""
        log.info("the bus is connected", extra={"users": len(self._joined)})
        self._has_tried.set()
        # Before `open` has returned there was nothing to lose.
        if self._has_opened:
            self._tell_recovered()

    def _stop_travelling(self) -> None:
        # In this order: who waits for a join must not see the bus connected after it.
        self._is_connected = False
        self._joined.release()
        self.lag_seconds = None
        self.dropped += self._outbox.clear()

    def _tell_recovered(self) -> None:
        assert self._recovered is not None  # noqa: S101 - for the type checker
        try:
            self._recovered()
        except Exception:
            log.exception("what follows a recovery has failed")

    def _tell_fault(self, why: str) -> None:
        """Log a fault, once for as long as it stays the same."""
        if why != self._last_fault:
            log.warning("the bus is not connected", extra={"why": why})
        self._last_fault = why

    async def _listen(self, subscription: Subscription) -> None:
        while True:
            data = await subscription.next()
            if data.startswith(_BEAT):
                if data == self._expected_beat:
                    self._heard.set()
                continue
            try:
                self._hand_on(data)
            except Exception:
                # Of this one announcement; those behind it are still wanted.
                log.exception("an announcement could not be delivered")

    def _hand_on(self, data: bytes) -> None:
        assert self._receive is not None  # noqa: S101 - for the type checker
        try:
            announcement = Announcement.decode(data)
        except ValueError:
            log.warning("malformed announcement", extra={"bytes": len(data)})
        else:
            self._receive(announcement)

    async def _beat(self, link: Link) -> None:
        while True:
            await asyncio.sleep(self._beat_seconds)
            await self._hear_oneself(link)

    async def _hear_oneself(self, link: Link) -> None:
        """Measure the way through Redis and back, or find that there is none."""
        sent = time.perf_counter()  # the loop's own clock may count whole milliseconds
        self._expected_beat = b"%b%r" % (_BEAT, sent)
        self._heard.clear()
        async with asyncio.timeout(2 * self._beat_seconds):
            await link.run([link.publishing(self._channel, self._expected_beat)])
            await self._heard.wait()
        self.lag_seconds = time.perf_counter() - sent

    async def _publish(self, link: Link) -> None:
        while True:
            batch = await self._outbox.take()
            audience = set[UserId]().union(*(each.audience() for each in batch))
            # After taking: whoever joined before these were announced is in there.
            nodes = await self._routes.find(link, audience)
            flight: list[Command] = []
            size = 0
            for announcement in batch:
                for channel, data in _parts(announcement, nodes):
                    flight.append(link.publishing(channel, data))
                    size += len(data)
                    if size > _FLIGHT_BYTES:
                        await link.run(flight)
                        flight, size = [], 0
            await link.run(flight)
            self._outbox.settle()


def _parts(
    announcement: Announcement, nodes: Mapping[str, set[UserId]]
) -> Iterator[tuple[str, bytes]]:
    """Encode for each node's channel what concerns its users, if anything does."""
    audience = announcement.audience()
    for node, users in nodes.items():
        here = audience & users
        if here:
            for data in pieces(announcement.part_for(here)):
                yield _channel(node), data


def _channel(node: str) -> str:
    return f"callboard:node:{{{node}}}"
