"""A browser and a site for what is no test: pictures to look at, and benchmarks."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from api.chat_files import ChatFiles
from storage.embedded import EmbeddedPostgres
from storage.migrate import migrate
from tests.databases import LOGIN, TEMPLATE, Databases
from tests.pages.chromium import running_chromium
from tests.pages.site import running_site
from tests.pages.windows import Windows

Given = TypeVar("Given")


def run_alone(chat: ChatFiles, work: Callable[[Windows], Awaitable[Given]]) -> Given:
    """
    Run something with windows on a site whose PostgreSQL is gone afterwards.

    Raises:
        AssertionError: A window complained.
    """
    # Not a directory of ours: for root, PostgreSQL runs as somebody else.
    root = Path(tempfile.mkdtemp(prefix="callboard-pages-"))
    with EmbeddedPostgres(root, temporary=True) as postgres:
        postgres.ensure_login(LOGIN)
        postgres.ensure_database(TEMPLATE)
        asyncio.run(migrate(postgres.url(TEMPLATE), grant_to=LOGIN))
        return asyncio.run(_run(postgres, chat, work))


async def _run(
    postgres: EmbeddedPostgres,
    chat: ChatFiles,
    work: Callable[[Windows], Awaitable[Given]],
) -> Given:
    database = await Databases(postgres).lend()
    with tempfile.TemporaryDirectory() as directory:
        async with (
            running_chromium() as browser,
            running_site(database, chat, Path(directory)) as site,
        ):
            return await _with_windows(Windows(browser, site), work)


async def _with_windows(
    windows: Windows, work: Callable[[Windows], Awaitable[Given]]
) -> Given:
    given = await work(windows)
    await windows.close()
    return given
