"""What came of a delivery: written down once, each in a transaction of its own."""

import random
from datetime import datetime, timedelta
from uuid import UUID

from realtime.clock import Clock
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.digests import settle_carried
from realtime.notifications.masking import without_targets
from realtime.notifications.notifier import Outcome, Rejected, Retry, Sent, Skipped
from realtime.settings import Settings
from realtime.work import Transactions
from storage.deliveries import Released
from storage.unit_of_work import UnitOfWork

# Doubled with each attempt, and by lot below that (full jitter), so that what failed
# together does not come back together.
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 7
# By lot it could also be at once.
_SHORTEST_PAUSE = timedelta(seconds=1)

# What the other side asks for is followed no further than this.
_LONGEST_ASKED = timedelta(hours=6)

_ERROR_CHARS = 500


def pause_after(attempts: int, asked: timedelta | None) -> timedelta:
    """Say how long to wait after so many attempts: by lot, and as was asked."""
    most = min(
        _LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(max(attempts - 1, 0), _DOUBLINGS))
    )
    pause = max(_SHORTEST_PAUSE, most * random.random())  # noqa: S311 - no secret
    return pause if asked is None else max(pause, min(asked, _LONGEST_ASKED))


class Recorder:
    """Writes down outcomes, and what follows from them."""

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        settings: Settings,
        metrics: DeliveryMetrics,
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._attempts = {
            "push": settings.push_attempts,
            "email": settings.email_attempts,
        }
        self._metrics = metrics

    async def record(
        self,
        delivery_id: UUID,
        outcome: Outcome,
        *,
        attempt: int | None,
        is_delivered: bool,
    ) -> bool:
        """
        Write down what came of one; see `Releaser.record`.

        Raises:
            Unavailable: The database is away.
        """
        now = self._clock()
        async with self._transactions() as work:
            delivery = await work.deliveries.released(delivery_id)
            if delivery is None or not _may_record(delivery, outcome, attempt):
                return False
            if isinstance(outcome, Retry):
                outcome = self._or_give_up(delivery, outcome, now)
            await self._write(work, delivery, outcome, now, is_delivered=is_delivered)
        self._count(delivery, outcome)
        return True

    def _or_give_up(
        self, delivery: Released, outcome: Retry, now: datetime
    ) -> Retry | Rejected | Skipped:
        """Try again, unless that was the last time or it would help nobody any more."""
        if delivery.attempts >= self._attempts[delivery.channel]:
            return Rejected(outcome.reason)
        pause = pause_after(delivery.attempts, outcome.after)
        if delivery.expires_at is not None and now + pause >= delivery.expires_at:
            return Skipped("expired")
        return Retry(outcome.reason, pause)

    async def _write(
        self,
        work: UnitOfWork,
        delivery: Released,
        outcome: Outcome,
        now: datetime,
        *,
        is_delivered: bool,
    ) -> None:
        is_gone = isinstance(outcome, Rejected) and outcome.is_target_gone
        if is_gone and delivery.device_id is not None:
            # The device takes with it what waits for it.
            await work.devices.gone(delivery.device_id, now)
        if isinstance(outcome, Sent):
            await work.deliveries.sent(
                delivery.id,
                now,
                provider_id=outcome.provider_id,
                is_delivered=is_delivered,
            )
        elif isinstance(outcome, Retry):
            assert outcome.after is not None  # noqa: S101 - `_or_give_up` says when
            await work.deliveries.again(
                delivery.id, _said(outcome.reason), now + outcome.after, now
            )
        elif isinstance(outcome, Rejected):
            reason = _said(outcome.reason)
            await work.deliveries.ended(
                delivery.id, "failed", reason, now, error=reason
            )
        else:
            await work.deliveries.ended(delivery.id, "skipped", outcome.reason, now)
        if delivery.digest_id is not None:
            await settle_carried(work, delivery.id, outcome, now)

    def _count(self, delivery: Released, outcome: Outcome) -> None:
        if isinstance(outcome, Sent):
            self._metrics.count_sent(delivery.channel, delivery.class_)
        elif isinstance(outcome, Retry):
            self._metrics.count_retry(delivery.channel)
        elif isinstance(outcome, Rejected):
            self._metrics.count_failed(delivery.channel)
        else:
            self._metrics.count_skipped(delivery.channel, outcome.reason)


def _may_record(delivery: Released, outcome: Outcome, attempt: int | None) -> bool:
    if delivery.status != "sending":
        return False
    # What has left has left, whoever has taken it since.
    return attempt in {None, delivery.attempts} or isinstance(outcome, Sent)


def _said(text: str) -> str:
    """Keep what the other side has said, without where that went."""
    return without_targets(text)[:_ERROR_CHARS]
