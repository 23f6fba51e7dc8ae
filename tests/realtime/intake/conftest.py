"""An intake for tests."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import TestDatabase
from tests.realtime.intake.mailing import Post, post_with


@pytest.fixture
async def post(database: TestDatabase) -> AsyncIterator[Post]:
    """An SMTP intake that runs."""
    async with post_with(database) as opened:
        yield opened
