"""
What has to be done now and then, whoever is connected: ending threads, forgetting.

Any number of these may run: every chore takes only what nobody else is taking.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import uuid4

from realtime.actions.threads import tell_lives
from realtime.actions.uploads import remove_discarded
from realtime.clock import system_clock
from realtime.file_stores import file_store
from realtime.recount import SpotChecks
from realtime.settings import Settings
from storage import feed, happenings
from storage.database import Database
from storage.errors import Busy
from storage.keys import forget_answers
from storage.unit_of_work import begin

log = logging.getLogger(__name__)

Chore = Callable[[], Awaitable[int]]

# protocol.md, section 3: an idempotency key holds for a day.
ANSWERS_KEPT_FOR = timedelta(hours=24)

ROUND_SECONDS = 60.0

# A thousand conversations at a time: often enough for who reads the metrics, little
# enough for nobody to notice.
COUNTS_SECONDS = 3600.0

# Threads that one transaction ends: each is told to all who take part.
_THREADS = 100


class Worker:
    """Does every chore once a round until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._id = uuid4()
        self._id = uuid4()
        self._database = database
        self._files = file_store(settings, system_clock)
        self._feed_kept_for = settings.feed_keep_seconds
        self._audit_days = settings.audit_keep_days
        self._events_days = settings.domain_events_keep_days
        self._round_seconds = round_seconds
        self._spot_checks = SpotChecks(partial(begin, database, self._id))
        self._counts_at = 0.0
        self._is_told_to_stop = asyncio.Event()
        self.chores: Mapping[str, Chore] = {
            "threads": self._end_threads,
            "feed": self._forget_feed,
            "idempotency_keys": self._forget_answers,
            "logs": self._forget_logs,
            "uploads": self._remove_uploads,
            "counts": self._check_counts,
        }

    async def work(self) -> None:
        """
        Go round until `stop`; the round that runs is finished.

        A database that is away is waited for; what else goes wrong in a chore is
        logged and keeps no other chore from being done.
        """
        while not self._is_told_to_stop.is_set():
            await self.go_round()
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._is_told_to_stop.wait(), self._round_seconds
                )
        if self._files is not None:
            await self._files.close()

    def stop(self) -> None:
        """Have `work` return soon."""
        self._is_told_to_stop.set()

    async def go_round(self) -> None:
        """Do every chore once."""
        for name, chore in self.chores.items():
            try:
                count = await chore()
            except Busy as error:
                log.warning("chore put off", extra={"chore": name, "cause": str(error)})
            except Exception:
                log.exception("chore failed", extra={"chore": name})
            else:
                if count:
                    log.info("chore done", extra={"chore": name, "rows": count})

    async def _end_threads(self) -> int:
        """Close and archive the threads whose day has come, a few in a transaction."""
        count = 0
        while True:
            # The nodes find what is announced here by their sweeps.
            async with begin(self._database, self._id) as work:
                lives = await work.threads.end_due(_THREADS)
                if lives:
                    await tell_lives(work, lives)
            count += len(lives)
            if len(lives) < _THREADS:
                return count

    async def _forget_feed(self) -> int:
        async with self._database.hot() as connection:
            return await feed.forget(connection, self._feed_kept_for)

    async def _check_counts(self) -> int:
        if time.monotonic() < self._counts_at:
            return 0
        tally = await self._spot_checks.check()
        self._counts_at = time.monotonic() + COUNTS_SECONDS
        if tally.left:
            log.warning("counts are wrong", extra={"kinds": tally.left_by_kind()})
        return len(tally.left)

    async def _remove_uploads(self) -> int:
        if self._files is None:
            return 0
        async with begin(self._database, self._id) as work:
            return await remove_discarded(work, self._files)

    async def _forget_logs(self) -> int:
        async with self._database.hot() as connection:
            return await happenings.forget(
                connection, self._audit_days, self._events_days
            )

    async def _forget_answers(self) -> int:
        async with self._database.hot() as connection:
            return await forget_answers(connection, ANSWERS_KEPT_FOR.total_seconds())
