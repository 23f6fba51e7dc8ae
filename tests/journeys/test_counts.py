"""Unread is right at every door, whatever people did a moment ago."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from realtime.lifecycle import DEFAULT_RULES, Rule
from tests.conftest import running_node, served, settings_for
from tests.databases import TestDatabase
from tests.journeys.counting import ADA, DIRECT, GRACE, GROUP, LINUS, THREAD, World

# A thread whose gig is cancelled is archived at once, so that a test need not wait.
RULES = {**DEFAULT_RULES, "gig.cancelled": Rule(0, 0)}


@asynccontextmanager
async def a_world(database: TestDatabase) -> AsyncIterator[World]:
    async with (
        running_node(settings_for(database, lifecycle=RULES)) as node,
        served(node) as server,
    ):
        world = await World.begin(server, database.admin_url)
        try:
            yield world
        finally:
            await world.end()


Do = Callable[[World], Awaitable[object]]


def change(who: int, where: int, seq: int, verb: str) -> Do:
    async def do(world: World) -> None:
        assert await world.change(who, where, seq, verb)

    return do


async def leave_and_come_back(world: World) -> None:
    await world.let_go(LINUS, GROUP, LINUS)
    await world.send(ADA, GROUP)
    await world.check()
    await world.bring(ADA, GROUP, LINUS)
    await world.check()
    await world.send(ADA, GROUP)


async def archive_and_take_back(world: World) -> None:
    await world.archive(GRACE, GROUP, "archived")
    await world.send(ADA, GROUP)
    await world.check()
    await world.archive(GRACE, GROUP, "active")


async def block_and_unblock(world: World) -> None:
    await world.block(GRACE, is_wanted=True)
    await world.check()
    await world.block(GRACE, is_wanted=False)


async def hide_and_read(world: World) -> None:
    await world.hide(GRACE, is_wanted=True)
    await world.read(GRACE, GROUP, 2)


async def delete_all_and_read_in_the_middle(world: World) -> None:
    for seq in range(3):
        await world.change(ADA, GROUP, seq, "delete")
        await world.check()
    await world.read(GRACE, GROUP, 2)


# Ada said 1 to 3 in each conversation, and Grace has read the first.
@pytest.mark.parametrize(
    "do",
    [
        pytest.param(change(ADA, GROUP, 1, "delete"), id="delete of an unread one"),
        pytest.param(change(ADA, GROUP, 0, "delete"), id="delete of a read one"),
        pytest.param(change(ADA, DIRECT, 2, "delete"), id="delete of the last"),
        pytest.param(delete_all_and_read_in_the_middle, id="delete of all, read"),
        pytest.param(change(ADA, GROUP, 1, "edit"), id="edit"),
        pytest.param(change(GRACE, GROUP, 1, "react"), id="reaction"),
        pytest.param(lambda world: world.send(GRACE, GROUP), id="answer"),
        pytest.param(lambda world: world.read(GRACE, GROUP, 2), id="read a part"),
        pytest.param(lambda world: world.read(GRACE, GROUP, 99), id="read all"),
        pytest.param(lambda world: world.set_gig("closed"), id="system message"),
        pytest.param(lambda world: world.set_gig("cancelled"), id="archived by rule"),
        pytest.param(leave_and_come_back, id="leave, rejoin"),
        pytest.param(lambda world: world.let_go(ADA, GROUP, LINUS), id="removal"),
        pytest.param(
            lambda world: world.block(GRACE, is_wanted=True), id="blocked direct"
        ),
        pytest.param(block_and_unblock, id="block, unblock"),
        pytest.param(archive_and_take_back, id="archive, unarchive"),
        pytest.param(hide_and_read, id="hidden receipts"),
    ],
)
async def test_unread_is_right_after(database: TestDatabase, do: Do) -> None:
    async with a_world(database) as world:
        for where in (DIRECT, GROUP, THREAD):
            for _ in range(3):
                await world.send(ADA, where)
            await world.read(GRACE, where, 1)
        await world.check()
        await do(world)
        await world.check()


people = st.integers(0, 2)
places = st.integers(0, 2)
seqs = st.integers(0, 9)
verbs = st.sampled_from(["delete", "delete", "edit", "react"])
steps = st.one_of(
    st.builds(partial, st.just(World.send), who=people, where=places),
    st.builds(partial, st.just(World.send), who=people, where=places),
    st.builds(partial, st.just(World.read), who=people, where=places, seq=seqs),
    st.builds(
        partial, st.just(World.change), who=people, where=places, seq=seqs, verb=verbs
    ),
    st.builds(partial, st.just(World.let_go), who=people, where=places, whom=people),
    st.builds(partial, st.just(World.bring), who=people, where=places, whom=people),
    st.builds(
        partial,
        st.just(World.archive),
        who=people,
        where=places,
        status=st.sampled_from(["active", "archived"]),
    ),
    st.builds(
        partial,
        st.just(World.block),
        who=st.sampled_from([ADA, GRACE]),
        is_wanted=st.booleans(),
    ),
    st.builds(partial, st.just(World.hide), who=people, is_wanted=st.booleans()),
    st.builds(
        partial,
        st.just(World.set_gig),
        status=st.sampled_from(["published", "closed", "cancelled"]),
    ),
)


# Shrinking would begin a server per try, for many minutes.
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(steps, min_size=5, max_size=20))
def test_unread_is_right_after_anything(database: TestDatabase, plan: list[Do]) -> None:
    async def live() -> None:
        async with a_world(database) as world:
            for place in (DIRECT, GROUP, THREAD):
                await world.send(LINUS if place else ADA, place)
            for number, step in enumerate(plan):
                await step(world)
                if number % 4 == 0:
                    await world.check()
            await world.check()

    asyncio.run(live())
