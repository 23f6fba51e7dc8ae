"""
Write a new migration from what `tables.py` says and the newest migration does not.

`make migration MESSAGE="add gigs"`: starts a PostgreSQL of its own, migrates it and
compares. Read what it writes before committing it.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from storage.embedded import EmbeddedPostgres
from storage.migrate import config, migrate


async def revise(dsn: str, message: str) -> None:
    """Compare a database, brought up to date first, with the metadata."""
    await migrate(dsn)
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(
            lambda sync: command.revision(
                config(sync), message=message, autogenerate=True
            )
        )
    await engine.dispose()


def main() -> None:
    """Run the command."""
    with EmbeddedPostgres(
        Path(tempfile.mkdtemp(prefix="callboard-")), temporary=True
    ) as postgres:
        postgres.ensure_database("callboard")
        asyncio.run(revise(postgres.url("callboard"), sys.argv[1]))


if __name__ == "__main__":
    main()
