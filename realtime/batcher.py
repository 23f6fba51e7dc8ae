"""
Group commit: sends from all sockets of a process, committed together.

While earlier batches are being committed the next one gathers, so the batch grows
with the load and one message alone waits for nobody. A send is settled only after
its batch has committed. Sends of one conversation are committed in the order in
which they were submitted.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from realtime.errors import Internal, Unavailable
from realtime.metrics import Metrics
from storage.database import Database
from storage.errors import Busy
from storage.messages import write_batch
from storage.records import ConversationId, Draft, Written

log = logging.getLogger(__name__)

# Two: one on its way to the disk, one being worked out. More only shrink batches.
IN_FLIGHT = 2
BATCH_DRAFTS = 500
BATCH_CHARS = 1_000_000
# Some seconds of work; beyond it an honest "try again" beats a longer wait.
QUEUED_DRAFTS = 20_000


class Settled(NamedTuple):
    """What became of a draft; where it is new, also as the wire shows it."""

    written: Written
    message: bytes | None


Settle = Callable[[Sequence[Draft], Sequence[Written]], Sequence[bytes | None]]
_Waiting = tuple[Draft, "asyncio.Future[Settled]"]


class Batcher:
    """
    Takes drafts, gives each a `Settled`.

    `committed(drafts, written)` is called once for each batch, right after its commit
    and before any of its futures resolves: that is where it is announced. It gives the
    messages that are new as it has encoded them, so that this is done only once.
    """

    def __init__(
        self, database: Database, node_id: UUID, metrics: Metrics, committed: Settle
    ) -> None:
        self._database = database
        self._node_id = node_id
        self._metrics = metrics
        self._committed = committed
        self._queue: deque[_Waiting] = deque()
        self._busy: set[ConversationId] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_scheduled = False
        self._is_closed = False

    def submit(self, draft: Draft) -> "asyncio.Future[Settled]":
        """
        Queue a draft; the future gives what became of it.

        The future raises `Unavailable` where it is not known whether the draft was
        committed: sending it again with its client id is safe and finds out.
        """
        future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        if self._is_closed or len(self._queue) >= QUEUED_DRAFTS:
            future.set_exception(Unavailable(retry_after_ms=1000))
            return future
        self._queue.append((draft, future))
        self._schedule()
        return future

    async def close(self) -> None:
        """Commit what was submitted, then take no more."""
        self._is_closed = True
        while self._tasks or self._queue:
            self._start()
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def _schedule(self) -> None:
        """Start a batch when this turn of the loop has brought all its sends."""
        if not self._is_scheduled and len(self._tasks) < IN_FLIGHT:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._is_scheduled = False
        while len(self._tasks) < IN_FLIGHT:
            batch = self._gather()
            if not batch:
                return
            task = asyncio.get_running_loop().create_task(self._commit(batch))
            self._tasks.add(task)
            task.add_done_callback(self._finish)

    def _finish(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._schedule()

    def _gather(self) -> list[_Waiting]:
        """Take what fits; what belongs to a conversation in flight stays, in order."""
        batch: list[_Waiting] = []
        kept: deque[_Waiting] = deque()
        # Two drafts with one client id must not meet in one statement.
        client_ids: set[tuple[UUID, UUID]] = set()
        waiting: set[ConversationId] = set()
        chars = 0
        while self._queue and len(batch) < BATCH_DRAFTS and chars < BATCH_CHARS:
            draft, future = self._queue.popleft()
            key = (draft.sender_id, draft.client_id)
            conversation = draft.conversation_id
            if (
                conversation in self._busy
                or conversation in waiting
                or key in client_ids
            ):
                waiting.add(conversation)
                kept.append((draft, future))
                continue
            client_ids.add(key)
            chars += len(draft.body) + len(draft.attachments) + len(draft.metadata)
            batch.append((draft, future))
        kept.extend(self._queue)
        self._queue = kept
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        conversations = {draft.conversation_id for draft, _ in batch}
        self._busy |= conversations
        try:
            await self._write(batch)
        except Busy:
            _fail(batch, Unavailable)
        except Exception:
            # One bad draft must not take its neighbours down: each alone.
            log.exception("batch failed", extra={"drafts": len(batch)})
            await self._write_singly(batch)
        finally:
            self._busy -= conversations

    async def _write_singly(self, batch: list[_Waiting]) -> None:
        if len(batch) == 1:
            _fail(batch, Internal)
            return
        for one in batch:
            try:
                await self._write([one])
            except Busy:
                _fail([one], Unavailable)
            except Exception:
                log.exception("draft failed", extra={"draft": str(one[0].id)})
                _fail([one], Internal)

    async def _write(self, batch: list[_Waiting]) -> None:
        drafts = [draft for draft, _ in batch]
        started = time.perf_counter()
        async with self._database.hot() as connection:
            written = await write_batch(connection, self._node_id, drafts)
        self._metrics.commit_seconds.observe(time.perf_counter() - started)
        self._metrics.batch_size.observe(len(batch))
        messages = self._committed(drafts, written)
        for (_, future), outcome, message in zip(batch, written, messages, strict=True):
            # Who stopped waiting, because their socket went, has been written too.
            if not future.done():
                future.set_result(Settled(outcome, message))


def _fail(batch: Sequence[_Waiting], problem: type[Exception]) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(problem())
