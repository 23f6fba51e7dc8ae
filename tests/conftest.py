"""
What tests stand on: a real PostgreSQL, a database each, nodes and servers.

PostgreSQL starts once, and every test has a migrated, empty database, so commits are
real. Everything is on free ports and is gone when the test ends.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.server import listen, serve
from realtime.bus import MemoryBus
from realtime.node import Node
from realtime.settings import Settings, load
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.migrate import migrate
from tests.databases import LOGIN, TEMPLATE, Databases, TestDatabase
from tests.services import ValkeyServer

JWT_SECRET = "a-secret-of-the-tests-only-0123456789abcdef"
API_KEY = "cbk_a-key-of-the-tests-only-0123456789"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests run on another PostgreSQL than the wheel's."""
    parser.addoption(
        "--postgres-bin", type=Path, help="programs of PostgreSQL 15 or newer"
    )


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL for the whole run, with a migrated template."""
    bin_dir = request.config.getoption("--postgres-bin")
    # Not pytest's own temporary folder: for root, PostgreSQL runs as somebody else.
    root = Path(tempfile.mkdtemp(prefix="callboard-tests-"))
    with EmbeddedPostgres(
        root, bin_dir=bin_dir, temporary=True, settings={"max_connections": "300"}
    ) as server:
        server.ensure_login(LOGIN)
        server.ensure_database(TEMPLATE)
        asyncio.run(migrate(server.url(TEMPLATE), grant_to=LOGIN))
        yield server


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    """What lends databases to tests."""
    return Databases(postgres)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[TestDatabase]:
    """An empty, migrated database, to do anything with."""
    database = await databases.lend()
    yield database
    await databases.take_back(database)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A Valkey for the whole run."""
    with ValkeyServer() as server:
        yield server


def settings_for(database: TestDatabase, **overrides: object) -> Settings:
    """Settings as tests want them: quick to drain, everything else as shipped."""
    return load(
        {},
        database_url=database.url,
        jwt_secret=JWT_SECRET,
        bootstrap_key=API_KEY,
        drain_seconds=0,
        **overrides,
    )


@pytest.fixture
def settings(database: TestDatabase) -> Settings:
    """Settings of the test's own node."""
    return settings_for(database)


@asynccontextmanager
async def running_node(settings: Settings) -> AsyncIterator[Node]:
    """Open a node with the in-process bus."""
    assert settings.database_url is not None
    database = Database(
        settings.database_url.get_secret_value(), variables=settings.session_variables
    )
    node = Node(settings, database, MemoryBus())
    await node.open()
    try:
        yield node
    finally:
        await node.close()


@pytest.fixture
async def node(settings: Settings) -> AsyncIterator[Node]:
    """A node with the in-process bus."""
    async with running_node(settings) as opened:
        yield opened


@dataclass(frozen=True)
class Served:
    """A server on a port of its own, and the node in it."""

    node: Node
    port: int

    @property
    def url(self) -> str:
        """Where HTTP is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        """Where sockets are."""
        return f"ws://127.0.0.1:{self.port}/v1/ws"


@asynccontextmanager
async def served(node: Node) -> AsyncIterator[Served]:
    """Serve an opened node on a free port."""
    listener = listen("127.0.0.1", 0)
    ready = asyncio.Event()
    serving = asyncio.create_task(
        serve(node, create_app(node), listener, ready=ready.set)
    )
    await ready.wait()
    try:
        yield Served(node, listener.getsockname()[1])
    finally:
        await node.drain()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()


@pytest.fixture
async def server(node: Node) -> AsyncIterator[Served]:
    """A server with HTTP and sockets."""
    async with served(node) as running:
        yield running


@pytest.fixture
async def http(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP API without a network between."""
    transport = httpx.ASGITransport(app=create_app(node))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://callboard.test"
    ) as client:
        yield client
