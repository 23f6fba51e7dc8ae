"""What breaks, one thing at a time: nothing is lost, nothing comes twice."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest
from callboard_client import (
    Api,
    Client,
    ConnectionLost,
    Message,
    Platform,
    Refused,
    Socket,
)

from realtime.actor import Actor
from realtime.bus import MemoryBus
from realtime.client import Client as LiveClient
from realtime.clock import system_clock
from realtime.protocol import SendMessage
from realtime.tokens import mint
from storage.embedded import EmbeddedPostgres
from storage.messages import write_batch
from storage.migrate import migrate
from tests.conftest import API_KEY, JWT_SECRET, settings_for
from tests.databases import LOGIN, TestDatabase
from tests.factories import Person, make_pair
from tests.journeys.buses import ReluctantBus
from tests.journeys.servers import (
    CATCH_UP_SECONDS,
    connect,
    cursor_behind,
    hear,
    heard,
    history_of,
    say,
    server_of,
    two_servers,
)
from tests.services import ValkeyServer, free_ports

# How long the contract gives access to end.
CLOSED_WITHIN_SECONDS = 1


# --- the bus ------------------------------------------------------------------------


async def test_servers_whose_redis_never_answers_deliver_within_seconds(
    database: TestDatabase,
) -> None:
    nowhere = f"redis://127.0.0.1:{free_ports(1)[0]}/0"
    settings = settings_for(database, redis_url=nowhere)
    async with server_of(settings) as one, server_of(settings) as two:
        ada, grace, conversation = await make_pair(one.node)
        async with await connect(one, ada) as here, await connect(two, grace) as there:
            for body in ("one", "two", "three"):
                await say(here, conversation, body)
            await hear(there, 3)
            await there.request(
                "conversation.read", conversation_id=str(conversation), seq=3
            )
            await here.expect("receipt.read", timeout=CATCH_UP_SECONDS)

            assert heard(there) == [1, 2, 3]


@pytest.mark.parametrize(
    "order",
    [
        pytest.param((0, 1, 2), id="in order"),
        pytest.param((0, 2, 1), id="overtaken"),
        pytest.param((2, 1, 0), id="backwards"),
        pytest.param((0, 0, 1, 2, 1, 2), id="twice"),
        pytest.param((0, 2), id="one lost"),
        pytest.param((2,), id="only the last"),
        pytest.param((), id="all lost"),
    ],
)
async def test_a_socket_gets_messages_once_and_in_order_whatever_the_bus_does(
    database: TestDatabase, order: tuple[int, ...]
) -> None:
    # Sweeps slow enough for the bus to be what is looked at.
    settings = settings_for(database, repair_seconds=1)
    nodes: list[MemoryBus] = []
    bus = ReluctantBus(nodes)
    async with (
        server_of(settings, bus) as one,
        server_of(settings, MemoryBus(nodes)) as two,
    ):
        ada, grace, conversation = await make_pair(one.node)
        async with await connect(one, ada) as here, await connect(two, grace) as there:
            for body in ("one", "two", "three"):
                await say(here, conversation, body)
            bus.let_go(order)
            await hear(there, 3)
            # Late repeats, and something new behind which they would have come.
            bus.let_go((0, 1, 2))
            await say(here, conversation, "four")
            bus.let_go((3, 2, 3))
            await hear(there, 4)
            await there.request("ping")

            assert heard(there) == [1, 2, 3, 4]


async def test_what_a_dead_server_committed_and_never_announced_arrives(
    database: TestDatabase,
) -> None:
    async with two_servers(settings_for(database)) as (one, two):
        ada, grace, conversation = await make_pair(one.node)
        async with await connect(one, ada) as here, await connect(two, grace) as there:
            await say(here, conversation, "announced")
            await hear(there, 1)
            draft = await one.node.sender.prepare(
                Actor(ada.id),
                SendMessage(
                    conversation_id=conversation, client_id=uuid4(), body="unheard of"
                ),
            )
            async with one.node.database.hot() as connection:
                await write_batch(connection, uuid4(), [draft])
            await hear(there, 2)
            await hear(here, 2)
            # The next one is announced as ever, after the repaired one.
            await say(here, conversation, "announced")
            await hear(there, 3)

            assert heard(there) == heard(here) == [1, 2, 3]


# --- cursors ------------------------------------------------------------------------


async def test_a_cursor_resumes_on_another_server_and_after_a_restart_of_all(
    database: TestDatabase,
) -> None:
    settings = settings_for(database)
    async with two_servers(settings) as (one, two):
        ada, grace, conversation = await make_pair(one.node)
        async with await connect(one, grace) as socket:
            cursor = socket.cursor
        async with await connect(two, ada) as socket:
            await say(socket, conversation, "one")
        async with await connect(two, grace, cursor) as socket:
            assert socket.hello["resumed"] is True
            await hear(socket, 1)
    async with two_servers(settings) as (one, two):
        async with await connect(one, ada) as socket:
            await say(socket, conversation, "two")
        async with await connect(two, grace, cursor) as socket:
            assert socket.hello["resumed"] is True
            await hear(socket, 2)
            assert heard(socket) == [1, 2]
            newest = await socket.expect("cursor")
        async with await connect(one, grace, newest["cursor"]) as socket:
            assert socket.hello["resumed"] is True
            await socket.expect_nothing("message.created")


async def test_a_resumed_store_knows_when_each_message_was_read(
    database: TestDatabase,
) -> None:
    async with server_of(settings_for(database)) as server:
        ada, grace, conversation = await make_pair(server.node)
        async with (
            await connect(server, ada) as here,
            await connect(server, grace) as there,
        ):
            for body in ("one", "two", "three"):
                await say(here, conversation, body)
            async with Client(server.url, ada.token, history=None) as away:
                store = away.store
                cursor = await cursor_behind(server, ada)
            for seq in (1, 2, 3):
                await there.request(
                    "conversation.read", conversation_id=str(conversation), seq=seq
                )
        async with Client(server.url, ada.token, cursor=cursor, store=store) as back:
            history = await history_of(server, ada, conversation)
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await back.until(
                    lambda: store.messages(str(conversation))[-1] == history[-1]
                )

            assert store.messages(str(conversation)) == history
            assert len({each["read_at"] for each in history}) == 3


async def test_a_reader_who_does_not_read_is_let_go_and_resumes_with_all_of_it(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, outbound_bytes=65_536)
    async with server_of(settings) as server:
        ada, grace, conversation = await make_pair(server.node)
        async with await connect(server, ada) as here:
            there = await connect(server, grace)
            cursor = there.cursor
            there._connection.transport.pause_reading()
            count = 0
            (listener,) = server.node.hub.of(grace.id)
            assert isinstance(listener, LiveClient)
            while listener.is_open:
                # The kernel's buffers take some megabytes before anything waits.
                await say(here, conversation, "𝄞" * 8000)
                count += 1
            there._connection.transport.resume_reading()
            lost = await there.wait_closed()
            assert lost.code == 4000
            assert heard(there) == list(range(1, len(heard(there)) + 1))

            async with await connect(server, grace, cursor) as again:
                assert again.hello["resumed"] is True
                await hear(again, count)
                assert heard(again) == list(range(1, count + 1))


# --- PostgreSQL ---------------------------------------------------------------------


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A durable PostgreSQL of this test's own, to be killed."""
    root = Path(tempfile.mkdtemp(prefix="callboard-tests-"))
    try:
        with EmbeddedPostgres(root) as server:
            server.ensure_login(LOGIN)
            server.ensure_database("callboard")
            asyncio.run(migrate(server.url("callboard"), grant_to=LOGIN))
            yield server
    finally:
        shutil.rmtree(root)


def kill(server: EmbeddedPostgres) -> None:
    """End PostgreSQL as a crash would."""
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)


async def test_a_killed_postgresql_loses_no_acknowledged_message(
    own_postgres: EmbeddedPostgres,
) -> None:
    settings = settings_for(TestDatabase(own_postgres.url("callboard", user=LOGIN), ""))
    total, killed_after, under_way = 200, 60, 16
    acknowledged: dict[UUID, Message] = {}
    refused: set[UUID] = set()
    is_time, was_refused, is_back = asyncio.Event(), asyncio.Event(), asyncio.Event()
    places = asyncio.Semaphore(under_way)
    async with two_servers(settings) as (one, two):
        ada, grace, conversation = await make_pair(one.node)

        async def insist(socket: Socket, number: int) -> None:
            client_id = uuid5(NAMESPACE_URL, str(number))
            async with places:
                while client_id not in acknowledged:
                    try:
                        answer = await socket.request(
                            "message.send",
                            conversation_id=str(conversation),
                            client_id=str(client_id),
                            body=f"number {number}",
                        )
                        acknowledged[client_id] = answer["message"]
                    except Refused as refusal:
                        if refusal.code != "unavailable" or not refusal.retry:
                            raise
                        refused.add(client_id)
                        was_refused.set()
                        await is_back.wait()
            if len(acknowledged) >= killed_after:
                is_time.set()

        async with (
            Client(two.url, grace.token, history=None) as reader,
            await connect(one, ada) as here,
            asyncio.TaskGroup() as sending,
        ):
            for number in range(total):
                sending.create_task(insist(here, number))
            await is_time.wait()
            kill(own_postgres)
            await was_refused.wait()
            await asyncio.to_thread(own_postgres.start)
            async with asyncio.timeout(CATCH_UP_SECONDS):
                is_back.set()
                await reader.until(
                    lambda: len(reader.store.messages(str(conversation))) == total
                )
            history = await history_of(two, grace, conversation)
            held = reader.store.messages(str(conversation))

    assert refused
    assert [each["seq"] for each in history] == list(range(1, total + 1))
    assert {each["client_id"]: each["id"] for each in history} == {
        str(client_id): each["id"] for client_id, each in acknowledged.items()
    }
    assert held == history


# --- rights that end ----------------------------------------------------------------


@pytest.mark.parametrize("has_valkey", [True, False], ids=["valkey", "valkey down"])
@pytest.mark.parametrize("verb", ["suspend", "revoke"])
async def test_who_is_shut_out_on_one_server_is_out_on_all_within_a_second(
    database: TestDatabase, *, verb: str, has_valkey: bool
) -> None:
    with ValkeyServer() as valkey:
        settings = settings_for(database, redis_url=valkey.url)
        async with (
            server_of(settings) as one,
            server_of(settings) as two,
            Platform(one.url, API_KEY) as platform,
        ):
            ada, grace, conversation = await make_pair(one.node)
            grace = issued_earlier(grace)
            async with (
                await connect(one, ada) as here,
                await connect(one, grace) as near,
                await connect(two, grace) as far,
            ):
                await say(here, conversation, "still there")
                await hear(far, 1)
                cursor = far.cursor
                if not has_valkey:
                    valkey.kill()
                await getattr(platform, verb)(str(grace.id))
                async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
                    lost = [await near.wait_closed(), await far.wait_closed()]
                if verb == "revoke":
                    await say(here, conversation, "not for old tokens")

            assert [each.code for each in lost] == [4501, 4501]
            assert heard(near) == heard(far) == [1]
            for server in (one, two):
                with pytest.raises(ConnectionLost) as shut:
                    await connect(server, grace, cursor)
                assert shut.value.code in {4500, 4501}
                async with Api(server.url, grace.token) as api:
                    with pytest.raises(Refused) as refusal:
                        await api.history(str(conversation)).__anext__()
                    assert refusal.value.status in {401, 403}


def issued_earlier(person: Person) -> Person:
    """Give somebody a token of a minute ago: revoking counts in whole seconds."""
    a_minute_ago = system_clock() - timedelta(minutes=1)
    token = mint(JWT_SECRET, person.id, timedelta(hours=1), now=a_minute_ago)
    return Person(person.id, person.name, token)
