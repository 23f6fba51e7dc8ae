"""Presence on sockets: two servers, what watchers are told, and what they are not."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Never
from uuid import uuid4
from weakref import WeakKeyDictionary

import httpx
import pytest
from callboard_client import Refused, Socket
from callboard_client.socket import Where

from api.server import build_node
from realtime.bus import MemoryBus
from realtime.errors import Unavailable
from realtime.presence import MemoryPresence, Presence, Roll
from realtime.protocol import PresenceEntry
from realtime.redis_presence import RedisPresence
from storage.ids import uuid7
from storage.presence import LastSeen
from storage.privacy import Privacy
from storage.records import ConnectionId, ConversationId, UserId
from tests.api.calling import KEY
from tests.conftest import Served, served, settings_for
from tests.databases import TestDatabase
from tests.factories import (
    Person,
    connect_people,
    hide,
    leave_group,
    make_group,
    make_pair,
    make_people,
)
from tests.services import ValkeyServer
from tests.waiting import until

GRACE = timedelta(milliseconds=300)

Servers = tuple[Served, Served]


@asynccontextmanager
async def server_with(
    database: TestDatabase,
    presence: Presence,
    bus: MemoryBus | None = None,
    **settings: object,
) -> AsyncIterator[Served]:
    node = build_node(settings_for(database, **settings))
    node.presence = presence
    if bus is not None:
        node.bus = bus
    await node.open()
    try:
        async with served(node) as server:
            yield server
    finally:
        await node.close()


@asynccontextmanager
async def two_on(
    database: TestDatabase, valkey: ValkeyServer
) -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(
                server_with(
                    database,
                    RedisPresence(
                        valkey.url, grace=GRACE, poll=timedelta(milliseconds=100)
                    ),
                    redis_url=valkey.url,
                )
            )
            for _ in range(2)
        ]
        yield one, two


@pytest.fixture(params=["memory", "valkey"])
async def servers(
    request: pytest.FixtureRequest, database: TestDatabase
) -> AsyncIterator[Servers]:
    """Two servers that reach each other, where the grace is short."""
    if request.param == "valkey":
        valkey = request.getfixturevalue("valkey_server")
        async with two_on(database, valkey) as both:
            yield both
        return
    nodes: list[MemoryBus] = []
    roll = Roll()
    async with (
        server_with(database, MemoryPresence(roll, grace=GRACE), MemoryBus(nodes)) as a,
        server_with(database, MemoryPresence(roll, grace=GRACE), MemoryBus(nodes)) as b,
    ):
        yield a, b


# What sockets were answered, until they heard something else.
ANSWERED: WeakKeyDictionary[Socket, dict[str, str]] = WeakKeyDictionary()


async def connect(server: Served, person: Person) -> Socket:
    return await Socket.connect(server.socket_url, person.token)


async def watch(socket: Socket, *people: Person) -> list[tuple[str, str]]:
    """Watch, and give who stands how."""
    answer = await socket.request(
        "presence.watch", user_ids=[str(person.id) for person in people]
    )
    stand = [(each["user_id"], each["status"]) for each in answer["presence"]]
    ANSWERED.setdefault(socket, {}).update(stand)
    return stand


def about(person: Person, status: str | None = None) -> Where:
    return lambda data: (
        data["user_id"] == str(person.id) and status in (None, data["status"])
    )


async def hear(socket: Socket, person: Person, status: str) -> dict[str, Any]:
    """
    Wait for the next news of somebody; they must be this.

    What a watch answered may be said once more, by a change that came right before.
    """
    answered = ANSWERED.setdefault(socket, {})
    data: dict[str, Any] = await socket.expect("presence", where=about(person))
    if data["status"] != status and data["status"] == answered.get(str(person.id)):
        data = await socket.expect("presence", where=about(person))
    assert data["status"] == status
    answered.pop(str(person.id), None)
    return data


async def stand(socket: Socket, status: str) -> None:
    assert await socket.request("presence.set", status=status) == {}


def told(socket: Socket, person: Person) -> list[str]:
    """List what a socket was told of somebody, taken or not."""
    return [
        frame["data"]["status"]
        for frame in socket.received
        if frame["type"] == "presence" and about(person)(frame["data"])
    ]


# --- presence -----------------------------------------------------------------------


async def test_watchers_are_told_who_comes_and_goes_on_the_other_server(
    servers: Servers,
) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    async with await connect(one, ada) as here:
        assert await watch(here, grace) == [(str(grace.id), "offline")]
        async with await connect(two, grace) as there:
            assert (await hear(here, grace, "online"))["last_seen_at"] is None
            await stand(there, "away")
            await hear(here, grace, "away")
            await stand(there, "online")
            await hear(here, grace, "online")
        gone = await hear(here, grace, "offline")
        assert gone["last_seen_at"] is not None
        answer = await here.request("presence.watch", user_ids=[str(grace.id)])
        assert answer["presence"] == [gone]


async def test_who_reconnects_within_the_grace_was_never_gone(servers: Servers) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    (joan,) = await make_people(one.node, "Joan")
    await connect_people(one.node, ada, joan)
    async with await connect(one, ada) as here:
        first = await connect(two, grace)
        assert [status for _, status in await watch(here, grace, joan)] == [
            "online",
            "offline",
        ]
        await first.close()
        async with await connect(one, grace) as again:
            # Joan's grace begins later than Grace's and ends as a marker.
            async with await connect(two, joan):
                await hear(here, joan, "online")
            await hear(here, joan, "offline")
            await stand(again, "away")
            await hear(here, grace, "away")
        assert told(here, grace) == ["away"]


async def test_the_most_present_session_counts(servers: Servers) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    async with (
        await connect(one, ada) as here,
        await connect(one, grace) as desk,
        await connect(two, grace) as phone,
    ):
        assert await watch(here, grace) == [(str(grace.id), "online")]
        await stand(desk, "away")
        await stand(phone, "invisible")
        await hear(here, grace, "away")
        await stand(desk, "invisible")
        gone = await hear(here, grace, "offline")
        # Invisible: what is done now moves nothing on.
        await phone.request("ping")
        await phone.close()
        await stand(desk, "online")
        await hear(here, grace, "online")
        await stand(desk, "invisible")
        later = await hear(here, grace, "offline")
        assert later["last_seen_at"] > gone["last_seen_at"]


async def test_a_stranger_is_watched_in_vain(servers: Servers) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    await connect_people(one.node, ada, joan)
    async with await connect(one, ada) as here:
        assert await watch(here, grace, joan) == [(str(joan.id), "offline")]
        async with await connect(two, grace) as there:
            await stand(there, "away")
        async with await connect(two, joan):
            await hear(here, joan, "online")
        await hear(here, joan, "offline")
        assert told(here, grace) == []


@pytest.mark.parametrize("how", ["removed", "blocked", "hidden", "left"])
async def test_nothing_is_told_when_the_right_to_know_has_ended(
    servers: Servers, how: str
) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    await connect_people(one.node, ada, joan)
    link = None
    if how == "left":
        group = await make_group(one.node, ada, grace)
    else:
        link = await connect_people(one.node, ada, grace)
    async with await connect(one, ada) as here, await connect(two, grace) as there:
        assert len(await watch(here, grace, joan)) == 2
        await stand(there, "away")
        await hear(here, grace, "away")
        if how == "removed":
            await there.request("connection.remove", connection_id=str(link))
        elif how == "blocked":
            await there.request("user.block", user_id=str(ada.id))
        elif how == "hidden":
            await hide(one.node, grace, "hide_presence")
        else:
            await leave_group(one.node, group, grace)
        await stand(there, "online")
        async with await connect(two, joan):
            await hear(here, joan, "online")
        await hear(here, grace, "offline")
        assert told(here, grace) == ["away", "offline"]
        assert await watch(here, grace) == []


class Doors:
    """What Grace, Ada and the platform do over HTTP to what Ada may know of Grace."""

    def __init__(self, server: Served, ada: Person, grace: Person) -> None:
        self._http = httpx.AsyncClient(base_url=f"{server.url}/v1/")
        self._node, self._ada, self._grace = server.node, ada, grace
        self._group = uuid7()
        self._link: ConnectionId | None = None

    async def __aenter__(self) -> "Doors":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def begin(self, how: str) -> None:
        """Give Ada the right to know of Grace that is going to end."""
        if how == "left":
            fields = {"title": "Us", "owner_id": str(self._ada.id)}
            await self._ask("PUT", f"platform/groups/{self._group}", body=fields)
            await self.give_back(how)
        else:
            self._link = await connect_people(self._node, self._ada, self._grace)

    async def end(self, how: str) -> None:
        """End it."""
        blocks = f"blocks/{self._grace.id}"
        group = f"conversations/{self._group}/participants/{self._grace.id}"
        if how == "hidden":
            await self._ask("PUT", "privacy", self._grace, {"hide_presence": True})
        elif how == "removed":
            await self._ask("DELETE", f"connections/{self._link}", self._grace)
        elif how == "blocked":
            await self._ask("PUT", f"blocks/{self._ada.id}", self._grace)
        elif how == "blocking":
            await self._ask("PUT", blocks, self._ada)
        elif how == "suspended":
            await self._ask("POST", f"platform/users/{self._grace.id}/suspend")
        else:
            await self._ask("DELETE", group, self._grace)

    async def give_back(self, how: str) -> None:
        """Undo what `end` did."""
        if how == "hidden":
            await self._ask("PUT", "privacy", self._grace, {"hide_presence": False})
        elif how == "removed":
            asked = {"user_id": str(self._ada.id)}
            link = await self._ask("POST", "connections", self._grace, asked)
            await self._ask("POST", f"connections/{link['id']}/accept", self._ada)
        elif how == "blocked":
            await self._ask("DELETE", f"blocks/{self._ada.id}", self._grace)
        elif how == "blocking":
            await self._ask("DELETE", f"blocks/{self._grace.id}", self._ada)
        else:
            member = f"platform/groups/{self._group}/members/{self._grace.id}"
            await self._ask("PUT", member, body={})

    async def _ask(
        self, verb: str, path: str, who: Person | None = None, body: object = None
    ) -> Any:  # noqa: ANN401 - JSON
        answer = await self._http.request(
            verb, path, headers=who.headers if who else KEY, json=body
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


ENDINGS = ["hidden", "removed", "blocked", "blocking", "suspended", "left"]


@pytest.mark.parametrize("how", ENDINGS)
async def test_who_may_know_no_more_sees_them_go_and_come_back(
    servers: Servers, how: str
) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    await connect_people(one.node, ada, joan)
    async with (
        # Each server has a watcher; Grace acts where she is.
        await connect(one, ada) as here,
        await connect(two, ada) as near,
        await connect(two, grace) as there,
        Doors(two, ada, grace) as doors,
    ):
        await doors.begin(how)
        for socket in (here, near):
            await watch(socket, grace, joan)
        await doors.end(how)
        async with asyncio.timeout(2):
            for socket in (here, near):
                assert (await hear(socket, grace, "offline"))["last_seen_at"] is None
        if how == "suspended":
            # Nor does it show when her grace ends.
            await until(lambda: not two.node.hub.has(grace.id))
        else:
            await stand(there, "away")
        async with await connect(two, joan):
            for socket in (here, near):
                await hear(socket, joan, "online")
        for socket in (here, near):
            await hear(socket, joan, "offline")
            assert told(socket, grace) == ["offline"]
        if how == "suspended":
            return
        await doors.give_back(how)
        async with asyncio.timeout(2):
            for socket in (here, near):
                await hear(socket, grace, "away")
        await stand(there, "online")
        for socket in (here, near):
            await hear(socket, grace, "online")
            assert told(socket, grace) == ["offline", "away", "online"]
        for socket in (here, near, there):
            kinds = {frame["type"] for frame in socket.received}
            assert not any(kind.startswith("control") for kind in kinds)


async def test_who_was_a_stranger_is_shown_when_the_connection_is_accepted(
    servers: Servers,
) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    async with (
        await connect(one, ada) as here,
        await connect(two, grace) as there,
    ):
        assert await watch(here, grace, joan) == []
        asked = await here.request("connection.request", user_id=str(grace.id))
        link = asked["connection"]["id"]
        await there.request("connection.accept", connection_id=link)
        await hear(here, grace, "online")
        assert told(here, grace) == ["online"]
        assert told(here, joan) == []


async def test_who_was_told_that_they_are_away_is_not_told_that_they_hide(
    servers: Servers,
) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    for person in (grace, joan):
        await connect_people(one.node, ada, person)
    async with (
        await connect(one, ada) as here,
        await connect(two, joan),
        Doors(two, ada, grace) as gone,
        Doors(two, ada, joan) as doors,
    ):
        assert len(await watch(here, grace, joan)) == 2
        await gone.end("hidden")
        await doors.end("hidden")
        await hear(here, joan, "offline")
        assert told(here, grace) == []


async def test_a_right_that_ended_unheard_is_found_when_looking_again(
    servers: Servers,
) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    async with await connect(one, ada) as here, await connect(two, grace):
        await watch(here, grace)
        await hide(one.node, grace, "hide_presence")
        one.node.watching._look_at = 0.0
        one.node.watching._wake.set()
        assert (await hear(here, grace, "offline"))["last_seen_at"] is None


async def test_a_right_that_ends_while_a_watch_begins_is_not_missed(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    watching = one.node.watching
    answering = watching._answer
    async with await connect(one, ada) as here, await connect(two, grace) as there:

        async def answer_late(known: LastSeen) -> list[PresenceEntry]:
            """Answer after the block has been heard of and seen to."""
            doubts = watching.knowing.doubts
            await there.request("user.block", user_id=str(ada.id))
            await until(
                lambda: watching.knowing.doubts > doubts and not watching._wake.is_set()
            )
            return await answering(known)

        monkeypatch.setattr(watching, "_answer", answer_late)
        assert await watch(here, grace) == [(str(grace.id), "online")]
        await hear(here, grace, "offline")


async def test_another_device_that_watches_anew_leaves_none_behind(
    servers: Servers,
) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    async with (
        await connect(one, ada) as here,
        await connect(one, ada) as phone,
        await connect(two, grace) as there,
    ):
        await watch(here, grace)
        await hide(one.node, grace, "hide_presence")
        await stand(there, "away")
        await hear(here, grace, "offline")
        # Nobody says that she shows again: only the phone's question finds it.
        async with one.node.transaction(grace.id) as work:
            await work.privacy.set(Privacy())
        assert await watch(phone, grace) == [(str(grace.id), "away")]
        await hear(here, grace, "away")


async def test_a_doubt_outlives_a_database_that_is_away(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    knowing = one.node.watching.knowing
    transactions = knowing._transactions
    refused = asyncio.Event()

    def refuse_once() -> Never:
        monkeypatch.setattr(knowing, "_transactions", transactions)
        refused.set()
        raise Unavailable

    async with await connect(one, ada) as here, await connect(two, grace) as there:
        await watch(here, grace)
        monkeypatch.setattr(knowing, "_transactions", refuse_once)
        await there.request("user.block", user_id=str(ada.id))
        await refused.wait()
        await hear(here, grace, "offline")


async def test_who_no_longer_watches_is_told_nothing(servers: Servers) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    await connect_people(one.node, ada, joan)
    await connect_people(one.node, ada, grace)
    async with await connect(one, ada) as here, await connect(one, ada) as other:
        for socket in (here, other):
            await watch(socket, grace, joan)
        answer = await here.request("presence.unwatch", user_ids=[str(grace.id)])
        assert answer == {"presence": []}
        async with await connect(two, grace), await connect(two, joan):
            await hear(here, joan, "online")
            await hear(other, grace, "online")
            assert told(here, grace) == []


async def test_watches_end_with_their_session(servers: Servers) -> None:
    one, _ = servers
    ada, grace, _ = await make_pair(one.node)
    async with await connect(one, ada) as here:
        await watch(here, grace)
        assert one.node.metrics.presence_watches._value.get() == 1
    await until(lambda: not len(one.node.watching.watches))
    assert list(one.node.watching.watches) == []
    assert not one.node.watching._joins
    assert len(one.node.watching.knowing) == 0
    assert one.node.metrics.presence_watches._value.get() == 0


async def test_a_session_watches_so_many_and_no_more(servers: Servers) -> None:
    one, _ = servers
    (ada,) = await make_people(one.node, "Ada")
    async with await connect(one, ada) as here:
        ids = [str(uuid4()) for _ in range(500)]
        for start in range(0, 500, 100):
            await here.request("presence.watch", user_ids=ids[start : start + 100])
        await here.request("presence.watch", user_ids=ids[:100])
        with pytest.raises(Refused) as refusal:
            await here.request("presence.watch", user_ids=[str(ada.id)])
        assert refusal.value.code == "invalid"
        with pytest.raises(Refused) as refusal:
            await here.request("presence.watch", user_ids=[*ids[:100], str(ada.id)])
        assert refusal.value.code == "invalid"
        await here.request("presence.unwatch", user_ids=ids[:1])
        assert await watch(here, ada) == [(str(ada.id), "online")]


async def test_only_nodes_with_watchers_are_told(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = servers
    ada, grace, _ = await make_pair(one.node)
    (joan,) = await make_people(one.node, "Joan")
    await connect_people(one.node, ada, joan)
    heard: list[UserId] = []
    hearing = two.node.watching.hear

    def hear_and_note(watches: Iterable[UserId]) -> None:
        heard.extend(watches)
        hearing(watches)

    monkeypatch.setattr(two.node.watching, "hear", hear_and_note)
    async with (
        await connect(one, grace) as there,
        await connect(one, joan) as unwatched,
        await connect(two, ada) as here,
    ):
        await watch(here, grace)
        await stand(unwatched, "away")
        await stand(there, "away")
        await hear(here, grace, "away")
        assert len(heard) == 1


async def test_a_server_that_crashed_has_its_people_lapse(
    database: TestDatabase, valkey_server: ValkeyServer
) -> None:
    dying = RedisPresence(valkey_server.url, ttl=timedelta(seconds=1))
    alive = RedisPresence(valkey_server.url, poll=timedelta(milliseconds=100))
    async with (
        server_with(database, dying, redis_url=valkey_server.url) as one,
        server_with(database, alive, redis_url=valkey_server.url) as two,
    ):
        ada, grace, _ = await make_pair(one.node)
        async with await connect(one, grace), await connect(two, ada) as here:
            assert await watch(here, grace) == [(str(grace.id), "online")]
            assert dying._sessions is not None
            dying._sessions.cancel()
            gone = await hear(here, grace, "offline")
            assert gone["last_seen_at"] is not None


async def test_what_the_bus_has_lost_is_found_when_looking_again(
    database: TestDatabase,
) -> None:
    roll = Roll()
    # Two nodes that no announcement passes between.
    async with (
        server_with(database, MemoryPresence(roll), MemoryBus()) as one,
        server_with(database, MemoryPresence(roll), MemoryBus()) as two,
    ):
        ada, grace, _ = await make_pair(one.node)
        async with await connect(one, ada) as here:
            await watch(here, grace)
            async with await connect(two, grace):
                one.node.watching._look_at = 0.0
                one.node.watching._wake.set()
                await hear(here, grace, "online")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_sockets_go_on_without_valkey_and_heal_with_it(
    database: TestDatabase, how: signal.Signals
) -> None:
    with ValkeyServer() as valkey:
        async with two_on(database, valkey) as (one, two):
            ada, grace, conversation = await make_pair(one.node)
            async with await connect(one, ada) as here, await connect(one, grace) as it:
                assert await watch(here, grace) == [(str(grace.id), "online")]
                if how == signal.SIGKILL:
                    valkey.kill()
                else:
                    os.kill(valkey.pid, how)
                async with asyncio.timeout(5):
                    await stand(it, "away")
                    assert len(await watch(here, grace)) == 1
                    await type_in(it, conversation)
                    await here.expect("typing")
                await hear(here, grace, "away")
                if how == signal.SIGKILL:
                    valkey.start()
                else:
                    os.kill(valkey.pid, signal.SIGCONT)
                async with await connect(two, ada) as there:
                    async with asyncio.timeout(20):
                        while await watch(there, grace) != [(str(grace.id), "away")]:
                            await there.request(
                                "presence.unwatch", user_ids=[str(grace.id)]
                            )
                    await until(lambda: two.node.bus.is_connected)
                    await until(lambda: one.node.bus.is_connected)
                    await stand(it, "online")
                    await hear(there, grace, "online")
                    await hear(here, grace, "online")


# --- typing -------------------------------------------------------------------------


async def type_in(
    socket: Socket, conversation: ConversationId, *, active: bool = True
) -> None:
    answer = await socket.request(
        "typing", conversation_id=str(conversation), active=active
    )
    assert answer == {}


async def test_typing_is_told_to_the_other_on_every_server(servers: Servers) -> None:
    one, two = servers
    ada, grace, conversation = await make_pair(one.node)
    async with (
        await connect(one, ada) as here,
        await connect(two, ada) as own,
        await connect(one, grace) as near,
        await connect(two, grace) as far,
    ):
        for active in (True, True, False):
            await type_in(here, conversation, active=active)
        for socket in (near, far):
            for active in (True, False):
                data = await socket.expect("typing")
                assert data == {
                    "conversation_id": str(conversation),
                    "user_id": str(ada.id),
                    "active": active,
                }
            await socket.expect_nothing("typing")
        for socket in (here, own):
            await socket.expect_nothing("typing")


async def test_typing_stands_in_no_history(servers: Servers) -> None:
    one, two = servers
    ada, grace, conversation = await make_pair(one.node)
    async with await connect(two, grace) as there:
        cursor = there.cursor
    async with await connect(one, ada) as here:
        await type_in(here, conversation)
    async with await Socket.connect(two.socket_url, grace.token, cursor=cursor) as back:
        assert back.hello["resumed"] is True
        await back.expect_nothing("typing")


async def test_only_who_may_write_types(servers: Servers) -> None:
    one, _ = servers
    ada, grace, conversation = await make_pair(one.node)
    (joan,) = await make_people(one.node, "Joan")
    async with (
        await connect(one, ada) as here,
        await connect(one, grace) as there,
        await connect(one, joan) as stranger,
    ):
        with pytest.raises(Refused) as refusal:
            await type_in(stranger, conversation)
        assert refusal.value.code == "not_found"
        await type_in(here, conversation)
        await there.expect("typing")
        await there.request("user.block", user_id=str(ada.id))
        with pytest.raises(Refused) as refusal:
            await type_in(here, conversation)
        assert refusal.value.code == "blocked"
        await there.expect_nothing("typing")


async def test_who_hides_their_typing_types_unseen(servers: Servers) -> None:
    one, _ = servers
    ada, grace, conversation = await make_pair(one.node)
    await hide(one.node, ada, "hide_typing")
    async with await connect(one, ada) as here, await connect(one, grace) as there:
        await type_in(here, conversation)
        await type_in(there, conversation)
        await here.expect("typing")
        await there.expect_nothing("typing")


async def test_in_a_group_whoever_has_a_block_is_not_told(servers: Servers) -> None:
    one, two = servers
    ada, grace, joan = await make_people(one.node, "Ada", "Grace", "Joan")
    group = await make_group(one.node, ada, grace, joan)
    async with (
        await connect(one, ada) as here,
        await connect(two, grace) as there,
        await connect(two, joan) as blocked,
    ):
        await blocked.request("user.block", user_id=str(ada.id))
        await type_in(here, group)
        await there.expect("typing")
        await blocked.expect_nothing("typing")


async def test_in_a_large_group_nobody_is_told(servers: Servers) -> None:
    one, _ = servers
    ada, grace, one_more, *others = await make_people(
        one.node, "Ada", "Grace", "Joan", *(f"P{number}" for number in range(99))
    )
    hundred_others = await make_group(one.node, ada, grace, *others)
    more = await make_group(one.node, ada, grace, one_more, *others)
    async with await connect(one, ada) as here, await connect(one, grace) as there:
        await type_in(here, more)
        await type_in(here, hundred_others)
        data = await there.expect("typing")
        assert data["conversation_id"] == str(hundred_others)
        await there.expect_nothing("typing")


async def test_who_types_like_mad_is_told_of_now_and_then(servers: Servers) -> None:
    one, _ = servers
    ada, grace, conversation = await make_pair(one.node)
    async with await connect(one, ada) as here, await connect(one, grace) as there:
        for number in range(40):
            await type_in(here, conversation, active=number % 2 == 0)
        await there.request("ping")
        heard = [frame for frame in there.received if frame["type"] == "typing"]
        assert 2 <= len(heard) <= 24
