"""What every bus promises, and what the one over Redis promises besides."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol, TypedDict, Unpack
from uuid import uuid4

import pytest
import redis.asyncio

from realtime.announcements import Announcement, Run, Told
from realtime.bus import Bus, MemoryBus
from realtime.redis_bus import RedisBus
from storage.records import ConversationId, UserId
from tests.services import ValkeyServer
from tests.waiting import SECONDS, until


def a_user() -> UserId:
    return UserId(uuid4())


def telling(*audience: UserId, xid: int = 1) -> Announcement:
    return Announcement(xid, [Told([*audience], "typing", b'{"type":"typing"}')], [])


def appending(*audience: UserId, payload: bytes = b"{}") -> Run:
    return Run(ConversationId(uuid4()), 1, 0, [*audience], [payload])


class Options(TypedDict, total=False):
    """What a test sets differently for one node."""

    route_ttl: timedelta
    refresh: timedelta
    beat: timedelta
    capacity: int
    byte_capacity: int


class Make(Protocol):
    """Makes buses of one kind."""

    def __call__(self, **options: Unpack[Options]) -> Bus:
        """Make a bus that reaches those made before."""


class Node:
    """A node with nothing but a bus; what came in waits in the order of arrival."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.inbox: asyncio.Queue[Announcement] = asyncio.Queue()
        self.recoveries = 0

    async def open(self) -> None:
        """Begin to listen."""
        await self.bus.open(self.inbox.put_nowait, self._recovered)

    async def next(self) -> Announcement:
        """Wait for what comes in next."""
        async with asyncio.timeout(SECONDS):
            return await self.inbox.get()

    async def next_xid(self) -> int:
        """Wait likewise, for its transaction's id."""
        return (await self.next()).xid

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

    async def new(self, *joined: UserId, **options: Unpack[Options]) -> Node:
        """Make a node, open it and have users join."""
        node = Node(self._make(**options))
        self._all.append(node)
        await node.open()
        for user in joined:
            await node.bus.join(user)
        return node

    async def close(self) -> None:
        """Close all of them."""
        for node in self._all:
            await node.bus.close()


def redis_nodes(server: ValkeyServer, *, is_cluster: bool) -> Nodes:
    def make(**options: Unpack[Options]) -> Bus:
        return RedisBus(
            server.url,
            uuid4(),
            is_cluster=is_cluster,
            grace=timedelta(milliseconds=100),
            **options,
        )

    return Nodes(make, server)


def nodes_of(kind: str, request: pytest.FixtureRequest) -> Nodes:
    if kind == "memory":
        shared: list[MemoryBus] = []
        return Nodes(lambda **_: MemoryBus(shared), None)
    is_cluster = kind == "cluster"
    server = request.getfixturevalue("valkey_cluster" if is_cluster else "valkey")
    return redis_nodes(server, is_cluster=is_cluster)


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


async def run(server: ValkeyServer, *command: str) -> object:
    """Run a command as an operator would."""
    async with redis.asyncio.from_url(server.url) as client:
        answer: object = await client.execute_command(*command)  # type: ignore[no-untyped-call]
        return answer


# What every bus promises.


async def test_an_announcement_reaches_the_node_that_has_joined(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new(user)
    here.bus.announce(telling(user, xid=7))
    assert await there.next() == telling(user, xid=7)


async def test_only_what_concerns_a_joined_user_arrives(nodes: Nodes) -> None:
    joined, stranger = a_user(), a_user()
    here, there = await nodes.new(), await nodes.new(joined)
    here.bus.announce(telling(stranger, xid=1))
    run, other_run = appending(joined), appending(stranger)
    here.bus.announce(Announcement(2, runs=[other_run, run]))
    arrived = await there.next()
    assert (arrived.xid, list(arrived.told), arrived.runs) == (2, [], [run])


async def test_audiences_arrive_whole(nodes: Nodes) -> None:
    joined, elsewhere = a_user(), a_user()
    here, there = await nodes.new(), await nodes.new(joined)
    announcement = Announcement(
        3, telling(joined, elsewhere).told, [appending(elsewhere, joined)]
    )
    here.bus.announce(announcement)
    arrived = await there.next()
    assert list(arrived.told[0].audience) == [joined, elsewhere]
    assert list(arrived.runs[0].audience) == [elsewhere, joined]


async def test_events_of_a_transaction_arrive_all_or_not_at_all(nodes: Nodes) -> None:
    joined, other = a_user(), a_user()
    here, there = await nodes.new(), await nodes.new(joined)
    both = [*telling(joined).told, *telling(other).told]
    here.bus.announce(Announcement(4, both))
    assert [list(part.audience) for part in (await there.next()).told] == [
        [joined],
        [other],
    ]
    here.bus.announce(Announcement(5, telling(other).told, [appending(joined)]))
    assert not (await there.next()).told


async def test_an_announcement_does_not_come_back_to_its_own_node(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(user), await nodes.new(user)
    here.bus.announce(telling(user, xid=1))
    assert await there.next_xid() == 1
    there.bus.announce(telling(user, xid=2))
    # The one from there was sent later, so one's own would have come before.
    assert await here.next_xid() == 2


async def test_two_nodes_with_the_same_user_both_hear(nodes: Nodes) -> None:
    user = a_user()
    here, one, other = await nodes.new(), await nodes.new(user), await nodes.new(user)
    here.bus.announce(telling(user, xid=9))
    assert [await one.next_xid(), await other.next_xid()] == [9, 9]


async def test_one_announcers_announcements_arrive_in_order(nodes: Nodes) -> None:
    users = [a_user() for _ in range(10)]
    here, there = await nodes.new(), await nodes.new(*users)
    for xid in range(2000):
        here.bus.announce(telling(users[xid % 10], xid=xid))
    assert [await there.next_xid() for _ in range(2000)] == list(range(2000))


async def test_who_has_joined_is_reached_by_every_later_announcement(
    nodes: Nodes,
) -> None:
    here, there = await nodes.new(), await nodes.new()
    for xid in range(100):
        user = a_user()
        await there.bus.join(user)
        here.bus.announce(telling(user, xid=xid))
        assert await there.next_xid() == xid


async def test_many_join_at_once(nodes: Nodes) -> None:
    users = [a_user() for _ in range(3000)]
    here, there = await nodes.new(), await nodes.new()
    await asyncio.gather(*map(there.bus.join, users))
    announcement = Announcement(1, runs=[appending(user) for user in users])
    here.bus.announce(announcement)
    seen = 0
    while seen < 3000:
        seen += len((await there.next()).runs)


async def test_who_leaves_and_joins_at_once_stays_reached(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new(user)
    for xid in range(50):
        there.bus.leave(user)
        await there.bus.join(user)
        here.bus.announce(telling(user, xid=xid))
        assert await there.next_xid() == xid


async def test_who_has_left_is_not_reached_soon(nodes: Nodes) -> None:
    user, fence = a_user(), a_user()
    here, there = await nodes.new(), await nodes.new(user, fence)
    there.bus.leave(user)
    async with asyncio.timeout(SECONDS):
        while True:
            here.bus.announce(telling(user, xid=1))
            here.bus.announce(telling(fence, xid=2))
            if await there.next_xid() == 2:
                break
            await there.next()
            await asyncio.sleep(0.01)


async def test_who_joins_again_after_the_grace_is_reached(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new(user)
    # Whatever side of the end of the grace the join falls on.
    for xid in range(20):
        there.bus.leave(user)
        await asyncio.sleep(0.09 + xid / 1000)
        await there.bus.join(user)
        here.bus.announce(telling(user, xid=xid))
        assert await there.next_xid() == xid


async def test_a_closed_node_neither_hears_nor_fails(nodes: Nodes) -> None:
    user = a_user()
    here, there = await nodes.new(), await nodes.new(user)
    await there.bus.close()
    assert not there.bus.is_connected
    here.bus.announce(telling(user))
    there.bus.announce(telling(user))
    await there.bus.join(user)
    there.bus.leave(user)
    await there.bus.close()
    assert here.bus.is_connected
    assert there.inbox.empty()


async def test_beginning_is_no_recovery(nodes: Nodes) -> None:
    node = await nodes.new(a_user())
    assert node.bus.is_connected
    assert node.recoveries == 0


# What the one over Redis promises besides.


async def test_large_announcements_arrive_complete(redis_only: Nodes) -> None:
    members = [a_user() for _ in range(1000)]
    here, there = await redis_only.new(), await redis_only.new(members[5])
    payloads = [b'"%d%s"' % (n, b"x" * 4000) for n in range(500)]
    told = telling(*members).told
    whole = Run(ConversationId(uuid4()), 11, 3, members, payloads)
    here.bus.announce(Announcement(42, told, [whole]))
    first = await there.next()
    assert list(first.told) == list(told)
    arrived = [payload for run in first.runs for payload in run.payloads]
    while len(arrived) < 500:
        part = await there.next()
        [run] = part.runs
        assert (part.xid, list(part.told)) == (42, [])
        assert run.first_seq == 11 + len(arrived)
        assert run.prev_xid == (42 if arrived else 3)
        assert list(run.audience) == members
        arrived += run.payloads
    assert arrived == payloads


async def test_after_a_restart_of_the_server_it_goes_on_by_itself(
    redis_only: Nodes,
) -> None:
    user = a_user()
    here, there = await redis_only.new(), await redis_only.new(user)
    redis_only.server.kill()
    await until(lambda: not there.bus.is_connected and not here.bus.is_connected)
    redis_only.server.start()
    await until(lambda: there.bus.is_connected and here.bus.is_connected)
    assert (here.recoveries, there.recoveries) == (1, 1)
    here.bus.announce(telling(user, xid=5))
    assert await there.next_xid() == 5


async def test_without_a_server_nothing_waits(redis_only: Nodes) -> None:
    redis_only.server.kill()
    try:
        user = a_user()
        async with asyncio.timeout(5):
            node = await redis_only.new(user)
        assert not node.bus.is_connected
        node.bus.announce(telling(user))
        assert isinstance(node.bus, RedisBus)
        assert node.bus.dropped == 1
    finally:
        redis_only.server.start()
    await until(lambda: node.bus.is_connected)
    assert node.recoveries == 1
    here = await redis_only.new()
    here.bus.announce(telling(user, xid=6))
    assert await node.next_xid() == 6


async def test_a_server_that_no_longer_answers_is_noticed(redis_only: Nodes) -> None:
    node = await redis_only.new(a_user(), beat=timedelta(milliseconds=100))
    os.kill(redis_only.server.pid, signal.SIGSTOP)
    try:
        await until(lambda: not node.bus.is_connected)
        async with asyncio.timeout(5):
            await node.bus.join(a_user())
    finally:
        os.kill(redis_only.server.pid, signal.SIGCONT)
    await until(lambda: node.bus.is_connected)
    assert node.recoveries == 1


async def test_lost_routes_are_noticed_and_mended(redis_only: Nodes) -> None:
    user = a_user()
    here = await redis_only.new()
    there = await redis_only.new(user, refresh=timedelta(milliseconds=100))
    await run(redis_only.server, "FLUSHALL")
    await until(lambda: there.recoveries == 1)
    here.bus.announce(telling(user, xid=8))
    assert await there.next_xid() == 8


async def test_routes_are_renewed_before_they_expire(redis_only: Nodes) -> None:
    user = a_user()
    here = await redis_only.new()
    there = await redis_only.new(
        user,
        # Longer than a busy machine may keep the refresher waiting.
        route_ttl=timedelta(seconds=2),
        refresh=timedelta(milliseconds=50),
    )
    # Outlive the expiry: that time passes is what is tried here.
    await asyncio.sleep(3)
    here.bus.announce(telling(user, xid=3))
    assert await there.next_xid() == 3
    assert there.recoveries == 0


async def test_a_killed_subscription_is_replaced(redis_only: Nodes) -> None:
    user = a_user()
    here, there = await redis_only.new(), await redis_only.new(user)
    assert await run(redis_only.server, "CLIENT", "KILL", "TYPE", "pubsub") == 2
    await until(lambda: there.recoveries == 1 and here.recoveries == 1)
    assert there.bus.is_connected
    here.bus.announce(telling(user, xid=4))
    assert await there.next_xid() == 4


async def test_what_finds_no_room_is_dropped_and_counted(redis_only: Nodes) -> None:
    user = a_user()
    here, there = await redis_only.new(capacity=10), await redis_only.new(user)
    assert isinstance(here.bus, RedisBus)
    for xid in range(25):
        here.bus.announce(telling(user, xid=xid))
    assert here.bus.dropped == 15
    assert [await there.next_xid() for _ in range(10)] == list(range(10))


async def test_room_is_counted_in_bytes_too(redis_only: Nodes) -> None:
    user = a_user()
    here, there = await redis_only.new(byte_capacity=1000), await redis_only.new(user)
    assert isinstance(here.bus, RedisBus)
    for payload in (b"x" * 400, b"y" * 600, b"z" * 400):
        here.bus.announce(Announcement(1, runs=[appending(user, payload=payload)]))
    assert here.bus.dropped == 1
    assert [(await there.next()).runs[0].payloads[0][:1] for _ in range(2)] == [
        b"x",
        b"z",
    ]


async def test_closing_sends_what_waits_and_leaves_no_routes(redis_only: Nodes) -> None:
    users = [a_user() for _ in range(20)]
    here, there = await redis_only.new(*users), await redis_only.new(users[0])
    here.bus.announce(telling(users[0], xid=1))
    await here.bus.close()
    assert await there.next_xid() == 1
    await there.bus.close()
    for user in users:
        assert await run(redis_only.server, "KEYS", f"*{user}*") == []
    assert await run(redis_only.server, "PUBSUB", "CHANNELS") == []
    assert await run(redis_only.server, "PUBSUB", "SHARDCHANNELS") == []


async def test_closing_leaves_no_tasks(redis_only: Nodes) -> None:
    before = asyncio.all_tasks()
    node = await redis_only.new(a_user())
    assert asyncio.all_tasks() > before
    await node.bus.close()
    assert asyncio.all_tasks() == before


async def test_a_malformed_message_is_passed_over(
    redis_only: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    user = a_user()
    here, there = await redis_only.new(), await redis_only.new(user)
    assert isinstance(there.bus, RedisBus)
    for command in ("PUBLISH", "SPUBLISH"):
        await run(redis_only.server, command, there.bus._channel, "not for the log")
    here.bus.announce(telling(user, xid=2))
    assert await there.next_xid() == 2
    assert "malformed announcement" in caplog.messages
    assert "not for the log" not in caplog.text


async def test_a_failing_receiver_does_not_stop_the_bus(
    redis_only: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    user = a_user()
    here, there = await redis_only.new(), await redis_only.new(user)
    assert isinstance(there.bus, RedisBus)
    there.bus._receive = lambda announcement: there.inbox.put_nowait(
        telling(user, xid=10 // announcement.xid)
    )
    here.bus.announce(telling(user, xid=0))
    here.bus.announce(telling(user, xid=5))
    assert await there.next_xid() == 2
    assert "an announcement could not be delivered" in caplog.messages
    assert "ZeroDivisionError" in caplog.text


async def test_the_bus_measures_its_own_lag(redis_only: Nodes) -> None:
    node = await redis_only.new()
    assert isinstance(node.bus, RedisBus)
    assert node.bus.lag_seconds is not None
    assert 0 < node.bus.lag_seconds < 1
    await node.bus.close()
    assert node.bus.lag_seconds is None


async def test_the_password_is_never_logged(
    valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = valkey.url.replace("//", "//:open-sesame@")
    bus = RedisBus(url, uuid4())
    await bus.open(lambda _: None, lambda: None)
    assert not bus.is_connected
    await bus.close()
    assert "the bus is not connected" in caplog.messages
    assert "open-sesame" not in caplog.text + repr(vars(bus))
    assert "open-sesame" not in str([vars(record) for record in caplog.records])


def test_a_url_of_something_else_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="scheme") as refused:
        RedisBus("https://user:open-sesame@example.com", uuid4())
    assert "open-sesame" not in str(refused.value)
