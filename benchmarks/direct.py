"""
Direct messages, socket to socket: sent by one, committed, read by the other.

Every sender keeps a number of messages outstanding and sends the next one when the
reader has got one. A message's time runs from the sender's write to the reader's read.
"""

import time
from collections import deque

from benchmarks.measured import Measured, percentile, until, watch
from benchmarks.people import make_pairs
from benchmarks.sockets import Socket, Template, connect, disconnect
from benchmarks.stage import Stage


class _Tally:
    """What all readers share: whether to go on, and what counted."""

    def __init__(self) -> None:
        self.is_sending = True
        self.is_counting = False
        self.milliseconds: list[float] = []


class _Reader(Socket):
    """Reads, and has the sender send the next one."""

    def __init__(
        self, token: str, sender: Socket, template: Template, tally: _Tally
    ) -> None:
        super().__init__(token)
        self._sender = sender
        self._template = template
        self._tally = tally
        self.sent = 0
        # Messages of a conversation come in the order in which they were sent.
        self.under_way: deque[float] = deque()

    def send(self, count: int) -> None:
        """Have the sender send so many messages."""
        frames = [self._template.next() for _ in range(count)]
        self.sent += count
        self.under_way.extend([time.perf_counter()] * count)
        self._sender.transport.write(b"".join(frames))

    def on_created(self, count: int) -> None:
        """Note the times and send as many again."""
        tally = self._tally
        now = time.perf_counter()
        for _ in range(count):
            began = self.under_way.popleft()
            if tally.is_counting:
                tally.milliseconds.append((now - began) * 1000)
        if tally.is_sending:
            self.send(count)


async def measure_direct(
    stage: Stage, pairs: int, outstanding: int, seconds: float
) -> Measured:
    """
    Measure messages a second and how long each took.

    Raises:
        TimeoutError: A message was lost or not acknowledged.
    """
    tally = _Tally()
    people = await make_pairs(stage.database_url, pairs)
    senders = [Socket(pair.sender_token) for pair in people]
    readers = [
        _Reader(
            pair.reader_token,
            sender,
            Template(number, pair.conversation),
            tally,
        )
        for number, (pair, sender) in enumerate(zip(people, senders, strict=True))
    ]
    await connect(stage.port, [*senders, *readers])

    def begin() -> None:
        tally.is_counting = True

    def end() -> None:
        tally.is_counting = tally.is_sending = False

    for reader in readers:
        reader.send(outstanding)
    span = await watch(seconds, stage.server_seconds, begin, end)
    await until(
        lambda: all(
            not reader.under_way and sender.oks == reader.sent
            for reader, sender in zip(readers, senders, strict=True)
        )
    )
    disconnect([*senders, *readers])
    times = sorted(tally.milliseconds)
    return Measured(
        f"direct, durable: {pairs} pairs × {outstanding} outstanding",
        len(times) / span.seconds,
        "messages/s",
        percentile(times, 0.5),
        percentile(times, 0.99),
        span.load_busy,
        span.server_busy,
    )
