"""
Carrying webhooks: what is due is taken, signed, posted, and what came of it recorded.

At least once: a worker that dies between sending and recording leaves a lease that
lapses, and the event comes again under the same `webhook-id`.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import orjson

from realtime.clock import Clock
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.outgoing import NotPublic, public_client
from realtime.webhooks.schedule import (
    ATTEMPTS,
    Answer,
    Resting,
    next_attempt,
    read_retry_after,
)
from realtime.webhooks.signing import headers_of
from realtime.work import Transactions
from storage.unit_of_work import UnitOfWork
from storage.webhook_deliveries import Due

log = logging.getLogger(__name__)

# Under way at once, of all endpoints and of one.
CONCURRENCY = 50
EACH = 5

_TIMEOUT = httpx.Timeout(20, connect=10)
_WITHIN_SECONDS = 20.0
# Longer than sending and recording may take.
LEASE = timedelta(seconds=90)
# What has come meanwhile does not wait for what is under way.
_LOOK_AGAIN_SECONDS = 0.5
# The other lines of a worker need connections to the database too.
_RECORDING = 3
# What is read of an answer, so that a connection can be used again, and thrown away.
_ANSWER_BYTES = 1024
_SKIM_SECONDS = 1.0

_USER_AGENT = "Callboard-Webhooks/1"


class WebhookLine:
    """
    A line of the worker: begins what is due and lets it go on beside the line.

    So an endpoint that takes its time holds up no other. At most `CONCURRENCY` are
    under way, and at most `EACH` to one endpoint; `settle` waits for all of them.
    """

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        *,
        hosts: Collection[str] = (),
        pause_after: timedelta,
        metrics: DeliveryMetrics,
        concurrency: int = CONCURRENCY,
        each: int = EACH,
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._pause_after = pause_after
        self._concurrency = concurrency
        self._each = each
        self._under_way: set[asyncio.Task[None]] = set()
        self._recording = asyncio.Semaphore(_RECORDING)
        self._resting = Resting()
        self._hosts = hosts
        self._metrics = metrics
        self._http: httpx.AsyncClient | None = None

    async def __call__(self) -> bool:
        """
        Begin what is due, as far as there is room; tells whether there was some.

        Raises:
            Busy: The database is away or busy; what was taken lapses.
        """
        room = self._concurrency - len(self._under_way)
        if not room:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            return True
        lease, now = uuid4(), self._clock()
        async with self._transactions() as work:
            taken = await work.webhook_deliveries.claim(
                lease,
                now=now,
                until=now + LEASE,
                limit=room,
                each=self._each,
                attempts=ATTEMPTS,
                resting=self._resting.at(now),
            )
        for due in taken:
            task = asyncio.create_task(self._carry(due, lease))
            self._under_way.add(task)
            task.add_done_callback(self._finish)
        if taken or not self._under_way:
            return bool(taken)
        # An endpoint may have more waiting than it is sent at once.
        done, _ = await asyncio.wait(
            self._under_way,
            timeout=_LOOK_AGAIN_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        return bool(done)

    async def settle(self) -> None:
        """Wait for all that is under way, which is a matter of seconds."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        """
        Finish what is under way and let go of connections.

        Who cannot wait for that and cancels it ends all at once; leases lapse.
        """
        try:
            await self.settle()
        finally:
            for task in self._under_way:
                task.cancel()
            http, self._http = self._http, None
            if http is not None:
                await http.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        # Made when it is needed: reading the certificates of the world takes a while.
        if self._http is None:
            self._http = public_client(
                self._hosts,
                timeout=_TIMEOUT,
                connections=self._concurrency,
                keep=self._concurrency // 2,
            )
        return self._http

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease lapses, and it comes again.
            log.error("webhook not recorded", exc_info=error)

    async def _carry(self, due: Due, lease: UUID) -> None:
        answer = await self._post(due)
        self._metrics.count_webhook(answer.outcome)
        now = self._clock()
        self._resting.note(due.endpoint_id, now, has_failed=not answer.is_taken)
        async with self._recording, self._transactions() as work:
            if answer.is_taken:
                await work.webhook_deliveries.delivered(
                    due, lease, answer.status or 0, now
                )
                await work.webhooks.recovered(due.endpoint_id)
            else:
                await self._record_failure(work, due, lease, answer, now)

    async def _record_failure(
        self, work: UnitOfWork, due: Due, lease: UUID, answer: Answer, now: datetime
    ) -> None:
        await work.webhook_deliveries.failed(
            due,
            lease,
            reason=answer.why,
            response_status=answer.status,
            next_at=next_attempt(answer, due.attempts, now),
        )
        since = await work.webhooks.failing(due.endpoint_id, now)
        log.info(
            "webhook failed",
            extra={
                "webhook": str(due.endpoint_id),
                "event_id": str(due.event_id),
                "attempt": due.attempts,
                "cause": answer.why,
            },
        )
        if answer.is_gone:
            await pause(work, due.endpoint_id, "gone", now)
        elif now - since >= self._pause_after:
            await pause(work, due.endpoint_id, "failing", now)

    async def _post(self, due: Due) -> Answer:
        """Post one event; whatever the other side does is an answer."""
        body = orjson.dumps(due.payload, option=orjson.OPT_SORT_KEYS).decode()
        headers = headers_of(due.secrets, message_id(due), body, self._clock())
        headers |= {
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "identity",
        }
        try:
            async with (
                asyncio.timeout(_WITHIN_SECONDS),
                self._client.stream(
                    "POST", due.url, content=body.encode(), headers=headers
                ) as answer,
            ):
                await _skim(answer)
                after = read_retry_after(
                    answer.status_code,
                    answer.headers.get("Retry-After"),
                    self._clock(),
                )
                return Answer(answer.status_code, retry_after=after)
        except NotPublic:
            return Answer(reason="not_public")
        except (httpx.TimeoutException, TimeoutError):
            return Answer(reason="timeout")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            return Answer(reason="unreachable")


async def _skim(answer: httpx.Response) -> None:
    """Read a little of an answer that nobody is interested in: its status says all."""
    count = 0
    try:
        async with asyncio.timeout(_SKIM_SECONDS):
            async for part in answer.aiter_raw():
                count += len(part)
                if count > _ANSWER_BYTES:
                    return
    except (TimeoutError, httpx.HTTPError, httpx.StreamError):
        # Then the connection is not used again, and that is all.
        return


def message_id(due: Due) -> str:
    """
    Name what is sent: the same in each attempt and replay, by which receivers know it.

    Ids of events begin again where a database is restored, transactions do not repeat
    with the same.
    """
    if not due.event_xid:
        return f"test_{-due.event_id}"
    return f"evt_{due.event_xid}_{due.event_id}"


async def pause(work: UnitOfWork, endpoint: UUID, reason: str, now: datetime) -> None:
    """Pause an endpoint by itself, and say so once."""
    if await work.webhooks.pause(endpoint, reason, now):
        work.happen("webhook.paused", {"webhook_id": endpoint}, {"reason": reason})
        log.warning("webhook paused", extra={"webhook": str(endpoint), "cause": reason})
