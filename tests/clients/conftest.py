"""
A fake server that listens while a test runs, and a real one.
"""

from collections.abc import AsyncIterator

import pytest

from realtime.node import Node
from tests.clients.fake_server import FakeServer
from tests.conftest import Served, served


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """
    Give a running server with one empty conversation.
    """
    fake = FakeServer()
    async with fake.running():
        yield fake


@pytest.fixture
async def real_server(node: Node) -> AsyncIterator[Served]:
    """
    Give a server as it is, for what the fake one does not know.
    """
    async with served(node) as running:
        yield running
