"""Who only asks who is there: sees what the nodes see, and takes nothing from them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from realtime.presence import Change
from realtime.redis_onlooker import RedisOnlooker
from realtime.redis_presence import RedisPresence
from storage.records import UserId
from tests.services import ValkeyServer
from tests.waiting import until

_POLL = timedelta(milliseconds=100)


@asynccontextmanager
async def node_on(
    valkey: ValkeyServer, told: list[Change], ttl: timedelta = timedelta(seconds=60)
) -> AsyncIterator[RedisPresence]:
    """What a node has of presence; `told` is what it hears."""
    presence = RedisPresence(
        valkey.url, grace=timedelta(milliseconds=300), ttl=ttl, poll=_POLL
    )
    await presence.open(told.append, lambda: None)
    try:
        yield presence
    finally:
        await presence.close()


@asynccontextmanager
async def onlooker_on(valkey: ValkeyServer) -> AsyncIterator[RedisOnlooker]:
    onlooker = RedisOnlooker(valkey.url)
    try:
        yield onlooker
    finally:
        await onlooker.close()


async def test_an_onlooker_sees_who_is_there_and_how(
    valkey_server: ValkeyServer,
) -> None:
    present, away, hidden, nobody = [UserId(uuid4()) for _ in range(4)]
    async with node_on(valkey_server, []) as node, onlooker_on(valkey_server) as it:
        sessions = {user: uuid4() for user in (present, away, hidden)}
        for user, session in sessions.items():
            await node.enter(user, session)
        await node.set(away, sessions[away], "away")
        await node.set(hidden, sessions[hidden], "invisible")
        found = await it.find([present, away, hidden, nobody])
        assert found.is_whole
        assert [found.of(user) for user in (present, away, hidden, nobody)] == [
            *("online", "away", "offline", "offline")
        ]


async def test_an_onlooker_finds_a_node_that_vanished_lapsed_and_takes_no_news(
    valkey_server: ValkeyServer,
) -> None:
    heard: list[Change] = []
    user = UserId(uuid4())
    async with (
        node_on(valkey_server, [], ttl=timedelta(seconds=1)) as dying,
        node_on(valkey_server, heard),
        onlooker_on(valkey_server) as onlooker,
    ):
        await dying.enter(user, uuid4())
        assert (await onlooker.find([user])).of(user) == "online"
        assert dying._sessions is not None
        dying._sessions.cancel()
        async with asyncio.timeout(10):
            while (await onlooker.find([user])).of(user) != "offline":
                pass
        # The onlooker was the first to see it, over and over; the node hears of it all
        # the same.
        await until(
            lambda: (user, "offline") in [(each.user, each.status) for each in heard]
        )


async def test_an_onlooker_without_redis_sees_nobody_and_asks_again_later() -> None:
    user, session = UserId(uuid4()), uuid4()
    with ValkeyServer() as valkey:
        async with node_on(valkey, []) as node, onlooker_on(valkey) as onlooker:
            await node.enter(user, session)
            assert (await onlooker.find([user])).of(user) == "online"
            valkey.kill()
            for _ in range(2):
                found = await onlooker.find([user])
                assert (found.of(user), found.is_whole) == ("offline", False)
            valkey.start()
            # Not yet: it has just been away.
            assert not (await onlooker.find([user])).is_whole
            async with asyncio.timeout(10):
                while (await onlooker.find([user])).of(user) != "online":
                    onlooker._away_until = 0.0
                    await asyncio.sleep(0.01)


def test_a_url_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match=r"^(?!.*secret)"):
        RedisOnlooker("http://secret@example.org")
