"""Debian's Chromium, brought where it is missing and we may."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
_LOCK = Path(tempfile.gettempdir()) / "callboard-chromium.lock"
_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")

# Nothing that calls elsewhere, and no sandbox: root has none.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Shared memory is small in containers.
    "--disable-dev-shm-usage",
)


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """Run a browser without a screen."""
    await asyncio.to_thread(_bring)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=_ARGUMENTS
        )
        yield browser
        await browser.close()


def _bring() -> None:
    """Install it once, whoever of several processes comes first."""
    if CHROMIUM.exists():
        return
    may_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
    assert may_install, f"{CHROMIUM} is missing; as root: apt-get install chromium"
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not CHROMIUM.exists():
            asyncio.run(_install())


async def _install() -> None:
    for command in (("apt-get", "update"), _INSTALL):
        process = await asyncio.create_subprocess_exec(
            *command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        text = output.decode(errors="replace")[-2000:]
        assert process.returncode == 0, f"{' '.join(command)} failed:\n{text}"
