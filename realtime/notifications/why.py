"""
Why somebody was told, or was not, and what would happen if something happened now.

What would happen is found out by doing it, with the code that does it, in a
transaction that is rolled back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Never
from uuid import UUID

from realtime.clock import Clock
from realtime.errors import Invalid, NotFound
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.deciding import Decision
from realtime.notifications.facts import gather
from realtime.notifications.judging import Judge
from realtime.notifications.planning import Intent, carry_out, plan
from realtime.notifications.preferences import Choice, resolve
from realtime.notifications.rechecking import (
    Fold,
    Go,
    Hold,
    Skip,
    Verdict,
    address_flaw,
    person_flaw,
)
from realtime.notifications.schedule import local_day, next_digest, quiet_until
from realtime.presence import Finder, Found
from realtime.protocol import PresenceStatus
from realtime.settings import Settings
from realtime.work import Transactions
from storage.delivery_log import Entry as Logged
from storage.delivery_log import Reasoned
from storage.records import UserId
from storage.releases import Claimed
from storage.unit_of_work import UnitOfWork

# A notification counted again and again, on many devices, has no more than the newest.
_DELIVERIES = 200

# What one digest carries is beside the question.
_NO_ITEMS = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel stands for somebody at this moment."""

    choice: Choice
    # Until when it is held, as quiet hours and do-not-disturb are now.
    quiet_until: datetime | None
    # Why nothing would leave at all, whatever it says.
    flaw: str | None
    budget: int | None = None
    spent: int | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """What was decided about a notification, what came of it, and how things stand."""

    notification: Reasoned
    deliveries: Sequence[Logged]
    presence: PresenceStatus
    now: dict[str, Standing]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one delivery: `leaves`, `waits`, `digest` or `skipped`."""

    channel: str
    device_id: UUID | None
    outcome: str
    at: datetime | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """What somebody would be told; `reason` where that is nothing at all."""

    user_id: UserId
    reason: str | None
    presence: PresenceStatus
    decisions: dict[str, Decision]
    deliveries: Sequence[Foreseen]


class Support:
    """Answers the questions of a platform's support."""

    def __init__(
        self,
        transactions: Transactions,
        catalogue: Catalogue,
        settings: Settings,
        clock: Clock,
        presence: Finder,
    ) -> None:
        self._transactions = transactions
        self._catalogue = catalogue
        self._settings = settings
        self._clock = clock
        self._presence = presence

    async def why(self, notification: UUID) -> Why:
        """
        Tell why somebody was told of something, or was not.

        Raises:
            NotFound: There is no such notification.
        """
        now = self._clock()
        async with self._transactions(is_snapshot=True) as work:
            found = await work.delivery_log.notification(notification)
            if found is None:
                raise NotFound
            deliveries = await work.delivery_log.of_notification(
                notification, _DELIVERIES
            )
            standing = await self._standing(work, found.user_id, found.type, now)
        presence = await self._presence.find([found.user_id])
        return Why(found, deliveries, presence.of(found.user_id), standing)

    async def dry_run(
        self, intent: Intent, users: Sequence[UserId]
    ) -> Sequence[Prospect]:
        """
        Tell what these people would be told if this happened now; changes nothing.

        Raises:
            Invalid: The catalogue has no such type.
        """
        if self._catalogue.get(intent.type) is None:
            raise Invalid(
                "type: the catalogue has none of this name.",
                details={"types": sorted(self._catalogue.entries)},
            )
        now = self._clock()
        presence = await self._presence.find(users)
        try:
            async with self._transactions() as work:
                await self._foresee(work, intent, users, presence, now)
        except _Undone as undone:
            return undone.prospects
        raise AssertionError("what is only tried was done")

    async def _foresee(
        self,
        work: UnitOfWork,
        intent: Intent,
        users: Sequence[UserId],
        presence: Found,
        now: datetime,
    ) -> Never:
        """
        Do it, look at what has come of it, and take it back.

        Raises:
            _Undone: Always, with what was found.
        """
        unique = list(dict.fromkeys(users))
        intents = [replace(intent, user_id=user) for user in unique]
        planned = await plan(work, self._catalogue, intents, now)
        decided = {each.user.id: dict(each.decisions) for each in planned}
        ids = await carry_out(work, planned, now)
        waiting = await work.delivery_log.waiting_of(ids)
        deliveries: dict[UserId, list[Foreseen]] = {}
        for delivery in waiting:
            foreseen = await self._outcome(work, delivery, presence, now)
            deliveries.setdefault(delivery.user_id, []).append(foreseen)
        people = await work.rechecks.addressees(unique, now)
        prospects = [
            Prospect(
                user,
                None
                if user in decided
                else person_flaw(people.get(user)) or "not_told",
                presence.of(user),
                decided.get(user, {}),
                deliveries.get(user, ()),
            )
            for user in unique
        ]
        raise _Undone(prospects)

    async def _outcome(
        self, work: UnitOfWork, delivery: Claimed, presence: Found, now: datetime
    ) -> Foreseen:
        """Judge one as if it were the moment at which it is first looked at."""
        at = now
        entry = self._catalogue.get(delivery.type)
        if delivery.mode == "instant" and entry is not None:
            waits = (
                entry.push_waits if delivery.channel == "push" else entry.email_waits
            )
            at = now + timedelta(seconds=waits.delay)
        facts = await gather(
            work, self._catalogue, [delivery], at, most_items=_NO_ITEMS
        )
        judge = Judge(facts, self._catalogue, self._settings, presence, _NO_ITEMS)
        if delivery.mode == "instant":
            return _foreseen(delivery, judge.judge(delivery), at, now)
        flaw = judge.flaw_of(delivery)
        if flaw is not None:
            return Foreseen(delivery.channel, delivery.device_id, "skipped", None, flaw)
        settings = facts.settings[delivery.user_id]
        due_at = next_digest(delivery.mode, settings, now)
        return Foreseen(
            delivery.channel, delivery.device_id, "digest", due_at, delivery.mode
        )

    async def _standing(
        self, work: UnitOfWork, user: UserId, type_: str, now: datetime
    ) -> dict[str, Standing]:
        entry = self._catalogue.get(type_)
        settings = (await work.preferences.settings_of([user])).get(user)
        if entry is None or settings is None:
            return {}
        rows = (await work.preferences.of([user])).get(user, ())
        person = (await work.rechecks.addressees([user], now)).get(user)
        spent = await work.rechecks.spent({user: local_day(settings, now)[0]})
        pushes = [
            count for (_, channel, _), count in spent.items() if channel == "push"
        ]
        quiet = quiet_until(settings, now)
        flaw = person_flaw(person)
        mail = flaw or (address_flaw(person, entry.class_) if person else None)
        budgets = {
            "push": (settings.daily_pushes, self._settings.daily_pushes),
            "email": (settings.daily_emails, self._settings.daily_emails),
        }
        counts = {
            "push": max(pushes, default=0),
            "email": spent.get((user, "email", None), 0),
        }
        standing: dict[str, Standing] = {}
        for channel, choice in resolve(entry, rows).items():
            if channel == "in_app":
                standing[channel] = Standing(choice, None, flaw)
                continue
            own, everybody = budgets[channel]
            standing[channel] = Standing(
                choice,
                quiet,
                mail if channel == "email" else flaw,
                everybody if own is None else own,
                counts[channel],
            )
        return standing


class _Undone(Exception):
    """Rolls a transaction back, with what it has found out."""

    def __init__(self, prospects: Sequence[Prospect]) -> None:
        self.prospects = prospects
        super().__init__()


def _foreseen(
    delivery: Claimed, verdict: Verdict, at: datetime, now: datetime
) -> Foreseen:
    def outcome(name: str, when: datetime | None, reason: str | None) -> Foreseen:
        return Foreseen(delivery.channel, delivery.device_id, name, when, reason)

    if isinstance(verdict, Skip):
        return outcome("skipped", None, verdict.reason)
    if isinstance(verdict, Hold):
        return outcome("waits", verdict.until, verdict.reason)
    if isinstance(verdict, Fold):
        return outcome("digest", verdict.until, verdict.reason)
    assert isinstance(verdict, Go)  # noqa: S101 - there is no other verdict
    return outcome("leaves", at, None if at == now else "delay")
