"""Ten workers, of which one is killed every second."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from realtime.node import Node
from tests.databases import TestDatabase
from tests.realtime.notifications.carrying import Desk

PEOPLE = 20
WORKERS = 10
KILLS = 6


@dataclass
class Recorder:
    """A far side that takes a moment, and keeps who brought what."""

    receipts: dict[str, list[tuple[int, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # Whoever comes next is killed while waiting for the answer.
    is_hunting: bool = False
    killed: set[int] = field(default_factory=set)
    caught: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take one."""
        try:
            line = (await reader.readline()).decode().split()
            if not line:
                return
            worker, delivery = int(line[0]), line[1]
            if self.is_hunting:
                self.is_hunting = False
                self.receipts[delivery].append((worker, False))
                os.kill(worker, signal.SIGKILL)
                self.killed.add(worker)
                self.caught.set()
                return
            await asyncio.sleep(0.02)
            self.receipts[delivery].append((worker, True))
            writer.write(b"ok\n")
            await writer.drain()
        except ConnectionError:
            # Its worker was killed.
            return
        finally:
            writer.close()


class Nursery:
    """Starts workers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.alive: list[int] = []

    async def start(self) -> None:
        """Start one more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"one\n")
        self.alive.append(int(await self._process.stdout.readline()))


@asynccontextmanager
async def _nursery(dsn: str, port: int) -> AsyncIterator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.realtime.notifications.killed_worker",
        dsn,
        str(port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _until_all_have_left(desk: Desk) -> None:
    waits = True
    while waits:
        await asyncio.sleep(0.2)
        waits = bool(
            await desk.run(
                "SELECT 1 FROM callboard.deliveries"
                " WHERE status IN ('pending', 'sending')"
            )
        )


@pytest.mark.timeout(120)
async def test_what_killed_workers_carried_leaves_once_more_and_nothing_else_does(
    node: Node, database: TestDatabase
) -> None:
    desk = Desk(node)
    people = await desk.people(PEOPLE)
    recorder = Recorder()
    far_side = await asyncio.start_server(recorder.take, "127.0.0.1", 0)
    port = far_side.sockets[0].getsockname()[1]
    async with far_side, _nursery(database.url, port) as nursery:
        for _ in range(WORKERS):
            await nursery.start()
        for turn in range(KILLS):
            recorder.caught.clear()
            recorder.is_hunting = not turn % 2
            for person in people:
                await desk.note(person, "email", type_="reminder")
            if turn % 2:
                # At any moment of its work.
                worker = nursery.alive[0]
                os.kill(worker, signal.SIGKILL)
                recorder.killed.add(worker)
            else:
                # While the far side has not answered.
                await recorder.caught.wait()
            nursery.alive = [
                each for each in nursery.alive if each not in recorder.killed
            ]
            await nursery.start()
            await asyncio.sleep(1)
        await _until_all_have_left(desk)

    rows = await desk.run(
        "SELECT id, status, attempts, trail FROM callboard.deliveries"
    )
    assert len(rows) == len(recorder.receipts) == PEOPLE * KILLS
    for row in rows:
        steps = [step["what"] for step in row.trail]
        assert row.status == "sent"
        assert steps.count("sent") == 1
        # Only who was killed leaves something for another to carry once more.
        receipts = recorder.receipts[str(row.id)]
        assert {worker for worker, _ in receipts[:-1]} <= recorder.killed
        assert len({worker for worker, _ in receipts}) == len(receipts)
    repeats = sum(len(each) - 1 for each in recorder.receipts.values())
    unanswered = sum(
        not was_answered
        for each in recorder.receipts.values()
        for (_, was_answered), _ in pairwise(each)
    )
    assert len(recorder.killed) == KILLS
    assert unanswered == KILLS // 2
    assert unanswered <= repeats <= KILLS
