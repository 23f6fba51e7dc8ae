"""
`callboard serve --workers N`: processes that share a port, and who looks after them.

The kernel spreads connections over them (SO_REUSEPORT); nothing else is shared. This
process starts them again when they crash, passes signals on, and takes them along
when it dies, however it dies.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from api.readiness import wait_for_database
from api.server import listen
from api.serving import address_of, run
from realtime.settings import Settings
from storage.embedded_process import dies_with_parent

log = logging.getLogger(__name__)

_LEAVE = frozenset({signal.SIGINT, signal.SIGTERM})
_WATCHED = _LEAVE | {signal.SIGCHLD}

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
# Who lived this long did not fail at the start: the pauses begin anew.
_HEALTHY_SECONDS = 30.0
# Past its own time for draining a worker is stuck.
_GRACE_SECONDS = 10.0


@dataclass(slots=True)
class Worker:
    """A process, and when it was or will be started."""

    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS


class Supervisor:
    """Keeps the workers running until it is told to leave."""

    def __init__(
        self, command: list[str], environment: dict[str, str], *, count: int
    ) -> None:
        self._command = command
        self._environment = environment
        self._workers = [Worker() for _ in range(count)]

    def watch(self, *, patience: float) -> None:
        """
        Return when every worker has gone after a signal to leave.

        Who has not gone `patience` seconds after it, is killed. Call it in the main
        thread with `_WATCHED` blocked.
        """
        deadline: float | None = None
        try:
            while deadline is None or self._living():
                if deadline is None:
                    self._start_due()
                elif time.monotonic() > deadline:
                    log.error("workers do not end and are killed")
                    self._tell(signal.SIGKILL)
                received = signal.sigtimedwait(_WATCHED, self._until_next())
                if received is not None and received.si_signo in _LEAVE:
                    # A second one makes them hurry, so it is passed on too.
                    deadline = deadline or time.monotonic() + patience
                    self._tell(signal.SIGTERM)
                self._reap(is_leaving=deadline is not None)
        finally:
            self._tell(signal.SIGKILL)

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is None and worker.due <= now:
                worker.due = now
                worker.process = subprocess.Popen(  # noqa: S603 - our own command
                    self._command,
                    stdin=subprocess.DEVNULL,
                    env=self._environment,
                    # Ctrl-C in the terminal reaches only us: told twice, a worker
                    # would hurry.
                    start_new_session=True,
                    preexec_fn=_in_worker(),  # noqa: PLW1509 - the only way to prctl
                )

    def _until_next(self) -> float:
        waiting = [each.due for each in self._workers if each.process is None]
        left = min(waiting, default=float("inf")) - time.monotonic()
        return min(max(left, 0.0), 1.0)

    def _reap(self, *, is_leaving: bool) -> None:
        for worker in self._workers:
            process = worker.process
            if process is None or process.poll() is None:
                continue
            worker.process = None
            # Its gauges would be counted for ever.
            mark_process_dead(  # type: ignore[no-untyped-call]
                process.pid, self._environment["PROMETHEUS_MULTIPROC_DIR"]
            )
            now = time.monotonic()
            if now - worker.due > _HEALTHY_SECONDS:
                worker.pause = _FIRST_PAUSE_SECONDS
            worker.due = now + worker.pause
            worker.pause = min(worker.pause * 2, _LONGEST_PAUSE_SECONDS)
            if not is_leaving:
                log.error(
                    "worker ended and is started again",
                    extra={"pid": process.pid, "code": process.returncode},
                )

    def _living(self) -> bool:
        return any(worker.process is not None for worker in self._workers)

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process is not None:
                worker.process.send_signal(number)


def _in_worker() -> Callable[[], None]:
    """Prepare a child: the signals we hold back are for it, and it dies with us."""
    die = dies_with_parent(signal.SIGKILL)

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        if die is not None:
            die()

    return prepare


def serve_together(settings: Settings) -> None:
    """
    Serve with several workers until a signal comes and all have drained.

    Raises:
        CannotListen, CannotRun, Unusable: None of them could serve.
    """
    # Asked once without sharing: two servers started by one user would otherwise
    # divide a port between them unnoticed.
    listen(settings.host, settings.port).close()
    run(wait_for_database(settings))
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    # Bound here and never listened on: it keeps the port while workers restart.
    with (
        listen(settings.host, settings.port, is_shared=True) as keeper,
        _numbers() as numbers,
    ):
        port = keeper.getsockname()[1]
        supervisor = Supervisor(
            _command(settings, port), _environment(numbers), count=settings.workers
        )
        log.info(
            "serving",
            extra={"address": address_of(keeper), "workers": settings.workers},
        )
        supervisor.watch(patience=settings.drain_seconds + _GRACE_SECONDS)


def _command(settings: Settings, port: int) -> list[str]:
    # -P: a folder called `api` where the server happens to be started is not ours.
    program = [sys.executable, "-P", "-m", "api.cli", "serve", "--as-worker"]
    return [*program, "--host", settings.host, "--port", str(port), "--workers", "1"]


def _environment(numbers: Path) -> dict[str, str]:
    """Give the workers ours, what can be imported here, and where they count."""
    paths = [str(Path(each).absolute()) for each in sys.path]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PROMETHEUS_MULTIPROC_DIR": str(numbers),
    }


@contextmanager
def _numbers() -> Iterator[Path]:
    """Lend a new directory in which the workers' numbers add up."""
    directory = Path(tempfile.mkdtemp(prefix="callboard-metrics-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
