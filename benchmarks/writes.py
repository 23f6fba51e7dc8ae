"""A plain loop of socket writes: what the kernel gives away at the most."""

import asyncio
import socket
import time

from benchmarks.fanout import SOCKETS

BYTES = 170


def _write_for_ever() -> None:
    """Accept the sockets, then write to one after another until we are ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=SOCKETS) as listener:
        print(listener.getsockname()[1], flush=True)
        readers = [listener.accept()[0] for _ in range(SOCKETS)]
    data = b"x" * BYTES
    sends = [reader.send for reader in readers]
    while True:
        for send in sends:
            send(data)


class Drain(asyncio.BufferedProtocol):
    """Reads and forgets; all of them into one buffer."""

    buffer = bytearray(1 << 18)
    total = 0

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lend the buffer."""
        return Drain.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Count what came."""
        Drain.total += nbytes


async def measure_writes(port: int, seconds: float) -> tuple[float, float]:
    """Give the writes a second, and how busy the reading side was."""
    loop = asyncio.get_running_loop()
    transports = [
        (await loop.create_connection(Drain, "127.0.0.1", port))[0]
        for _ in range(SOCKETS)
    ]
    await asyncio.sleep(seconds / 4)
    before = time.perf_counter(), time.process_time(), Drain.total
    await asyncio.sleep(seconds)
    after = time.perf_counter(), time.process_time(), Drain.total
    passed, used, came = (
        late - early for early, late in zip(before, after, strict=True)
    )
    for transport in transports:
        transport.abort()
    return came / BYTES / passed, used / passed


if __name__ == "__main__":
    _write_for_ever()
