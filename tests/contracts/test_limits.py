"""What all limits promise, and what those over Redis promise besides."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
import redis.asyncio

from realtime.errors import RateLimited
from realtime.limits import Kind, Limits, MemoryLimits, Rates, rates_of
from realtime.rates import Rate
from realtime.redis_limits import RedisLimits, handful
from realtime.settings import load
from storage.records import UserId
from tests.services import ValkeyServer
from tests.waiting import SECONDS, until

# Long enough for a machine on which much else runs.
PATIENT = timedelta(seconds=SECONDS)

RATES: Rates = {
    "messages": Rate(1000, 10_000),
    "connections": Rate(3, 2_000_000),
}


def a_user() -> UserId:
    return UserId(uuid4())


class World:
    """Limits of one kind, in a time that passes only when it is told to."""

    def __init__(self, server: ValkeyServer | None, *, is_cluster: bool) -> None:
        self._server = server
        self._is_cluster = is_cluster
        self._all: list[Limits] = []
        self.ticks = 1
        self.refused: list[Kind] = []

    @property
    def server(self) -> ValkeyServer:
        """Give the server that these limits are kept in."""
        assert self._server is not None
        return self._server

    async def new(
        self, rates: Rates = RATES, patience: timedelta = PATIENT
    ) -> MemoryLimits | RedisLimits:
        """Make the limits of one more node."""
        made: MemoryLimits | RedisLimits
        if self._server is None:
            made = MemoryLimits(
                rates, refused=self.refused.append, now=lambda: self.ticks
            )
        else:
            made = RedisLimits(
                self._server.url,
                rates,
                is_cluster=self._is_cluster,
                patience=patience,
                refused=self.refused.append,
                now=lambda: self.ticks,
            )
        self._all.append(made)
        await made.open()
        return made

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, in Redis too by moving its moments back."""
        self.pass_time_here(seconds)
        if self._server is None:
            return
        async with redis.asyncio.from_url(self._server.url) as client:
            async for key in client.scan_iter("callboard:limit:*"):
                moment = int(await client.get(key) or 0) - round(seconds * 1_000_000)
                await client.set(key, moment, keepttl=True)

    def pass_time_here(self, seconds: float) -> None:
        """Let time pass for the nodes only."""
        self.ticks += round(seconds * 1_000_000)

    async def close(self) -> None:
        """End all of them."""
        for limits in self._all:
            await limits.close()


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    servers = {"memory": None, "valkey": "valkey", "cluster": "valkey_cluster"}
    name = servers[request.param]
    server = None if name is None else request.getfixturevalue(name)
    made = World(server, is_cluster=request.param == "cluster")
    yield made
    await made.close()


@pytest.fixture
async def redis_world(valkey: ValkeyServer) -> AsyncIterator[World]:
    made = World(valkey, is_cluster=False)
    yield made
    await made.close()


async def take_all(limits: Limits, kind: Kind, user: UserId, most: int = 5000) -> int:
    """Take until refused; tell how many were had."""
    for taken in range(most):
        try:
            await limits.check(kind, user)
        except RateLimited:
            return taken
    return most


async def refusal(limits: Limits, kind: Kind, user: UserId) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        await limits.check(kind, user)
    return caught.value


# What all limits promise.


async def test_a_burst_is_taken_and_no_more(world: World) -> None:
    limits = await world.new()
    assert await take_all(limits, "connections", a_user()) == 3


async def test_a_large_burst_is_taken_whole(world: World) -> None:
    limits = await world.new()
    taken = await take_all(limits, "messages", a_user())
    # Redis' clock goes on while a thousand are taken: one more for 10 ms of that.
    assert 1000 <= taken <= 1500


async def test_a_refusal_says_when_to_come_back_and_keeps_its_word(
    world: World,
) -> None:
    limits, user = await world.new(), a_user()
    await take_all(limits, "connections", user)
    refused = await refusal(limits, "connections", user)
    assert refused.retry_after_ms is not None
    assert 1 <= refused.retry_after_ms <= 2000
    await world.pass_time(refused.retry_after_ms / 1000)
    await limits.check("connections", user)
    await refusal(limits, "connections", user)


async def test_refusals_do_not_push_the_moment_away(world: World) -> None:
    limits, user = await world.new(), a_user()
    await take_all(limits, "connections", user)
    for _ in range(100):
        await refusal(limits, "connections", user)
    await world.pass_time(2)
    await limits.check("connections", user)


async def test_a_bucket_fills_up_and_not_over(world: World) -> None:
    limits, user = await world.new(), a_user()
    await take_all(limits, "connections", user)
    await world.pass_time(3600)
    assert await take_all(limits, "connections", user) == 3


async def test_people_and_kinds_do_not_share(world: World) -> None:
    limits, one, other = await world.new(), a_user(), a_user()
    await take_all(limits, "connections", one)
    await limits.check("connections", other)
    await limits.check("messages", one)


async def test_what_is_off_is_not_limited(world: World) -> None:
    limits, user = await world.new({}), a_user()
    assert await take_all(limits, "messages", user, 100) == 100
    limits.give_back("messages", user)
    assert world.refused == []


async def test_what_is_given_back_can_be_taken_again(world: World) -> None:
    limits, user = await world.new(), a_user()
    await take_all(limits, "connections", user)
    limits.give_back("connections", user)
    await limits.check("connections", user)
    await refusal(limits, "connections", user)


async def test_many_at_once_get_a_burst_together(world: World) -> None:
    limits, user = await world.new(), a_user()
    taken = await asyncio.gather(
        *(limits.check("connections", user) for _ in range(50)), return_exceptions=True
    )
    assert taken.count(None) == 3
    assert sum(isinstance(each, RateLimited) for each in taken) == 47


async def test_every_refusal_is_counted_by_kind(world: World) -> None:
    limits, user = await world.new(), a_user()
    await take_all(limits, "connections", user)
    await refusal(limits, "connections", user)
    assert world.refused == ["connections", "connections"]


# What one process promises besides.


async def test_full_buckets_are_forgotten() -> None:
    now = 0
    limits = MemoryLimits(RATES, now=lambda: now)
    for _ in range(20_000):
        now += 1000
        await limits.check("messages", a_user())
    # Full again after 10 ms: ten buckets matter at any time.
    assert len(limits) <= 1025


async def test_a_bucket_that_is_not_full_is_not_forgotten() -> None:
    limits, user = MemoryLimits(RATES, now=lambda: 0), a_user()
    await take_all(limits, "connections", user)
    for _ in range(5000):
        await limits.check("messages", a_user())
    await refusal(limits, "connections", user)


# What limits over Redis promise besides.


async def test_nodes_count_together(redis_world: World) -> None:
    one, other = await redis_world.new(), await redis_world.new()
    user = a_user()
    await one.check("connections", user)
    await other.check("connections", user)
    await one.check("connections", user)
    await refusal(other, "connections", user)
    await refusal(one, "connections", user)


async def test_what_nodes_have_borrowed_is_a_small_part(redis_world: World) -> None:
    nodes = [await redis_world.new() for _ in range(3)]
    user = a_user()
    for node in nodes[1:]:
        await node.check("messages", user)
    taken = await take_all(nodes[0], "messages", user)
    assert taken >= 1000 - 2 * handful(RATES["messages"])


async def test_a_message_costs_no_question(redis_world: World) -> None:
    rate = Rate.parse("5000/100")
    assert rate is not None
    limits, user = await redis_world.new({"messages": rate}), a_user()
    await limits.check("messages", user)
    os.kill(redis_world.server.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(1):
            for _ in range(handful(rate) - 1):
                await limits.check("messages", user)
    finally:
        os.kill(redis_world.server.pid, signal.SIGCONT)


async def test_a_slow_redis_holds_nobody_up(redis_world: World) -> None:
    limits = await redis_world.new(patience=timedelta(milliseconds=50))
    assert isinstance(limits, RedisLimits)
    assert limits.is_connected
    loop = asyncio.get_running_loop()
    os.kill(redis_world.server.pid, signal.SIGSTOP)
    try:
        begun = loop.time()
        # The first waits its while, the others know better.
        for _ in range(100):
            await limits.check("connections", a_user())
        assert loop.time() - begun < 1
    finally:
        os.kill(redis_world.server.pid, signal.SIGCONT)


async def test_without_redis_a_node_counts_alone(redis_world: World) -> None:
    redis_world.server.kill()
    try:
        limits, user = await redis_world.new(), a_user()
        assert await take_all(limits, "connections", user) == 3
        redis_world.pass_time_here(2)
        await limits.check("connections", user)
        await refusal(limits, "connections", user)
    finally:
        redis_world.server.start()


async def test_limits_are_kept_together_again_when_redis_is_back(
    redis_world: World,
) -> None:
    one, other = await redis_world.new(), await redis_world.new()
    assert isinstance(one, RedisLimits)
    assert isinstance(other, RedisLimits)
    redis_world.server.restart()
    # The first to ask finds out.
    await one.check("connections", a_user())
    await other.check("connections", a_user())
    await until(lambda: one.is_connected and other.is_connected)
    user = a_user()
    assert await take_all(one, "connections", user) == 3
    await refusal(other, "connections", user)


async def test_buckets_in_redis_end_with_themselves(redis_world: World) -> None:
    limits, user = await redis_world.new(), a_user()
    await limits.check("connections", user)
    async with redis.asyncio.from_url(redis_world.server.url) as client:
        left = await client.pttl(f"callboard:limit:connections:{{{user}}}")
    assert 0 < left <= 2000


# How rates are written.


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("2000/50", Rate(2000, 20_000)),
        ("60/1m", Rate(60, 60_000_000)),
        ("200/12m", Rate(200, 5_000_000)),
        ("1/1h", Rate(1, 3_600_000_000)),
        ("5/2d", Rate(5, 43_200_000_000)),
        ("7/3s", Rate(7, 333_333)),
        ("off", None),
    ],
)
def test_a_rate_is_a_burst_and_a_refill(text: str, rate: Rate | None) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "5", "0/1", "1/0", "-1/5", "5/1y", "5/1.5", "x"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="burst/refill"):
        Rate.parse(text)


def test_limits_are_chosen_by_settings() -> None:
    assert rates_of(load({}))["messages"] == Rate(5000, 10_000)
    chosen = load({"CALLBOARD_LIMIT_MESSAGES": "off"}, limit_connections="60/1m")
    assert "messages" not in rates_of(chosen)
    assert rates_of(chosen)["connections"] == Rate(60, 60_000_000)
