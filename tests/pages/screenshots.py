"""
Pictures of the chat as its sources are, of two people who have talked, to be looked at.

    scripts/pictures DIRECTORY [VIEW …]

Three widths, light and dark, from left to right and from right to left. Without a
directory it takes those that the docs show.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Collection, Iterator
from functools import partial
from itertools import product
from pathlib import Path

from api.chat_files import ChatFiles
from tests.pages.alone import run_alone
from tests.pages.building import build
from tests.pages.illustrations import DOCS, illustrate
from tests.pages.scenes import VIEWS, set_scene, show, views_of
from tests.pages.windows import Look, Windows


def looks() -> Iterator[tuple[str, Look]]:
    """Give every look a window may have, by name."""
    for width, scheme, direction in product(
        (360, 768, 1280), ("light", "dark"), ("ltr", "rtl")
    ):
        look = Look(width=width, reduced_motion="reduce")
        look["color_scheme"] = "dark" if scheme == "dark" else "light"
        look["dir"] = "rtl" if direction == "rtl" else "ltr"
        yield f"{width}-{scheme}-{direction}", look


async def take(directory: Path, wanted: Collection[str], windows: Windows) -> int:
    """Take all pictures; gives how many."""
    count = 0
    views = views_of(await set_scene(windows.site))
    for name, look in looks():
        page = await windows.open_as("ada", **look)
        # It tells newcomers what they can do, and covers what is to be seen.
        await page.locator(".dev-hint button").click()
        await page.mouse.move(0, 0)
        for view in wanted:
            await show(page, views[view])
            await page.screenshot(path=directory / f"{view}-{name}.png")
            count += 1
        await page.context.close()
    return count


def main() -> int:
    """Take pictures into the directory that is named, or those of the docs."""
    parser = argparse.ArgumentParser(prog="scripts/pictures", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=DOCS)
    parser.add_argument("view", nargs="*", choices=[[], *VIEWS], metavar="VIEW")
    chosen = parser.parse_args()
    chosen.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(build(Path(folder)))
        chat = ChatFiles(Path(folder))
    work = (
        partial(illustrate, chosen.directory)
        if chosen.directory == DOCS
        else partial(take, chosen.directory, chosen.view or VIEWS)
    )
    count = run_alone(chat, work)
    sys.stdout.write(f"{count} pictures in {chosen.directory}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
