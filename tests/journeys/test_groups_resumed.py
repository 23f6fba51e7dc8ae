"""What was missed in a group is told so that nothing else need be known."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from callboard_client import Socket

from tests.conftest import Served
from tests.factories import Person, connect_people, make_people
from tests.journeys.stores import Follower, fetch

THUMB = "%F0%9F%91%8D"


class Two:
    """Ada and Grace in a group, and Linus, whom Ada may bring in."""

    def __init__(self, http: httpx.AsyncClient, people: list[Person]) -> None:
        self.ada, self.grace, self.linus = people
        self.group = ""
        self._http = http

    async def ask(
        self, who: Person, method: str, path: str, **body: object
    ) -> dict[str, Any]:
        """Call, successfully."""
        answer = await self._http.request(
            method, f"/v1/{path}", json=body or None, headers=who.headers
        )
        assert answer.is_success, answer.text
        given: dict[str, Any] = answer.json() if answer.content else {}
        return given

    async def say(self, who: Person) -> dict[str, Any]:
        """Say something in the group."""
        path = f"conversations/{self.group}/messages"
        return await self.ask(who, "POST", path, client_id=str(uuid4()), body="Hi")

    async def read_at(self, seq: int) -> str | None:
        """Tell when a message had first been read."""
        path = f"conversations/{self.group}/messages?after={seq - 1}&limit=1"
        page = await self.ask(self.ada, "GET", path)
        at: str | None = page["items"][0]["read_at"]
        return at


@pytest.fixture
async def two(server: Served, http: httpx.AsyncClient) -> Two:
    people = await make_people(server.node, "Ada", "Grace", "Linus")
    for other in people[1:]:
        await connect_people(server.node, people[0], other)
    two = Two(http, people)
    made = await two.ask(
        two.ada, "POST", "conversations", kind="group", user_ids=[str(two.grace.id)]
    )
    two.group = made["id"]
    return two


async def test_whoever_comes_in_and_answers_has_read_what_came_before(
    two: Two,
) -> None:
    await two.say(two.ada)
    await two.ask(
        two.ada, "PUT", f"conversations/{two.group}/participants/{two.linus.id}"
    )
    assert await two.read_at(1) is None
    answer = await two.say(two.linus)
    assert await two.read_at(1) == answer["sent_at"]


async def test_what_somebody_read_before_they_left_is_told_on_resume(
    two: Two, server: Served
) -> None:
    await two.say(two.ada)
    follower = Follower(two.ada)
    await follower.come(server)
    await follower.go()
    await two.ask(two.grace, "POST", f"conversations/{two.group}/read", seq=1)
    at = await two.read_at(1)
    assert at is not None
    await two.ask(
        two.grace, "DELETE", f"conversations/{two.group}/participants/{two.grace.id}"
    )
    await follower.come(server)
    await follower.catch_up()
    assert follower.store.messages(two.group)[0]["read_at"] == at
    await follower.go()


async def test_reactions_missed_of_a_message_that_is_told_again_are_not_lost(
    two: Two, server: Served
) -> None:
    store = await fetch(server, two.ada)
    socket = await Socket.connect(server.socket_url, two.ada.token)
    cursor = socket.hello["cursor"]
    message = await two.say(two.ada)
    path = f"messages/{message['id']}/reactions"
    await two.ask(two.grace, "PUT", f"{path}/{THUMB}")
    await socket.request("ping")
    for event in socket.take_waiting():
        store.apply(event)
    socket.abort()
    await socket.wait_closed()
    await two.ask(two.grace, "DELETE", f"{path}/{THUMB}")

    # The cursor is from before the message: it is told whole, as it is now.
    async with await Socket.connect(
        server.socket_url, two.ada.token, cursor=cursor
    ) as back:
        assert back.hello["resumed"] is True
        await back.request("ping")
        for event in back.take_waiting():
            store.apply(event)
    assert store.messages(two.group)[0]["reactions"] == {}
