"""
Fan-out: one event to a thousand sockets.

In this release only two people share a conversation, so each of them has half of the
sockets; to the server a socket is a socket. A message is done when the last socket has
it, and then the next one is sent.
"""

import time

from benchmarks.measured import Measured, percentile, until, watch
from benchmarks.people import make_pairs
from benchmarks.sockets import Socket, Template, connect, disconnect
from benchmarks.stage import Stage

SOCKETS = 1000


class _Crowd:
    """All sockets together: how often each message has come, and what is next."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self.sender: Socket
        self.is_counting = False
        self.is_sending = True
        self.deliveries = 0
        self.milliseconds: list[float] = []
        self._began: list[float] = []
        self._arrived: list[int] = []
        self._done = 0

    @property
    def is_settled(self) -> bool:
        """Tell whether everybody has everything."""
        return self._done == len(self._began)

    def send(self, count: int) -> None:
        """Send so many messages."""
        self._began.extend([time.perf_counter()] * count)
        self._arrived.extend([0] * count)
        self.sender.transport.write(
            b"".join(self._template.next() for _ in range(count))
        )

    def count(self, first: int, count: int) -> None:
        """Take note that one socket has got so many more messages."""
        self.deliveries += count
        arrived = self._arrived
        for number in range(first, first + count):
            arrived[number] += 1
        done = self._done
        while self._done < len(arrived) and arrived[self._done] == SOCKETS:
            if self.is_counting:
                took = time.perf_counter() - self._began[self._done]
                self.milliseconds.append(took * 1000)
            self._done += 1
        if self.is_sending and self._done > done:
            self.send(self._done - done)


class _Member(Socket):
    """One of the crowd."""

    def __init__(self, token: str, crowd: _Crowd) -> None:
        super().__init__(token)
        self._crowd = crowd
        self._got = 0

    def on_created(self, count: int) -> None:
        """Count."""
        first, self._got = self._got, self._got + count
        self._crowd.count(first, count)


async def measure_fanout(
    stage: Stage, outstandings: list[int], seconds: float
) -> list[Measured]:
    """Measure deliveries a second with so many messages outstanding, one by one."""
    return [
        await _measure(stage, number, outstanding, seconds)
        for number, outstanding in enumerate(outstandings)
    ]


async def _measure(
    stage: Stage, number: int, outstanding: int, seconds: float
) -> Measured:
    [pair] = await make_pairs(stage.database_url, 1)
    crowd = _Crowd(Template(number, pair.conversation))
    tokens = [pair.sender_token, pair.reader_token]
    members = [_Member(tokens[index % 2], crowd) for index in range(SOCKETS)]
    crowd.sender = members[0]
    await connect(stage.port, members)
    counted = 0

    def begin() -> None:
        nonlocal counted
        counted = -crowd.deliveries
        crowd.is_counting = True

    def end() -> None:
        nonlocal counted
        counted += crowd.deliveries
        crowd.is_counting = crowd.is_sending = False

    crowd.send(outstanding)
    span = await watch(seconds, stage.server_seconds, begin, end)
    await until(lambda: crowd.is_settled)
    disconnect(members)
    times = sorted(crowd.milliseconds)
    return Measured(
        f"fan-out to {SOCKETS} sockets: {outstanding} outstanding",
        counted / span.seconds,
        "deliveries/s",
        percentile(times, 0.5),
        percentile(times, 0.99),
        span.load_busy,
        span.server_busy,
    )
