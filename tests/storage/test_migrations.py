"""Metadata and migrations say the same, and migrations go both ways."""

import asyncpg
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from storage.migrate import config, downgrade, migrate
from tests.databases import TestDatabase

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'callboard'"


async def test_metadata_and_migrations_agree(database: TestDatabase) -> None:
    engine = create_async_engine(
        database.admin_url.replace("postgresql://", "postgresql+asyncpg://")
    )
    try:
        async with engine.begin() as connection:
            # Raises where `make migration` would have something to write.
            await connection.run_sync(lambda sync: command.check(config(sync)))
    finally:
        await engine.dispose()


async def test_going_back_to_nothing_leaves_nothing(database: TestDatabase) -> None:
    await downgrade(database.admin_url, "base")
    connection = await asyncpg.connect(database.admin_url)
    try:
        left = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'callboard'"
        )
        assert [row["tablename"] for row in left] == ["alembic_version"]
        functions = await connection.fetchval(
            "SELECT count(*) FROM pg_proc"
            " WHERE pronamespace = 'callboard'::regnamespace"
        )
        assert functions == 0
    finally:
        await connection.close()
    await migrate(database.admin_url)


async def test_migrating_twice_changes_nothing(database: TestDatabase) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        before = await connection.fetchval(TABLES)
        await migrate(database.admin_url)
        assert await connection.fetchval(TABLES) == before
    finally:
        await connection.close()
