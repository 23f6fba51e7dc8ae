"""Which loops the sockets are tested on."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# These run on uvloop.
_OF_SOCKETS = ("test_websocket", "test_client")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End tests that hang on uvloop, which waits on through the usual alarm."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and item.path.name.startswith(_OF_SOCKETS):
            item.add_marker(pytest.mark.timeout(120, method="thread"))


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """Take asyncio's loop; for sockets that of production, for their layer both."""
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if item.path.name == "test_websocket.py":
        factories["uvloop"] = uvloop.new_event_loop
    elif item.path.name.startswith("test_client"):
        factories = {"uvloop": uvloop.new_event_loop}
    return factories
