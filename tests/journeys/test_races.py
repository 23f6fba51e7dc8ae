"""A group in which several people do things at once, on two nodes."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.records import ConversationId
from tests.conftest import Served, settings_for
from tests.databases import TestDatabase
from tests.factories import connect_people, make_people
from tests.journeys.servers import two_servers
from tests.journeys.stores import Follower, fetch

# The last one only watches, and nobody takes them out.
PEOPLE, WATCHER = 4, 3

# Whoever answers later than this waits for a lock that nobody gives back.
ANSWER_SECONDS = 20
CATCH_UP_SECONDS = 10

Do = tuple[str, int, int]

active = st.integers(0, PEOPLE - 2)
deeds = st.tuples(
    st.sampled_from(
        [
            *("send", "send", "send", "leave", "add", "add", "remove", "own", "join"),
            *("title", "edit", "delete", "react", "unreact", "read", "mute", "archive"),
        ]
    ),
    active,
    st.integers(0, 5),
)
# What happens at once, and whose socket is lost or comes back before.
rounds = st.tuples(
    st.lists(deeds, min_size=1, max_size=5),
    st.lists(active, max_size=2),
)


class Group:
    """The group, what people do in it, and what became of that."""

    def __init__(
        self, servers: tuple[Served, Served], followers: list[Follower]
    ) -> None:
        self.servers = servers
        self.followers = followers
        self.people = [follower.person for follower in followers]
        self.id = ""
        self.accepted: list[str] = []
        self._http = [
            httpx.AsyncClient(base_url=server.url, timeout=ANSWER_SECONDS)
            for server in servers
        ]
        self._calls = 0

    async def begin(self, history: str) -> None:
        """Have the first one make the group of all."""
        others = [str(person.id) for person in self.people[1:]]
        made = await self.ask(
            0, "POST", "", kind="group", user_ids=others, history=history
        )
        self.id = made.json()["id"]

    async def end(self) -> None:
        """Let go."""
        for http in self._http:
            await http.aclose()

    async def ask(
        self, who: int, method: str, path: str, **body: object
    ) -> httpx.Response:
        """Call on one node and then on the other; no is an answer, a fault is none."""
        self._calls += 1
        answer = await self._http[self._calls % 2].request(
            method,
            path if path.startswith("/") else f"/v1/conversations{path and '/' + path}",
            json=body or None,
            headers=self.people[who].headers,
        )
        assert answer.status_code < 500, answer.text
        return answer

    async def do(self, deed: Do) -> None:
        """Do something to the group, or to a message in it."""
        kind, who, number = deed
        if kind == "send":
            path = f"{self.id}/messages"
            key = str(uuid4())
            sent = await self.ask(who, "POST", path, client_id=key, body="Hi")
            if sent.status_code == 201:
                self.accepted.append(sent.json()["id"])
            return
        message = self.accepted[number % len(self.accepted)] if self.accepted else ""
        thumb = f"/v1/messages/{message}/reactions/%F0%9F%91%8D"
        part = f"{self.id}/participants/{self.people[number % WATCHER].id}"
        own = f"{self.id}/participants/{self.people[who].id}"
        calls: dict[str, tuple[str, str, dict[str, object]]] = {
            "leave": ("DELETE", own, {}),
            "add": ("PUT", part, {}),
            "remove": ("DELETE", part, {}),
            "own": ("PUT", part, {"role": "owner"}),
            "join": ("PUT", part, {"role": "member"}),
            "title": ("PATCH", self.id, {"title": f"Title {number}"}),
            "read": ("POST", f"{self.id}/read", {"seq": number}),
            "mute": ("PATCH", self.id, {"muted_until": f"203{number}-01-01T00:00:00Z"}),
            "archive": (
                "PATCH",
                self.id,
                {"status": ("active", "archived")[number % 2]},
            ),
            "edit": ("PATCH", f"/v1/messages/{message}", {"body": f"Ho {uuid4()}"}),
            "delete": ("DELETE", f"/v1/messages/{message}", {}),
            "react": ("PUT", thumb, {}),
            "unreact": ("DELETE", thumb, {}),
        }
        method, path, body = calls[kind]
        if message or "/v1/messages/" not in path:
            await self.ask(who, method, path, **body)

    async def members(self) -> dict[str, str]:
        """Give who takes part, in which role, as the watcher sees it."""
        shown = (await self.ask(WATCHER, "GET", self.id)).json()
        assert shown["participant_count"] == len(shown["participants"])
        return {one["user_id"]: one["role"] for one in shown["participants"]}


async def live_through(
    group: Group, plan: list[tuple[list[Do], list[int]]], history: str
) -> None:
    """Do all of it, and look at what must hold after each round and in the end."""
    for place, follower in enumerate(group.followers):
        await follower.come(group.servers[place % 2])
    await group.begin(history)
    for number, (at_once, moved) in enumerate(plan):
        for who in dict.fromkeys(moved):
            if group.followers[who].socket is None:
                await group.followers[who].come(group.servers[number % 2])
            else:
                await group.followers[who].go()
        await asyncio.gather(*(group.do(deed) for deed in at_once))
        assert "owner" in (await group.members()).values()
    for follower in group.followers:
        await follower.come(group.servers[0])
        await in_step(follower, group.servers[0])
    await check_history(group)
    check_absences(group, await group.members())


async def in_step(follower: Follower, server: Served) -> None:
    """Wait until a store that knows only events holds what a fetched one does."""
    try:
        async with asyncio.timeout(CATCH_UP_SECONDS):
            while not await follower.is_in_step():
                continue
    except TimeoutError:
        expected = await fetch(server, follower.person)
        assert follower.store.snapshot() == expected.snapshot()


async def check_history(group: Group) -> None:
    """Every accepted message is there once, and nothing else; all counts are right."""
    store = await fetch(group.servers[0], group.people[WATCHER])
    said = store.messages(group.id)
    assert [message["seq"] for message in said] == list(range(1, len(said) + 1))
    assert Counter(message["id"] for message in said) == Counter(group.accepted)
    async with group.servers[0].node.transaction() as work:
        assert await work.recount.drift([ConversationId(UUID(group.id))]) == []


def check_absences(group: Group, members: dict[str, str]) -> None:
    """Who had left wrote nothing and was told nothing until they were back."""
    watched = group.followers[WATCHER].events
    created = events_of(watched, "message.created")
    said = {one["message"]["seq"]: one["message"]["sender_id"] for one in created}
    assert list(said) == list(range(1, len(group.accepted) + 1))
    for who, follower in enumerate(group.followers):
        user = str(follower.person.id)
        left = of_user(events_of(watched, "participant.left"), user)
        came = of_user(events_of(watched, "participant.joined"), user)
        assert 1 + len(came) - len(left) == (user in members)
        starts = sorted(event["last_seq"] for event in left)
        ends = sorted(event["participant"]["read_seq"] for event in came)
        absent = {
            seq
            for start, end in zip(starts, [*ends, len(said)], strict=False)
            for seq in range(start + 1, end + 1)
        }
        assert not {seq for seq in absent if said[seq] == user}
        if who != WATCHER and not follower.was_away:
            told = events_of(follower.events, "message.created")
            assert not absent & {one["message"]["seq"] for one in told}


def events_of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Give what events of one kind said, in the order in which they came."""
    return [event["data"] for event in events if event["type"] == kind]


def of_user(events: list[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """Give what concerns one user."""
    return [event for event in events if event["user_id"] == user]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    plan=st.lists(rounds, min_size=1, max_size=8),
    history=st.sampled_from(["all", "joined"]),
)
def test_a_group_holds_together_whatever_people_do_at_once(
    database: TestDatabase, plan: list[tuple[list[Do], list[int]]], history: str
) -> None:
    async def run() -> None:
        async with two_servers(settings_for(database)) as servers:
            node = servers[0].node
            people = await make_people(node, *(f"Person {n}" for n in range(PEOPLE)))
            for one in range(PEOPLE):
                for other in range(one):
                    await connect_people(node, people[one], people[other])
            group = Group(servers, [Follower(person) for person in people])
            try:
                await live_through(group, plan, history)
            finally:
                await group.end()

    asyncio.run(run())
