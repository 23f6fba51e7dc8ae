"""Node's programs in clients/, with the Node that came with this Python."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.embedded_process import dies_with_parent

CLIENTS = Path(__file__).parents[2] / "clients"
JS = CLIENTS / "js"
VITEST = "../node_modules/vitest/vitest.mjs"
TSC = "../node_modules/typescript/bin/tsc"


async def run_node(*arguments: str | Path, cwd: Path = JS, **variables: str) -> str:
    """
    Run a program and give what it said; it must end well.

    What the clients are built with is installed by `scripts/clients true`, as
    `scripts/test` does.
    """
    assert (CLIENTS / "node_modules").exists(), "run this once: scripts/clients true"
    async with _running(*arguments, cwd=cwd, **variables) as process:
        output, _ = await process.communicate()
    text = output.decode(errors="replace")
    assert process.returncode == 0, f"{' '.join(map(str, arguments))}:\n{text}"
    return text


@asynccontextmanager
async def _running(
    *arguments: str | Path, cwd: Path, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    bin_directory = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        bin_directory / "node",
        *arguments,
        cwd=cwd,
        env=os.environ
        | {"PATH": f"{bin_directory}:{os.environ['PATH']}", "NO_COLOR": "1"}
        | variables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # its children end with it
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
