"""Webhooks from the platform's side: made, signed, replaced, paused, replayed."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook

from api.app import create_app
from realtime.clock import system_clock
from realtime.node import Node
from realtime.settings import Settings
from realtime.webhooks.sending import WebhookLine
from realtime.worker import Worker
from tests.api.calling import KEY, key_with, problem
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.receiver import Received, Receiver, answer, receiving

PATH = "/v1/platform/webhooks"


@dataclass
class Stage:
    """A node, a worker and a receiver, with a clock that the test moves."""

    node: Node
    http: httpx.AsyncClient
    receiver: Receiver
    worker: Worker
    now: datetime

    def later(self, **span: float) -> None:
        """Move the clock of everything."""
        self.now += timedelta(**span)

    async def work(self) -> None:
        """Have the worker make and send what is due, and wait for what comes of it."""
        while await self.worker.lines["webhook_events"]():
            pass
        await settle(self.worker)

    async def post(self, path: str = "", /, **body: object) -> dict[str, Any]:
        """Call, and give what is answered."""
        found = await self.http.post(PATH + path, json=body, headers=KEY)
        assert found.is_success, found.text
        given: dict[str, Any] = found.json()
        return given

    async def get(self, path: str) -> dict[str, Any]:
        """Look, and give what is answered."""
        found = await self.http.get(PATH + path, headers=KEY)
        assert found.is_success, found.text
        given: dict[str, Any] = found.json()
        return given

    async def create(self, **more: object) -> dict[str, Any]:
        """Make a webhook to the receiver, of what the tests have happen."""
        wanted = {"url": self.receiver.url, "events": ["thing.*"]}
        return await self.post(**(wanted | more))

    async def happen(self, *kinds: str) -> None:
        """Have things happen."""
        async with self.node.transaction() as work:
            for kind in kinds:
                work.happen(kind, {"gig_id": uuid4()}, {"status": "new"})

    async def only_delivery(self, webhook: str) -> dict[str, Any]:
        """Give the one delivery of a webhook."""
        (only,) = (await self.get(f"/{webhook}/deliveries"))["items"]
        found: dict[str, Any] = only
        return found


async def settle(worker: Worker) -> None:
    """Have a worker send all that is due, and wait for what comes of it."""
    line = worker.lines["webhooks"]
    assert isinstance(line, WebhookLine)
    # On a busy machine a line finds nothing to begin while something is under way.
    while await line() or line._under_way:
        await line.settle()


def settings_of(database: TestDatabase) -> Settings:
    """Let webhooks lead to this machine."""
    return settings_for(database, webhook_hosts=("127.0.0.1",))


@asynccontextmanager
async def _staged(database: TestDatabase) -> AsyncIterator[Stage]:
    settings = settings_of(database)
    async with running_node(settings) as node, receiving() as receiver:
        transport = httpx.ASGITransport(app=create_app(node))
        base = "http://callboard.test"
        async with httpx.AsyncClient(transport=transport, base_url=base) as http:
            # At the very moment, so that the library finds signatures fresh.
            stage = Stage(node, http, receiver, None, system_clock())  # type: ignore[arg-type]
            node.clock = lambda: stage.now
            stage.worker = Worker(settings, node.database, clock=lambda: stage.now)
            yield stage
            await stage.worker._webhooks.close()


@pytest.fixture
async def stage(database: TestDatabase) -> AsyncIterator[Stage]:
    """What the tests stand on."""
    async with _staged(database) as staged:
        yield staged


async def test_what_happens_reaches_the_receiver_signed(stage: Stage) -> None:
    made = await stage.create(description="Ours")
    assert made["status"] == "active"
    assert made["secret"].startswith("whsec_")
    await stage.happen("thing.done", "other.done", "thing.undone")
    await stage.work()

    done, undone = sorted(stage.receiver.received, key=lambda each: each.json["type"])
    assert undone.json["type"] == "thing.undone"
    assert done.headers["content-type"] == "application/json"
    assert done.is_signed_with(made["secret"])
    # The library's own check: headers, freshness, signature.
    said = Webhook(made["secret"]).verify(done.body, dict(done.headers))
    assert said == done.json
    listed = (await stage.http.get("/v1/platform/events", headers=KEY)).json()["items"]
    (event,) = [each for each in listed if each["type"] == "thing.done"]
    assert said == {
        "type": "thing.done",
        "timestamp": event["occurred_at"],
        "data": {key: value for key, value in event.items() if key != "type"},
    }

    delivered = (await stage.get(f"/{made['id']}/deliveries"))["items"]
    assert {each["status"] for each in delivered} == {"delivered"}
    assert {each["response_status"] for each in delivered} == {204}
    assert {each["event_id"] for each in delivered} >= {event["id"]}
    # Each once.
    await stage.work()
    assert len(stage.receiver.received) == 2


async def test_a_secret_is_shown_once_and_replaced_without_a_gap(stage: Stage) -> None:
    headers = KEY | {"Idempotency-Key": "once"}
    wanted = {"url": stage.receiver.url + "?token=of-ours", "events": ["thing.*"]}
    made, again = [
        (await stage.http.post(PATH, json=wanted, headers=headers)).json()
        for _ in range(2)
    ]
    assert made == again
    for path in ("", f"/{made['id']}"):
        answered = await stage.get(path)
        assert made["secret"] not in str(answered)
        assert "secret" not in str(answered)

    new = await stage.post(f"/{made['id']}/rotate")
    assert new["secret"] != made["secret"]
    await stage.happen("thing.one")
    await stage.work()
    (both,) = stage.receiver.received
    assert both.headers["webhook-signature"].count("v1,") == 2
    for secret in (made["secret"], new["secret"]):
        assert both.is_signed_with(secret)
        Webhook(secret).verify(both.body, dict(both.headers))

    stage.later(hours=24, seconds=1)
    await stage.happen("thing.two")
    await stage.work()
    assert not stage.receiver.received[1].is_signed_with(made["secret"])
    assert stage.receiver.received[1].is_signed_with(new["secret"])


async def test_what_is_not_taken_comes_again_later_and_later(stage: Stage) -> None:
    made = await stage.create()
    stage.receiver.script = [answer(500, body=b"x" * 5000)] * 10
    await stage.happen("thing.done")
    pauses: list[float] = []
    while True:
        await stage.work()
        found = await stage.only_delivery(made["id"])
        if found["status"] == "failed":
            break
        assert (found["status"], found["reason"]) == ("pending", "status_500")
        due = datetime.fromisoformat(found["due_at"])
        pauses.append((due - stage.now).total_seconds())
        # A moment before, nothing is sent.
        stage.now = due - timedelta(seconds=1)
        count = len(stage.receiver.received)
        await stage.work()
        assert len(stage.receiver.received) == count
        # What is shown is cut to milliseconds.
        stage.later(seconds=1.001)
    assert found["attempts"] == len(stage.receiver.received) == 10
    assert len(set(stage.receiver.ids)) == 1
    expected = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    for pause, least in zip(pauses, expected, strict=True):
        assert least - 0.001 <= pause <= min(least * 1.2, 86400) + 0.001

    # Given up, until somebody asks for it.
    assert (await stage.post(f"/{made['id']}/replay", failed=True))["count"] == 1
    await stage.work()
    assert (await stage.only_delivery(made["id"]))["status"] == "delivered"
    assert len(set(stage.receiver.ids)) == 1
    assert (await stage.get(f"/{made['id']}"))["failing_since"] is None


async def test_who_is_busy_says_for_how_long(stage: Stage) -> None:
    made = await stage.create()
    stage.receiver.script = [
        answer(429, "Retry-After: 40"),
        answer(503, "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"),
        answer(302, "Location: /elsewhere"),
    ]
    await stage.happen("thing.done")
    for least, most, reason in (
        (40, 48, "status_429"),
        (1, 1.2, "status_503"),
        (1800, 2160, "status_302"),
    ):
        await stage.work()
        found = await stage.only_delivery(made["id"])
        assert found["reason"] == reason
        pause = datetime.fromisoformat(found["due_at"]) - stage.now
        assert least - 0.001 <= pause.total_seconds() <= most + 0.001
        stage.now = datetime.fromisoformat(found["due_at"]) + timedelta(seconds=0.001)
    await stage.work()
    assert {each.path for each in stage.receiver.received} == {"/in"}
    counted = stage.worker.metrics.render().decode()
    for outcome in ("taken", "3xx", "4xx", "5xx"):
        assert f'webhook_calls_total{{outcome="{outcome}"}} 1.0' in counted
    assert "127.0.0.1" not in counted


async def test_who_is_gone_is_paused_at_once_and_resumes_with_a_replay(
    stage: Stage,
) -> None:
    made = await stage.create()
    stage.receiver.script = [answer(410)]
    await stage.happen("thing.one")
    await stage.work()
    paused = await stage.get(f"/{made['id']}")
    assert (paused["status"], paused["paused_reason"]) == ("paused", "gone")
    assert (await stage.only_delivery(made["id"]))["status"] == "failed"
    audit = await stage.http.get(
        "/v1/platform/audit?action=webhook.paused", headers=KEY
    )
    (act,) = audit.json()["items"]
    assert act["subject"] == {"webhook_id": made["id"]}
    assert act["data"] == {"reason": "gone"}

    # Nothing is gathered while it is paused, and nothing is replayed.
    await stage.happen("thing.two")
    await stage.work()
    await stage.only_delivery(made["id"])
    for body in ({"failed": True}, {"since": "2020-01-01T00:00:00Z"}):
        refused = await stage.http.post(
            f"{PATH}/{made['id']}/replay", json=body, headers=KEY
        )
        problem(refused, 409, "conflict")
    problem(
        await stage.http.post(f"{PATH}/{made['id']}/test", headers=KEY), 409, "conflict"
    )

    resumed = await stage.post(f"/{made['id']}/resume")
    assert (resumed["status"], resumed["paused_reason"]) == ("active", None)
    since = made["created_at"].replace("Z", "+00:00")
    replayed = await stage.post(f"/{made['id']}/replay", since=since)
    assert replayed == {"count": 2, "is_more": False, "more_since": None}
    await stage.work()
    types = [each.json["type"] for each in stage.receiver.received]
    assert sorted(types) == ["thing.one", "thing.one", "thing.two"]
    # By id: those that are wanted, each under the id that it always had.
    ids = [each.json["data"]["id"] for each in stage.receiver.received]
    replayed = await stage.post(
        f"/{made['id']}/replay", event_ids=[ids[-1], "999999999"]
    )
    assert replayed["count"] == 1
    await stage.work()
    assert len(stage.receiver.received) == 4
    assert len(set(stage.receiver.ids)) == 2


async def test_who_fails_for_days_is_paused_by_itself(stage: Stage) -> None:
    failing, healthy = await stage.create(), await stage.create()
    stage.receiver.script = []
    dead = stage.receiver.url.replace("/in", "/dead")
    await stage.http.patch(f"{PATH}/{failing['id']}", json={"url": dead}, headers=KEY)

    async def refuse(request: Received) -> None:
        stage.receiver.script = [answer(500)] if request.path == "/dead" else []

    stage.receiver.meanwhile = refuse
    await stage.happen("thing.one")
    await stage.work()
    stage.later(days=4.9)
    await stage.happen("thing.two")
    await stage.work()
    assert (await stage.get(f"/{failing['id']}"))["status"] == "active"
    stage.later(days=0.2)
    await stage.work()
    found = await stage.get(f"/{failing['id']}")
    assert (found["status"], found["paused_reason"]) == ("paused", "failing")
    assert (await stage.get(f"/{healthy['id']}"))["status"] == "active"
    listed = (await stage.http.get("/v1/platform/events", headers=KEY)).json()["items"]
    assert [each["type"] for each in listed].count("webhook.paused") == 1


async def test_old_deliveries_go_and_a_crowded_webhook_is_paused(stage: Stage) -> None:
    made = await stage.create()
    await stage.happen("thing.one", "thing.two")
    await stage.worker.lines["webhook_events"]()
    stage.worker.chores["webhooks"]._backlog = 1  # type: ignore[attr-defined]
    assert await stage.worker.chores["webhooks"]() == 0
    found = await stage.get(f"/{made['id']}")
    assert (found["status"], found["paused_reason"]) == ("paused", "backlog")
    stage.later(days=31)
    assert await stage.worker.chores["webhooks"]() == 2
    assert (await stage.get(f"/{made['id']}/deliveries"))["items"] == []


async def test_a_test_is_sent_like_everything_else(stage: Stage) -> None:
    made = await stage.create()
    sent = await stage.post(f"/{made['id']}/test")
    await stage.work()
    (got,) = stage.receiver.received
    assert got.json["type"] == "webhook.test"
    assert got.is_signed_with(made["secret"])
    found = await stage.only_delivery(made["id"])
    assert (found["id"], found["event_id"]) == (sent["delivery_id"], None)


async def test_webhooks_are_changed_listed_and_removed(stage: Stage) -> None:
    one, two = await stage.create(), await stage.create(events=[])
    first = await stage.get("?limit=1")
    rest = await stage.get(f"?limit=1&next={first['next']}")
    assert [each["id"] for each in (*first["items"], *rest["items"])] == [
        one["id"],
        two["id"],
    ]
    assert rest["next"] is None
    changed = await stage.http.patch(
        f"{PATH}/{one['id']}", json={"events": ["*"], "description": "x"}, headers=KEY
    )
    assert (changed.json()["events"], changed.json()["description"]) == (["*"], "x")
    gone = await stage.http.delete(f"{PATH}/{one['id']}", headers=KEY)
    assert gone.status_code == 204
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/rotate"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/replay"),
        ("POST", "/test"),
        ("GET", "/deliveries"),
    ):
        body = {"failed": True} if path == "/replay" else {}
        refused = await stage.http.request(
            method, f"{PATH}/{one['id']}{path}", json=body, headers=KEY
        )
        problem(refused, 404, "not_found")
    # Of everything, but not of what happens while it is paused.
    await stage.post(f"/{two['id']}/pause")
    await stage.happen("thing.one")
    await stage.work()
    await stage.post(f"/{two['id']}/resume")
    await stage.happen("other.two")
    await stage.work()
    heard = {each.json["type"] for each in stage.receiver.received}
    assert "other.two" in heard
    assert "thing.one" not in heard


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://hooks.example/in"},
        {"url": "https://10.0.0.1/in"},
        {"url": "https://somebody:secret@hooks.example/in"},
        {"url": "nowhere"},
        {"events": ["Gig.*"]},
        {"events": ["gig*"]},
        {"events": ["gig.published"] * 101},
        {"secret": "whsec_mine"},
    ],
)
async def test_what_makes_no_webhook_is_refused(
    http: httpx.AsyncClient, wrong: dict[str, object]
) -> None:
    body = {"url": "https://hooks.example/in", **wrong}
    refused = await http.post(PATH, json=body, headers=KEY)
    assert "secret@" not in refused.text
    problem(refused, 422, "invalid")


async def test_webhooks_need_a_key_with_their_scope(
    http: httpx.AsyncClient, node: Node
) -> None:
    wanted = {"url": "https://hooks.example/in"}
    other = await key_with(node, "events")
    problem(await http.post(PATH, json=wanted, headers=other), 403, "forbidden")
    problem(await http.get(PATH, headers=other), 403, "forbidden")
    problem(await http.get(PATH), 401, "unauthenticated")
    own = await key_with(node, "webhooks")
    assert (await http.post(PATH, json=wanted, headers=own)).status_code == 201


async def test_a_name_that_leads_inside_is_not_called_and_nothing_is_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    # As if the name had been public when the webhook was made.
    made = await stage.create(url="https://localhost:9/in?token=of-ours")
    await stage.happen("thing.done")
    with caplog.at_level(logging.DEBUG):
        await stage.work()
    found = await stage.only_delivery(made["id"])
    assert (found["status"], found["reason"]) == ("pending", "not_public")
    ours = [one for one in caplog.records if one.name.startswith("realtime")]
    assert [one.message for one in ours] == ["webhook failed"]
    assert "of-ours" not in str([vars(one) for one in ours])
    assert made["secret"] not in caplog.text
