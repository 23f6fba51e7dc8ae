"""
docs/quickstart.md followed from top to bottom: its commands, its files, its pages.

Only addresses differ (of the servers, and where things lie), and what comes from
registries of packages is taken from here.
"""

import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from storage.embedded_process import dies_with_parent
from tests.clients.nodejs import CLIENTS, run_npm
from tests.pages.chromium import running_chromium
from tests.services import free_ports

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "quickstart.md"
PACKAGES = CLIENTS / "node_modules"
OF_REACT = ("react", "react-dom", "scheduler")
PATIENCE_S = 150
SOON_MS = 30_000
# What the page says, where a test does it otherwise.
SAID = {
    "dev": "scripts/dev",
    "pip": ".venv/bin/pip install /path/to/callboard/clients/python",
    "registry": "npm install react react-dom vite",
    "vite": "npx vite",
}


class Guide:
    """The blocks of the page in their order: each has to be used, and none twice."""

    def __init__(self, callboard: Path, project: Path) -> None:
        self.callboard = callboard
        self.project = project
        self._server_port, self._site_port = free_ports(2)
        text = DOCUMENT.read_text(encoding="utf-8")
        blocks = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", text, re.S | re.M)
        assert len(blocks) * 2 == text.count("```")
        self._blocks = iter(blocks)

    @property
    def server(self) -> str:
        """Where Callboard is."""
        return f"http://127.0.0.1:{self._server_port}"

    @property
    def site(self) -> str:
        """Where the pages are."""
        return f"http://localhost:{self._site_port}"

    def write(self, name: str, to: Path) -> None:
        """Write the next block, which is this file, into a folder."""
        _, named, text = next(self._blocks)
        assert named == name
        (to / Path(name).name).write_text(self._here(text), encoding="utf-8")

    def commands(self, **instead: str) -> str:
        """Give the next block, which is commands; some words are others here."""
        language, _, commands = next(self._blocks)
        assert language == "sh", commands
        for name, here in instead.items():
            assert commands.count(SAID[name]) == 1, commands
            commands = commands.replace(SAID[name], here)
        return self._here(commands)

    def is_over(self) -> bool:
        """Tell whether nothing of the page is left."""
        return next(self._blocks, None) is None

    async def run(self, commands: str, folder: Path) -> str:
        """Run commands to their end; gives what they said."""
        async with self.running(commands, folder) as process:
            async with asyncio.timeout(PATIENCE_S):
                said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    @asynccontextmanager
    async def running(
        self, commands: str, folder: Path
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run commands meanwhile; what still runs in the end gets Ctrl-C."""
        beside_python = Path(sys.executable).parent
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", commands),
            cwd=folder,
            env={
                **{
                    name: value
                    for name, value in os.environ.items()
                    if not name.startswith("CALLBOARD_")
                },
                "PATH": f"{beside_python}:{os.environ['PATH']}",
                "PYTHON": sys.executable,
                "PYTHONUNBUFFERED": "1",
                "CALLBOARD_PORT": str(self._server_port),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for all of them
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGINT)
                async with asyncio.timeout(PATIENCE_S):
                    await process.communicate()

    def _here(self, text: str) -> str:
        for there, here in (
            ("http://127.0.0.1:8080", self.server),
            ("http://localhost:3000", self.site),
            ('("127.0.0.1", 3000)', f'("127.0.0.1", {self._site_port})'),
            ("/path/to/callboard", str(self.callboard)),
            ("/path/to/your/folder", str(self.project)),
        ):
            text = text.replace(there, here)
        return text


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give an empty folder; not pytest's own: PostgreSQL may run as somebody else."""
    path = Path(tempfile.mkdtemp(prefix="callboard-quickstart-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def guide(folder: Path) -> Guide:
    """Give the page, a copy of what it calls the folder of Callboard, and a new one."""
    folder.chmod(0o755)
    callboard, project = folder / "callboard", folder / "project"
    project.mkdir()
    shutil.copytree(
        CLIENTS,
        callboard / "clients",
        ignore=shutil.ignore_patterns("node_modules", "dist", "*.egg-info"),
    )
    (callboard / "clients" / "node_modules").symlink_to(CLIENTS / "node_modules")
    (callboard / "scripts").mkdir()
    for name in ("dev", "clients"):
        shutil.copy2(ROOT / "scripts" / name, callboard / "scripts")
    # The environment is there already.
    setup = callboard / "scripts" / "setup"
    setup.write_text(f"#!/bin/sh\necho {sys.executable}\n", encoding="utf-8")
    setup.chmod(0o755)
    for name in ("api", "realtime", "storage"):
        (callboard / name).symlink_to(ROOT / name)
    return Guide(callboard, project)


async def until_it_says(process: asyncio.subprocess.Process, words: str) -> None:
    """Wait for words of a program that goes on."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(PATIENCE_S):
        while words not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()


async def visit(browser: Browser, address: str) -> tuple[Page, Page]:
    """Open a page as the two people, each in a browser of their own."""
    pages = []
    for who in ("mona", "jules"):
        context = await browser.new_context(locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{address}?as={who}")
        pages.append(page)
    return pages[0], pages[1]


async def until_open(address: str, process: asyncio.subprocess.Process) -> None:
    """Wait until a program takes connections."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            assert process.returncode is None
            try:
                port = int(address.rpartition(":")[2])
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def say(page: Page, text: str) -> None:
    """Write into the one field there is, and send."""
    field = page.get_by_label("Message", exact=True)
    await field.fill(text, timeout=SOON_MS)
    await field.press("Enter")


async def see(page: Page, text: str) -> None:
    """Wait for words."""
    await expect(page.get_by_text(text, exact=True).first).to_be_visible(
        timeout=SOON_MS
    )


async def as_from_a_registry(names: tuple[str, ...], to: Path) -> list[str]:
    """Pack what is installed here."""
    said = [
        await run_npm("pack", PACKAGES / name, "--ignore-scripts", "--silent", cwd=to)
        for name in names
    ]
    return [str(to / each.strip()) for each in said]


@pytest.mark.timeout(600)
async def test_the_quick_start_can_be_followed_from_top_to_bottom(
    guide: Guide, folder: Path
) -> None:
    callboard, project = guide.callboard, guide.project
    pages = project / "pages"
    start = guide.commands(dev=f"scripts/dev --data-dir {folder / 'data'}")
    lent = folder / "lent.pth"
    lent.write_text(
        "\n".join([*filter(None, sys.path), str(CLIENTS / "python")]), encoding="utf-8"
    )
    take = f"cp {lent} .venv/lib/python3.*/site-packages"
    async with AsyncExitStack() as running, running_chromium() as browser:
        server = await running.enter_async_context(guide.running(start, callboard))
        await until_it_says(server, f"running at {guide.server}")
        await guide.run(guide.commands(pip=take), project)
        guide.write("backend.py", project)
        guide.write("index.html", pages)
        serve = guide.commands()
        backend = await running.enter_async_context(guide.running(serve, project))
        await until_open(guide.site, backend)

        mona, jules = await visit(browser, f"{guide.site}/")
        # There is no conversation yet: the first message opens it.
        await mona.get_by_role("textbox").fill("Are you called for Thursday?")
        await mona.get_by_role("button", name="Send").click()
        await see(jules, "Are you called for Thursday?")
        await say(jules, "Half past nine.")
        await see(mona, "Half past nine.")

        guide.write("notify.py", project)
        assert await guide.run(guide.commands(), project) == "1\n"
        await jules.get_by_role("button", name=re.compile("Notifications, 1")).click()
        await see(jules, "Call time moved")
        await expect(jules).to_have_title(re.compile(r"^\d+ Stage door$"))

        await guide.run(guide.commands(), callboard)
        guide.write("plain.html", pages)
        mona, jules = await visit(browser, f"{guide.site}/plain.html")
        await say(mona, "From a list item.")
        await see(jules, "From a list item.")
        await see(mona, "From a list item.")

        await guide.run(guide.commands(), callboard)
        archives = await as_from_a_registry(OF_REACT, folder)
        install = f"npm install --offline {' '.join(archives)}"
        await guide.run(guide.commands(registry=install), project)
        guide.write("react/chat.jsx", project / "react")
        guide.write("react/index.html", project / "react")
        vite = f"node {PACKAGES / 'vite' / 'bin' / 'vite.js'}"
        await guide.run(guide.commands(vite=vite), project / "react")
        mona, jules = await visit(browser, f"{guide.site}/react/")
        await say(mona, "From a component.")
        await see(jules, "From a component.")
        await see(mona, "From a component.")
    assert guide.is_over()
