"""Waiting for what has no event of its own."""

import asyncio
from collections.abc import Callable

SECONDS = 10


async def until(holds: Callable[[], bool]) -> None:
    """
    Let the loop turn until a condition holds.

    Raises:
        TimeoutError: It does not within ten seconds.
    """
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 - attributes have no event
            await asyncio.sleep(0.002)
