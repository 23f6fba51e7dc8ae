"""Domain events: one order for ever, nothing behind a reader's back, each once."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.deps import next_page
from realtime.node import Node
from tests.api.calling import KEY, problem
from tests.factories import make_people

EVENTS = "/v1/platform/events"


async def _read(
    http: httpx.AsyncClient, after: str | None = None, **query: object
) -> tuple[list[dict[str, Any]], str]:
    params = {name: str(value) for name, value in query.items()}
    if after is not None:
        params["after"] = after
    answer = await http.get(EVENTS, params=params, headers=KEY)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["next"]
    return found["items"], found["next"]


def _numbers(events: list[dict[str, Any]]) -> list[int]:
    return [UUID(event["subject"]["user_id"]).int for event in events]


async def _happen(node: Node, *numbers: int, kind: str = "test.happened") -> None:
    async with node.transaction() as work:
        for number in numbers:
            work.happen(kind, {"user_id": UUID(int=number)}, {"number": number})


async def test_events_come_in_order_and_the_position_goes_on(
    http: httpx.AsyncClient, node: Node
) -> None:
    _, start = await _read(http, limit=200)
    nothing, start = await _read(http, start)
    assert nothing == []
    await _happen(node, 1, 2)
    await _happen(node, 3)
    first, middle = await _read(http, start, limit=2)
    second, end = await _read(http, middle, limit=2)
    third, end = await _read(http, end)
    assert (_numbers(first), _numbers(second), third) == ([1, 2], [3], [])
    assert set(first[0]) == {"id", "type", "subject", "data", "occurred_at"}
    assert first[0]["type"] == "test.happened"
    assert first[0]["data"] == {"number": 1}
    # Asked again, the same is answered.
    assert await _read(http, start, limit=2) == (first, middle)
    await _happen(node, 4)
    assert _numbers((await _read(http, end))[0]) == [4]


async def test_what_began_first_and_ends_last_is_waited_for(
    http: httpx.AsyncClient, node: Node
) -> None:
    _, start = await _read(http, limit=200)
    async with node.transaction() as slow:
        # It has its number from now on, and its id comes before all others'.
        await slow.connection.exec_driver_sql(
            "INSERT INTO callboard.domain_events (type, subject)"
            " VALUES ('test.happened',"
            ' \'{"user_id": "00000000-0000-0000-0000-000000000001"}\')'
        )
        await _happen(node, 2)
        held, position = await _read(http, start)
        assert held == []
    found, position = await _read(http, position)
    assert _numbers(found) == [1, 2]
    assert (await _read(http, position))[0] == []


async def test_what_was_rolled_back_never_happened(
    http: httpx.AsyncClient, node: Node
) -> None:
    _, start = await _read(http, limit=200)

    async def fail() -> None:
        async with node.transaction() as work:
            work.happen("test.happened", {"user_id": UUID(int=1)})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await _happen(node, 2)
    assert _numbers((await _read(http, start))[0]) == [2]


async def test_one_kind_is_read_alone_and_passes_over_the_others(
    http: httpx.AsyncClient, node: Node
) -> None:
    _, start = await _read(http, limit=200)
    await _happen(node, 1, 3, kind="test.odd")
    await _happen(node, 2, kind="test.even")
    even, position = await _read(http, start, type="test.even")
    assert _numbers(even) == [2]
    # Behind everything that could be read, of whatever kind.
    assert (await _read(http, position))[0] == []
    odd, position = await _read(http, start, type="test.odd", limit=1)
    rest, _ = await _read(http, position, type="test.odd", limit=1)
    assert _numbers(odd + rest) == [1, 3]


async def _write(node: Node, writer: int, rounds: int) -> None:
    """Write events, each in a transaction that is open for longer or shorter."""
    for turn in range(rounds):
        async with node.transaction() as work:
            # Takes the transaction's number now; the event's id comes later.
            await work.connection.exec_driver_sql("SELECT pg_current_xact_id()")
            for _ in range((writer * 7 + turn * 3) % 5):
                await work.connection.exec_driver_sql("SELECT 1")
            number = writer * 1000 + turn + 1
            work.happen("test.happened", {"user_id": UUID(int=number)})
            work.happen("test.happened", {"user_id": UUID(int=number + 500)})


async def _follow(
    http: httpx.AsyncClient, position: str, done: asyncio.Event, limit: int
) -> list[dict[str, Any]]:
    """Read on until nothing is left after everybody has written."""
    seen: list[dict[str, Any]] = []
    while True:
        is_last = done.is_set()
        found, position = await _read(http, position, limit=limit)
        seen += found
        if is_last and not found:
            return seen


async def test_a_follower_of_many_writers_sees_each_event_once_in_one_order(
    http: httpx.AsyncClient, node: Node
) -> None:
    _, start = await _read(http, limit=200)
    writers, rounds = range(6), 15
    done = asyncio.Event()
    following = asyncio.create_task(_follow(http, start, done, 7))
    await asyncio.gather(*(_write(node, writer, rounds) for writer in writers))
    done.set()
    seen = await following

    numbers = _numbers(seen)
    for writer in writers:
        turns = [writer * 1000 + turn + 1 for turn in range(rounds)]
        expected = [number for turn in turns for number in (turn, turn + 500)]
        assert [number for number in numbers if number // 1000 == writer] == expected
    assert len(seen) == len(writers) * rounds * 2
    # Who reads later reads the same order, in pages of whatever size.
    assert await _follow(http, start, done, 50) == seen


async def test_what_people_do_is_an_event(http: httpx.AsyncClient, node: Node) -> None:
    ada, alan = await make_people(node, "Ada", "Alan")
    _, start = await _read(http, limit=200)
    await http.put(f"/v1/blocks/{alan.id}", headers=ada.headers)
    (event,), _ = await _read(http, start)
    assert event["type"] == "user.blocked"
    assert event["subject"] == {
        "blocker_id": str(ada.id),
        "blocked_id": str(alan.id),
    }


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "é",
        next_page("a", 1),
        next_page("a", -1, 1),
        next_page("a", 2**64, 1),
        next_page("a", 1, 2**63),
        next_page("a", "٣", 1),
        next_page("a", "", 1),
    ],
)
async def test_what_is_no_position_is_refused(
    http: httpx.AsyncClient, after: str
) -> None:
    answer = await http.get(EVENTS, params={"after": after}, headers=KEY)
    assert problem(answer, 422, "invalid")["detail"].startswith("after")


async def test_what_is_no_kind_is_refused(http: httpx.AsyncClient) -> None:
    for kind in ("%00", "x" * 101):
        problem(await http.get(f"{EVENTS}?type={kind}", headers=KEY), 422, "invalid")


async def test_a_position_of_another_database_is_said_to_be_one(
    http: httpx.AsyncClient,
) -> None:
    params = {"after": next_page("another-database", 1, 1)}
    problem(await http.get(EVENTS, params=params, headers=KEY), 409, "conflict")


@pytest.mark.parametrize("xid", ["0", str(2**64 - 1)])
async def test_the_ends_of_the_world_are_positions(
    http: httpx.AsyncClient, node: Node, xid: str
) -> None:
    async with node.transaction() as work:
        identity = await work.resume.identity()
    _, position = await _read(http, next_page(identity, xid, 0))
    assert await _read(http, position)
