"""An S3-compatible server of a test's own: moto, in a process beside us."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from storage.embedded_process import dies_with_parent
from tests.services import free_ports

_START_SECONDS = 30.0


@dataclass(frozen=True)
class S3Server:
    """A server that runs, with one bucket in it."""

    url: str
    bucket: str


@contextlib.contextmanager
def s3_server(bucket: str = "callboard-tests") -> Iterator[S3Server]:
    """Run a server and make its bucket."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # the terminal's Ctrl-C is not for it
            preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )
        try:
            _wait_until_ready(url, process)
            httpx.put(f"{url}/{bucket}").raise_for_status()
            yield S3Server(url, bucket)
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx.get(f"{url}/moto-api/")
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
