"""
Pictures of the shipped chat, of two people who have talked, to be looked at.

    python -m tests.pages.screenshots DIRECTORY

Three widths, light and dark, from left to right and from right to left.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

from api.chat_files import shipped
from storage.embedded import EmbeddedPostgres
from storage.migrate import migrate
from tests.databases import LOGIN, TEMPLATE, Databases
from tests.pages.chromium import running_chromium
from tests.pages.scenes import set_scene, show, views_of
from tests.pages.site import Site, running_site
from tests.pages.windows import Look, Windows

_VIEWS = ("list", "talk", "gig", "notifications", "preferences", "requests", "details")


def looks() -> Iterator[tuple[str, Look]]:
    """Give every look a window may have, by name."""
    for width, scheme, direction in product(
        (360, 768, 1280), ("light", "dark"), ("ltr", "rtl")
    ):
        look = Look(width=width, reduced_motion="reduce")
        look["color_scheme"] = "dark" if scheme == "dark" else "light"
        look["dir"] = "rtl" if direction == "rtl" else "ltr"
        yield f"{width}-{scheme}-{direction}", look


@asynccontextmanager
async def site_of_its_own() -> AsyncIterator[Site]:
    """Run a site with a PostgreSQL of its own, which is gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="callboard-pages-"))
    with (
        EmbeddedPostgres(root, temporary=True) as postgres,
        tempfile.TemporaryDirectory() as directory,
    ):
        postgres.ensure_login(LOGIN)
        postgres.ensure_database(TEMPLATE)
        await migrate(postgres.url(TEMPLATE), grant_to=LOGIN)
        database = await Databases(postgres).lend()
        async with running_site(database, shipped(), Path(directory)) as site:
            yield site


async def take(directory: Path) -> int:
    """Take all pictures; gives how many."""
    count = 0
    async with running_chromium() as browser, site_of_its_own() as site:
        views = views_of(await set_scene(site))
        for name, look in looks():
            windows = Windows(browser, site)
            page = await windows.open_as("ada", **look)
            # It tells newcomers what they can do, and covers what is to be seen.
            await page.locator(".dev-hint button").click()
            for view in _VIEWS:
                await show(page, views[view])
                await page.screenshot(path=directory / f"{view}-{name}.png")
                count += 1
            await windows.close()
    return count


def main(arguments: Sequence[str]) -> int:
    """Take pictures into the directory that is named."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m tests.pages.screenshots DIRECTORY\n")
        return 2
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    count = asyncio.run(take(directory))
    sys.stdout.write(f"{count} pictures in {arguments[0]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
