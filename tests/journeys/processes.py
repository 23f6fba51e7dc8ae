"""Server processes as an operator runs them, to be killed and started again."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.embedded_process import dies_with_parent

_PROJECT = Path(__file__).parents[2]
_START_SECONDS = 30


class ServerDied(Exception):
    """The server ended while starting; the message is its log."""


class ServerProcess:
    """
    `callboard serve` on a port that it keeps through every restart.

    Leaving the block ends it; it dies with the process that started it, too.
    """

    def __init__(self, port: int, settings: Mapping[str, str]) -> None:
        self.port = port
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object

    @property
    def url(self) -> str:
        """Where it is, for clients."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether it was started and not killed."""
        return self._process is not None

    async def start(self) -> None:
        """Return when it takes connections."""
        process = self._process = self._spawn()
        async with asyncio.timeout(_START_SECONDS):
            while not await self._takes_connections():
                if process.poll() is not None:
                    raise ServerDied(self.log())
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would: no goodbye, no last commit."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """Give what it has said in all its lives."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            # pytest shows it with the failure, of which it may be the reason.
            sys.stderr.write(self.log())
        self._leave()

    def _spawn(self) -> subprocess.Popen[bytes]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("CALLBOARD_")
        }
        return subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", str(self.port)],
            cwd=_PROJECT,
            env=inherited | dict(self._settings),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )

    def _leave(self) -> None:
        self.kill()
        self._log.close()

    async def _takes_connections(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        await writer.wait_closed()
        return True
