"""
Digests: what is gathered of somebody's hour, day or week leaves together, once.

Deliveries in a digest mode wait with `due_at` at their digest's moment. When it has
come, one transaction under the lock of the person's settings makes the digest (unique
per person, frequency and local period), plans a delivery that carries it, and puts what
is due into that. A worker that dies in the middle leaves nothing of it, and the next
one does the whole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from realtime.clock import Clock
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.facts import Facts
from realtime.notifications.notifier import Outcome, Rejected, Retry, Sent
from realtime.notifications.preferences import resolve
from realtime.notifications.schedule import last_period, next_digest, realign
from realtime.work import Transactions
from storage.digests import Carrier, Digest, Waiting
from storage.preferences import NotificationSettings, PreferenceRow
from storage.records import UserId
from storage.releases import Claimed
from storage.unit_of_work import UnitOfWork

# Deliveries that are looked at for whose digests are due, in one transaction.
_AT_A_TIME = 200

# The digest's class is the one that most has to arrive of what it carries.
_CLASSES = ("service", "alert", "promotion")


class DigestLine:
    """Makes the digests that are due; any number of workers may."""

    def __init__(
        self, transactions: Transactions, catalogue: Catalogue, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._catalogue = catalogue
        self._clock = clock

    async def __call__(self) -> bool:
        """
        Make the digests of some people, and tell whether it was worth it.

        People about whom somebody else is deciding are left for the next time.

        Raises:
            Busy: The database is away.
        """
        now = self._clock()
        async with self._transactions() as work:
            due = await work.digests.due(now, _AT_A_TIME)
            if not due:
                return False
            people = await work.preferences.lock(due, now, skip_locked=True)
            if people:
                await gather(work, self._catalogue, people, now)
        return bool(people)


async def gather(
    work: UnitOfWork, catalogue: Catalogue, people: Collection[UserId], now: datetime
) -> None:
    """Decide what becomes of all that is due in digests of people who are locked."""
    settings = await work.preferences.settings_of(people)
    rows = await work.preferences.of(people)
    ready: dict[tuple[UserId, str], list[Waiting]] = defaultdict(list)
    for waiting in await work.digests.waiting(people, now):
        user = waiting.user_id
        is_ready = await _look_again(
            work, catalogue, waiting, settings[user], rows[user], now
        )
        if is_ready:
            ready[user, waiting.mode].append(waiting)
    if ready:
        await _make(work, settings, ready, now)


async def _look_again(
    work: UnitOfWork,
    catalogue: Catalogue,
    waiting: Waiting,
    settings: NotificationSettings,
    rows: Sequence[PreferenceRow],
    now: datetime,
) -> bool:
    """Tell whether these leave with the digest that is due; else see to them."""
    entry = catalogue.get(waiting.type)
    if entry is None:
        await work.digests.skip(waiting, "unknown_type", now)
        return False
    mode = resolve(entry, rows)[waiting.channel].mode
    if mode == "off":
        await work.digests.skip(waiting, "preference_off", now)
        return False
    if mode != waiting.mode and not waiting.is_folded:
        due_at = now if mode == "instant" else next_digest(mode, settings, now)
        await work.digests.move(waiting, mode, due_at, "preference", now)
        return False
    due_at = realign(waiting.mode, settings, waiting.due_at, now)
    if due_at > now:
        await work.digests.move(waiting, waiting.mode, due_at, "schedule", now)
        return False
    return True


async def _make(
    work: UnitOfWork,
    settings: Mapping[UserId, NotificationSettings],
    ready: Mapping[tuple[UserId, str], Sequence[Waiting]],
    now: datetime,
) -> None:
    """Make the digests of these periods; where one has been, all waits for the next."""
    wanted = []
    for user, mode in ready:
        period = last_period(mode, settings[user], now)
        wanted.append(Digest(user, mode, period.name, period.due_at))
    made = await work.digests.create(wanted, now)
    planned: list[tuple[Carrier, Sequence[Waiting]]] = []
    for (user, mode), carried in ready.items():
        digest = made.get((user, mode))
        if digest is None:
            due_at = next_digest(mode, settings[user], now)
            for waiting in carried:
                await work.digests.move(waiting, mode, due_at, "period_done", now)
        else:
            planned += _carriers(digest, user, mode, carried)
    if planned:
        await work.digests.plan(planned, now)


def _carriers(
    digest: UUID, user: UserId, mode: str, carried: Sequence[Waiting]
) -> Iterator[tuple[Carrier, Sequence[Waiting]]]:
    """Give what carries a digest: one delivery to the address and to each device."""
    targets: dict[tuple[str, UUID | None], list[Waiting]] = defaultdict(list)
    for waiting in carried:
        targets[waiting.channel, waiting.device_id].append(waiting)
    for (channel, device), together in targets.items():
        class_ = min((each.class_ for each in together), key=_CLASSES.index)
        yield Carrier(digest, user, channel, device, class_, mode), together


async def replan(work: UnitOfWork, user: UserId, now: datetime) -> None:
    """
    Plan anew what waits for digests of somebody whose zone or time has changed.

    What has been planned for a day or a week leaves with the digest of the same, where
    that is yet to come by the new time; else when it was planned.
    """
    settings = (await work.preferences.settings_of([user]))[user]
    for waiting in await work.digests.waiting([user]):
        due_at = realign(waiting.mode, settings, waiting.due_at, now)
        if due_at != waiting.due_at:
            await work.digests.move(waiting, waiting.mode, due_at, "schedule", now)


async def put_back(work: UnitOfWork, carrier: Claimed, facts: Facts) -> None:
    """Have what was not looked at, of all that a digest carries, wait for the next."""
    looked_at = [item.id for item in facts.items[carrier.id]]
    due_at = next_digest(carrier.mode, facts.settings[carrier.user_id], facts.now)
    await work.digests.put_back(carrier.id, looked_at, due_at, facts.now)


async def settle_carried(
    work: UnitOfWork, carrier: UUID, outcome: Outcome, now: datetime
) -> int:
    """
    Let what a digest carries end as its delivery has; gives how many there were.

    What was left out when it was released has its own reason already and keeps it. A
    delivery that is tried again goes on carrying.
    """
    if isinstance(outcome, Retry):
        return 0
    if isinstance(outcome, Sent):
        return await work.digests.settle(carrier, "sent", None, now)
    status = "failed" if isinstance(outcome, Rejected) else "skipped"
    return await work.digests.settle(carrier, status, outcome.reason, now)
