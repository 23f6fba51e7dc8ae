"""A consumer of domain events has each once and in order, whatever happens to it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from realtime.clock import system_clock
from realtime.errors import Unavailable
from realtime.node import Node
from realtime.notifications.events import PAGE, EventLine
from realtime.retention import RetentionChore
from storage.domain_events import DomainEvent
from storage.errors import Busy
from storage.unit_of_work import UnitOfWork
from tests.factories import make_people
from tests.realtime.notifications.telling import rows

_KIND = "test.happened"


class Consumer:
    """Writes down in the audit log which events it has been given."""

    def __init__(self) -> None:
        self.poison: set[int] = set()
        self.busy: set[int] = set()

    async def __call__(
        self, work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
    ) -> None:
        """Take events."""
        for event in events:
            if event.type != _KIND:
                continue
            number = UUID(event.subject["user_id"]).int
            await work.audit.add("test.taken", {"number": str(number)}, {})
            work.record([], "test.taken", "", {})
            if number in self.poison:
                raise RuntimeError("a secret")
            if number in self.busy:
                raise Busy("for ever")


async def _happen(node: Node, *numbers: int) -> None:
    async with node.transaction() as work:
        for number in numbers:
            work.happen(_KIND, {"user_id": UUID(int=number)}, {"secret": "hunter2"})


async def _taken(node: Node) -> list[int]:
    found = await rows(
        node,
        "SELECT subject FROM callboard.audit_logs WHERE action = 'test.taken'"
        " ORDER BY id",
    )
    return [int(row["subject"]["number"]) for row in found]


async def _until(node: Node, line: EventLine, count: int) -> None:
    """Work until so much was taken: others' transactions may hold events back."""
    async with asyncio.timeout(20):
        while len(await _taken(node)) < count:
            await line()


async def test_ten_workers_take_each_event_once_and_in_order(node: Node) -> None:
    await _happen(node, 1)
    consumer = Consumer()
    lines = [
        EventLine("test", node.transaction, consumer, system_clock) for _ in range(10)
    ]
    # A new consumer begins with what happens from then on.
    assert not await lines[0]()
    count = 2 * PAGE + 10
    for first in range(2, count + 2, 30):
        await _happen(node, *range(first, min(first + 30, count + 2)))
    async with asyncio.timeout(20):
        while len(await _taken(node)) < count:
            await asyncio.gather(*(line() for line in lines))
    # Nobody takes anything again.
    await asyncio.gather(*(line() for line in lines))
    taken = await _taken(node)
    assert sorted(taken) == list(range(2, count + 2))


async def test_a_worker_that_dies_has_done_nothing(node: Node) -> None:
    consumer = Consumer()

    class Died(BaseException):
        """The process is gone."""

    async def die(
        work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
    ) -> None:
        await consumer(work, events, now)
        raise Died

    dying = EventLine("test", node.transaction, die, system_clock)
    await dying()
    await _happen(node, 1, 2)
    with pytest.raises(Died):
        await _until(node, dying, 1)
    assert await _taken(node) == []
    await _until(node, EventLine("test", node.transaction, consumer, system_clock), 2)
    assert await _taken(node) == [1, 2]


async def test_an_event_that_fails_is_left_out_and_noted_without_its_data(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = Consumer()
    consumer.poison = {2}
    line = EventLine("test", node.transaction, consumer, system_clock)
    await line()
    await _happen(node, 1, 2, 3)
    await _until(node, line, 2)
    await _happen(node, 4)
    await _until(node, line, 3)
    assert await _taken(node) == [1, 3, 4]
    (noted,) = await rows(
        node,
        "SELECT data FROM callboard.audit_logs WHERE action = 'consumer.skipped'",
    )
    assert noted["data"]["event_type"] == _KIND
    assert noted["data"]["error"] == "RuntimeError"
    assert "hunter2" not in str(noted) + caplog.text
    assert [one.levelname for one in caplog.records if "left out" in one.message] == [
        "ERROR"
    ]


async def test_what_is_busy_is_tried_again_but_not_for_ever(node: Node) -> None:
    consumer = Consumer()
    consumer.busy = {1}
    line = EventLine("test", node.transaction, consumer, system_clock)
    await line()
    await _happen(node, 1, 2)
    refusals = 0
    async with asyncio.timeout(20):
        while not await _taken(node):
            try:
                await line()
            except Unavailable:
                refusals += 1
    assert refusals == 3
    assert await _taken(node) == [2]


async def test_what_is_old_goes_and_what_is_unread_stays(node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    now = system_clock()
    for name, days, read, expired in (
        ("read long ago", 400, 380, None),
        ("expired long ago", 400, None, 390),
        ("unread", 400, None, None),
        ("read lately", 400, 10, None),
        ("young", 10, 5, None),
    ):
        await rows(
            node,
            "INSERT INTO callboard.notifications (id, user_id, type, class, title,"
            " message, created_at, read_at, expires_at) VALUES (:id, :user, 'like',"
            " 'alert', :name, '', :created, :read, :expired) RETURNING id",
            id=uuid4(),
            user=ada.id,
            name=name,
            created=now - timedelta(days=days),
            read=read and now - timedelta(days=read),
            expired=expired and now - timedelta(days=expired),
        )
    for status in ("sent", "pending"):
        await rows(
            node,
            "INSERT INTO callboard.deliveries (id, user_id, channel, type, class, mode,"
            " status, conversation_id, due_at, created_at) VALUES (:id, :user, 'email',"
            " 'x', 'alert', 'instant', :status, :talk, :at, :at) RETURNING id",
            id=uuid4(),
            user=ada.id,
            status=status,
            talk=uuid4(),
            at=now - timedelta(days=91),
        )
    await rows(
        node,
        "INSERT INTO callboard.digests (id, user_id, frequency, period, due_at,"
        " created_at) VALUES (:id, :user, 'daily', '2026-01-01', :at, :at)"
        " RETURNING id",
        id=uuid4(),
        user=ada.id,
        at=now - timedelta(days=91),
    )
    chore = RetentionChore(node.transaction, system_clock, node.settings)
    assert await chore() == 4
    assert await chore() == 0
    left = await rows(node, "SELECT title FROM callboard.notifications ORDER BY title")
    assert [row["title"] for row in left] == ["read lately", "unread", "young"]
    (waiting,) = await rows(node, "SELECT status FROM callboard.deliveries")
    assert waiting["status"] == "pending"


async def test_pages_that_take_long_become_short_and_grow_again(node: Node) -> None:
    now = 0.0
    sizes: list[int] = []

    async def handle(
        work: UnitOfWork, events: Sequence[DomainEvent], moment: datetime
    ) -> None:
        nonlocal now
        # Half a second for each of the first, nothing for the others.
        now += 0.5 * sum(int(UUID(each.subject["user_id"])) < 150 for each in events)
        sizes.append(len(events))

    line = EventLine(
        "test", node.transaction, handle, system_clock, measure=lambda: now
    )
    await line()
    await _happen(node, *range(2 * PAGE))
    async with asyncio.timeout(20):
        while sum(sizes) < 2 * PAGE:
            await line()
    # Half of what took long, and as much again once that is over.
    assert sizes == [100, 50, 25, 25]
