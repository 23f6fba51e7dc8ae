"""
Bring a database to the schema of this release, or back.

Tables move by Alembic revisions; functions, roles and policies stand in
`storage/sql/` in their newest form and are installed again after every upgrade.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from storage.database import busy_when_unreachable, plain_dsn
from storage.tables import SCHEMA

_HERE = Path(__file__).parent

# Any number; two migrations at once take turns on it.
_LOCK = 0x63616C6C


def config(connection: Connection | None = None) -> Config:
    """Configure Alembic for this package, without an ini file to keep in step."""
    made = Config()
    made.set_main_option("script_location", str(_HERE / "migrations"))
    made.attributes["connection"] = connection
    return made


async def migrate(dsn: str, revision: str = "head", *, grant_to: str = "") -> None:
    """
    Upgrade to a revision and install the functions and policies; safe to repeat.

    Everything happens in one transaction: a migration that fails leaves the
    database as it was. `grant_to` names the login role of the server where it is
    not the role that migrates.

    Raises:
        Busy: PostgreSQL cannot be reached.
    """
    async with _transaction(dsn) as connection:
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        await connection.run_sync(lambda sync: command.upgrade(config(sync), revision))
        await _install(connection, grant_to)


async def downgrade(dsn: str, revision: str) -> None:
    """Go back to an older revision; `base` removes everything, data included."""
    async with _transaction(dsn) as connection:
        await connection.run_sync(
            lambda sync: command.downgrade(config(sync), revision)
        )


@asynccontextmanager
async def _transaction(dsn: str) -> AsyncIterator[AsyncConnection]:
    """Run as the role that owns the schema, one migration at a time."""
    plain = plain_dsn(dsn)
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(plain)
    )
    try:
        with busy_when_unreachable():
            async with engine.begin() as connection:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK}
                )
                yield connection
    finally:
        await engine.dispose()


async def _install(connection: AsyncConnection, grant_to: str) -> None:
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - for the type checker
    for script in sorted((_HERE / "sql").glob("*.sql")):
        await driver.execute(script.read_text(encoding="utf-8"))
    if grant_to:
        await driver.execute(
            "DO $$ BEGIN EXECUTE format('GRANT callboard_user, callboard_service"
            f" TO %I', {_literal(grant_to)}); END $$"
        )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
