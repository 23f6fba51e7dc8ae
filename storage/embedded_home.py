"""What one embedded server keeps on disk: data, log, passwords, socket and locks."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storage.embedded_process import Account, EmbeddedPostgresError

PORT = 5432  # a name only: there is no TCP, the socket file is called after it
_SOCKET = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET_PATH = 103  # bytes: macOS allows 103, Linux 107
_LINES_WORTH_SHOWING = 6
_LOG_BYTES = 10_000_000


class Home:
    """
    The directory of one embedded server.

    Two locks guard it, both released by the kernel when their holders die. A
    process that starts or alters the server holds `turn()`. The server itself
    holds what `claim()` returned: all its processes inherit the open file, so that
    a free claim proves that none of them lives. No pid is ever believed: it may be
    a zombie's or, after a reboot, a stranger's.
    """

    def __init__(self, root: Path, account: Account) -> None:
        self.root = root.resolve()
        self.account = account
        self.data = self.root / "data"
        self.log = self.root / "postgres.log"
        self.sockets = self._choose_sockets()
        self.socket = self.sockets / _SOCKET
        self._passwords = self.root / "passwords.json"

    def _choose_sockets(self) -> Path:
        inside = self.root / "socket"
        is_short = len(os.fsencode(inside / _SOCKET)) <= _LONGEST_SOCKET_PATH
        # Addresses are lists to their readers, taken apart at commas and colons.
        if is_short and re.fullmatch(r"[\w/.+-]+", str(inside)):
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path("/tmp", f"callboard-{digest}")  # noqa: S108 - short; see make_private

    def make_root(self) -> None:
        """Create the directory unless it is there; an empty one becomes ours."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not any(self.root.iterdir()):
            # A lent account must pass through; it owns the directories below.
            self.root.chmod(0o711 if self.account.is_lent else 0o700)

    def check_way(self) -> None:
        """
        Make sure that the server's user can reach the directory.

        Raises:
            EmbeddedPostgresError: A directory on the way is closed to it.
        """
        if not self.account.is_lent or self._can_enter(self.root):
            return
        way = [*reversed(self.root.parents), self.root]
        closed = next(path for path in way if not self._can_enter(path))
        raise EmbeddedPostgresError(
            f"PostgreSQL cannot run as root, and user {self.account.name}, which it "
            f"runs as instead, cannot enter {closed}: choose a directory elsewhere, "
            f"such as /var/lib/callboard, or run `chmod o+x {closed}`."
        )

    def _can_enter(self, path: Path) -> bool:
        return self.account.run(["test", "-x", path]).returncode == 0

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for our turn: one process at a time starts or alters the server."""
        with self._open_private("starting.lock") as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def claim(self) -> Iterator[int | None]:
        """
        Try to become the one who runs the server; None while one still lives.

        The claim outlives this block in every process that inherited the file.
        """
        with self._open_private("server.lock") as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor

    @contextlib.contextmanager
    def _open_private(self, name: str) -> Iterator[int]:
        descriptor = os.open(self.root / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def make_private(self, directory: Path) -> None:
        """
        Create a directory which the server's user owns and nobody else can enter.

        Raises:
            EmbeddedPostgresError: The name is taken by someone else's.
        """
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        found = directory.lstat()
        ours = {os.geteuid(), self.account.uid}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise EmbeddedPostgresError(
                f"{directory} is not ours although we need it: remove it."
            )
        os.chown(directory, self.account.uid, self.account.gid)
        directory.chmod(0o700)

    def clear_stale_locks(self) -> None:
        """
        Remove what a killed server left behind; call it with the claim in hand.

        Raises:
            EmbeddedPostgresError: A server started by other means is using the data.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            pid = pid_file.read_text(errors="replace").partition("\n")[0].strip()
            if self._works_on_our_data(pid):
                raise EmbeddedPostgresError(
                    f"Process {pid} already serves {self.data} and was not started "
                    f"by Callboard: stop it first (`kill -INT {pid}`)."
                )
        for path in (pid_file, self.socket, self.sockets / f"{_SOCKET}.lock"):
            path.unlink(missing_ok=True)

    def _works_on_our_data(self, pid: str) -> bool:
        try:
            return Path("/proc", pid, "cwd").samefile(self.data)
        except OSError:  # no such process, or another user's, so not our server
            return False

    def password(self, role: str) -> str | None:
        """The password kept for a role, if there is one."""
        return self._read_passwords().get(role)

    def remember(self, role: str, password: str) -> None:
        """Keep a role's password, readable by us alone; hold the turn meanwhile."""
        passwords = self._read_passwords() | {role: password}
        new = self._passwords.with_suffix(".new")
        new.unlink(missing_ok=True)
        self.write_secret(new, json.dumps(passwords, indent=2))
        new.replace(self._passwords)

    def _read_passwords(self) -> dict[str, str]:
        if not self._passwords.exists():
            return {}
        passwords: dict[str, str] = json.loads(self._passwords.read_text())
        return passwords

    @staticmethod
    def write_secret(path: Path, secret: str) -> None:
        """Write a file which was never readable by anyone else."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret)

    def is_untouched(self) -> bool:
        """Whether there is nothing here yet but our locks."""
        return {path.suffix for path in self.root.iterdir()} <= {".lock"}

    def open_log(self) -> IO[bytes]:
        """Open the log to add to it; one that has grown long is set aside first."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.fdopen(os.open(self.log, flags, 0o600), "ab")

    def log_tail(self, since: int = 0) -> str:
        """The last lines of the log, for a message."""
        with self.log.open("rb") as log:
            log.seek(since)
            return tail(log.read().decode("utf-8", "replace"))

    def remove(self) -> None:
        """Delete everything."""
        if self.sockets.parent != self.root:
            shutil.rmtree(self.sockets)
        shutil.rmtree(self.root)


def tail(output: str) -> str:
    """The last lines of a program's output, indented below our own sentence."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "".join(f"\n  {line}" for line in lines[-_LINES_WORTH_SHOWING:])
