"""What a measurement gives, and the stopwatch for the middle of it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Until caches, pools and plans are as they are in a server that has run for a while.
_WARM_UP_SECONDS = 1.0
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Measured:
    """One line of the report."""

    name: str
    per_second: float
    unit: str
    p50_ms: float | None = None
    p99_ms: float | None = None
    # How much of their cores who measures and the server used; a load near 1 means
    # that the figure is the load's own limit.
    load_busy: float | None = None
    server_busy: float | None = None


@dataclass
class Span:
    """The time in which things counted."""

    seconds: float
    load_busy: float
    server_busy: float


async def watch(
    seconds: float,
    server_seconds: Callable[[], float],
    begin: Callable[[], None],
    end: Callable[[], None],
) -> Span:
    """Warm up, call `begin`, wait, call `end`; tell how busy both sides were."""
    await asyncio.sleep(_WARM_UP_SECONDS)
    before = time.perf_counter(), time.process_time(), server_seconds()
    begin()
    await asyncio.sleep(seconds)
    end()
    after = time.perf_counter(), time.process_time(), server_seconds()
    passed, load, server = (
        late - early for early, late in zip(before, after, strict=True)
    )
    return Span(passed, load / passed, server / passed)


async def until(condition: Callable[[], bool]) -> None:
    """
    Wait for what must come soon.

    Raises:
        TimeoutError: It did not.
    """
    deadline = time.monotonic() + _DRAIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("messages that were sent did not come")
        await asyncio.sleep(0.01)


def percentile(sorted_values: Sequence[float], part: float) -> float:
    """Give the value that this part of the values does not exceed."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(int(len(sorted_values) * part), len(sorted_values) - 1)]
