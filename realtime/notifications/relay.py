"""
The pull feed: what no notifier carries waits here for relays that come for it.

A relay leases what is due, delivers it, and says what came of it. Everything is looked
at once more in the moment of the lease, as before a worker sends. A lease that lapses
lets its deliveries be leased again, so each arrives at least once; of a person's device
(or address) one is out at a time, so that they arrive in order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from realtime.clock import Clock
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.digests import settle_carried
from realtime.notifications.notifier import (
    Channel,
    Outcome,
    Parcel,
    Rejected,
    Retry,
    Sent,
    Skipped,
)
from realtime.notifications.notifiers import kinds_carried
from realtime.notifications.releasing import Releaser
from realtime.presence import Presence
from realtime.settings import Settings
from realtime.work import Transactions
from storage.records import ApiKeyId
from storage.relay import Leased

KINDS: dict[Channel, frozenset[str]] = {
    "push": frozenset({"webpush", "fcm", "apns", "relay"}),
    "email": frozenset({"email"}),
}

# What is looked at and does not leave makes no answer empty while more is due.
_ROUNDS = 20

# Who waits is told within this; of all who wait one looks at a time.
LOOK_SECONDS = 1.0
# More than these are answered at once, and may ask again.
_WAITING = 200

# One chore, bounded; the next round does more.
_UNCLAIMED = 1000

Status = Literal["delivered", "rejected", "retry"]


@dataclass(frozen=True, slots=True)
class Lease:
    """What a relay has now, and until when."""

    parcels: Sequence[Parcel]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What a relay says of one delivery."""

    id: UUID
    status: Status
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What became of one result.

    `recorded` now, `unchanged` because it had been said or had ended before, `unknown`
    where this key does not have it. `status` is the delivery's.
    """

    id: UUID
    outcome: Literal["recorded", "unchanged", "unknown"]
    status: str | None = None


class Relay:
    """What a node has for relays; it keeps nothing but who waits just now."""

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        presence: Presence | None,
        settings: Settings,
        catalogue: Catalogue,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._carried = kinds_carried(settings)
        self.metrics = DeliveryMetrics()
        self._releaser = Releaser(
            transactions,
            (),
            clock,
            presence,
            settings,
            catalogue,
            metrics=self.metrics,
        )
        self._look_seconds = look_seconds
        self._turns = {channel: asyncio.Lock() for channel in KINDS}
        self._waiting = 0

    async def lease(
        self,
        key: ApiKeyId,
        channel: Channel,
        most: int,
        lease: timedelta,
        *,
        wait: timedelta = timedelta(),
        is_gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> Lease:
        """
        Give what is due, at most so much, to this key alone until the lease lapses.

        Where nothing is due, up to `wait` is waited for something, unless whoever asks
        `is_gone`. No connection to the database is held meanwhile, and all who wait
        look once a second together.

        Raises:
            Unavailable: The database is away; what was taken lapses.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        given = await self._take(key, channel, most, lease)
        if self._waiting >= _WAITING:
            return given
        self._waiting += 1
        try:
            while not given.parcels and (left := deadline - loop.time()) > 0:
                if is_gone is not None and await is_gone():
                    break
                turn = self._turns[channel]
                try:
                    async with asyncio.timeout(left):
                        await turn.acquire()
                except TimeoutError:
                    break
                try:
                    left = max(deadline - loop.time(), 0)
                    await asyncio.sleep(min(self._look_seconds, left))
                    given = await self._take(key, channel, most, lease)
                finally:
                    turn.release()
        finally:
            self._waiting -= 1
        return given

    async def _take(
        self, key: ApiKeyId, channel: Channel, most: int, lease: timedelta
    ) -> Lease:
        kinds = KINDS[channel] - self._carried
        until = self._clock() + lease
        parcels: list[Parcel] = []
        for _ in range(_ROUNDS if kinds else 0):
            page = await self._releaser.release_page(
                kinds, most - len(parcels), lease_seconds=lease.total_seconds()
            )
            parcels += page.parcels
            if len(parcels) == most or not page.decided:
                break
        if parcels:
            attempts = {each.delivery_id: each.attempt for each in parcels}
            async with self._transactions() as work:
                await work.relay_leases.stamp(attempts, key, self._clock())
        return Lease(parcels, until)

    async def acknowledge(
        self, key: ApiKeyId, results: Sequence[Result]
    ) -> Sequence[Settled]:
        """
        Write down what a relay says, each by itself and in order.

        Saying the same again changes nothing, and a lease that has lapsed counts until
        somebody else has been given the delivery.

        Raises:
            Unavailable: The database is away; what came before is written down.
        """
        settled: list[Settled] = []
        for result in results:
            async with self._transactions() as work:
                held = (await work.relay_leases.of(key, [result.id])).get(result.id)
            if held is None:
                settled.append(Settled(result.id, "unknown"))
                continue
            has_changed = held.status == "sending" and await self._releaser.record(
                result.id,
                _outcome(result, key),
                attempt=held.attempts,
                is_delivered=True,
            )
            if not has_changed:
                settled.append(Settled(result.id, "unchanged", held.status))
                continue
            settled.append(await self._recorded(key, result, held))
        return settled

    async def _recorded(self, key: ApiKeyId, result: Result, held: Leased) -> Settled:
        async with self._transactions() as work:
            is_rejected = result.status == "rejected" and held.channel == "email"
            if is_rejected and held.email is not None:
                # As for a mail of our own whose mailbox there is not.
                await work.emails.suppress(
                    held.email,
                    "all",
                    "hard_bounce",
                    detail="relay",
                    now=self._clock(),
                )
            after = (await work.relay_leases.of(key, [result.id])).get(result.id)
        return Settled(result.id, "recorded", after.status if after else None)


def _outcome(result: Result, key: ApiKeyId) -> Outcome:
    match result.status:
        case "delivered":
            return Sent(f"relay:{key}")
        case "rejected":
            return Rejected("rejected", is_target_gone=True)
        case "retry":
            return Retry("relay", result.retry_after)


class UnclaimedChore:
    """A chore of the worker: ends what no notifier carries and no relay comes for."""

    def __init__(
        self, transactions: Transactions, clock: Clock, settings: Settings
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._carried: Collection[str] = kinds_carried(settings)
        self._patience = timedelta(hours=settings.relay_patience_hours)

    async def __call__(self) -> int:
        """
        End what has expired or has waited too long, some of it; gives how many.

        Raises:
            Busy: The database is away or busy; nothing was done.
        """
        now = self._clock()
        async with self._transactions() as work:
            found = await work.relay_leases.unclaimed(
                self._carried,
                now=now,
                before=now - self._patience,
                limit=_UNCLAIMED,
            )
            if not found:
                return 0
            people = {each.user_id for each in found}
            mine = await work.preferences.lock(people, now, skip_locked=True)
            ids = [each.id for each in found if each.user_id in mine]
            still = await work.relay_leases.still(ids, now)
            ending = [each for each in found if each.id in still]
            await work.releases.skip({each.id: each.reason for each in ending}, now)
            for each in ending:
                if each.digest_id is not None:
                    await settle_carried(work, each.id, Skipped(each.reason), now)
        return len(ending)
