"""
Access that is taken away is gone within a second, on every server, under load.

The others go on talking, editing, reacting and reading from both servers while
somebody loses the conversation. What arrives at the loser's sockets is dated by the
clock of the loop when it arrives.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from callboard_client import ConnectionLost, Refused, Socket

from realtime.bus import MemoryBus
from tests.conftest import API_KEY, JWT_SECRET, running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, token_for
from tests.journeys.buses import LossyBus, ReluctantBus
from tests.journeys.losing import WAYS, Scene, Stage, Way, set_scene
from tests.journeys.processes import ServerProcess
from tests.journeys.servers import server_of, two_servers
from tests.services import ValkeyServer, free_ports

# How long the contract gives access to end.
CLOSED_WITHIN_SECONDS = 1
# For so long, and so many steps of the others, nothing comes any more.
LOOKED_FOR_SECONDS = 1.5
LOOKED_FOR_STEPS = 100

NO_LIMITS = {"limit_messages": "off", "limit_messages_to": "off"}

# One for each kind of change: they differ in what is committed, not in how it travels.
BY_PROCESSES = {"left", "out of the organization", "token revoked", "withdrawn"}

REMOVED = next(way for way in WAYS if way.name == "removed from a group")

every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


class Witness:
    """A socket of the loser, and when what came on it."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.came: list[tuple[float, Any]] = []
        self.lost: tuple[float, int] | None = None
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for event in self.socket.events():
                self.came.append((loop.time(), event))
        except ConnectionLost as lost:
            self.lost = (loop.time(), lost.code)

    def about(self, conversation: str, after: float = 0.0) -> list[Any]:
        """List what came of a conversation, in whatever way it is named."""
        needle = conversation.encode()
        return [
            event
            for at, event in self.came
            if at > after and needle in orjson.dumps(event)
        ]

    async def close(self) -> None:
        """Close the socket and end listening."""
        await self.socket.close()
        await self._task


class Load:
    """What the others do meanwhile."""

    def __init__(self, conversation: str) -> None:
        self._conversation = conversation
        self._step = asyncio.Condition()
        self._is_over = False
        self.steps = 0
        self.sent: list[int] = []
        self.refusals: set[str] = set()

    async def go_on(self, socket: Socket) -> None:
        """Talk, and do everything else that is told to all, until it is over."""
        here = {"conversation_id": self._conversation}
        message = ""
        while not self._is_over:
            try:
                sent = await socket.request(
                    "message.send", **here, client_id=str(uuid4()), body="Hello"
                )
                message = sent["message"]["id"]
                self.sent.append(sent["message"]["seq"])
            except Refused as refused:
                self.refusals.add(refused.code)
            for kind, data in (
                ("message.edit", {"message_id": message, "body": "Hello again"}),
                ("reaction.add", {"message_id": message, "emoji": "👍"}),
                ("conversation.read", {**here, "seq": self.sent[-1]}),
                ("typing", {**here, "active": len(self.sent) % 2 == 0}),
            ):
                try:
                    await socket.request(kind, **data)
                except Refused as refused:
                    self.refusals.add(refused.code)
            async with self._step:
                self.steps += 1
                self._step.notify_all()

    async def until(self, steps: int, moment: float = 0.0) -> None:
        """Wait for so many steps, and as long as it takes to come to a moment."""
        loop = asyncio.get_running_loop()
        async with self._step:
            await self._step.wait_for(
                lambda: self.steps >= steps and loop.time() >= moment
            )

    def end(self) -> None:
        """Have everybody finish what they are doing."""
        self._is_over = True


@asynccontextmanager
async def stage_of(*urls: str) -> AsyncIterator[Stage]:
    async with httpx.AsyncClient(base_url=urls[0], timeout=30) as http:
        yield Stage(urls, http)


async def connect(url: str, person: Person, cursor: str | None = None) -> Socket:
    address = f"{url.replace('http', 'ws', 1)}/v1/ws"
    return await Socket.connect(address, person.token, cursor=cursor)


@dataclass(frozen=True)
class Lost:
    """What the loser has seen, and what they still have in hand."""

    witnesses: Sequence[Witness]
    # A cursor from just before, and a message of their own.
    cursor: str
    message: str
    acknowledged_at: float
    load: Load


async def lose(scene: Scene, way: Way) -> Lost:
    """Take access away while everybody talks, and go on for a while."""
    loop = asyncio.get_running_loop()
    load = Load(scene.conversation)
    async with AsyncExitStack() as stack:
        talking: list[Socket] = []
        witnesses: list[Witness] = []
        for url, speaker in zip(scene.stage.urls, scene.speakers, strict=True):
            talking.append(await stack.enter_async_context(await connect(url, speaker)))
            witnesses.append(Witness(await connect(url, scene.loser)))
            stack.push_async_callback(witnesses[-1].close)
        message = await send(witnesses[0].socket, scene, "Here I am")
        async with asyncio.TaskGroup() as group:
            for socket in talking:
                group.create_task(load.go_on(socket))
            await load.until(10)
            async with await connect(scene.stage.urls[1], scene.loser) as before:
                cursor = before.hello["cursor"]
            await load.until(load.steps + 10)
            await way.act(scene)
            acknowledged = loop.time()
            await load.until(
                load.steps + LOOKED_FOR_STEPS, acknowledged + LOOKED_FOR_SECONDS
            )
            if way.ending != "shut":
                for witness in witnesses:
                    with pytest.raises(Refused) as refused:
                        await send(witness.socket, scene, "Am I still there?")
                    assert refused.value.code == way.reason
            load.end()
    return Lost(witnesses, cursor, message, acknowledged, load)


async def check(scene: Scene, way: Way) -> None:
    """Lose access in some way, and have lost it everywhere."""
    lost = await lose(scene, way)
    deadline = lost.acknowledged_at + CLOSED_WITHIN_SECONDS
    here = scene.conversation
    if way.ending == "closed":
        assert lost.load.refusals == {way.reason}
        for witness in lost.witnesses:
            late = witness.about(here, deadline)
            assert [e for e in late if e["type"] == "message.created"] == []
        return
    # Nobody else has noticed more than that somebody has gone.
    assert lost.load.refusals == set()
    for witness in lost.witnesses:
        assert witness.about(here), "there was nothing to lose"
        assert witness.about(here, deadline) == []
        if way.ending == "shut":
            assert witness.lost is not None
            assert witness.lost[1] == 4501
            assert witness.lost[0] <= deadline
        else:
            check_last_words(witness.about(here))
    if way.ending == "shut":
        await check_shut(scene, way, lost.cursor)
    else:
        await check_out(scene, way, lost)


def check_last_words(told: Sequence[Any]) -> None:
    """Nothing was said to who has left but what was said before they did."""
    left = [event["data"] for event in told if event["type"] == "participant.left"]
    assert len(left) == 1
    seqs = [
        event["data"]["message"]["seq"] for event in told if "message" in event["data"]
    ]
    assert max(seqs) <= left[0]["last_seq"]


async def check_out(scene: Scene, way: Way, lost: Lost) -> None:
    """On every server: nothing on resuming, nothing over HTTP, no word in."""
    loser, here = scene.loser, scene.conversation
    for url in scene.stage.urls:
        async with await connect(url, loser, lost.cursor) as socket:
            assert socket.hello["resumed"] is True
            await socket.request("ping")
            told = [e for e in socket.take_waiting() if here in str(e)]
            assert {event["type"] for event in told} == {"participant.left"}
        async with httpx.AsyncClient(base_url=url, headers=loser.headers) as http:
            path = f"/v1/conversations/{here}"
            for place in ("/messages", "/participants"):
                refused = await http.get(path + place)
                assert refused.json()["code"] == "not_a_participant"
            assert (await http.get(path)).json()["code"] == "not_found"
            said = {"client_id": str(uuid4()), "body": "Am I still there?"}
            refused = await http.post(f"{path}/messages", json=said)
            assert refused.json()["code"] == way.reason
            listed = await http.get("/v1/conversations")
            assert listed.json()["items"] == []
            sought = await http.get("/v1/messages/search", params={"q": "hello"})
            assert (sought.status_code, sought.json()["items"]) == (200, [])
            for message in (lost.message, await any_message(scene)):
                for method, place, body in (
                    ("PATCH", "", {"body": "I was never there"}),
                    ("DELETE", "", None),
                    ("GET", "/edits", None),
                    ("PUT", "/reactions/👍", None),
                    ("DELETE", "/reactions/👍", None),
                ):
                    refused = await http.request(
                        method, f"/v1/messages/{message}{place}", json=body
                    )
                    assert refused.json()["code"] in {"not_found", way.reason}


async def any_message(scene: Scene) -> str:
    """Give the newest message that somebody has edited."""
    history = await scene.stage.call(
        "GET",
        f"/v1/conversations/{scene.conversation}/messages",
        who=scene.speakers[0],
    )
    message: str = next(one["id"] for one in history["items"] if one["edited_at"])
    return message


async def check_shut(scene: Scene, way: Way, cursor: str) -> None:
    """On every server: no door opens."""
    for url in scene.stage.urls:
        await check_doors(scene, url, scene.loser, "unauthenticated", cursor)
        if way.reason == "suspended":
            renewed = replace(scene.loser, token=token_for(scene.loser.id))
            await check_doors(scene, url, renewed, "suspended", cursor)


async def check_doors(
    scene: Scene, url: str, person: Person, code: str, cursor: str
) -> None:
    """No door opens to this token."""
    with pytest.raises(ConnectionLost) as shut:
        await connect(url, person, cursor)
    assert shut.value.code in {4500, 4501}
    async with httpx.AsyncClient(base_url=url, headers=person.headers) as http:
        path = f"/v1/conversations/{scene.conversation}"
        said = {"client_id": str(uuid4()), "body": "Am I still there?"}
        for method, place, body in (
            ("GET", path, None),
            ("GET", f"{path}/messages", None),
            ("GET", f"{path}/participants", None),
            ("GET", "/v1/conversations", None),
            ("GET", "/v1/messages/search?q=hello", None),
            ("POST", f"{path}/messages", said),
        ):
            refused = await http.request(method, place, json=body)
            assert refused.json()["code"] == code


# --- two servers that hear each other ---------------------------------------------


@every_way
async def test_who_loses_a_conversation_hears_no_more_of_it(
    database: TestDatabase, way: Way
) -> None:
    async with (
        two_servers(settings_for(database, **NO_LIMITS)) as (one, two),
        stage_of(one.url, two.url) as stage,
    ):
        await check(await set_scene(stage, one.node, way), way)


@pytest.mark.parametrize(
    "way",
    [way for way in WAYS if way.ending != "closed"],
    ids=lambda way: way.name,
)
async def test_the_bus_may_lose_the_word_of_it(
    database: TestDatabase, way: Way
) -> None:
    settings = settings_for(database, **NO_LIMITS)
    nodes: list[MemoryBus] = []
    bus = LossyBus(nodes)
    async with (
        server_of(settings, bus) as one,
        server_of(settings, LossyBus(nodes)) as two,
        stage_of(one.url, two.url) as stage,
    ):
        await check(await set_scene(stage, one.node, way), way)
    assert bus.lost > 0


# --- two processes over a real Valkey ---------------------------------------------


async def test_who_loses_a_conversation_hears_no_more_of_it_from_any_process(
    database: TestDatabase,
) -> None:
    ports = free_ports(2)
    with ValkeyServer() as valkey:
        settings = {
            "CALLBOARD_DATABASE_URL": database.url,
            "CALLBOARD_REDIS_URL": valkey.url,
            "CALLBOARD_JWT_SECRET": JWT_SECRET,
            "CALLBOARD_BOOTSTRAP_KEY": API_KEY,
            "CALLBOARD_LIMIT_MESSAGES": "off",
            "CALLBOARD_LIMIT_MESSAGES_TO": "off",
        }
        async with (
            ServerProcess(ports[0], settings) as first,
            ServerProcess(ports[1], settings) as second,
            running_node(settings_for(database)) as node,
            stage_of(first.url, second.url) as stage,
        ):
            for way in [one for one in WAYS if one.name in BY_PROCESSES]:
                await check(await set_scene(stage, node, way), way)


# --- what comes too late ----------------------------------------------------------


async def test_what_waited_for_its_turn_is_not_told_to_who_left_meanwhile(
    database: TestDatabase,
) -> None:
    # Sweeps slow enough for the bus to be what is looked at.
    settings = settings_for(database, repair_seconds=60)
    nodes: list[MemoryBus] = []
    bus = ReluctantBus(nodes)
    async with (
        server_of(settings, bus) as one,
        server_of(settings, MemoryBus(nodes)) as two,
        stage_of(one.url, two.url) as stage,
    ):
        scene = await set_scene(stage, one.node, REMOVED)
        bus.forget()
        async with (
            await connect(one.url, scene.speakers[0]) as here,
            await connect(two.url, scene.speakers[1]) as there,
            await connect(two.url, scene.loser) as lost,
        ):
            for body in ("one", "two"):
                sent = await send(here, scene, body)
            await here.request("message.edit", message_id=sent, body="two, edited")
            await REMOVED.act(scene)
            await send(here, scene, "three")
            # The second waits for the first, which comes when somebody has left.
            bus.let_go((1, 3, 0, 2, 4))
            await there.expect(
                "message.created", where=lambda data: data["message"]["seq"] == 3
            )
            await there.expect("message.updated")
            await lost.expect("participant.left")
            await lost.request("ping")
            assert [e for e in lost.take_waiting() if "message" in e["data"]] == []


async def test_who_comes_back_is_told_everything_again(
    database: TestDatabase,
) -> None:
    async with (
        two_servers(settings_for(database)) as (one, two),
        stage_of(one.url, two.url) as stage,
    ):
        scene = await set_scene(stage, one.node, REMOVED)
        async with (
            await connect(one.url, scene.speakers[0]) as here,
            await connect(two.url, scene.loser) as back,
        ):
            await send(here, scene, "one")
            await REMOVED.act(scene)
            await stage.call("PUT", scene.place_of_loser, who=scene.people["owner"])
            sent = await send(here, scene, "two")
            await here.request("message.edit", message_id=sent, body="two, edited")
            await back.expect("participant.left")
            await back.expect("conversation.created")
            await back.expect(
                "message.created", where=lambda data: data["message"]["seq"] == 2
            )
            await back.expect("message.updated")


async def test_a_return_is_not_undone_by_a_going_that_comes_late(
    database: TestDatabase,
) -> None:
    nodes: list[MemoryBus] = []
    bus = ReluctantBus(nodes)
    async with (
        server_of(settings_for(database), bus) as one,
        server_of(settings_for(database), MemoryBus(nodes)) as two,
        stage_of(one.url, two.url) as stage,
    ):
        scene = await set_scene(stage, one.node, REMOVED)
        bus.forget()
        async with (
            await connect(one.url, scene.speakers[0]) as here,
            await connect(two.url, scene.loser) as back,
        ):
            await REMOVED.act(scene)
            await stage.call("PUT", scene.place_of_loser, who=scene.people["owner"])
            sent = await send(here, scene, "one")
            await here.request("message.edit", message_id=sent, body="one, edited")
            # The bus brings the return alone; the sweep finds everything else.
            bus.let_go((1,))
            await back.expect("conversation.created")
            await back.expect("message.created")
            await back.expect("message.updated")
            await back.expect_nothing("participant.left")


async def send(socket: Socket, scene: Scene, body: str) -> str:
    """Say something in the scene's conversation and give the message's id."""
    answer = await socket.request(
        "message.send",
        conversation_id=scene.conversation,
        client_id=str(uuid4()),
        body=body,
    )
    message: str = answer["message"]["id"]
    return message
