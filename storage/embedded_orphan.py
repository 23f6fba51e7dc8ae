"""Stopping an embedded server whose starter was killed."""

import os
import signal
import time
from pathlib import Path

from storage.embedded_home import Home
from storage.embedded_process import EmbeddedPostgresError, server_account

_PATIENCE_SECONDS = 20.0


def stop_orphan(root: Path) -> None:
    """
    Stop the server of a directory that no process stands for any more.

    For who knows that nobody else uses it; `EmbeddedPostgres.stop` ends only what it
    started. Does nothing where none runs.

    Raises:
        EmbeddedPostgresError: It does not end.
    """
    home = Home(root, server_account())
    deadline = time.monotonic() + _PATIENCE_SECONDS
    is_told = False
    while not _is_gone(home):
        if not is_told:
            is_told = _interrupt(home)
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"The PostgreSQL that works in {home.data} does not end: stop it by"
                " hand before you start again."
            )
        time.sleep(0.02)


def _is_gone(home: Home) -> bool:
    with home.claim() as claim:
        return claim is not None


def _interrupt(home: Home) -> bool:
    """Ask for a fast shutdown; the pid is believed only while it is held and ours."""
    try:
        lines = (home.data / "postmaster.pid").read_text(errors="replace").split()
        descriptor = os.pidfd_open(int(lines[0]))
    except (OSError, ValueError, IndexError):
        return False
    try:
        if not Path("/proc", lines[0], "cwd").samefile(home.data):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGINT)
    except OSError:  # it ended between two lines
        return False
    finally:
        os.close(descriptor)
    return True
