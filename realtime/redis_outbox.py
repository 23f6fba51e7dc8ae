"""Announcements that wait to be published: so many and no more."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from realtime.announcements import Announcement, Run

# What one publication looks up and packs at a time, so that sockets need not wait.
_BATCH_USERS = 2_000
_BATCH_BYTES = 1 << 20

# A server cuts off subscribers whom it owes many megabytes: keep messages well below.
MESSAGE_BYTES = 512 << 10

# What a person in an audience counts for, being 36 characters and punctuation.
_USER_BYTES = 39


class Outbox:
    """A queue with a limit in announcements and one in bytes, handed out in batches."""

    def __init__(self, limit: int, byte_limit: int) -> None:
        self._limit = limit
        self._byte_limit = byte_limit
        self._waiting: deque[tuple[Announcement, int]] = deque()
        self._bytes = 0
        self._taken = 0
        self._has_some = asyncio.Event()
        self._is_done = asyncio.Event()
        self._is_done.set()

    def put(self, announcement: Announcement) -> bool:
        """Queue an announcement, or tell that there is no room."""
        size = _size(announcement)
        if len(self._waiting) >= self._limit or self._bytes + size > self._byte_limit:
            return False
        self._waiting.append((announcement, size))
        self._bytes += size
        self._has_some.set()
        self._is_done.clear()
        return True

    async def take(self) -> list[Announcement]:
        """Wait for announcements and take what makes a batch, at least one."""
        await self._has_some.wait()
        batch: list[Announcement] = []
        users = size = 0
        while self._waiting:
            announcement, more = self._waiting[0]
            users += _audience_size(announcement)
            size += more
            if batch and (users > _BATCH_USERS or size > _BATCH_BYTES):
                break
            self._waiting.popleft()
            self._bytes -= more
            batch.append(announcement)
        if not self._waiting:
            self._has_some.clear()
        self._taken = len(batch)
        return batch

    def settle(self) -> None:
        """Say that what was taken is published."""
        self._taken = 0
        if not self._waiting:
            self._is_done.set()

    async def done(self) -> None:
        """Wait until nothing waits and nothing is on its way."""
        await self._is_done.wait()

    def clear(self) -> int:
        """Give up all of it; tell how many that were."""
        lost = len(self._waiting) + self._taken
        self._waiting.clear()
        self._bytes = self._taken = 0
        self._has_some.clear()
        self._is_done.set()
        return lost


def pieces(announcement: Announcement, limit: int = MESSAGE_BYTES) -> Iterator[bytes]:
    """
    Encode an announcement in messages of about `limit` bytes, in order.

    All of `told` is in the first, because they count as had all at once; between runs
    and within them may be a cut.
    """
    told, runs, size = announcement.told, list[Run](), 0
    if _size(announcement) <= limit:
        yield announcement.encode()
        return
    size = sum(len(part.payload) + len(part.audience) * _USER_BYTES for part in told)
    for run in announcement.runs:
        for part in _cut(run, announcement.xid, limit):
            more = _run_size(part)
            if (told or runs) and size + more > limit:
                yield replace(announcement, told=told, runs=runs).encode()
                told, runs, size = (), [], 0
            runs.append(part)
            size += more
    yield replace(announcement, told=told, runs=runs).encode()


def _cut(run: Run, xid: int, limit: int) -> Iterator[Run]:
    """Cut a run between messages; the rest follows upon its own transaction."""
    start = 0
    size = room = max(limit - len(run.audience) * _USER_BYTES, 0)
    for place, payload in enumerate(run.payloads):
        size -= len(payload)
        if size < 0 and place > start:
            yield _part(run, start, place, xid)
            start, size = place, room - len(payload)
    yield _part(run, start, len(run.payloads), xid)


def _part(run: Run, start: int, end: int, xid: int) -> Run:
    return replace(
        run,
        first_seq=run.first_seq + start,
        prev_xid=xid if start else run.prev_xid,
        payloads=run.payloads[start:end],
    )


def _audience_size(announcement: Announcement) -> int:
    return sum(len(part.audience) for part in announcement.told) + sum(
        len(run.audience) for run in announcement.runs
    )


def _run_size(run: Run) -> int:
    return len(run.audience) * _USER_BYTES + sum(map(len, run.payloads))


def _size(announcement: Announcement) -> int:
    return sum(map(_run_size, announcement.runs)) + sum(
        len(part.audience) * _USER_BYTES + len(part.payload)
        for part in announcement.told
    )
