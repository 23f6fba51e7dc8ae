"""
How something follows the domain events: each once, in order, by any number of workers.

A consumer has a name and a position. What it does with a page of events commits with
its position, so that a worker that dies has done nothing, and nothing is done twice.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from time import monotonic

from realtime.clock import Clock
from realtime.work import Transactions
from storage.domain_events import DomainEvent, Position
from storage.errors import Busy
from storage.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

Handle = Callable[[UnitOfWork, Sequence[DomainEvent], datetime], Awaitable[None]]

PAGE = 100

# Whoever reads domain events waits for the oldest transaction that is open: a page that
# takes longer than this makes the next half as long, one that takes a quarter twice.
LONG_SECONDS = 1.0

# What a database that is busy refused so often is looked at event by event.
_PATIENCE = 3


class EventLine:
    """
    A line of the worker: hands the next domain events to `handle`.

    A new consumer begins with what happens from then on. One worker at a time moves a
    consumer; the others find nothing to do. Where handling a page fails, its events
    are handled one by one, and one that fails by itself is left out, logged and
    written into the audit log (`consumer.skipped`) with its id and type, so that it
    does not stop what comes behind it. A page that takes long makes the next a shorter
    one, down to one event, because others wait for its transaction; `measure` gives
    seconds.
    """

    def __init__(
        self,
        name: str,
        transactions: Transactions,
        handle: Handle,
        clock: Clock,
        *,
        measure: Callable[[], float] = monotonic,
    ) -> None:
        self._name = name
        self._transactions = transactions
        self._handle = handle
        self._clock = clock
        self._measure = measure
        self._page = PAGE
        self._refusals = 0

    async def __call__(self) -> bool:
        """
        Handle the next page; tells whether there may be more at once.

        Raises:
            Busy: The database is away or busy; nothing was done.
        """
        page, began = self._page, self._measure()
        async with self._transactions() as work:
            position = await work.consumers.claim(self._name)
            if position is None:
                return False
            events, after = await work.domain_events.after(position, limit=page)
            now = self._clock()
            if events:
                await self._work_on(work, events, now)
            if (after.xid, after.id) != (position.xid, position.id) and (
                events or _is_far(position, after)
            ):
                await work.consumers.move(self._name, after, now)
        self._refusals = 0
        self._page = _next_page(page, self._measure() - began)
        return len(events) == page

    async def _work_on(
        self, work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
    ) -> None:
        is_patient = self._refusals < _PATIENCE
        try:
            async with work.savepoint():
                await self._handle(work, events, now)
        except Busy:
            if is_patient:
                self._refusals += 1
                raise
        except Exception:
            log.exception("page of events failed", extra={"consumer": self._name})
        else:
            return
        for event in events:
            try:
                async with work.savepoint():
                    await self._handle(work, [event], now)
            except Exception as error:
                if isinstance(error, Busy) and is_patient:
                    self._refusals += 1
                    raise
                await self._leave_out(work, event, error)

    async def _leave_out(
        self, work: UnitOfWork, event: DomainEvent, error: Exception
    ) -> None:
        said = {
            "consumer": self._name,
            "event_id": str(event.id),
            "event_type": event.type,
            "error": type(error).__name__,
        }
        log.error("event left out", extra=said)
        await work.audit.add("consumer.skipped", {"event_id": str(event.id)}, said)


def _next_page(page: int, seconds: float) -> int:
    """Say how many events the next page has, after one that took so long."""
    if seconds > LONG_SECONDS:
        return max(1, page // 2)
    return min(PAGE, page * 2) if seconds < LONG_SECONDS / 4 else page


def _is_far(position: Position, after: Position) -> bool:
    """Is it worth a write to remember that nothing happened for so long?"""
    return after.xid - position.xid > PAGE
