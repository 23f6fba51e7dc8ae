"""
What has to be done whoever is connected: telling people, ending threads, forgetting.

A chore is done now and then; a line is worked on all the time, a piece after the other,
beside the other lines. Any number of workers may run: every chore and every line takes
only what nobody else is taking.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import uuid4

from realtime.actions.threads import tell_lives
from realtime.actions.uploads import remove_discarded
from realtime.clock import Clock, system_clock
from realtime.file_stores import file_store
from realtime.notifications import job_alerts, reminders
from realtime.notifications.broadcasts import BroadcastLine
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.delivering import DeliveryLine
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.digests import DigestLine
from realtime.notifications.events import EventLine
from realtime.notifications.notifier import Notifier
from realtime.notifications.notifiers import build_notifiers
from realtime.notifications.relay import UnclaimedChore
from realtime.notifications.releasing import Releaser
from realtime.notifications.triggers import CONSUMER as NOTIFICATIONS
from realtime.notifications.triggers import Triggers
from realtime.presence import Finder
from realtime.push.building import DeviceChore
from realtime.recount import SpotChecks
from realtime.retention import RetentionChore
from realtime.settings import Settings
from realtime.webhooks.fanning import CONSUMER as WEBHOOKS
from realtime.webhooks.fanning import fan_out
from realtime.webhooks.sending import WebhookLine
from realtime.webhooks.tidying import WebhookChore
from storage import feed, happenings
from storage.database import Database
from storage.errors import Busy
from storage.keys import forget_answers
from storage.unit_of_work import begin

log = logging.getLogger(__name__)

Chore = Callable[[], Awaitable[int]]
# Does the next piece; tells whether there is more to do at once.
Line = Callable[[], Awaitable[bool]]

# protocol.md, section 3: an idempotency key holds for a day.
ANSWERS_KEPT_FOR = timedelta(hours=24)

ROUND_SECONDS = 60.0

# How long something new may lie before a line looks again.
IDLE_SECONDS = 0.5

# A line that failed is not hurried.
_AFTER_FAILURE_SECONDS = 5.0

# A thousand conversations at a time: often enough for who reads the metrics, little
# enough for nobody to notice.
COUNTS_SECONDS = 3600.0

# Threads that one transaction ends: each is told to all who take part.
_THREADS = 100


class Worker:
    """
    Works on all lines and does every chore once a round, until it is told to stop.

    `presence` tells who is there just now; without it nobody is, as far as this knows.
    `notifiers` take the place of those that the settings configure.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        presence: Finder | None = None,
        clock: Clock = system_clock,
        round_seconds: float = ROUND_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        notifiers: Sequence[Notifier] | None = None,
    ) -> None:
        self._id = uuid4()
        self._settings = settings
        self._database = database
        self._presence = presence
        self._clock = clock
        self._transactions = partial(begin, database, self._id)
        self._files = file_store(settings, clock)
        self._feed_kept_for = settings.feed_keep_seconds
        self._audit_days = settings.audit_keep_days
        self._events_days = settings.domain_events_keep_days
        self._round_seconds = round_seconds
        self._idle_seconds = idle_seconds
        self._spot_checks = SpotChecks(self._transactions)
        self._counts_at = 0.0
        self._is_told_to_stop = asyncio.Event()
        self.metrics = DeliveryMetrics()
        self._webhooks = WebhookLine(
            self._transactions,
            clock,
            hosts=settings.webhook_hosts,
            pause_after=timedelta(days=settings.webhook_pause_days),
            metrics=self.metrics,
        )
        self.chores: Mapping[str, Chore] = {
            "threads": self._end_threads,
            "feed": self._forget_feed,
            "idempotency_keys": self._forget_answers,
            "logs": self._forget_logs,
            "uploads": self._remove_uploads,
            "counts": self._check_counts,
            "retention": RetentionChore(self._transactions, clock, settings),
            "devices": DeviceChore(self._transactions, clock, settings),
            "unclaimed": UnclaimedChore(self._transactions, clock, settings),
            "webhooks": WebhookChore(self._transactions, clock, settings),
        }
        catalogue = load_catalogue(settings.catalogue)
        self._notifiers = (
            build_notifiers(settings, self._transactions, clock)
            if notifiers is None
            else notifiers
        )
        releaser = Releaser(
            self._transactions,
            self._notifiers,
            clock,
            presence,
            settings,
            catalogue,
            metrics=self.metrics,
        )
        self.lines: Mapping[str, Line] = {
            "events": EventLine(
                NOTIFICATIONS, self._transactions, Triggers(catalogue), clock
            ),
            "broadcasts": BroadcastLine(self._transactions, catalogue, clock),
            "digests": DigestLine(self._transactions, catalogue, clock),
            "deliveries": DeliveryLine(
                releaser,
                self._notifiers,
                at_once=settings.delivery_concurrency,
                metrics=self.metrics,
                is_stopping=self._is_told_to_stop.is_set,
            ),
            "job_alert_events": EventLine(
                job_alerts.CONSUMER, self._transactions, job_alerts.find, clock
            ),
            "job_alerts": job_alerts.JobAlertLine(self._transactions, catalogue, clock),
            "reminder_events": EventLine(
                reminders.CONSUMER,
                self._transactions,
                reminders.ReminderPlans(catalogue),
                clock,
            ),
            "reminders": reminders.ReminderLine(self._transactions, catalogue, clock),
            "webhook_events": EventLine(WEBHOOKS, self._transactions, fan_out, clock),
            "webhooks": self._webhooks,
        }

    async def work(self) -> None:
        """
        Work until `stop`; what was begun is finished.

        A database that is away is waited for; what else goes wrong in one chore or line
        is logged and keeps no other from being done.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._go_round_and_round())
                for name, line in self.lines.items():
                    group.create_task(self._work_on(name, line))
        finally:
            for notifier in self._notifiers:
                await notifier.close()
            await self._webhooks.close()
            if self._files is not None:
                await self._files.close()

    async def _go_round_and_round(self) -> None:
        while not self._is_told_to_stop.is_set():
            await self.go_round()
            await self._rest(self._round_seconds)

    async def _work_on(self, name: str, line: Line) -> None:
        while not self._is_told_to_stop.is_set():
            try:
                rest = 0.0 if await line() else self._idle_seconds
            except Busy as error:
                log.warning("line waits", extra={"line": name, "cause": str(error)})
                rest = _AFTER_FAILURE_SECONDS
            except Exception:
                log.exception("line failed", extra={"line": name})
                rest = _AFTER_FAILURE_SECONDS
            await self._rest(rest)

    async def _rest(self, seconds: float) -> None:
        if not seconds:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_told_to_stop.wait(), seconds)

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
            async with self._transactions() as work:
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
        async with self._transactions() as work:
            return await remove_discarded(work, self._files)

    async def _forget_logs(self) -> int:
        async with self._database.hot() as connection:
            return await happenings.forget(
                connection, self._audit_days, self._events_days
            )

    async def _forget_answers(self) -> int:
        async with self._database.hot() as connection:
            return await forget_answers(connection, ANSWERS_KEPT_FOR.total_seconds())
