"""
A plain loop of socket writes: what the kernel gives away at the most.

Unpaced, the loop never looks back: readers always have something waiting, so most
writes wake nobody. In rounds, it goes on when every socket has been read: each write
finds a reader that waits, as an event does that is the only one.
"""

import asyncio
import socket
import sys
import time

from benchmarks.fanout import SOCKETS

BYTES = 170


def _write_for_ever(*, in_rounds: bool) -> None:
    """Accept the sockets, then write to one after another until we are ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=SOCKETS) as listener:
        print(listener.getsockname()[1], flush=True)
        readers = [listener.accept()[0] for _ in range(SOCKETS)]
    data = b"x" * BYTES
    sends = [reader.send for reader in readers]
    while True:
        for send in sends:
            send(data)
        if in_rounds:
            readers[0].recv(1)


class _Readers:
    """Everybody who reads, as one: what has come, and the word that it has."""

    def __init__(self) -> None:
        self.bytes = 0
        self.buffer = bytearray(1 << 18)
        self.transports: list[asyncio.Transport] = []
        self._round_ends = SOCKETS * BYTES

    def count(self, count: int) -> None:
        """Count what came, and ask for the next round when one is complete."""
        self.bytes += count
        while self.bytes >= self._round_ends:
            self._round_ends += SOCKETS * BYTES
            self.transports[0].write(b".")


class _Reader(asyncio.BufferedProtocol):
    """Reads and forgets."""

    def __init__(self, readers: _Readers) -> None:
        self._readers = readers

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lend the buffer that all share."""
        return self._readers.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Count."""
        self._readers.count(nbytes)


async def measure_writes(port: int, seconds: float) -> tuple[float, float]:
    """Give the writes a second, and how busy the reading side was."""
    loop = asyncio.get_running_loop()
    readers = _Readers()
    for _ in range(SOCKETS):
        transport, _ = await loop.create_connection(
            lambda: _Reader(readers), "127.0.0.1", port
        )
        readers.transports.append(transport)
    await asyncio.sleep(seconds / 4)
    before = time.perf_counter(), time.process_time(), readers.bytes
    await asyncio.sleep(seconds)
    after = time.perf_counter(), time.process_time(), readers.bytes
    passed, used, came = (
        late - early for early, late in zip(before, after, strict=True)
    )
    for transport in readers.transports:
        transport.abort()
    return came / BYTES / passed, used / passed


if __name__ == "__main__":
    _write_for_ever(in_rounds=sys.argv[1:] == ["rounds"])
