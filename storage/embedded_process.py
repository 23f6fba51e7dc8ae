"""
The child processes behind embedded PostgreSQL: as whom they run, when they die.

PostgreSQL refuses to run as root, so root lends its children another account.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# Children see neither our locale nor our PG* variables: the same server everywhere.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
_PR_SET_PDEATHSIG = 1
_IMMEDIATE_STOP_SECONDS = 10  # the server itself kills what is left after 5
_PROTOCOL_3 = 3 << 16
_NOT_NOW = b"C57P03\0"  # the error code of a server starting up or shutting down


class EmbeddedPostgresError(Exception):
    """PostgreSQL cannot be had here; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The user PostgreSQL runs as: ourselves, or the one root lends it."""

    name: str
    uid: int
    gid: int
    is_lent: bool

    def run(
        self, command: Sequence[str | Path], *, pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a short command to its end as this user; output and errors together."""
        return subprocess.run(  # noqa: S603 - our own commands, no shell
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=_ENVIRONMENT,
            pass_fds=pass_fds,
            user=self.uid if self.is_lent else None,
            group=self.gid if self.is_lent else None,
            extra_groups=() if self.is_lent else None,
        )

    def spawn(
        self,
        command: Sequence[str | Path],
        *,
        log: IO[bytes],
        pass_fds: Sequence[int] = (),
        before_exec: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a server as this user, out of reach of the terminal's Ctrl-C."""
        return subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_ENVIRONMENT,
            pass_fds=pass_fds,
            start_new_session=True,
            user=self.uid if self.is_lent else None,
            group=self.gid if self.is_lent else None,
            extra_groups=() if self.is_lent else None,
            preexec_fn=before_exec,  # noqa: PLW1509 - the only way to call prctl
        )


def server_account() -> Account:
    """Choose the user PostgreSQL runs as: us, or for root `postgres`, else `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        return Account(f"uid {uid}", uid, os.getegid(), is_lent=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, is_lent=True)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or "
        "`nobody` to run it as: start Callboard as an ordinary user."
    )


def dies_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """
    Make a `preexec_fn` that has the kernel signal the child when we die.

    It holds even when we are killed with SIGKILL. The kernel counts the *thread*
    that started the child as its parent, so call it from the main one. Linux only:
    elsewhere there is no such promise, and the answer is None.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec is no time for it
    parent = os.getpid()

    def in_child() -> None:
        if with_signal is not signal.SIGKILL:
            # A handler inherited from us would swallow it until exec.
            signal.signal(with_signal, signal.SIG_DFL)
        if libc.prctl(_PR_SET_PDEATHSIG, int(with_signal)) != 0:
            os._exit(1)
        if os.getppid() != parent:  # it died before we asked to be told
            os._exit(1)

    return in_child


def takes_connections(path: Path) -> bool:
    """
    Whether a server behind this socket would let someone try to log in.

    That the socket can be connected to says nothing: the children of a killed
    server keep it open. So we say who we are and wait to be asked for a password.
    """
    names = b"user\0postgres\0database\0postgres\0\0"
    hello = struct.pack("!ii", 8 + len(names), _PROTOCOL_3) + names
    with socket.socket(socket.AF_UNIX) as knock:
        knock.settimeout(1)
        try:
            knock.connect(str(path))
            knock.sendall(hello)
            answer = knock.recv(1024)
        except OSError:  # nobody there, or nobody who answers
            return False
    # An error is an answer too ("too many clients"), but for "starting up".
    return answer[:1] == b"R" or (answer[:1] == b"E" and _NOT_NOW not in answer)


def end(
    process: subprocess.Popen[bytes], how: signal.Signals, *, patience: float
) -> None:
    """Ask a server to stop, after `patience` seconds less politely, until it has."""
    for number, seconds in (
        (how, patience),
        (signal.SIGQUIT, _IMMEDIATE_STOP_SECONDS),
        (signal.SIGKILL, None),
    ):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
