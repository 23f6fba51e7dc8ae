"""
The worker's line that delivers: release, carry, write down, over and over.

Mails and pushes have places of their own, so that a slow mail server holds up no push.
Each outcome is written down as soon as it is there: who is killed in the middle leaves
what was on its way to be carried once more, and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence

from realtime.errors import Unavailable
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.notifier import Notifier, Outcome, Parcel, Retry
from realtime.notifications.releasing import Releaser
from storage.errors import Busy

log = logging.getLogger(__name__)

# A notifier promises to answer within a minute; this is for one that does not.
_PATIENCE_SECONDS = 90.0

# The outcome is written down against a database that is away for a moment.
_RECORD_TRIES = 5
_RECORD_PAUSE_SECONDS = 1.0


class DeliveryLine:
    """Delivers what is due and what the notifiers carry, until nothing is."""

    def __init__(
        self,
        releaser: Releaser,
        notifiers: Sequence[Notifier],
        *,
        at_once: int,
        metrics: DeliveryMetrics,
        is_stopping: Callable[[], bool] = lambda: False,
        lease_seconds: float | None = None,
    ) -> None:
        self._releaser = releaser
        self._notifiers = notifiers
        self._at_once = at_once
        self._metrics = metrics
        self._is_stopping = is_stopping
        self._lease_seconds = lease_seconds

    async def __call__(self) -> bool:
        """
        Deliver what is due; what was begun is finished also when it is to stop.

        Raises:
            Busy, Unavailable: The database is away.
        """
        kinds = frozenset[str]().union(*(each.kinds for each in self._notifiers))
        lanes = [each for each in (kinds & {"email"}, kinds - {"email"}) if each]
        decided = await asyncio.gather(*(self._deliver(each) for each in lanes))
        return any(decided)

    async def _deliver(self, kinds: Collection[str]) -> bool:
        has_decided = False
        begun: set[asyncio.Task[None]] = set()
        try:
            while not self._is_stopping():
                page = await self._releaser.release_page(
                    kinds,
                    self._at_once - len(begun),
                    lease_seconds=self._lease_seconds,
                )
                has_decided = has_decided or bool(page.decided)
                begun |= {
                    asyncio.create_task(self._carry(parcel)) for parcel in page.parcels
                }
                if not begun and not page.decided:
                    break
                if len(begun) == self._at_once or (begun and not page.decided):
                    _, begun = await asyncio.wait(
                        begun, return_when=asyncio.FIRST_COMPLETED
                    )
        finally:
            if begun:
                await asyncio.wait(begun)
        return has_decided

    async def _carry(self, parcel: Parcel) -> None:
        """Carry one, and write down what came of it."""
        kind = "email" if parcel.target is None else parcel.target.kind
        notifier = next(each for each in self._notifiers if kind in each.kinds)
        began = time.perf_counter()
        outcome = await _sent_by(notifier, parcel)
        self._metrics.observe_sending(parcel.channel, time.perf_counter() - began)
        for tries in range(1, _RECORD_TRIES + 1):
            try:
                await self._releaser.record(
                    parcel.delivery_id, outcome, attempt=parcel.attempt
                )
            except (Busy, Unavailable):
                if tries == _RECORD_TRIES:
                    log.warning(
                        "an outcome is lost",
                        extra={"delivery": str(parcel.delivery_id)},
                    )
                    return
                await asyncio.sleep(_RECORD_PAUSE_SECONDS * tries)
            else:
                return


async def _sent_by(notifier: Notifier, parcel: Parcel) -> Outcome:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await notifier.send(parcel)
    except TimeoutError:
        return Retry("timeout")
    except Exception:
        # A fault of ours: nothing that the other side does is raised.
        log.exception("a notifier failed", extra={"delivery": str(parcel.delivery_id)})
        return Retry("internal")
