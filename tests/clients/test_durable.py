"""
The durable client against a real server that is killed: nothing twice, nothing lost.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypedDict, Unpack

import httpx
import pytest
from callboard_client import (
    Backoff,
    Client,
    ClientClosed,
    Refused,
    SqliteOutbox,
    Stored,
    TooManyPending,
)

from realtime.clock import system_clock
from realtime.node import Node
from realtime.tokens import mint
from tests.conftest import (
    API_KEY,
    JWT_SECRET,
    Served,
    running_node,
    settings_for,
)
from tests.databases import TestDatabase
from tests.factories import (
    Person,
    make_pair,
    put_notification,
)
from tests.journeys.processes import ServerProcess
from tests.services import free_ports

SOON = Backoff(first_s=0.05, longest_s=0.2)


class Wishes(TypedDict, total=False):
    """
    What a test wants of a client.
    """

    outbox: SqliteOutbox
    on_unsent: Callable[[Stored, Refused], None]


@dataclass
class Stage:
    """
    A server to be killed, two people on it, and the outbox of the first.
    """

    node: Node
    server: ServerProcess
    ada: Person
    grace: Person
    conversation: str
    path: Path

    @asynccontextmanager
    async def client(
        self, person: Person, **more: Unpack[Wishes]
    ) -> AsyncIterator[Client]:
        """
        Come as somebody.
        """
        async with (
            asyncio.timeout(40),
            Client(self.server.url, person.token, backoff=SOON, **more) as client,
        ):
            yield client

    def outbox(self) -> SqliteOutbox:
        """
        Open the outbox, as a new process would.
        """
        return SqliteOutbox(self.path)


@pytest.fixture
async def stage(database: TestDatabase, tmp_path: Path) -> AsyncIterator[Stage]:
    """
    Give a server in a process of its own.
    """
    [port] = free_ports(1)
    settings = {
        "CALLBOARD_DATABASE_URL": database.url,
        "CALLBOARD_JWT_SECRET": JWT_SECRET,
        "CALLBOARD_BOOTSTRAP_KEY": API_KEY,
        "CALLBOARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CALLBOARD_UPLOADS_DIRECTORY": str(tmp_path / "uploads"),
        "CALLBOARD_UPLOADS_SECRET": JWT_SECRET,
    }
    (tmp_path / "uploads").mkdir()
    async with running_node(settings_for(database)) as node:
        ada, grace, talk = await make_pair(node)
        async with ServerProcess(port, settings) as server:
            yield Stage(node, server, ada, grace, str(talk), tmp_path / "outbox.db")


def bodies(client: Client, conversation: str) -> list[str]:
    return [each["body"] for each in client.store.messages(conversation)]


async def test_what_was_sent_to_a_killed_server_is_sent_by_the_next_process(
    stage: Stage,
) -> None:
    outbox = stage.outbox()
    async with stage.client(stage.ada, outbox=outbox) as client:
        await client.send("before", conversation_id=stage.conversation)
        stage.server.kill()
        sends = [
            asyncio.create_task(
                client.send(f"while dead {each}", conversation_id=stage.conversation)
            )
            for each in range(3)
        ]
        while len(await outbox.load(str(stage.ada.id))) < len(sends):
            continue
    for send in sends:
        with pytest.raises(ClientClosed):
            await send
    outbox.close()

    await stage.server.start()
    second = stage.outbox()
    async with (
        stage.client(stage.ada, outbox=second) as client,
        stage.client(stage.grace) as reader,
    ):
        await client.send("after", conversation_id=stage.conversation)
        await reader.until(lambda: len(bodies(reader, stage.conversation)) == 5)
        expected = ["before", *(f"while dead {each}" for each in range(3)), "after"]
        assert bodies(reader, stage.conversation) == expected
        assert await second.load(str(stage.ada.id)) == []
    second.close()


async def test_a_server_killed_in_the_middle_of_sends_has_each_once(
    stage: Stage,
) -> None:
    outbox = stage.outbox()
    async with stage.client(stage.ada, outbox=outbox) as client:
        sends = [
            asyncio.create_task(
                client.send(f"{each}", conversation_id=stage.conversation)
            )
            for each in range(30)
        ]
        await client.until(lambda: len(bodies(client, stage.conversation)) >= 10)
        stage.server.kill()
        await stage.server.start()
        sent = [await each for each in sends]

        assert [each["seq"] for each in sent] == list(range(1, 31))
        assert [each["body"] for each in sent] == [str(each) for each in range(30)]
        assert await outbox.load(str(stage.ada.id)) == []
    outbox.close()


async def test_what_may_no_longer_be_sent_is_reported_and_forgotten(
    stage: Stage,
) -> None:
    outbox = stage.outbox()
    left = Stored(
        "0191b1a2-0000-7000-8000-000000000001",
        {
            "client_id": "0191b1a2-0000-7000-8000-000000000001",
            "body": "Hi",
            "to_user_id": "0191b1a2-0000-7000-8000-00000000dead",
        },
    )
    await outbox.put(str(stage.ada.id), left)
    # What somebody else left on this machine is none of Ada's.
    await outbox.put(str(stage.grace.id), left)
    reports: list[tuple[Stored, Refused]] = []

    def report(stored: Stored, refused: Refused) -> None:
        reports.append((stored, refused))

    async with stage.client(stage.ada, outbox=outbox, on_unsent=report) as client:
        while not reports:
            await client.request("ping")
    assert [(each.client_id, why.code) for each, why in reports] == [
        (left.client_id, "not_connected")
    ]
    assert await outbox.load(str(stage.ada.id)) == []
    assert await outbox.load(str(stage.grace.id)) == [left]
    outbox.close()


async def test_an_outbox_is_bounded_private_and_keeps_the_first_of_two(
    tmp_path: Path,
) -> None:
    path = tmp_path / "outbox.db"
    outbox = SqliteOutbox(path, most=2)
    await outbox.put("ada", Stored("1", {"body": "first"}))
    await outbox.put("ada", Stored("1", {"body": "second"}))
    await outbox.put("ada", Stored("2", {"body": "more"}))
    with pytest.raises(TooManyPending):
        await outbox.put("ada", Stored("3", {"body": "too much"}))
    await outbox.put("grace", Stored("3", {"body": "hers"}))
    outbox.close()

    again = SqliteOutbox(path)
    assert [each.data["body"] for each in await again.load("ada")] == ["first", "more"]
    assert path.stat().st_mode & 0o077 == 0
    await again.remove("ada", "1")
    await again.remove("ada", "not there")
    again.close()
    assert b"first" not in path.read_bytes()


async def test_tokens_that_expire_are_replaced_while_one_writes(
    real_server: Served,
) -> None:
    ada, _, talk = await make_pair(real_server.node)
    fetched = 0

    def fetch() -> str:
        nonlocal fetched
        fetched += 1
        lasts = timedelta(seconds=3)
        return mint(JWT_SECRET, ada.id, lasts, now=system_clock())

    async with asyncio.timeout(30), Client(real_server.url, fetch) as client:
        while fetched < 3:
            await client.request("ping")
        message = await client.send("still here", conversation_id=str(talk))
        assert message["sender_id"] == str(ada.id)


async def test_the_inbox_keeps_in_step_over_events_reconnects_and_other_devices(
    real_server: Served,
) -> None:
    node = real_server.node
    ada, _, _ = await make_pair(node)
    for number in range(60):
        await put_notification(node, ada, title=f"{number}")
    async with (
        asyncio.timeout(30),
        Client(real_server.url, ada.token, backoff=SOON) as phone,
        Client(real_server.url, ada.token, backoff=SOON) as laptop,
    ):
        for each in (phone, laptop):
            await each.inbox.load()
            assert each.inbox.unread == 60
            assert len(each.inbox.items) == 50
        newest = phone.inbox.items[0]
        assert newest["title"] == "59"

        await phone.inbox.read([newest["id"]])
        await laptop.until(lambda: laptop.inbox.unread == 59)
        assert laptop.inbox.items[0]["is_read"]
        await laptop.inbox.archive([newest["id"]])
        await phone.until(lambda: phone.inbox.items[0]["title"] == "58")
        await phone.inbox.more()
        assert len(phone.inbox.items) == 59
        assert not phone.inbox.has_more
        await phone.inbox.read("all")
        await phone.until(lambda: phone.inbox.unread == 0)
        await laptop.until(lambda: laptop.inbox.unread == 0)


async def test_people_see_who_is_there_and_who_types(real_server: Served) -> None:
    ada, grace, talk = await make_pair(real_server.node)
    async with asyncio.timeout(30), Client(real_server.url, ada.token) as mine:
        await mine.presence.watch([str(grace.id)])
        assert mine.presence.entries[str(grace.id)]["status"] == "offline"
        async with Client(real_server.url, grace.token) as hers:
            await mine.until(
                lambda: mine.presence.entries[str(grace.id)]["status"] == "online"
            )
            await hers.typing.start(str(talk))
            await mine.until(lambda: mine.typing.people(str(talk)) == [str(grace.id)])
            await hers.send("Here.", conversation_id=str(talk))
            await mine.until(lambda: mine.typing.people(str(talk)) == [])
            await hers.presence.set("away")
            await mine.until(
                lambda: mine.presence.entries[str(grace.id)]["status"] == "away"
            )
        await mine.presence.unwatch([str(grace.id)])
        assert mine.presence.entries == {}


async def test_a_file_goes_to_who_reads_the_message_and_is_found_by_its_words(
    stage: Stage, tmp_path: Path
) -> None:
    script = tmp_path / "side.txt"
    script.write_bytes(b"Enter the ghost. " * 40_000)
    async with (
        stage.client(stage.ada) as mine,
        stage.client(stage.grace) as hers,
        httpx.AsyncClient() as http,
    ):
        attachment = await mine.api.upload(stage.conversation, script)
        assert (attachment["name"], attachment["mime_type"]) == (
            "side.txt",
            "text/plain",
        )
        await mine.send(
            "The sides for Thursday",
            conversation_id=stage.conversation,
            attachments=[attachment],
        )
        await hers.until(lambda: bool(bodies(hers, stage.conversation)))
        [found] = [each async for each in hers.api.search("thursday")]
        [file] = found["attachments"]
        link = await hers.api.file_link(file["url"].rpartition("/")[2])
        assert (await http.get(link["url"])).content == script.read_bytes()


async def test_a_person_chooses_of_what_they_are_told(real_server: Served) -> None:
    ada, _, _ = await make_pair(real_server.node)
    async with Client(real_server.url, ada.token) as client:
        await client.api.choose_notifications(
            [{"type": "message_received", "channel": "email", "mode": "off"}]
        )
        quiet = await client.api.change_quiet_hours(timezone="Europe/Berlin")
        assert quiet["timezone"] == "Europe/Berlin"
        hidden = await client.api.change_privacy(hide_typing=True)
        assert hidden["hide_typing"]
