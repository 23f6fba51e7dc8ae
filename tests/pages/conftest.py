"""
People at browsers: `open_as("grace")` is a page in which Grace is signed in.

Browsers are slow to start, so one is there for all tests of a process, and all tests
here run in one loop. Each has a server and a database of its own.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol, Unpack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from api.chat_files import ChatFiles
from tests.databases import Databases
from tests.pages.building import built_once
from tests.pages.chromium import running_chromium
from tests.pages.site import Site, running_site
from tests.pages.windows import Look, Windows

# On a machine with other things to do.
_PATIENCE_MS = 15_000

expect.set_options(timeout=_PATIENCE_MS)


class OpenAs(Protocol):
    """Opens the chat as somebody."""

    async def __call__(self, handle: str, **look: Unpack[Look]) -> Page:
        """Give the page."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Have all tests here run in the loop in which the browser is."""
    for item in items:
        is_ours = Path(__file__).parent in item.path.parents
        if is_ours and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real browser."""
    async with running_chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chat(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> ChatFiles:
    """The chat as its sources are now; workers of one run share it."""
    directory = tmp_path_factory.getbasetemp()
    is_one_of_many = hasattr(request.config, "workerinput")
    return ChatFiles(
        await built_once(directory.parent if is_one_of_many else directory)
    )


@pytest_asyncio.fixture(loop_scope="session")
async def site(
    databases: Databases, chat: ChatFiles, tmp_path: Path
) -> AsyncIterator[Site]:
    """A server with the people of the demonstration."""
    database = await databases.lend()
    async with running_site(database, chat, tmp_path) as running:
        yield running
    await databases.take_back(database)


@pytest_asyncio.fixture(loop_scope="session")
async def windows(browser: Browser, site: Site) -> AsyncIterator[Windows]:
    """All windows of a test; at its end none may have complained."""
    opened = Windows(browser, site)
    yield opened
    await opened.close()


@pytest.fixture
def open_as(windows: Windows) -> OpenAs:
    """What opens the chat as somebody."""
    return windows.open_as
