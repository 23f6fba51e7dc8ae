"""
docs/quickstart.md followed in a browser: a platform, its pages, people who talk.

Only addresses differ: of the server, of the pages, and where files lie.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy

import pytest
from playwright.async_api import Browser, Page, expect

from api.app import create_app
from api.chat_files import ChatFiles
from api.server import listen, serve
from realtime.node import Node
from realtime.worker import Worker
from storage.embedded_process import dies_with_parent
from tests.clients.nodejs import CLIENTS, run_node
from tests.conftest import API_KEY, running_node, settings_for
from tests.databases import TestDatabase
from tests.pages.building import built_once
from tests.pages.chromium import running_chromium
from tests.services import free_ports

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "quickstart.md"
TYPESCRIPT = "../node_modules/typescript/bin/tsc"
VITE = "../node_modules/vite/bin/vite.js"
SOON_MS = 15_000
OF_REACT = ("react", "react-dom", "scheduler")


def block(name: str) -> str:
    """Give the block of the page that makes a file."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(rf"```\w+ {re.escape(name)}\n(.*?)```", text, re.S)
    assert found, name
    return found[1]


@dataclass(frozen=True)
class Street:
    """What the page sets up, but for what a browser is pointed at."""

    folder: Path
    server: str
    site: str
    browser: Browser

    def write(self, name: str, to: Path | None = None) -> Path:
        """Write a file of the page, with the addresses of this test."""
        text = block(name).replace("http://127.0.0.1:8080", self.server)
        port = self.site.rpartition(":")[2]
        target = (to or self.folder) / name
        target.write_text(text.replace("3000", port), encoding="utf-8")
        return target

    async def run(self, script: Path) -> asyncio.subprocess.Process:
        """Start a program of the backend."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            cwd=self.folder,
            env={
                **os.environ,
                "CALLBOARD_BOOTSTRAP_KEY": API_KEY,
                "PYTHONPATH": str(ROOT / "clients" / "python"),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            preexec_fn=dies_with_parent(signal.SIGKILL),
        )

    async def visit(self, name: str, who: str) -> Page:
        """Open a page as somebody, in a browser of their own."""
        context = await self.browser.new_context(locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{self.site}/{name}?as={who}")
        return page


@pytest.fixture
async def street(
    database: TestDatabase,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Street]:
    """Give a server, a backend that runs, and a browser."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent
    chat = ChatFiles(await built_once(shared))
    # Browsers give way between names of this machine, but origins are told by name.
    [port] = free_ports(1)
    site = f"http://localhost:{port}"
    settings = settings_for(database, allowed_origins=(site,))
    (tmp_path / "pages").mkdir()
    async with AsyncExitStack() as running:
        node = await running.enter_async_context(running_node(settings))
        node.run_along(Worker(settings, node.database, idle_seconds=0.05).work())
        server = await running.enter_async_context(serving(node, chat))
        browser = await running.enter_async_context(running_chromium())
        street = Street(tmp_path, server, site, browser)
        backend = await street.run(street.write("backend.py"))
        running.push_async_callback(end, backend)
        await until_open(port, backend)
        yield street


@asynccontextmanager
async def serving(node: Node, chat: ChatFiles) -> AsyncIterator[str]:
    """Serve the node, with the chat as its sources are now."""
    ready = asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        app = create_app(node, chat)
        task = asyncio.create_task(serve(node, app, listener, ready=ready.set))
        await ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await node.drain()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def end(process: asyncio.subprocess.Process) -> None:
    """End the backend."""
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def until_open(port: int, process: asyncio.subprocess.Process) -> None:
    """Wait until the backend takes connections."""
    async with asyncio.timeout(30):
        while True:
            if process.returncode is not None:
                said, _ = await process.communicate()
                pytest.fail(said.decode())
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def say(page: Page, text: str) -> None:
    """Write into the one field there is, and send."""
    field = page.get_by_label("Message", exact=True)
    await field.fill(text)
    await field.press("Enter")


async def see(page: Page, text: str) -> None:
    """Wait for words."""
    await expect(page.get_by_text(text, exact=True).first).to_be_visible(
        timeout=SOON_MS
    )


async def test_two_people_talk_on_a_page_of_ones_own(street: Street) -> None:
    street.write("index.html", street.folder / "pages")
    mona, jules = await street.visit("", "mona"), await street.visit("", "jules")

    # There is no conversation yet: the first message opens it.
    await mona.get_by_role("textbox").fill("Are you called for Thursday?")
    await mona.get_by_role("button", name="Send").click()
    await see(jules, "Are you called for Thursday?")
    await say(jules, "Half past nine.")
    await see(mona, "Half past nine.")

    notify = await street.run(street.write("notify.py"))
    said, _ = await notify.communicate()
    assert said.decode().strip() == "1"
    await jules.get_by_role("button", name=re.compile("Notifications, 1")).click()
    await see(jules, "Call time moved")
    await expect(jules).to_have_title(re.compile(r"^\d+ Stage door$"))


async def built_sdk(folder: Path) -> Path:
    """Build the SDK as its own build does, elsewhere."""
    await run_node(
        *(TYPESCRIPT, "-p", "tsconfig.build.json", "--outDir", folder),
        cwd=CLIENTS / "js",
    )
    return folder


async def test_the_sdk_serves_a_plain_page(street: Street) -> None:
    pages = street.folder / "pages"
    await built_sdk(pages / "callboard")
    street.write("plain.html", pages)
    mona = await street.visit("plain.html", "mona")
    jules = await street.visit("plain.html", "jules")

    await say(mona, "From a list item.")
    await see(jules, "From a list item.")
    await see(mona, "From a list item.")


async def test_the_sdk_serves_a_page_of_react(street: Street) -> None:
    project = street.folder / "project"
    packages = project / "node_modules"
    sdk = packages / "@callboard" / "client"
    sdk.mkdir(parents=True)
    copy(CLIENTS / "js" / "package.json", sdk)
    await built_sdk(sdk / "dist")
    for name in OF_REACT:
        (packages / name).symlink_to(CLIENTS / "node_modules" / name)
    for name in ("chat.jsx", "react.html"):
        street.write(name, project)
    (project / "vite.config.js").write_text(
        'export default { build: { rolldownOptions: { input: "react.html" } } };\n'
    )
    pages = street.folder / "pages"
    await run_node(
        *(CLIENTS / "js" / VITE, "build", project, "--outDir", pages),
        *("--logLevel", "warn"),
        cwd=project,
    )
    mona = await street.visit("react.html", "mona")
    jules = await street.visit("react.html", "jules")

    await say(mona, "From a component.")
    await see(jules, "From a component.")
    await see(mona, "From a component.")
