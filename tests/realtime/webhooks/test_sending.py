"""Workers that send webhooks: together, beside slow receivers, and killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from realtime.clock import system_clock
from realtime.node import Node
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.webhooks import sending
from realtime.webhooks.endpoints import create_webhook, send_test
from realtime.webhooks.sending import WebhookLine
from storage.embedded_process import dies_with_parent
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.realtime.notifications.carrying import Hands
from tests.receiver import Received, Receiver, receiving

HOSTS = ("127.0.0.1",)


@dataclass
class Yard:
    """A node, a receiver, and a clock that the test moves."""

    node: Node
    receiver: Receiver
    clock: Hands
    lines: list[WebhookLine]

    def line(self, **options: int) -> WebhookLine:
        """Make the line of another worker."""
        line = WebhookLine(
            self.node.transaction,
            self.clock,
            hosts=HOSTS,
            pause_after=timedelta(days=5),
            metrics=DeliveryMetrics(),
            **options,
        )
        self.lines.append(line)
        return line

    async def webhook(self, path: str = "in") -> UUID:
        """Have the receiver be told."""
        values = {
            "url": f"http://127.0.0.1:{self.receiver.port}/{path}",
            "events": ["thing.*"],
            "description": None,
        }
        async with self.node.transaction() as work:
            return (await create_webhook(work, values, HOSTS, self.clock())).id

    async def fill(self, webhook: UUID, count: int) -> None:
        """Have so many events wait for a webhook."""
        async with self.node.transaction() as work:
            for _ in range(count):
                await send_test(work, webhook, self.clock())


async def _work(line: WebhookLine) -> None:
    # On a busy machine a line finds nothing to begin while something is under way.
    while await line() or line._under_way:
        await line.settle()


def _start_worker(database_url: str) -> subprocess.Popen[bytes]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CALLBOARD_")}
    own = {
        "CALLBOARD_DATABASE_URL": database_url,
        "CALLBOARD_WEBHOOK_HOSTS": ",".join(HOSTS),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", "worker"],
        cwd=Path(__file__).parents[3],
        env=inherited | own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509
    )


@pytest.fixture
async def yard(database: TestDatabase) -> AsyncIterator[Yard]:
    """What the tests stand on."""
    async with _opened(database) as opened:
        yield opened


@asynccontextmanager
async def _opened(database: TestDatabase) -> AsyncIterator[Yard]:
    settings = settings_for(database, webhook_hosts=HOSTS)
    async with running_node(settings) as node, receiving() as receiver:
        opened = Yard(node, receiver, Hands(), [])
        yield opened
        for line in opened.lines:
            await line.close()


async def test_workers_at_once_send_each_event_once_and_not_too_many_at_a_time(
    yard: Yard,
) -> None:
    webhook = await yard.webhook()
    await yard.fill(webhook, 60)
    await asyncio.gather(*(_work(yard.line()) for _ in range(3)))
    assert len(yard.receiver.ids) == len(set(yard.receiver.ids)) == 60
    # Counted in the database, so a little over while two claim at the same moment.
    assert yard.receiver.most_at_once <= 3 * 5


async def test_who_takes_its_time_holds_up_nobody_else(yard: Yard) -> None:
    slow, quick = await yard.webhook("slow"), await yard.webhook("quick")
    await yard.fill(slow, 30)
    yard.clock.move(seconds=1)
    await yard.fill(quick, 30)
    may_answer = asyncio.Event()

    async def wait(request: Received) -> None:
        if request.path == "/slow":
            await may_answer.wait()

    yard.receiver.meanwhile = wait
    line = yard.line(concurrency=10)

    def came(path: str) -> int:
        return sum(each.path == path for each in yard.receiver.received)

    async with asyncio.timeout(30):
        while came("/quick") < 30:
            await line()
    assert came("/slow") == 5
    may_answer.set()
    await _work(line)
    assert came("/slow") == 30


async def test_one_that_fails_is_only_asked_whether_it_is_back(yard: Yard) -> None:
    webhook = await yard.webhook()
    await yard.fill(webhook, 20)
    async with yard.node.transaction() as work:
        await work.webhooks.change(
            webhook, {"url": "http://127.0.0.1:1/in"}, yard.clock()
        )
    line = yard.line()
    await line()
    await line.settle()
    async with yard.node.transaction() as work:
        taken = await work.webhook_deliveries.claim(
            uuid4(),
            now=yard.clock(),
            until=yard.clock(),
            limit=50,
            each=5,
            attempts=10,
        )
        assert len(taken) == 1
        await work.webhooks.change(webhook, {"url": yard.receiver.url}, yard.clock())
    # It is back: what had waited for a time of its own comes when that has come.
    yard.clock.move(hours=1)
    await _work(line)
    assert len(set(yard.receiver.ids)) == 20


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "unreachable"),
        (b"SSH-2.0-nothing of ours\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 9999, None),
        (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", "status_500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", None),
        (b"HTTP/1.1 200 OK\r\nContent-", "timeout"),
    ],
    ids=["nothing", "nonsense", "too much", "endless", "half", "no end"],
)
async def test_whatever_is_answered_does_not_hold_a_worker_up(
    yard: Yard, said: bytes, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "timeout":
        monkeypatch.setattr(sending, "_WITHIN_SECONDS", 0.3)
    monkeypatch.setattr(sending, "_SKIM_SECONDS", 0.1)
    is_over = asyncio.Event()

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if said.startswith(b"HTTP"):
            await is_over.wait()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yard.receiver.port = server.sockets[0].getsockname()[1]
        webhook = await yard.webhook()
        await yard.fill(webhook, 1)
        await _work(yard.line())
        is_over.set()
    async with yard.node.transaction() as work:
        (delivery,) = await work.webhook_deliveries.list(webhook, limit=10)
    assert delivery.reason == reason
    assert delivery.status == ("pending" if reason else "delivered")


async def test_a_worker_that_is_killed_sends_at_most_one_event_again(
    yard: Yard, database: TestDatabase
) -> None:
    webhook = await yard.webhook()
    async with yard.node.transaction() as work:
        work.happen("thing.done", {"gig_id": uuid4()})
    process = _start_worker(database.url)
    try:
        # Between sending and recording: it has been sent and not yet been answered.
        async def kill(request: Received) -> None:
            process.kill()
            await asyncio.to_thread(process.wait)

        yard.receiver.meanwhile = kill
        await yard.receiver.until(1)
        await asyncio.to_thread(process.wait)
    finally:
        process.kill()
        process.wait()
    yard.receiver.meanwhile = None
    line = yard.line()
    yard.clock.now = system_clock()
    await _work(line)
    assert len(yard.receiver.ids) == 1
    yard.clock.move(seconds=91)
    await _work(line)
    assert len(yard.receiver.ids) == 2
    assert len(set(yard.receiver.ids)) == 1
    async with yard.node.transaction() as work:
        (delivery,) = await work.webhook_deliveries.list(webhook, limit=10)
    assert (delivery.status, delivery.attempts) == ("delivered", 2)
    await _work(line)
    assert len(yard.receiver.ids) == 2
