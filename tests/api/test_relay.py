"""The pull feed: leases, what relays say of them, and what they never get."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import event

from api.app import create_app
from realtime.node import Node
from realtime.notifications.relay import Relay, UnclaimedChore
from storage.records import ApiKeyId
from tests.api.calling import KEY, key_with, problem
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.realtime.notifications.carrying import CATALOGUE, Desk, Hands

LEASE = "/v1/platform/relay/lease"
ACK = "/v1/platform/relay/ack"


@dataclass
class Feed:
    """A node that carries nothing itself, its ledger, and two relays."""

    node: Node
    http: httpx.AsyncClient
    desk: Desk
    clock: Hands
    one: dict[str, str]
    other: dict[str, str]

    async def lease(
        self, key: dict[str, str] | None = None, channel: str = "push", **more: object
    ) -> list[dict[str, Any]]:
        """Lease, as the first relay unless said otherwise."""
        wanted = {"channel": channel, "max": 50, "lease_s": 60} | more
        found = await self.http.post(LEASE, json=wanted, headers=key or self.one)
        assert found.status_code == 200, found.text
        until = datetime.fromisoformat(found.json()["lease_expires_at"])
        assert abs(until - self.clock() - timedelta(seconds=60)).total_seconds() < 0.1
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    async def say(
        self,
        id_: object,
        status: str,
        key: dict[str, str] | None = None,
        **more: object,
    ) -> tuple[str, str | None]:
        """Say what came of one; gives what became of that."""
        results = [{"id": str(id_), "status": status, **more}]
        found = await self.http.post(
            ACK, json={"results": results}, headers=key or self.one
        )
        assert found.status_code == 200, found.text
        (result,) = found.json()["results"]
        assert result["id"] == str(id_)
        return result["outcome"], result["status"]


@asynccontextmanager
async def _feeding(database: TestDatabase) -> AsyncIterator[Feed]:
    settings = settings_for(database, webpush=False)
    async with running_node(settings) as node:
        clock = Hands()
        node.clock = clock
        node.relay = Relay(
            node.transaction, clock, None, settings, CATALOGUE, look_seconds=0.02
        )
        transport = httpx.ASGITransport(app=create_app(node))
        base = "http://callboard.test"
        async with httpx.AsyncClient(transport=transport, base_url=base) as http:
            yield Feed(
                node,
                http,
                Desk(node, clock),
                clock,
                await key_with(node, "relay"),
                await key_with(node, "relay"),
            )


@pytest.fixture
async def feed(database: TestDatabase) -> AsyncIterator[Feed]:
    """What the tests stand on."""
    async with _feeding(database) as opened:
        yield opened


async def test_a_push_is_leased_with_all_that_delivering_it_needs(feed: Feed) -> None:
    (ada,) = await feed.desk.people(1)
    note = await feed.desk.note(ada, "push", message="Come in", priority="high")
    (item,) = await feed.lease()
    assert item["channel"] == "push"
    assert item["kind"] == "notification"
    assert (item["type"], item["priority"], item["attempt"]) == ("note", "high", 1)
    assert item["recipient"] == {
        "id": str(ada.id),
        "name": "Ada",
        "email": None,
        "locale": "en",
        "timezone": "UTC",
    }
    assert item["target"]["token"] == str(ada.device)
    assert item["target"]["kind"] == "webpush"
    (part,) = item["items"]
    assert (part["title"], part["text"]) == ("A title", "Come in")
    assert part["notification_id"] == str(note)
    assert await feed.lease() == []

    # Said twice, it is done once; and the ledger knows.
    assert await feed.say(item["id"], "delivered") == ("recorded", "delivered")
    assert await feed.say(item["id"], "delivered") == ("unchanged", "delivered")
    assert await feed.say(item["id"], "rejected") == ("unchanged", "delivered")
    assert await feed.desk.outcome(ada) == ["delivered"]
    numbers = (await feed.http.get("/metrics", headers=KEY)).text
    sent = 'callboard_deliveries_sent_total{channel="push",class="alert"} 1.0'
    assert sent in numbers.splitlines()
    feed.clock.move(hours=1)
    assert await feed.lease() == []


async def test_who_wants_ids_only_has_nothing_else_told_to_a_relay(feed: Feed) -> None:
    ada, grace = await feed.desk.people(2)
    await feed.desk.run(
        "UPDATE callboard.devices SET payload = 'id_only', kind = 'relay', app = 'x'"
    )
    talk = await feed.desk.talk(ada, grace)
    message = await feed.desk.say(talk, grace, "A secret", 1)
    await feed.desk.expect(ada, talk, 1, "push")
    await feed.desk.note(ada, "push", message="Another", data={"city": "Lisbon"})
    (first,) = await feed.lease()
    await feed.say(first["id"], "delivered")
    (second,) = await feed.lease()
    for item in (first, second):
        for hidden in ("A secret", "Another", "A title", "Lisbon", "Ada", "Us"):
            assert hidden not in str(item)
        assert (item["target"]["kind"], item["target"]["app"]) == ("relay", "x")
    parts = [part for item in (first, second) for part in item["items"]]
    assert str(message) in {part["message_id"] for part in parts}


async def test_a_mail_is_leased_with_its_address(feed: Feed) -> None:
    (ada,) = await feed.desk.people(1)
    await feed.desk.note(ada, "email")
    feed.clock.move(seconds=5)
    assert await feed.lease() == []
    (item,) = await feed.lease(channel="email")
    assert item["recipient"]["email"] == f"{ada.id}@example.org"
    assert item["target"] is None
    # As for a mail of the server's own: nothing more is written to a dead address.
    assert await feed.say(item["id"], "rejected") == ("recorded", "failed")
    await feed.desk.note(ada, "email", type_="verdict")
    assert await feed.lease(channel="email") == []
    assert await feed.desk.outcome(ada) == ["failed", "suppressed"]


async def test_a_dead_address_does_not_end_the_one_that_took_its_place(
    feed: Feed,
) -> None:
    (ada,) = await feed.desk.people(1)
    await feed.desk.note(ada, "email")
    (item,) = await feed.lease(channel="email")
    changed = await feed.http.put(
        f"/v1/platform/users/{ada.id}",
        json={"display_name": "Ada", "email": "new@example.org"},
        headers=KEY,
    )
    assert changed.status_code == 200, changed.text
    assert await feed.say(item["id"], "rejected") == ("recorded", "failed")
    await feed.desk.note(ada, "email", type_="verdict")
    (item,) = await feed.lease(channel="email")
    assert item["recipient"]["email"] == "new@example.org"


async def test_relays_at_once_are_never_given_the_same(feed: Feed) -> None:
    people = await feed.desk.people(40)
    for person in people:
        await feed.desk.note(person, "push")
    given: list[dict[str, Any]] = []
    while len(given) < 40:
        pages = await asyncio.gather(
            *(
                feed.lease(key, max=7)
                for key in (feed.one, feed.other, feed.one, feed.other)
            )
        )
        assert any(pages)
        assert all(len(page) <= 7 for page in pages)
        given += [item for page in pages for item in page]
    assert len({item["id"] for item in given}) == 40
    assert {item["recipient"]["id"] for item in given} == {str(p.id) for p in people}


async def test_a_lease_that_lapses_is_anothers(feed: Feed) -> None:
    (ada,) = await feed.desk.people(1)
    await feed.desk.note(ada, "push")
    (first,) = await feed.lease()
    id_ = first["id"]
    assert await feed.say(id_, "delivered", feed.other) == ("unknown", None)
    assert await feed.say(uuid4(), "delivered") == ("unknown", None)
    feed.clock.move(seconds=59)
    assert await feed.lease(feed.other) == []
    feed.clock.move(seconds=2)
    (again,) = await feed.lease(feed.other)
    assert (again["id"], again["attempt"]) == (id_, 2)
    # It is not the first one's any more.
    assert await feed.say(id_, "rejected") == ("unknown", None)
    assert await feed.say(id_, "retry", feed.other) == ("recorded", "sending")
    feed.clock.move(hours=2)
    (third,) = await feed.lease()
    assert third["attempt"] == 3
    feed.clock.move(hours=2)
    # Lapsed, but nobody else has it: what it says counts.
    assert await feed.say(id_, "delivered") == ("recorded", "delivered")


async def test_of_one_device_the_next_waits_for_the_one_before(feed: Feed) -> None:
    ada, grace = await feed.desk.people(2)
    notes = [await feed.desk.note(ada, "push") for _ in range(3)]
    await feed.desk.note(grace, "push")

    def about(items: list[dict[str, Any]]) -> list[UUID]:
        return [
            UUID(item["items"][0]["notification_id"])
            for item in items
            if item["recipient"]["id"] == str(ada.id)
        ]

    first = await feed.lease()
    assert len(first) == 2
    assert about(first) == notes[:1]
    (mine,) = [item for item in first if item["recipient"]["id"] == str(ada.id)]
    assert await feed.lease() == []
    # One that is to be tried again is not overtaken either.
    assert await feed.say(mine["id"], "retry", retry_after_s=600) == (
        "recorded",
        "sending",
    )
    assert await feed.say(mine["id"], "retry", retry_after_s=600) in (
        ("recorded", "sending"),
        ("unchanged", "sending"),
    )
    feed.clock.move(seconds=599)
    assert about(await feed.lease(feed.other)) == []
    feed.clock.move(seconds=2)
    order = []
    while page := await feed.lease(feed.other):
        order += about(page)
        for item in page:
            await feed.say(item["id"], "delivered", feed.other)
    assert order == notes


async def test_a_dead_token_takes_its_device_along(feed: Feed) -> None:
    (ada,) = await feed.desk.people(1)
    await feed.desk.note(ada, "push")
    await feed.desk.note(ada, "push")
    (item,) = await feed.lease()
    assert await feed.say(item["id"], "rejected") == ("recorded", "failed")
    assert await feed.say(item["id"], "rejected") == ("unchanged", "failed")
    assert await feed.desk.run("SELECT id FROM callboard.devices") == []
    assert await feed.lease() == []
    assert await feed.desk.outcome(ada) == ["failed", "device_gone"]


async def test_what_was_read_meanwhile_is_not_leased(feed: Feed) -> None:
    ada, grace = await feed.desk.people(2)
    note = await feed.desk.note(ada, "push")
    talk = await feed.desk.talk(ada, grace)
    await feed.desk.say(talk, grace, "Hi", 1)
    await feed.desk.expect(ada, talk, 1, "push")
    await feed.desk.run(
        "UPDATE callboard.notifications SET read_at = :at WHERE id = :id",
        at=feed.clock(),
        id=note,
    )
    await feed.desk.run(
        "UPDATE callboard.participants SET read_seq = 1, delivered_seq = 1"
    )
    assert await feed.lease() == []
    assert await feed.desk.outcome(ada) == ["read", "read"]


async def test_who_waits_is_told_as_soon_as_something_is_due(feed: Feed) -> None:
    (ada,) = await feed.desk.people(1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await feed.lease(wait_s=0.1) == []
    assert loop.time() - began >= 0.1

    waiting = asyncio.create_task(feed.lease(wait_s=30))
    await feed.desk.note(ada, "push")
    async with asyncio.timeout(10):
        (item,) = await waiting
    assert item["recipient"]["id"] == str(ada.id)


async def test_those_who_wait_look_one_at_a_time(feed: Feed) -> None:
    looks = 0
    asked = 0
    is_going = False
    have_asked = asyncio.Event()
    key = ApiKeyId(uuid4())

    @event.listens_for(feed.node.database.engine.sync_engine, "before_cursor_execute")
    def _count(*call: object) -> None:
        nonlocal looks
        looks += "busy AS" in str(call[2])

    async def is_gone() -> bool:
        nonlocal asked
        asked += 1
        # Those who asked before wait; after thirty looks all go.
        if asked >= 30 + 20:
            have_asked.set()
        return is_going

    pause = 0.02
    feed.node.relay._look_seconds = pause
    began = asyncio.get_running_loop().time()
    waiting = [
        asyncio.create_task(
            feed.node.relay.lease(
                key,
                "push",
                10,
                timedelta(seconds=60),
                wait=timedelta(seconds=60),
                is_gone=is_gone,
            )
        )
        for _ in range(20)
    ]
    await have_asked.wait()
    elapsed = asyncio.get_running_loop().time() - began
    # Each has looked at once when it came, then one after the other.
    assert looks <= 20 + elapsed / pause + 1
    is_going = True
    assert not any(given.parcels for given in await asyncio.gather(*waiting))
    feed.node.is_draining = True
    assert await feed.lease(wait_s=30) == []


async def test_what_nobody_comes_for_is_given_up(feed: Feed) -> None:
    people = await feed.desk.people(3)
    ada, grace, joan = people
    soon = feed.clock() + timedelta(hours=1)
    await feed.desk.note(ada, "push", expires_at=soon)
    await feed.desk.note(grace, "push", "email")
    await feed.desk.note(joan, "email", mode="daily", due_in=60)
    chore = UnclaimedChore(feed.node.transaction, feed.clock, feed.node.settings)
    assert await chore() == 0
    feed.clock.move(hours=2)
    await feed.desk.digest()
    assert await chore() == 1
    assert await feed.desk.outcome(ada) == ["expired"]
    feed.clock.move(hours=73)
    assert await chore() == 3
    assert await feed.desk.outcome(grace) == ["unclaimed", "unclaimed"]
    assert set(await feed.desk.outcome(joan)) == {"unclaimed"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LEASE, {"channel": "sms"}),
        (LEASE, {}),
        (LEASE, {"channel": "push", "max": 0}),
        (LEASE, {"channel": "push", "max": 201}),
        (LEASE, {"channel": "push", "lease_s": 4}),
        (LEASE, {"channel": "push", "lease_s": 601}),
        (LEASE, {"channel": "push", "wait_s": 31}),
        (ACK, {"results": []}),
        (ACK, {"results": [{"id": str(uuid4()), "status": "read"}]}),
        (ACK, {"results": [{"id": "1", "status": "delivered"}]}),
        (ACK, {"results": [{"id": str(uuid4()), "status": "delivered"}] * 201}),
    ],
)
async def test_what_no_relay_can_mean_is_refused(
    http: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    problem(await http.post(path, json=body, headers=KEY), 422, "invalid")


async def test_relays_need_a_key_with_their_scope(
    http: httpx.AsyncClient, node: Node
) -> None:
    other = await key_with(node, "webhooks")
    results = [{"id": str(uuid4()), "status": "delivered"}]
    for path, body in (
        (LEASE, {"channel": "push"}),
        (ACK, {"results": results}),
    ):
        problem(await http.post(path, json=body, headers=other), 403, "forbidden")
        problem(await http.post(path, json=body), 401, "unauthenticated")
    own = await key_with(node, "relay")
    assert (await http.post(LEASE, json={"channel": "push"}, headers=own)).is_success
