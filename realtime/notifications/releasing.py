"""
Releasing: what is due is looked at once more, leaves or does not, and why is kept.

Whoever releases, a worker's line or a relay that leases, goes the same way: claim what
is due, decide person by person under the lock of that person's settings, mark what is
to leave, commit; carry it; write down what came of it.
"""

import logging
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from realtime.clock import Clock
from realtime.errors import Unavailable
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.digests import put_back, settle_carried
from realtime.notifications.facts import Facts, gather
from realtime.notifications.judging import Judge
from realtime.notifications.notifier import Notifier, Outcome, Parcel, Skipped
from realtime.notifications.parcels import pack
from realtime.notifications.preferences import resolve
from realtime.notifications.rechecking import Fold, Go, Hold, Skip, Verdict
from realtime.notifications.recording import Recorder
from realtime.presence import Finder, Found
from realtime.settings import Settings
from realtime.work import Transactions
from storage.deliveries import NewDelivery
from storage.errors import Busy
from storage.ids import uuid7
from storage.records import UserId
from storage.releases import Claimed, Due
from storage.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

# Longer than any notifier takes to answer.
LEASE = timedelta(minutes=2)

# What cannot be decided about is looked at again so much later.
_PUT_OFF = timedelta(minutes=5)

# Of one person so many are decided about at once, so that a storm for one leaves time
# for the others.
_EACH = 10
# Where few people have much, nobody else is kept waiting by more.
_EACH_OF_FEW = 100

# So many of what is due are looked at to find people; where they are few people's,
# all of it is.
_WINDOW = 1000
_ALL = 1_000_000

# So many times as many people are looked at as are taken, so that workers that look at
# the same moment do not all find the same.
_CHOICE = 4

# Of what a digest carries so many leave in one; what is more waits for the next.
MOST_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Page:
    """What leaves now, and of how many deliveries something was decided."""

    parcels: Sequence[Parcel] = ()
    decided: int = 0
    # What was skipped: its channel, and the reason.
    skipped: Sequence[tuple[str, str]] = ()


class Releaser:
    """
    Decides what leaves now, and keeps what came of it.

    `presence` tells who is there; without it nobody is, as far as this knows.
    """

    def __init__(
        self,
        transactions: Transactions,
        notifiers: Sequence[Notifier],
        clock: Clock,
        presence: Finder | None,
        settings: Settings,
        catalogue: Catalogue,
        *,
        metrics: DeliveryMetrics | None = None,
        most_items: int = MOST_ITEMS,
    ) -> None:
        self._transactions = transactions
        self.notifiers = notifiers
        self._clock = clock
        self._presence = presence
        self._settings = settings
        self._catalogue = catalogue
        self._metrics = metrics or DeliveryMetrics()
        self._most_items = most_items
        self._recorder = Recorder(transactions, clock, settings, self._metrics)

    async def release(
        self,
        kinds: Collection[str],
        limit: int,
        *,
        lease_seconds: float | None = None,
    ) -> list[Parcel]:
        """
        Take at most `limit` of what is due and carried by `kinds`, marked `sending`.

        Of one person's device, or address, there is one at a time, so that they leave
        in order. What is not recorded within `lease_seconds` is taken again, with the
        next `attempt`. Where nothing may leave, the list is empty although more may be
        due: ask again.

        Raises:
            Unavailable: The database is away.
        """
        page = await self.release_page(kinds, limit, lease_seconds=lease_seconds)
        return list(page.parcels)

    async def release_page(
        self,
        kinds: Collection[str],
        limit: int,
        *,
        lease_seconds: float | None = None,
    ) -> Page:
        """
        Do what `release` does; also tell how much was decided, to know if to go on.

        Where deciding fails it is done person by person, and what fails for one is put
        off (`internal`), so that it holds up nobody else.

        Raises:
            Unavailable: The database is away.
        """
        now = self._clock()
        due = await self._due(kinds, limit, now)
        if not due:
            return Page()
        found = await self._who_is_there(due)
        lease = LEASE if lease_seconds is None else timedelta(seconds=lease_seconds)
        try:
            page = await self._page(due, found, limit, lease, now)
        except (Busy, Unavailable):
            raise
        except Exception:
            log.exception("deliveries failed")
            page = await self._one_by_one(due, found, limit, lease, now)
        for channel, reason in page.skipped:
            self._metrics.count_skipped(channel, reason)
        return page

    async def _one_by_one(
        self,
        due: Sequence[Due],
        found: Found,
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> Page:
        parcels: list[Parcel] = []
        skipped: list[tuple[str, str]] = []
        decided = 0
        for person in dict.fromkeys(each.user_id for each in due):
            theirs = [each for each in due if each.user_id == person]
            left = limit - len(parcels)
            if not left:
                break
            try:
                page = await self._page(theirs, found, left, lease, now)
            except (Busy, Unavailable):
                raise
            except Exception as error:
                said = {"user": str(person), "error": type(error).__name__}
                log.error("deliveries put off", extra=said)  # noqa: TRY400 - said above
                await self._put_off(theirs, now)
                decided += len(theirs)
                continue
            parcels += page.parcels
            skipped += page.skipped
            decided += page.decided
        return Page(parcels, decided, skipped)

    async def _put_off(self, due: Sequence[Due], now: datetime) -> None:
        async with self._transactions() as work:
            if await work.preferences.lock([due[0].user_id], now, skip_locked=True):
                claimed = await work.releases.take([each.id for each in due], now)
                held = {each.id: (now + _PUT_OFF, "internal") for each in claimed}
                await work.releases.hold(held, now)

    async def _page(
        self,
        due: Sequence[Due],
        found: Found,
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> Page:
        async with self._transactions() as work:
            people = {each.user_id for each in due}
            mine = await work.preferences.lock(people, now, skip_locked=True)
            claimed = await work.releases.take(
                [each.id for each in due if each.user_id in mine], now
            )
            if not claimed:
                return Page()
            facts = await gather(
                work, self._catalogue, claimed, now, most_items=self._most_items
            )
            judge = Judge(
                facts, self._catalogue, self._settings, found, self._most_items
            )
            return await self._decide(work, judge, claimed, limit, now + lease)

    async def record(
        self,
        delivery_id: UUID,
        outcome: Outcome,
        *,
        attempt: int | None = None,
        is_delivered: bool = False,
    ) -> bool:
        """
        Write down what came of a delivery that was released.

        `attempt` is the parcel's: an answer that comes after the lease has lapsed and
        somebody else has taken it changes nothing, unless it was sent. Recording the
        same again changes nothing. `is_delivered`: it has arrived, not only been
        taken. Tells whether there was anything to record.

        Raises:
            Unavailable: The database is away.
        """
        return await self._recorder.record(
            delivery_id, outcome, attempt=attempt, is_delivered=is_delivered
        )

    async def _due(
        self, kinds: Collection[str], limit: int, now: datetime
    ) -> list[Due]:
        """Choose of whom to take what is due: of those who wait longest, by lot."""
        async with self._transactions() as work:
            due, is_full = await work.releases.due(
                kinds, now, window=_WINDOW, each=_EACH
            )
            people = list(dict.fromkeys(each.user_id for each in due))
            if is_full and len(people) < limit:
                due, _ = await work.releases.due(
                    kinds, now, window=_ALL, each=_EACH_OF_FEW
                )
                people = list(dict.fromkeys(each.user_id for each in due))
        first = people[: limit * _CHOICE]
        chosen = set(random.sample(first, min(limit, len(first))))
        return [each for each in due if each.user_id in chosen]

    async def _who_is_there(self, due: Sequence[Due]) -> Found:
        pushed: set[UserId] = {each.user_id for each in due if each.channel == "push"}
        if self._presence is None or not pushed:
            return Found({}, is_whole=False)
        return await self._presence.find(pushed)

    async def _decide(
        self,
        work: UnitOfWork,
        judge: Judge,
        claimed: Sequence[Claimed],
        limit: int,
        until: datetime,
    ) -> Page:
        now = judge.facts.now
        going: dict[object, Claimed] = {}
        verdicts: dict[UUID, Verdict] = {}
        for delivery in judge.in_order(claimed):
            # What is behind something that leaves is decided about when that is out.
            if delivery.lane in going or len(going) == limit:
                continue
            verdict = judge.judge(delivery)
            verdicts[delivery.id] = verdict
            if isinstance(verdict, Go):
                going[delivery.lane] = delivery
            elif isinstance(verdict, Fold):
                await self._fold(work, delivery, verdict, judge.facts)
        reasons = judge.dropped | {
            id_: verdict.reason
            for id_, verdict in verdicts.items()
            if isinstance(verdict, Skip)
        }
        await work.releases.skip(reasons, now)
        for each in claimed:
            # What a digest carries and was not looked at goes no other way.
            if each.digest_id is not None and each.id in reasons:
                await settle_carried(work, each.id, Skipped(reasons[each.id]), now)
        await work.releases.hold(
            {
                id_: (verdict.until, verdict.reason)
                for id_, verdict in verdicts.items()
                if isinstance(verdict, Hold)
            },
            now,
        )
        for each in going.values():
            if each.digest_id is not None and judge.is_long(each):
                await put_back(work, each, judge.facts)
        await work.releases.carried_up_to(judge.carried_up_to)
        await work.releases.leave(
            {each.id: judge.loads[each.id].last_seq for each in going.values()},
            uuid7(),
            until,
            now,
        )
        parcels = await self._pack(work, judge, list(going.values()))
        carried = (item for each in judge.facts.items.values() for item in each)
        return Page(
            parcels,
            len(verdicts),
            [
                (each.channel, reasons[each.id])
                for each in (*claimed, *carried)
                if each.id in reasons
            ],
        )

    async def _fold(
        self, work: UnitOfWork, delivery: Claimed, fold: Fold, facts: Facts
    ) -> None:
        """Put off a mail; a push cannot wait for a digest, so a mail does for it."""
        now = facts.now
        if delivery.channel == "email":
            await work.releases.fold(
                delivery.id,
                fold.mode,
                fold.until,
                fold.reason,
                now,
                is_choice=fold.is_choice,
            )
            return
        await work.releases.skip({delivery.id: fold.reason}, now)
        entry = self._catalogue.get(delivery.type)
        rows = facts.chosen.get(delivery.user_id, ())
        person = facts.people[delivery.user_id]
        is_mailed = any(
            each.channel == "email"
            for each in (
                facts.siblings.get(delivery.notification_id, ())
                if delivery.notification_id
                else facts.courses_of(delivery)
            )
        )
        if (
            entry is None
            or is_mailed
            or not person.email
            or resolve(entry, rows)["email"].mode == "off"
        ):
            return
        await work.deliveries.plan(
            [
                NewDelivery(
                    user_id=delivery.user_id,
                    channel="email",
                    type=delivery.type,
                    class_=delivery.class_,
                    mode=fold.mode,
                    due_at=fold.until,
                    priority=delivery.priority,
                    notification_id=delivery.notification_id,
                    conversation_id=delivery.conversation_id,
                    first_seq=delivery.first_seq,
                    expires_at=delivery.expires_at,
                    reason=fold.reason,
                )
            ],
            now,
        )

    async def _pack(
        self, work: UnitOfWork, judge: Judge, going: Sequence[Claimed]
    ) -> list[Parcel]:
        badges = await work.rechecks.badges(
            {each.user_id for each in going if each.channel == "push"}, judge.facts.now
        )
        return [
            pack(
                each,
                judge.loads[each.id],
                judge.facts,
                collapse_key=_collapse_key(each, judge.facts),
                badge=badges.get(each.user_id, 0),
            )
            for each in going
        ]


def _collapse_key(delivery: Claimed, facts: Facts) -> str:
    """Name what replaces what was shown before, on any device of this person."""
    if delivery.conversation_id is not None:
        return f"conversation:{delivery.conversation_id}"
    if delivery.notification_id is not None:
        subject = facts.subjects[delivery.notification_id]
        return subject.collapse_key or f"notification:{subject.id}"
    return f"digest:{delivery.digest_id}"
