"""
A fake server that listens while a test runs.
"""

from collections.abc import AsyncIterator

import pytest

from tests.clients.fake_server import FakeServer


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """
    Give a running server with one empty conversation.
    """
    fake = FakeServer()
    async with fake.running():
        yield fake
