"""Searches take turns: few at once, one for each person, and no wait without end."""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from realtime.errors import RateLimited, Unavailable
from realtime.searching import Turns
from storage.records import UserId


def a_user() -> UserId:
    return UserId(uuid4())


async def test_two_people_search_and_a_third_is_refused_in_the_end() -> None:
    turns = Turns(2, wait_seconds=0)
    async with turns.turn(a_user()), turns.turn(a_user()):
        with pytest.raises(Unavailable) as refused:
            await AsyncExitStack().enter_async_context(turns.turn(a_user()))
        assert refused.value.retry_after_ms
    async with turns.turn(a_user()):
        assert len(turns) == 1
    assert len(turns) == 0


async def test_who_searches_already_is_refused_in_the_end_and_no_other() -> None:
    turns, ada = Turns(2, wait_seconds=0), a_user()
    async with turns.turn(ada):
        with pytest.raises(RateLimited) as refused:
            await AsyncExitStack().enter_async_context(turns.turn(ada))
        assert refused.value.retry_after_ms
        async with turns.turn(a_user()):
            pass
    async with turns.turn(ada):
        pass
    assert len(turns) == 0


async def test_many_searches_of_one_person_run_one_after_another() -> None:
    turns, ada = Turns(2, wait_seconds=60), a_user()
    running: set[int] = set()
    most: list[int] = []

    async def seek(number: int, user: UserId) -> None:
        async with turns.turn(user):
            running.add(number)
            most.append(len(running))
            await asyncio.sleep(0)
            running.remove(number)

    await asyncio.gather(*(seek(number, ada) for number in range(12)))
    assert max(most) == 1
    most.clear()
    await asyncio.gather(*(seek(number, a_user()) for number in range(12)))
    assert max(most) == 2
    assert len(most) == 12
    assert len(turns) == 0


async def test_who_goes_away_while_waiting_leaves_nothing() -> None:
    turns, ada = Turns(1, wait_seconds=60), a_user()

    async def seek() -> None:
        async with turns.turn(ada):
            pass

    async with turns.turn(a_user()):
        waiting = asyncio.create_task(seek())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(turns) == 1
    async with turns.turn(ada):
        pass
    assert len(turns) == 0
