"""
A server as `callboard dev` runs it, in this process: the chat, its people, a worker.

Browsers reach it over a line that tests can break; the server behind may stop and come
back, at the same address and with the same database.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from callboard_client import Api, Socket

from api.app import create_app
from api.chat_files import ChatFiles
from api.dev_home import DevPerson
from api.dev_page import add_dev_page
from api.server import listen, serve
from realtime import demo
from realtime.node import Node
from realtime.settings import Settings
from realtime.worker import Worker
from tests.clients.proxy import Proxy
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, token_for

PEOPLE: Mapping[str, DevPerson] = {
    person.handle: DevPerson(
        id=str(person.id),
        handle=person.handle,
        name=person.name,
        headline=person.headline,
        token=token_for(person.id),
    )
    for person in demo.PEOPLE
}


@dataclass
class Site:
    """What runs, and the ways in which it fails."""

    database: TestDatabase
    chat: ChatFiles
    directory: Path
    line: Proxy
    overrides: Mapping[str, object] = field(default_factory=dict)
    has_failed: bool = False
    """Whether browsers may complain that they could not reach it."""
    _node: Node | None = None
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        """Where browsers find it."""
        return self.line.url

    @property
    def node(self) -> Node:
        """The node, to have things happen behind people's backs."""
        assert self._node is not None, "the server is stopped"
        return self._node

    def person(self, handle: str) -> Person:
        """Give somebody of the demonstration, for the factories of other tests."""
        person = next(each for each in demo.PEOPLE if each.handle == handle)
        return Person(person.id, person.name, PEOPLE[handle].token)

    def api(self, handle: str) -> Api:
        """Give the HTTP API as somebody: `async with site.api("ada") as ada`."""
        return Api(self.url, PEOPLE[handle].token)

    async def socket(self, handle: str) -> Socket:
        """Connect as somebody without a browser."""
        return await Socket.connect(self.url, PEOPLE[handle].token)

    # --- faults ---------------------------------------------------------------------

    def cut(self) -> None:
        """Break every connection; browsers may connect again at once."""
        self.has_failed = True
        self.line.cut()

    def go_away(self) -> None:
        """Be out of reach until `come_back`."""
        self.has_failed = True
        self.line.is_up = False
        self.line.cut()

    def lose_api(self) -> None:
        """Give pages, but let nothing of the chat through, until `come_back`."""
        self.has_failed = True
        self.line.takes_sockets = False
        self.line.http["/v1/"] = "gateway"
        self.line.cut()

    def come_back(self) -> None:
        """Be within reach again."""
        self.line.calm()

    async def stop(self) -> None:
        """Stop the server as a deploy does; people are told to come back."""
        self.has_failed = True
        self._node = None
        await self._running.aclose()

    async def start(self) -> None:
        """Start the server, or start it again."""
        settings = self._settings()
        self._node = await self._running.enter_async_context(running_node(settings))
        await demo.seed(self._node)
        worker = Worker(
            settings,
            self._node.database,
            presence=self._node.presence,
            idle_seconds=0.05,
        )
        self._node.run_along(worker.work())
        self.line.server_port = await self._running.enter_async_context(
            _serving(self._node, self.chat, self.url)
        )

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    def _settings(self) -> Settings:
        return settings_for(
            self.database,
            **{
                "public_url": self.url,
                "uploads_directory": self.directory / "uploads",
                "mail_directory": self.directory / "mail",
                **self.overrides,
            },
        )


@asynccontextmanager
async def running_site(
    database: TestDatabase, chat: ChatFiles, directory: Path, **overrides: object
) -> AsyncIterator[Site]:
    """Run a site, with settings besides those of tests if need be."""
    for name in ("uploads", "mail"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    async with Proxy(server_port=0).running() as line:
        site = Site(database, chat, directory, line, overrides)
        await site.start()
        try:
            yield site
        finally:
            await site.stop()


@asynccontextmanager
async def _serving(node: Node, chat: ChatFiles, url: str) -> AsyncIterator[int]:
    app = create_app(node, chat)
    add_dev_page(app, list(PEOPLE.values()), chat, url)
    ready = asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(serve(node, app, listener, ready=ready.set))
        await ready.wait()
        try:
            yield listener.getsockname()[1]
        finally:
            await node.drain()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
