"""Node's programs in clients/, with the Node that came with this Python."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from storage.embedded_process import dies_with_parent

CLIENTS = Path(__file__).parents[2] / "clients"
JS = CLIENTS / "js"
VITEST = "../node_modules/vitest/vitest.mjs"
TSC = CLIENTS / "node_modules/typescript/bin/tsc"


async def run_node(*arguments: str | Path, cwd: Path = JS, **variables: str) -> str:
    """
    Run a program and give what it said; it must end well.

    What the clients are built with is installed by `scripts/clients true`, as
    `scripts/test` does.
    """
    return await _run("node", *arguments, cwd=cwd, variables=variables)


async def run_npm(*arguments: str | Path, cwd: Path = JS) -> str:
    """Run npm, likewise."""
    return await _run("npm", *arguments, cwd=cwd, variables={})


async def _run(
    program: str, *arguments: str | Path, cwd: Path, variables: Mapping[str, str]
) -> str:
    assert (CLIENTS / "node_modules").exists(), "run this once: scripts/clients true"
    beside_python = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        beside_python / program,
        *arguments,
        cwd=cwd,
        env={
            **os.environ,
            "PATH": f"{beside_python}:{os.environ['PATH']}",
            "NO_COLOR": "1",
            **variables,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # its children end with it
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    text = output.decode(errors="replace")
    command = f"{program} {' '.join(map(str, arguments))}"
    assert process.returncode == 0, f"{command}:\n{text}"
    return text
