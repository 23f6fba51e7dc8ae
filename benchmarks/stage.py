"""
Where it happens: PostgreSQL and the server on one core, whoever measures on another.

The database is durable (fsync, synchronous commits) and made for the run. Everything
that is started here ends with this process, even by SIGKILL.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from storage.embedded import EmbeddedPostgres
from storage.embedded_process import dies_with_parent
from storage.migrate import migrate

_DATABASE = "callboard"
_LOGIN = "callboard_server"

# The tokens of this run are good for this run.
SECRET = secrets.token_urlsafe(48)

_DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # No checkpoint in the middle of one measurement and not of the next.
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
}


class CannotMeasure(Exception):
    """This machine cannot run the benchmarks; the message says why."""


@dataclass(frozen=True)
class Cores:
    """One core for what is measured, one for who measures."""

    server: int
    load: int


def choose_cores() -> Cores:
    """
    Take the first two cores that this process may use.

    Raises:
        CannotMeasure: There are not two, or the system pins nothing.
    """
    if sys.platform != "linux":
        raise CannotMeasure("Only Linux can keep a process on one core.")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise CannotMeasure("There must be two cores: one each for server and load.")
    return Cores(cores[0], cores[1])


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def running(
    module: str, environment: Mapping[str, str], *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a module of ours that prints its port; give the process and the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise CannotMeasure(f"{module} ended with {process.wait()}; see above.")
        yield process, int(line)
    finally:
        process.kill()
        process.wait()


class Stage:
    """A durable database and a server that uses it, both on the server's core."""

    def __init__(self, postgres: EmbeddedPostgres, port: int, pid: int) -> None:
        self.postgres = postgres
        self.port = port
        self._pid = pid

    @property
    def database_url(self) -> str:
        """Give the address of the database, with every right."""
        return self.postgres.url(_DATABASE)

    def server_seconds(self) -> float:
        """Tell how much of its core the server has used, without PostgreSQL."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def server_peak_megabytes(self) -> int:
        """Tell how much memory the server has ever held, without PostgreSQL."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    async def postgres_version(self) -> str:
        """Tell which PostgreSQL this is, having made sure that it is durable."""
        connection = await asyncpg.connect(self.database_url)
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                if await connection.fetchval(f"SHOW {setting}") != "on":
                    raise CannotMeasure(f"PostgreSQL runs with {setting} off.")
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()


@contextlib.contextmanager
def set_stage(cores: Cores) -> Iterator[Stage]:
    """Start a durable PostgreSQL and the server on the server's core."""
    with (
        tempfile.TemporaryDirectory(prefix="callboard-bench-") as directory,
        contextlib.ExitStack() as started,
    ):
        Path(directory).chmod(0o755)
        with on_core(cores.server):
            postgres = started.enter_context(
                EmbeddedPostgres(
                    Path(directory, "postgres"), temporary=True, settings=_DURABLE
                )
            )
            postgres.ensure_database(_DATABASE)
            password = postgres.ensure_login(_LOGIN)
            url = postgres.url(_DATABASE, user=_LOGIN, password=password)
            asyncio.run(migrate(postgres.url(_DATABASE), grant_to=_LOGIN))
            process, port = started.enter_context(
                running("benchmarks.server", _environment(url))
            )
        yield Stage(postgres, port, process.pid)


def _environment(database_url: str) -> dict[str, str]:
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("CALLBOARD_")
    }
    return ours | {
        "CALLBOARD_DATABASE_URL": database_url,
        "CALLBOARD_JWT_SECRET": SECRET,
        "CALLBOARD_MAX_CONNECTIONS_PER_USER": "1000",
        # Counted as ever, but nobody reaches them.
        "CALLBOARD_LIMIT_MESSAGES": "999999999/999999",
        "CALLBOARD_LIMIT_MESSAGES_TO": "999999999/999999",
        "CALLBOARD_LIMIT_CHANGES": "999999999/999999",
    }


def libpq_environment(url: str) -> dict[str, str]:
    """Say to libpq's programs what a URL says to the driver."""
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&"))
    return {
        "PGHOST": unquote(query["host"]),
        "PGPORT": query["port"],
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }
