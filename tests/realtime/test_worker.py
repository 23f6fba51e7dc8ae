"""What is forgotten, and what keeps it from being forgotten."""

import asyncio
from uuid import uuid4

import asyncpg

from realtime.settings import load
from realtime.worker import Worker
from storage.database import Database
from tests.databases import TestDatabase


async def test_old_rows_go_and_young_ones_stay(database: TestDatabase) -> None:
    owner = await asyncpg.connect(database.admin_url)
    opened = Database(database.url)
    await opened.open()
    try:
        key = uuid4()
        await owner.execute(
            "INSERT INTO callboard.api_keys (id, name, prefix, hash, scopes)"
            " VALUES ($1, 'k', 'cbk_', '\\x00', '{}')",
            key,
        )
        for name, age in (("old", "25 hours"), ("young", "23 hours")):
            await owner.execute(
                "INSERT INTO callboard.idempotency_keys"
                " (api_key_id, key, request_hash, created_at)"
                f" VALUES ($1, $2, '\\x00', now() - interval '{age}')",
                key,
                name,
            )
        for xid, age in (("1", "11 minutes"), ("2", "9 minutes")):
            await owner.execute(
                "INSERT INTO callboard.feed (xid, node_id, created_at)"
                f" VALUES ($1::text::xid8, $2, now() - interval '{age}')",
                xid,
                uuid4(),
            )

        await Worker(load({}), opened).go_round()

        kept = await owner.fetch("SELECT key FROM callboard.idempotency_keys")
        assert [row["key"] for row in kept] == ["young"]
        # Without what the worker itself has told.
        kept = await owner.fetch(
            "SELECT xid::text FROM callboard.feed WHERE events IS NULL"
        )
        assert [row["xid"] for row in kept] == ["2"]
    finally:
        await opened.close()
        await owner.close()


async def test_a_chore_that_fails_keeps_no_other_from_being_done(
    database: TestDatabase,
) -> None:
    opened = Database(database.url)
    worker = Worker(load({}), opened, round_seconds=0.01)
    done = asyncio.Event()

    async def fail() -> int:
        raise ValueError("on purpose")

    async def succeed() -> int:
        done.set()
        return 1

    worker.chores = {"bad": fail, **worker.chores, "good": succeed}
    working = asyncio.create_task(worker.work())
    await done.wait()
    worker.stop()
    await working
