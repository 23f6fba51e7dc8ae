"""The `callboard` command as people run it: real processes, always cleaned up."""

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.embedded_home import Home
from storage.embedded_orphan import stop_orphan
from storage.embedded_process import dies_with_parent, server_account

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "api.cli")
STARTED_WITHIN = 60.0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What a terminal would have, with these settings and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CALLBOARD_", "PYTHON", "PROMETHEUS_"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def call(
    *arguments: str, typed: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=STARTED_WITHIN,
        env=environment(settings),
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )


class Program:
    """A command that runs until it is told to stop; what it says can be waited for."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=environment(settings),
            preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it says something."""
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"never said {pattern!r}, but:\n{''.join(self.said)}"
                ) from None
            self.said.append(line)
            if found := re.search(pattern, line):
                return found

    def send_signal(self, number: signal.Signals) -> None:
        """Tell it."""
        self._process.send_signal(number)

    def ends(self, seconds: float = 30) -> int:
        """Wait for its end; gives the exit code."""
        return self._process.wait(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def data_directory() -> Iterator[Path]:
    """A directory for `callboard dev`; whatever still runs there is stopped."""
    # Not pytest's own temporary folder: for root, PostgreSQL runs as somebody else.
    parent = Path(tempfile.mkdtemp(prefix="callboard-dev-"))
    parent.chmod(0o711)
    try:
        yield parent / "data"
    finally:
        if (parent / "data/postgres").exists():
            stop_orphan(parent / "data/postgres")
        shutil.rmtree(parent)


def is_postgres_running(directory: Path) -> bool:
    """Whether any process of the directory's PostgreSQL lives."""
    root = directory / "postgres"
    if not root.exists():
        return False
    with Home(root, server_account()).claim() as claim:
        return claim is None


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(word) for word in listed.split()}


def wait_until_gone(pids: Sequence[int], seconds: float = 10) -> None:
    """Wait until none of these processes lives."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        while _is_alive(pid):
            assert time.monotonic() < deadline, f"process {pid} still lives"
            time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
