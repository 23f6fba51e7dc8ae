"""
The JavaScript client against real servers that fail.

The tests themselves are in clients/js/tests/server, one file a run; here is what they
stand on: a database, a server to be killed, a line to be broken, and the door by which
they have that happen.
"""

from pathlib import Path

import pytest

from tests.clients.door import Door, opened
from tests.clients.nodejs import JS, VITEST, run_node
from tests.clients.proxy import Proxy
from tests.conftest import API_KEY, JWT_SECRET, running_node, settings_for
from tests.databases import TestDatabase
from tests.journeys.processes import ServerProcess
from tests.services import free_ports

FILES = sorted(path.name for path in (JS / "tests" / "server").glob("*.test.ts"))


@pytest.mark.parametrize("file", FILES)
async def test_the_client_keeps_its_promises(
    database: TestDatabase, tmp_path: Path, file: str
) -> None:
    [port] = free_ports(1)
    async with (
        running_node(settings_for(database)) as node,
        Proxy(port).running() as proxy,
    ):
        settings = {
            "CALLBOARD_DATABASE_URL": database.url,
            "CALLBOARD_JWT_SECRET": JWT_SECRET,
            "CALLBOARD_BOOTSTRAP_KEY": API_KEY,
            "CALLBOARD_LIMIT_MESSAGES": "off",
            "CALLBOARD_LIMIT_MESSAGES_TO": "off",
            # Processes without a Redis hear of each other by sweeping.
            "CALLBOARD_REPAIR_SECONDS": "0.1",
            "CALLBOARD_PUBLIC_URL": proxy.url,
            "CALLBOARD_UPLOADS_DIRECTORY": str(tmp_path),
            "CALLBOARD_UPLOADS_SECRET": JWT_SECRET,
        }
        async with (
            ServerProcess(port, settings) as server,
            opened(Door(node, server, proxy)) as door,
        ):
            await run_node(
                VITEST,
                "run",
                "--project",
                "server",
                f"tests/server/{file}",
                CALLBOARD_DOOR=door,
            )
