"""The chat as its sources are now, built once a run."""

import asyncio
import fcntl
from pathlib import Path

from tests.clients.nodejs import CLIENTS, run_node

SHIPPED = Path(__file__).parents[2] / "api" / "pages" / "chat"
_VITE = "../node_modules/vite/bin/vite.js"
_DONE = "built"


async def build(folder: Path) -> None:
    """Build into an empty folder."""
    await run_node(
        *(_VITE, "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"),
        cwd=CLIENTS / "chat",
    )


async def built_once(directory: Path) -> Path:
    """Build below a directory that several processes share; the first one does."""
    folder, done = directory / "chat", directory / _DONE
    with (directory / "building.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not done.exists():
            await build(folder)
            done.touch()
    return folder
