"""
A storm, as a process beside the server, for `benchmarks.storm`.

*person*: ten thousand notifications for one person that do not collapse are planned, a
hundred at a time, while a line delivers what may leave to a far side that takes
everything at once. *everyone*: one thing is told to a hundred thousand people. Prints
a line when all is made, waits for one, and prints what became of it as JSON.
"""

import asyncio
import resource
import sys
import time
from functools import partial
from uuid import uuid4

import orjson
from sqlalchemy import text

from realtime.clock import system_clock
from realtime.notifications.broadcasts import EVERYONE, NOBODY, BroadcastLine
from realtime.notifications.broadcasts import begin as begin_broadcast
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.delivering import DeliveryLine
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.notifier import Outcome, Parcel, Sent
from realtime.notifications.planning import Intent, notify
from realtime.notifications.releasing import Releaser
from realtime.settings import load
from realtime.work import Transactions
from storage.database import Database
from storage.records import UserId
from storage.unit_of_work import begin

EVENTS = 10_000
PEOPLE = 100_000
STORMS = ("person", "everyone")
_PAGE = 100


class FarSide:
    """Takes everything at once."""

    kinds = frozenset({"email", "webpush"})

    async def send(self, parcel: Parcel) -> Outcome:
        """Take it."""
        return Sent(str(parcel.delivery_id))

    async def close(self) -> None:
        """Nothing is held."""


async def _storm(kind: str, database_url: str) -> dict[str, object]:
    database = Database(database_url)
    await database.open()
    transactions = partial(begin, database, uuid4())
    storm = _for_everyone if kind == "everyone" else _for_one
    try:
        became = await storm(transactions)
    finally:
        await database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return became | {"peak_megabytes": peak}


async def _wait_for_word() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)


async def _for_everyone(transactions: Transactions) -> dict[str, object]:
    async with transactions() as work:
        await work.connection.execute(
            text(
                "INSERT INTO callboard.users (id, display_name)"
                " SELECT gen_random_uuid(), 'Person ' || number"
                " FROM generate_series(1, :people) AS number"
            ),
            {"people": PEOPLE},
        )
    await _wait_for_word()
    began = time.perf_counter()
    line = BroadcastLine(transactions, load_catalogue(None), system_clock)
    async with transactions() as work:
        intent = Intent("announcement", NOBODY, title="News", message="!")
        await begin_broadcast(work, intent, system_clock(), topic=EVERYONE)
    while await line():
        continue
    async with transactions() as work:
        rows = await work.connection.execute(
            text("SELECT count(*) FROM callboard.notifications")
        )
        told = rows.scalar_one()
    return {"told": told, "seconds": round(time.perf_counter() - began, 1)}


async def _for_one(transactions: Transactions) -> dict[str, object]:
    catalogue, settings = load_catalogue(None), load({})
    person = UserId(uuid4())
    async with transactions() as work:
        await work.users.put(
            [{"id": person, "display_name": "Ada", "email": "ada@example.org"}]
        )
        await work.connection.execute(
            text(
                "INSERT INTO callboard.devices (id, user_id, kind, token)"
                " VALUES (:id, :user, 'webpush', 'x')"
            ),
            {"id": uuid4(), "user": person},
        )
    await _wait_for_word()
    far_side = FarSide()
    line = DeliveryLine(
        Releaser(transactions, [far_side], system_clock, None, settings, catalogue),
        [far_side],
        at_once=settings.delivery_concurrency,
        metrics=DeliveryMetrics(),
    )
    began = time.perf_counter()
    delivering = asyncio.create_task(_deliver(line))
    for page in range(0, EVENTS, _PAGE):
        async with transactions() as work:
            await notify(
                work,
                catalogue,
                [
                    Intent("announcement", person, title=f"{number}", message="!")
                    for number in range(page, page + _PAGE)
                ],
                system_clock(),
            )
    planned = time.perf_counter() - began
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    while await line():
        continue
    async with transactions() as work:
        rows = await work.connection.execute(
            text(
                "SELECT concat_ws(' ', channel, status, reason) AS what, count(*)"
                " FROM callboard.deliveries WHERE user_id = :user GROUP BY 1"
            ),
            {"user": person},
        )
        became = {row.what: row.count for row in rows}
    return {
        "planned_seconds": round(planned, 1),
        "settled_seconds": round(time.perf_counter() - began, 1),
        "became": became,
    }


async def _deliver(line: DeliveryLine) -> None:
    while True:
        if not await line():
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    became = asyncio.run(_storm(*sys.argv[1:]))
    sys.stdout.write(orjson.dumps(became).decode() + "\n")
