"""
Workers that can be killed: a process that forks one for each line it reads.

Everything is imported once, so that a worker is there in a moment. It prints the id of
each, and takes all of them with it when nobody writes to it any more.
"""

import asyncio
import contextlib
import os
import signal
import sys
from uuid import uuid4

from realtime.clock import system_clock
from realtime.notifications.delivering import DeliveryLine
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.notifier import Outcome, Parcel, Retry, Sent
from realtime.notifications.releasing import Releaser
from realtime.settings import load
from storage.database import Database
from storage.unit_of_work import begin
from tests.realtime.notifications.carrying import CATALOGUE

# Longer than it takes to write an outcome down, however busy the machine is.
LEASE_SECONDS = 4.0


class Caller:
    """Says who carries what to a far side, and waits for its answer."""

    kinds = frozenset({"email", "webpush"})

    def __init__(self, port: int) -> None:
        self._port = port

    async def send(self, parcel: Parcel) -> Outcome:
        """Carry one; a far side that hangs up has not taken it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"{os.getpid()} {parcel.delivery_id}\n".encode())
            answer = await reader.readline()
            return Sent() if answer else Retry("hung up")
        finally:
            writer.close()

    async def close(self) -> None:
        """Nothing is held."""


async def work(dsn: str, port: int) -> None:
    """Deliver until killed, one at a time."""
    database = Database(dsn, connections=2)
    await database.open()
    node = uuid4()
    caller = Caller(port)
    line = DeliveryLine(
        Releaser(
            lambda *args, **named: begin(database, node, *args, **named),
            [caller],
            system_clock,
            None,
            load({}, daily_emails=10_000, daily_pushes=10_000),
            CATALOGUE,
        ),
        [caller],
        at_once=1,
        metrics=DeliveryMetrics(),
        lease_seconds=LEASE_SECONDS,
    )
    while True:
        if not await line():
            await asyncio.sleep(0.1)


def main(dsn: str, port: int) -> None:
    """Fork a worker for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    workers = []
    for _ in sys.stdin:
        worker = os.fork()
        if not worker:
            asyncio.run(work(dsn, port))
            return
        workers.append(worker)
        sys.stdout.write(f"{worker}\n")
        sys.stdout.flush()
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
