"""State before + events = state fetched now, whatever people do in whatever order."""

import asyncio
from copy import deepcopy
from typing import Any
from uuid import uuid4

import httpx
from callboard_client import Conversations, Refused, Socket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.node import Node
from tests.conftest import Served, running_node, served, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_people

PEOPLE = 3
# Everybody has two sockets, so that one's own other devices are looked at too.
SOCKETS = 2

Step = tuple[str, int, int, int]

people = st.integers(0, PEOPLE - 1)
steps = st.one_of(
    st.tuples(
        st.sampled_from(
            [
                "request",
                "accept",
                "reject",
                "withdraw",
                "remove",
                "block",
                "unblock",
                "mute",
                "archive",
            ]
        ),
        people,
        people,
        st.just(0),
    ),
    st.tuples(
        st.sampled_from(["send", "send", "send", "read", "delivered"]),
        people,
        people,
        st.integers(0, 5),
    ),
    st.tuples(
        st.sampled_from(["edit", "delete", "react", "unreact", "answer"]),
        people,
        people,
        st.integers(0, 5),
    ),
    st.tuples(
        st.sampled_from(["drop", "return"]), people, people, st.integers(0, SOCKETS - 1)
    ),
)


class Device:
    """One socket with a store that only events keep up to date."""

    def __init__(self, server: Served, person: Person) -> None:
        self._server = server
        self._person = person
        self.store = Conversations(str(person.id))
        self.socket: Socket | None = None
        self._cursor: str | None = None

    async def come(self) -> None:
        """Connect, with the newest cursor; reload where that is not enough."""
        if self.socket is not None:
            return
        self.socket = await Socket.connect(
            self._server.socket_url, self._person.token, cursor=self._cursor
        )
        if self.socket.hello["resumed"] is not True:
            self.store = await fetch(self._server, self._person)

    async def go(self) -> None:
        """Lose the connection, after having seen what has come."""
        if self.socket is None:
            return
        await self.catch_up()
        self._cursor = self.socket.cursor
        self.socket.abort()
        await self.socket.wait_closed()
        self.socket = None

    async def catch_up(self) -> None:
        """Apply everything that the server has sent by now."""
        assert self.socket is not None
        await self.socket.request("ping")
        for event in self.socket.take_waiting():
            self.store.apply(event)


async def fetch(server: Served, person: Person) -> Conversations:
    """Fetch a person's whole state over HTTP."""
    store = Conversations(str(person.id))
    async with httpx.AsyncClient(base_url=server.url, headers=person.headers) as http:
        conversations = (await http.get("/v1/conversations")).json()["items"]
        connections = (await http.get("/v1/connections")).json()["items"]
        store.reload(conversations, connections)
        for conversation in conversations:
            path = f"/v1/conversations/{conversation['id']}/messages"
            answer = await http.get(path, params={"after": 0, "limit": 200})
            store.load_messages(answer.json()["items"])
    return store


async def do(
    server: Served, everybody: list[Person], devices: list[list[Device]], step: Step
) -> None:
    """Do one step; that the server refuses it is an answer like any other."""
    kind, who, whom, number = step
    me, other = everybody[who], everybody[whom]
    if kind == "drop":
        await devices[who][number].go()
        return
    if kind == "return":
        await devices[who][number].come()
        return
    async with httpx.AsyncClient(base_url=server.url, headers=me.headers) as http:
        links = (await http.get("/v1/connections")).json()["items"]
        link = next(
            (
                one["id"]
                for one in links
                if str(other.id) in (one["requester_id"], one["recipient_id"])
            ),
            str(uuid4()),
        )
        mine = (await http.get("/v1/conversations")).json()["items"]
        here = next(
            (
                one["id"]
                for one in mine
                if str(other.id) in [p["user_id"] for p in one["participants"]]
            ),
            str(uuid4()),
        )
        history = await http.get(f"/v1/conversations/{here}/messages")
        said = history.json().get("items", [])
        message = said[number % len(said)]["id"] if said else str(uuid4())
        if kind in {"mute", "archive"}:
            change = (
                {"muted_until": "2030-01-01T00:00:00.000Z"}
                if kind == "mute"
                else {"status": "archived"}
            )
            await http.patch(f"/v1/conversations/{here}", json=change)
            return
    commands: dict[str, tuple[str, dict[str, object]]] = {
        "request": ("connection.request", {"user_id": str(other.id)}),
        "accept": ("connection.accept", {"connection_id": link}),
        "reject": ("connection.reject", {"connection_id": link}),
        "withdraw": ("connection.withdraw", {"connection_id": link}),
        "remove": ("connection.remove", {"connection_id": link}),
        "block": ("user.block", {"user_id": str(other.id)}),
        "unblock": ("user.unblock", {"user_id": str(other.id)}),
        "send": (
            "message.send",
            {"to_user_id": str(other.id), "client_id": str(uuid4()), "body": "Hi"},
        ),
        "answer": (
            "message.send",
            {
                "conversation_id": here,
                "client_id": str(uuid4()),
                "body": "Yes",
                "reply_to_id": message,
            },
        ),
        "edit": (
            "message.edit",
            {"message_id": message, "body": f"Ho {uuid4()}"},
        ),
        "delete": ("message.delete", {"message_id": message}),
        "react": ("reaction.add", {"message_id": message, "emoji": "👍🎬"[who % 2]}),
        "unreact": (
            "reaction.remove",
            {"message_id": message, "emoji": "👍🎬"[who % 2]},
        ),
        "read": ("conversation.read", {"conversation_id": here, "seq": number}),
        "delivered": (
            "conversation.delivered",
            {"conversation_id": here, "seq": number},
        ),
    }
    command, data = commands[kind]
    async with await Socket.connect(server.socket_url, me.token) as socket:
        try:
            await socket.request(command, **data)
        except Refused as refused:
            # No is an answer like any other, unless the server itself failed.
            if refused.code in {"internal", "unavailable"}:
                raise


def compared(store: Conversations) -> dict[str, Any]:
    """
    Give what a store holds, but for the heads of what is answered.

    A head is as it was when its message came; nobody is told of every answer to a
    message when that is edited, because who holds it has the edit.
    """
    held = deepcopy(store.snapshot())
    for messages in held["messages"].values():
        for message in messages:
            del message["reply_to"]
    for conversation in held["conversations"].values():
        if conversation and conversation["last_message"]:
            # The same message, where the store holds it.
            conversation["last_message"].pop("reply_to", None)
    return held


async def live_through(node: Node, plan: list[Step]) -> None:
    everybody = await make_people(node, *(f"Person {n}" for n in range(PEOPLE)))
    await connect_people(node, everybody[0], everybody[1])
    async with served(node) as server:
        devices = [
            [Device(server, person) for _ in range(SOCKETS)] for person in everybody
        ]
        for device in (device for own in devices for device in own):
            await device.come()
        for step in plan:
            await do(server, everybody, devices, step)
        for person, own in zip(everybody, devices, strict=True):
            expected = compared(await fetch(server, person))
            for device in own:
                await device.come()
                await device.catch_up()
                assert compared(device.store) == expected
                await device.go()


@settings(
    max_examples=20,
    deadline=None,
    # One database for all examples: each has people of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(steps, max_size=25))
def test_state_before_plus_events_is_state_fetched_now(
    database: TestDatabase, plan: list[Step]
) -> None:
    async def run() -> None:
        async with running_node(settings_for(database)) as node:
            await live_through(node, plan)

    asyncio.run(run())
