"""What every presence promises, and what the one over Redis promises besides."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypedDict, Unpack
from uuid import UUID, uuid4

import pytest

from realtime.presence import Change, MemoryPresence, Presence, Roll, Status
from realtime.redis_presence import RedisPresence
from storage.records import UserId
from tests.services import ValkeyServer
from tests.waiting import SECONDS, until

SHORT = timedelta(milliseconds=200)
# Longer than any test waits: what comes before it, came without it.
LONG = timedelta(seconds=60)


def a_user() -> UserId:
    return UserId(uuid4())


class Options(TypedDict, total=False):
    """What a test sets differently for one node."""

    grace: timedelta
    ttl: timedelta
    refresh: timedelta
    poll: timedelta


class Make(Protocol):
    """Makes presences of one kind."""

    def __call__(self, **options: Unpack[Options]) -> Presence:
        """Make one that reaches those made before."""


class Node:
    """A node with nothing but presence; what it is told waits in order."""

    def __init__(self, presence: Presence) -> None:
        self.presence = presence
        self.told: asyncio.Queue[Change] = asyncio.Queue()
        self.recoveries = 0

    async def open(self) -> None:
        """Begin."""
        await self.presence.open(self.told.put_nowait, self._recovered)

    async def enter(self, user: UserId) -> UUID:
        """Have a new session of somebody there."""
        session = uuid4()
        await self.presence.enter(user, session)
        return session

    async def next(self, user: UserId) -> str:
        """Wait for the next change of a user, and tell how they stand by it."""
        return (await self.next_change(user)).status

    async def next_change(self, user: UserId) -> Change:
        """Wait for the next change of a user."""
        async with asyncio.timeout(SECONDS):
            while True:
                change = await self.told.get()
                if change.user == user:
                    return change

    def statuses(self, user: UserId) -> list[str]:
        """Take what waits about a user."""
        waiting = [self.told.get_nowait() for _ in range(self.told.qsize())]
        return [change.status for change in waiting if change.user == user]

    async def status(self, user: UserId) -> str:
        """Tell how this node finds a user."""
        return (await self.presence.find([user])).of(user)

    def _recovered(self) -> None:
        self.recoveries += 1


class Nodes:
    """Nodes of one kind that reach each other; all are closed at the end."""

    def __init__(self, make: Make, server: ValkeyServer | None) -> None:
        self._make = make
        self._server = server
        self._all: list[Node] = []

    @property
    def server(self) -> ValkeyServer:
        """Give the server between these nodes."""
        assert self._server is not None
        return self._server

    async def new(self, **options: Unpack[Options]) -> Node:
        """Make a node and open it."""
        node = Node(self._make(**options))
        self._all.append(node)
        await node.open()
        return node

    async def close(self) -> None:
        """Close all of them."""
        for node in self._all:
            await node.presence.close()


def nodes_of(kind: str, request: pytest.FixtureRequest) -> Nodes:
    if kind == "memory":
        roll = Roll()

        def in_memory(**options: Unpack[Options]) -> Presence:
            return MemoryPresence(roll, grace=options.get("grace", LONG))

        return Nodes(in_memory, None)
    is_cluster = kind == "cluster"
    server = request.getfixturevalue("valkey_cluster" if is_cluster else "valkey")

    def over_redis(**options: Unpack[Options]) -> Presence:
        chosen: Options = {"grace": LONG, **options}
        return RedisPresence(server.url, is_cluster=is_cluster, **chosen)

    return Nodes(over_redis, server)


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def nodes(request: pytest.FixtureRequest) -> AsyncIterator[Nodes]:
    made = nodes_of(request.param, request)
    yield made
    await made.close()


@pytest.fixture(params=["valkey", "cluster"])
async def redis_only(request: pytest.FixtureRequest) -> AsyncIterator[Nodes]:
    made = nodes_of(request.param, request)
    yield made
    await made.close()


# What every presence promises.


async def test_who_has_come_is_found_on_every_node(nodes: Nodes) -> None:
    user, nobody = a_user(), a_user()
    here, there = await nodes.new(), await nodes.new()
    await here.enter(user)
    for node in (here, there):
        found = await node.presence.find([nobody, user])
        assert (found.of(user), found.of(nobody)) == ("online", "offline")
        assert found.is_whole


async def test_a_change_is_told_to_one_node_once(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new()
    session = await here.enter(user)
    await there.enter(user)
    await here.presence.set(user, session, "online")
    assert await here.next(user) == "online"
    assert here.statuses(user) == there.statuses(user) == []


async def test_a_user_stands_as_the_most_present_session_does(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new()
    one, other = await here.enter(user), await there.enter(user)
    steps: list[tuple[Node, UUID, Status]] = [
        (here, one, "away"),
        (there, other, "invisible"),
        (here, one, "invisible"),
        (there, other, "away"),
        (here, one, "online"),
    ]
    seen = []
    for node, session, status in steps:
        await node.presence.set(user, session, status)
        seen.append((await here.status(user), await there.status(user)))
    assert [mine for mine, _ in seen] == ["online", "away", "offline", "away", "online"]
    assert [mine for mine, _ in seen] == [theirs for _, theirs in seen]
    assert here.statuses(user) == ["online", "offline", "online"]
    assert there.statuses(user) == ["away", "away"]


async def test_who_has_gone_is_told_of_after_the_grace(nodes: Nodes) -> None:
    user = a_user()
    here = await nodes.new(grace=timedelta(seconds=1))
    session = await here.enter(user)
    assert await here.next(user) == "online"
    here.presence.leave(user, session)
    left_at = datetime.now(UTC)
    assert await here.status(user) == "online"
    change = await here.next_change(user)
    assert change.status == "offline"
    # The moment at which they left, and not the one at which it was told.
    assert abs(change.seen_at - left_at) < timedelta(milliseconds=600)
    assert datetime.now(UTC) - left_at >= timedelta(seconds=1)
    assert await here.status(user) == "offline"


async def test_who_comes_back_within_the_grace_was_never_gone(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(grace=SHORT), await nodes.new(grace=SHORT)
    here.presence.leave(user, await here.enter(user))
    again = await there.enter(user)
    # A marker of the same length that came later: the first grace is over by then.
    marker = a_user()
    here.presence.leave(marker, await here.enter(marker))
    await here.next(marker)
    assert await here.next(marker) == "offline"
    assert here.statuses(user) == [] == there.statuses(user)
    assert await here.status(user) == "online"
    await there.presence.set(user, again, "away")
    assert await there.next(user) == "away"


async def test_who_comes_back_invisible_does_not_show(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new()
    session = await here.enter(user)
    await here.presence.set(user, session, "invisible")
    here.presence.leave(user, session)
    await here.enter(a_user())
    again = await there.enter(user)
    assert await here.status(user) == await there.status(user) == "offline"
    assert here.statuses(user) == ["online", "offline"]
    assert there.statuses(user) == []
    # It was one session that came back; another one is as any is.
    await here.enter(user)
    assert await there.status(user) == "online"
    await there.presence.set(user, again, "online")
    assert there.statuses(user) == []


async def test_who_is_invisible_leaves_unseen(nodes: Nodes) -> None:
    user, marker = a_user(), a_user()
    here = await nodes.new(grace=SHORT)
    session = await here.enter(user)
    await here.presence.set(user, session, "invisible")
    assert here.statuses(user) == ["online", "offline"]
    here.presence.leave(user, session)
    here.presence.leave(marker, await here.enter(marker))
    assert [await here.next(marker), await here.next(marker)] == ["online", "offline"]
    assert here.statuses(user) == []


async def test_a_session_that_is_not_there_stays_so(nodes: Nodes) -> None:
    user = a_user()
    here = await nodes.new()
    await here.presence.set(user, uuid4(), "online")
    here.presence.leave(user, uuid4())
    assert await here.status(user) == "offline"
    assert here.statuses(user) == []


async def test_sessions_of_a_node_that_closes_count_for_the_grace(nodes: Nodes) -> None:
    user = a_user()
    options: Options = {"grace": timedelta(seconds=1), "poll": timedelta(seconds=0.1)}
    here, there = await nodes.new(**options), await nodes.new(**options)
    await here.enter(user)
    assert here.statuses(user) == ["online"]
    await here.presence.close()
    assert await there.status(user) == "online"
    found = asyncio.create_task(there.next(user))
    told = asyncio.create_task(here.next(user))
    done, waiting = await asyncio.wait(
        {found, told}, return_when=asyncio.FIRST_COMPLETED
    )
    assert [task.result() for task in done] == ["offline"]
    for task in waiting:
        task.cancel()
    assert await there.status(user) == "offline"


# What the one over Redis promises besides.


def die(node: Node) -> None:
    """End a node as a crash would: without a word."""
    assert isinstance(node.presence, RedisPresence)
    assert node.presence._sessions is not None
    node.presence._sessions.cancel()


@contextmanager
def stopped(server: ValkeyServer) -> Iterator[None]:
    """Have a server say nothing for a while."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_sessions_of_a_dead_node_lapse(redis_only: Nodes) -> None:
    user = a_user()
    here = await redis_only.new(ttl=timedelta(seconds=1))
    there = await redis_only.new(poll=timedelta(seconds=0.1))
    await here.enter(user)
    entered_at = datetime.now(UTC)
    die(here)
    assert await there.status(user) == "online"
    change = await there.next_change(user)
    assert change.status == "offline"
    assert change.seen_at - entered_at < timedelta(milliseconds=500)
    assert await there.status(user) == "offline"


async def test_sessions_are_renewed(redis_only: Nodes) -> None:
    user, marker = a_user(), a_user()
    options: Options = {
        "ttl": timedelta(seconds=1),
        "refresh": timedelta(seconds=0.1),
        "poll": timedelta(seconds=0.1),
    }
    here = await redis_only.new(**options)
    dead = await redis_only.new(ttl=timedelta(seconds=1.5))
    await here.enter(user)
    await dead.enter(marker)
    die(dead)
    # By the time that this has lapsed, the other would have too.
    assert await here.next(user) == "online"
    assert await here.next(marker) == "offline"
    assert await here.status(user) == "online"
    assert here.statuses(user) == []


async def test_a_server_that_forgets_all_is_told_anew(redis_only: Nodes) -> None:
    user, hidden = a_user(), a_user()
    here, there = await redis_only.new(), await redis_only.new()
    await here.enter(user)
    session = await here.enter(hidden)
    await here.presence.set(hidden, session, "invisible")
    here.statuses(user)
    before = here.recoveries, there.recoveries
    redis_only.server.restart()
    await until(lambda: here.recoveries > before[0] and there.recoveries > before[1])
    found = await there.presence.find([user, hidden])
    assert (found.of(user), found.of(hidden)) == ("online", "offline")
    assert here.statuses(user) == there.statuses(user) == []


async def test_without_the_server_each_node_knows_its_own(redis_only: Nodes) -> None:
    user, other = a_user(), a_user()
    here, there = await redis_only.new(grace=SHORT), await redis_only.new()
    session = await here.enter(user)
    await there.enter(other)
    redis_only.server.kill()
    try:
        found = await here.presence.find([user, other])
        assert not found.is_whole
        assert (found.of(user), found.of(other)) == ("online", "offline")
        here.statuses(user)
        await here.presence.set(user, session, "away")
        assert await here.next(user) == "away"
        here.presence.leave(user, session)
        assert await here.next(user) == "offline"
    finally:
        redis_only.server.start()
    before = here.recoveries
    await until(lambda: here.recoveries > before)


async def test_a_server_that_is_silent_keeps_nobody_waiting(redis_only: Nodes) -> None:
    user = a_user()
    here = await redis_only.new()
    session = await here.enter(user)
    loop = asyncio.get_running_loop()
    with stopped(redis_only.server):
        begun = loop.time()
        newer = await here.enter(user)
        await here.presence.set(user, session, "away")
        found = await here.presence.find([user])
        here.presence.leave(user, newer)
        assert loop.time() - begun < 2.5
        assert not found.is_whole
        assert found.of(user) == "online"
    other = await redis_only.new()
    async with asyncio.timeout(SECONDS):
        while await other.status(user) != "online":  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_a_server_that_is_not_there_at_first_does_no_harm() -> None:
    with ValkeyServer() as server:
        server.kill()
        node = Node(RedisPresence(server.url))
        await node.open()
        try:
            user = a_user()
            await node.enter(user)
            assert await node.status(user) == "online"
            server.start()
            await until(lambda: node.recoveries > 0)
            assert (await node.presence.find([user])).is_whole
            assert await node.status(user) == "online"
        finally:
            await node.presence.close()


async def test_many_users_at_once_are_found(redis_only: Nodes) -> None:
    users = [a_user() for _ in range(1500)]
    here, there = await redis_only.new(), await redis_only.new()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*(here.enter(user) for user in users))
    found = await there.presence.find(users)
    assert {found.of(user) for user in users} == {"online"}
