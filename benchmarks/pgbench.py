"""
Single-row durable inserts: what PostgreSQL itself does with a commit for each.

By PostgreSQL's own pgbench, which lies beside the server; where it does not run, by a
loop over as many connections, and the report says which of the two it was.
"""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg

from benchmarks.measured import Measured, percentile
from benchmarks.stage import Cores, Stage, libpq_environment, on_core
from storage.embedded_binaries import find_binaries
from storage.embedded_process import server_account

CLIENTS = 16

_TABLE = """
CREATE TABLE IF NOT EXISTS inserted (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body text NOT NULL,
  at timestamptz NOT NULL DEFAULT now())
"""
_INSERT = f"INSERT INTO inserted (body) VALUES ('{'x' * 60}')"


async def measure_inserts(stage: Stage, cores: Cores, seconds: float) -> list[Measured]:
    """Measure inserts a second: clients on PostgreSQL's core, then on the other."""
    connection = await asyncpg.connect(stage.database_url)
    try:
        await connection.execute(_TABLE)
    finally:
        await connection.close()
    program = _program()
    rows = []
    for core, place in ((cores.server, "same core"), (cores.load, "other core")):
        with on_core(core):
            if program is None:
                rows.append(await _by_loop(stage, place, seconds))
            else:
                rows.append(_by_pgbench(program, stage, place, seconds))
    return rows


def _program() -> Path | None:
    beside = find_binaries(None, server_account()).directory / "pgbench"
    found = shutil.which("pgbench")
    programs = [beside, *([Path(found)] if found else [])]
    for program in programs:
        if program.is_file():
            tried = subprocess.run(
                [program, "--version"], capture_output=True, check=False
            )
            if tried.returncode == 0:
                return program
    return None


def _by_pgbench(program: Path, stage: Stage, place: str, seconds: float) -> Measured:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_INSERT + ";\n")
        script.flush()
        done = subprocess.run(
            [
                program,
                *("--no-vacuum", "--protocol=prepared", "--jobs=1"),
                f"--client={CLIENTS}",
                f"--time={max(round(seconds), 1)}",
                f"--file={script.name}",
            ],
            env=libpq_environment(stage.database_url),
            capture_output=True,
            text=True,
            check=True,
        )
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    latency = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    assert rate is not None, done.stdout
    assert latency is not None, done.stdout
    return Measured(
        f"pgbench: durable inserts, {CLIENTS} clients, {place}",
        float(rate[1]),
        "inserts/s",
        float(latency[1]),
    )


async def _by_loop(stage: Stage, place: str, seconds: float) -> Measured:
    times: list[float] = []

    async def insert() -> None:
        connection = await asyncpg.connect(stage.database_url)
        try:
            statement = await connection.prepare(_INSERT)
            while time.perf_counter() < end:
                began = time.perf_counter()
                await statement.fetch()
                times.append((time.perf_counter() - began) * 1000)
        finally:
            await connection.close()

    end = time.perf_counter() + seconds
    await asyncio.gather(*(insert() for _ in range(CLIENTS)))
    times.sort()
    return Measured(
        f"asyncpg (no pgbench): durable inserts, {CLIENTS} clients, {place}",
        len(times) / seconds,
        "inserts/s",
        percentile(times, 0.5),
        percentile(times, 0.99),
    )
