"""Which loops the sockets are tested on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


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
