"""Asking about every cell of a table at both doors, and comparing."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from callboard_client import Socket

from api.app import create_app
from tests.conftest import Served
from tests.factories import Person
from tests.journeys.casting import Company, Platform
from tests.journeys.doors import Doors, fresh, leave

# What a cell is about; the last word names who acts.
Cell = tuple[str, ...]


@asynccontextmanager
async def company_of(
    server: Served, *more: str
) -> AsyncIterator[tuple[Company, Mapping[str, Doors]]]:
    """Found a company, with more people, and let everybody in at both doors."""
    # Without a network between, which a thousand calls would feel.
    transport = httpx.ASGITransport(app=create_app(server.node))

    async def let_in(person: Person) -> Doors:
        return Doors(
            await Socket.connect(server.socket_url, person.token),
            httpx.AsyncClient(
                transport=transport, base_url=server.url, headers=person.headers
            ),
        )

    async with httpx.AsyncClient(transport=transport, base_url=server.url) as http:
        company = await Company.found(server.node, Platform(http), *more)
        opened = await asyncio.gather(*map(let_in, company.people.values()))
        try:
            yield company, dict(zip(company.people, opened, strict=True))
        finally:
            await asyncio.gather(*(leave(doors) for doors in opened))


async def write(doors: Doors, thread: str) -> tuple[str | None, ...]:
    """Give what the explanation says of writing, and what comes of it at each door."""
    path = f"/v1/conversations/{thread}"
    answer = await doors.http.get(f"{path}/permissions")
    explained = answer.json()
    return (
        explained["reason"] if answer.is_success else explained["code"],
        await doors.command(
            "message.send", conversation_id=thread, client_id=fresh(), body="Hello"
        ),
        await doors.call("POST", f"{path}/messages", client_id=fresh(), body="Hello"),
    )


async def read(doors: Doors, thread: str) -> tuple[str | None, ...]:
    """Give what comes of reading: history, who is there, and saying so."""
    path = f"/v1/conversations/{thread}"
    return (
        await doors.call("GET", f"{path}/messages"),
        await doors.call("GET", f"{path}/participants"),
        await doors.call("POST", f"{path}/read", seq=1),
    )


async def compare(
    doors: Mapping[str, Doors],
    cells: Iterable[tuple[Cell, str]],
    expected: Callable[[Cell], str | None],
    ask: Callable[[Doors, str], Awaitable[tuple[str | None, ...]]] = write,
) -> int:
    """
    Ask about every cell, with what stands beside it, and compare all answers.

    Different people ask at once, each of them one thing after the other. Gives how many
    cells there were.
    """
    by_actor: defaultdict[str, list[tuple[Cell, str]]] = defaultdict(list)
    for cell, what in cells:
        by_actor[cell[-1]].append((cell, what))
    wrong: dict[Cell, Any] = {}

    async def go_through(actor: str) -> int:
        for cell, what in by_actor[actor]:
            given = await ask(doors[actor], what)
            if set(given) != {expected(cell)}:
                wrong[cell] = f"{given} instead of {expected(cell)}"
        return len(by_actor[actor])

    counts = await asyncio.gather(*(go_through(actor) for actor in by_actor))
    assert not wrong
    return sum(counts)
