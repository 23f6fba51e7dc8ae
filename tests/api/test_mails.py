"""From a message to a mail, and from the mail to no more mails: through every door."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest

from realtime.clock import system_clock
from realtime.node import Node
from realtime.settings import Settings
from realtime.worker import Worker
from tests.api.calling import KEY, problem, say
from tests.conftest import Served, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_pair
from tests.realtime.notifications.telling import leaving, tell_of_events
from tests.smtp_server import FarSide, smtp_server


@pytest.fixture
async def far_side() -> AsyncIterator[FarSide]:
    async with smtp_server() as running:
        yield running


@pytest.fixture
def settings(database: TestDatabase, far_side: FarSide) -> Settings:
    """A server with mail."""
    return settings_for(
        database,
        smtp_url=f"smtp://127.0.0.1:{far_side.port}?starttls=off",
        mail_from="board@chat.example",
        mail_domain="mail.chat.example",
        public_url="https://chat.example",
        app_url="https://app.example",
    )


class Later:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Tell the time."""
        return system_clock() + self.ahead


async def mail_everything(node: Node, clock: Later) -> None:
    """Work until nothing that is due is left."""
    await tell_of_events(node, clock)
    clock.ahead += timedelta(hours=1)
    worker = Worker(node.settings, node.database, clock=clock)
    async with asyncio.timeout(20):
        while await worker.lines["deliveries"]():
            continue


async def give_address(http: httpx.AsyncClient, person: Person) -> None:
    user = {
        "display_name": person.name,
        "email": "ada@chat.example",
        "locale": "de",
        "timezone": "Europe/Berlin",
    }
    answer = await http.put(f"/v1/platform/users/{person.id}", json=user, headers=KEY)
    assert answer.status_code == 200


async def test_a_message_becomes_a_mail_that_one_click_ends(
    node: Node, server: Served, far_side: FarSide
) -> None:
    ada, grace, talk = await make_pair(node)
    clock = Later()
    async with httpx.AsyncClient(base_url=server.url) as http:
        await give_address(http, ada)
        # Who follows events begins with those to come.
        await tell_of_events(node, clock)
        await say(http, grace, talk, "Hallo Ada,\nhast du Zeit?")
        await mail_everything(node, clock)
        (received,) = far_side.received
        mail = received.mail
        assert mail["Subject"] == "Neue Nachrichten von Grace"
        assert str(mail["To"]) == "Ada <ada@chat.example>"
        body = mail.get_body(("plain",))
        assert body is not None
        assert "Hallo Ada,\r\nhast du Zeit?" in body.get_content()
        assert ("email", "message_received", "instant", "sent") in await leaving(
            node, ada
        )

        link = str(mail["List-Unsubscribe"]).partition(">")[0].strip("<")
        path = link.removeprefix("https://chat.example")
        assert path.startswith("/v1/unsubscribe/")
        page = await http.get(path)
        assert 'lang="de"' in page.text
        await say(http, grace, talk, "Noch etwas.")
        await mail_everything(node, clock)
        assert len(far_side.received) == 2
        assert far_side.received[1].mail["References"] == mail["References"]

        clicked = await http.post(path, data={"List-Unsubscribe": "One-Click"})
        assert clicked.status_code == 200
        await say(http, grace, talk, "Und noch etwas.")
        await mail_everything(node, clock)
        assert len(far_side.received) == 2


async def test_an_address_that_is_gone_is_not_written_to_again(
    node: Node, server: Served, far_side: FarSide
) -> None:
    ada, grace, talk = await make_pair(node)
    clock = Later()
    async with httpx.AsyncClient(base_url=server.url) as http:
        await give_address(http, ada)
        await tell_of_events(node, clock)
        far_side.to_recipient.append("550 5.1.1 No such user here")
        for text in ("One", "Two"):
            await say(http, grace, talk, text)
            await mail_everything(node, clock)
        assert far_side.received == []
        assert not far_side.to_recipient
        listed = await http.get("/v1/platform/suppressions", headers=KEY)
        assert [each["address"] for each in listed.json()["items"]] == [
            "ada@chat.example"
        ]
        unspeakable = await http.delete("/v1/platform/suppressions/%00", headers=KEY)
        problem(unspeakable, 422, "invalid")
        path = "/v1/platform/suppressions/ada%40chat.example"
        assert (await http.delete(path, headers=KEY)).status_code == 204
        await say(http, grace, talk, "Three")
        await mail_everything(node, clock)
        assert len(far_side.received) == 1
