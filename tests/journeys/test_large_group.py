"""A group of a thousand: one message, the same few rows, and everybody has it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from realtime.node import Node
from storage.records import ConversationId
from tests.api.calling import KEY, problem
from tests.conftest import Served, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_people
from tests.journeys.servers import connect, hear, heard, say, two_servers

MEMBERS = 1000
# Of whom so many are there, by turns on the one server and on the other.
PRESENT = 60
# What somebody who looks at a conversation is shown of those who take part.
SHOWN = 50
PAGE = 200


@dataclass(frozen=True)
class Hall:
    """A group, on two servers; `members` has its owner first."""

    servers: tuple[Served, Served]
    http: httpx.AsyncClient
    group: ConversationId
    members: Sequence[Person]

    @property
    def path(self) -> str:
        """Where the platform finds the group."""
        return f"/v1/platform/groups/{self.group}"

    async def look(self, person: Person, path: str, **query: str) -> dict[str, Any]:
        """Have somebody read something of the group."""
        answer = await self.http.get(
            f"/v1/conversations{path}", params=query, headers=person.headers
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def hall(database: TestDatabase) -> AsyncIterator[Hall]:
    """A group with as many members as a group may have."""
    async with two_servers(settings_for(database)) as servers:
        node = servers[0].node
        transport = httpx.ASGITransport(app=create_app(node))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://callboard.test"
        ) as http:
            people = await make_people(node, *(f"Member {n}" for n in range(MEMBERS)))
            yield Hall(servers, http, await gather_group(http, people), people)


async def gather_group(
    http: httpx.AsyncClient, people: Sequence[Person]
) -> ConversationId:
    """Make a group of these people; the first is its owner."""
    group = ConversationId(uuid4())
    fields = {"title": "Everybody", "owner_id": str(people[0].id)}
    made = await http.put(f"/v1/platform/groups/{group}", json=fields, headers=KEY)
    assert made.status_code == 200, made.text
    members = {"items": [{"user_id": str(person.id)} for person in people[1:]]}
    come = await http.post(
        f"/v1/platform/groups/{group}/members/batch", json=members, headers=KEY
    )
    assert come.status_code == 200, come.text
    return group


async def test_one_message_reaches_a_thousand(hall: Hall) -> None:
    present, absent = hall.members[:PRESENT], hall.members[PRESENT:]
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(
                await connect(hall.servers[place % 2], person)
            )
            for place, person in enumerate(present)
        ]
        await say(sockets[0], hall.group, "Places, please")
        await asyncio.gather(*(hear(socket, 1) for socket in sockets))
        assert {tuple(heard(socket)) for socket in sockets} == {(1,)}

    # A few at a time: a thousand at once wait too long for a connection to PostgreSQL.
    places = asyncio.Semaphore(8)

    async def unread_of(person: Person) -> int:
        async with places:
            count: int = (await hall.look(person, f"/{hall.group}"))["unread"]
        return count

    assert await unread_of(hall.members[0]) == 0
    counts = await asyncio.gather(*(unread_of(person) for person in absent))
    assert counts == [1] * (MEMBERS - PRESENT)
    history = await hall.look(absent[-1], f"/{hall.group}/messages")
    assert [message["body"] for message in history["items"]] == ["Places, please"]


async def test_a_message_costs_the_same_rows_however_many_read_it(hall: Hall) -> None:
    node = hall.servers[0].node
    few = hall.members[:10]
    costs = []
    for group, people in (
        (await gather_group(hall.http, few), few),
        (hall.group, hall.members),
    ):
        async with await connect(hall.servers[0], people[1]) as socket:
            before = await contents(node)
            await say(socket, group, "Places, please")
            after = await contents(node)
            costs.append(
                {
                    table: [after[table][it] - before[table][it] for it in (0, 1)]
                    for table in before
                    if after[table] != before[table]
                }
            )
    rows = [{table: cost[0] for table, cost in costed.items()} for costed in costs]
    new = {"messages": 1, "message_keys": 1, "feed": 1, "domain_events": 1}
    assert rows[0] == rows[1] == new | dict.fromkeys(rows[0].keys() - new, 0)
    # Nor do the rows hold more; times and ids are not all written equally long.
    small, large = (sum(size for _, size in cost.values()) for cost in costs)
    assert abs(large - small) < len(str(uuid4()))


async def contents(node: Node) -> dict[str, tuple[int, int]]:
    """Count the rows of each table, and the characters in them."""
    async with node.transaction() as work:
        tables = await work.connection.execute(
            text(
                "SELECT c.relname FROM pg_class c"
                " WHERE c.relnamespace = 'callboard'::regnamespace"
                " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            )
        )
        found = {}
        for table in tables.scalars().all():
            query = f"SELECT count(*), sum(length(t::text)) FROM callboard.{table} t"
            rows, length = (await work.connection.execute(text(query))).one()
            found[table] = (int(rows), int(length or 0))
    return found


async def test_the_list_of_members_pages(hall: Hall) -> None:
    pages = []
    query = {"limit": str(PAGE)}
    while True:
        page = await hall.look(hall.members[-1], f"/{hall.group}/participants", **query)
        pages.append([one["user_id"] for one in page["items"]])
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert [len(page) for page in pages] == [PAGE] * (MEMBERS // PAGE)
    listed = [user for page in pages for user in page]
    assert len(set(listed)) == MEMBERS
    assert set(listed) == {str(person.id) for person in hall.members}


async def test_who_looks_at_a_large_group_is_shown_a_few_of_its_members(
    hall: Hall,
) -> None:
    for person in (hall.members[0], hall.members[-1]):
        listed = await hall.look(person, "")
        for seen in (listed["items"][0], await hall.look(person, f"/{hall.group}")):
            assert seen["participant_count"] == MEMBERS
            assert len(seen["participants"]) == SHOWN
            owners = [one for one in seen["participants"] if one["role"] == "owner"]
            assert [one["user_id"] for one in owners] == [str(hall.members[0].id)]
            # Whoever looks is among them.
            assert str(person.id) in [one["user_id"] for one in seen["participants"]]


async def test_one_more_than_a_thousand_is_too_many(hall: Hall) -> None:
    owner = hall.members[0]
    (late,) = await make_people(hall.servers[0].node, "Late")
    await connect_people(hall.servers[0].node, owner, late)
    one = {"items": [{"user_id": str(late.id)}]}
    for method, path, body, headers in (
        ("PUT", f"{hall.path}/members/{late.id}", {}, KEY),
        ("POST", f"{hall.path}/members/batch", one, KEY),
        (
            "PUT",
            f"/v1/conversations/{hall.group}/participants/{late.id}",
            {},
            owner.headers,
        ),
    ):
        refused = await hall.http.request(method, path, json=body, headers=headers)
        problem(refused, 413, "too_large")
    leaving = f"/v1/conversations/{hall.group}/participants/{hall.members[-1].id}"
    left = await hall.http.delete(leaving, headers=hall.members[-1].headers)
    assert left.status_code == 204
    come = await hall.http.put(f"{hall.path}/members/{late.id}", json={}, headers=KEY)
    assert come.status_code == 200, come.text
