"""
A year of digests in a dozen zones, with workers that die.

Everybody is told something every day and has it by mail: of one type daily, of another
weekly. The clock goes from one moment at which something is due to the next, and is
moved by nothing else. Whoever works then is killed now and then, anywhere in what they
do, and somebody else goes on. What has come of it is compared with a calendar that
knows nothing of the server's own: for the whole year in the ledger, for the weeks in
which clocks jump also at the far side.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from realtime.node import Node
from realtime.notifications.delivering import DeliveryLine
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.digests import DigestLine
from realtime.notifications.notifier import Outcome, Parcel, Sent
from realtime.notifications.releasing import LEASE, Releaser
from realtime.notifications.schedule import next_digest
from realtime.worker import Line
from storage.deliveries import NewDelivery
from storage.ids import uuid7
from storage.notifications import NewNotification
from storage.preferences import NotificationSettings, PreferenceRow
from storage.records import UserId
from tests.realtime.notifications.carrying import CATALOGUE, Desk, Hands

# Where and when they read. Times that clocks leave out and show twice are among them,
# and weeks end on Sunday, which is when most clocks jump. That many share a moment in
# UTC keeps the year short.
READERS = {
    "Australia/Lord_Howe": time(2, 15),
    "Pacific/Chatham": time(2, 50),
    "Pacific/Auckland": time(2, 5),
    "Asia/Kathmandu": time(7, 15),
    "Asia/Kolkata": time(7, 0),
    "Asia/Tehran": time(5, 0),
    "Europe/Berlin": time(2, 30),
    "Africa/Casablanca": time(2, 30),
    "America/New_York": time(2, 30),
    "America/Sao_Paulo": time(22, 30),
    "America/Santiago": time(0, 0),
    "Pacific/Apia": time(14, 30),
}
WEDNESDAY, SUNDAY = 2, 6
MODES = {"note": "daily", "reminder": "weekly"}

_DAY = timedelta(days=1)


def shown_first(zone: str, day: date, at: time) -> datetime:
    """Look at a clock on the wall for the moment at which it shows this, or later."""
    shown = datetime.combine(day, at)
    while True:
        moment = shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == shown:
            return moment
        shown += timedelta(minutes=1)


def calendar(
    zone: str, frequency: str, begin: datetime, days: int
) -> dict[str, datetime]:
    """Name the periods with the moments at which their digests are due."""
    found = {}
    for ahead in range(-1, days + 2):
        day = begin.date() + ahead * _DAY
        due_at = shown_first(zone, day, READERS[zone])
        if begin < due_at <= begin + days * _DAY:
            if frequency == "daily":
                found[day.isoformat()] = due_at
            elif day.weekday() == SUNDAY:
                found[f"{day:%G-W%V}"] = due_at
    return found


class FarSide:
    """Keeps what arrives, and when that was."""

    kinds = frozenset({"email"})

    def __init__(self, clock: Hands) -> None:
        self._clock = clock
        self.taken: list[tuple[datetime, Parcel]] = []

    async def send(self, parcel: Parcel) -> Outcome:
        """Keep it."""
        self.taken.append((self._clock(), parcel))
        return Sent()

    async def close(self) -> None:
        """Nothing is held."""


class Workers:
    """Two workers, of whom either works, and may be killed."""

    def __init__(self, desk: Desk, far_side: FarSide | None) -> None:
        self._node = desk.node
        self._chance = random.Random(2026)
        self.killed: Counter[str] = Counter()
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for _ in range(2):
            self._lines["digests"].append(
                DigestLine(desk.node.transaction, CATALOGUE, desk.clock)
            )
            if far_side is not None:
                self._lines["deliveries"].append(_deliveries(desk, far_side))

    async def work(self, risk: float) -> None:
        """Do what is due just now, by whoever is there."""
        for name, lines in self._lines.items():
            if self._chance.random() < risk:
                await self._be_killed(name, self._chance.choice(lines))
            await self._chance.choice(lines)()

    async def _be_killed(self, name: str, line: Line) -> None:
        working = asyncio.ensure_future(line())
        with killed_at(self._node, self._chance.randint(1, 12)) as hit:
            await asyncio.wait([working])
        self.killed[name] += len(hit)


def _deliveries(desk: Desk, far_side: FarSide) -> Line:
    releaser = Releaser(
        desk.node.transaction,
        (far_side,),
        desk.clock,
        None,
        desk.node.settings,
        CATALOGUE,
    )
    return DeliveryLine(releaser, (far_side,), at_once=20, metrics=DeliveryMetrics())


@contextmanager
def killed_at(node: Node, statement: int) -> Iterator[list[int]]:
    """Kill whoever begins so many statements, in the midst of the last."""
    begun = 0
    hit: list[int] = []
    engine = node.database.engine.sync_engine

    def count(*_: object) -> None:
        nonlocal begun
        begun += 1
        task = asyncio.current_task()
        if begun == statement and task is not None:
            hit.append(begun)
            task.cancel()

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield hit
    finally:
        event.remove(engine, "before_cursor_execute", count)


async def people_in_their_zones(desk: Desk) -> dict[UserId, str]:
    """Make somebody in each zone, who has chosen how and when to be told."""
    people = dict(
        zip([each.id for each in await desk.people(len(READERS))], READERS, strict=True)
    )
    async with desk.node.transaction() as work:
        for user, zone in people.items():
            at = READERS[zone]
            await work.preferences.set(
                user,
                {
                    "timezone": zone,
                    "digest_minute": at.hour * 60 + at.minute,
                    "digest_weekday": SUNDAY,
                },
                desk.clock(),
            )
            await work.preferences.choose(
                user,
                [
                    PreferenceRow(type_, "email", mode, "user", desk.clock())
                    for type_, mode in MODES.items()
                ],
            )
    return people


async def first_told(
    desk: Desk, people: Iterable[UserId]
) -> dict[tuple[UserId, str], UUID]:
    """Make what everybody is told of each type, as often as they are."""
    told = {(user, type_): uuid7() for user in people for type_ in MODES}
    async with desk.node.transaction() as work:
        await work.notifications.insert(
            [
                NewNotification(
                    id=id_,
                    user_id=user,
                    type=type_,
                    class_="alert",
                    title="A title",
                    message="A text",
                    data={},
                    priority="normal",
                    decisions={},
                )
                for (user, type_), id_ in told.items()
            ],
            desk.clock(),
        )
    return told


async def tell_everybody(
    desk: Desk,
    settings: Sequence[NotificationSettings],
    told: Mapping[tuple[UserId, str], UUID],
    types: Sequence[str],
) -> int:
    """Have everybody told something of each type; gives how much."""
    now = desk.clock()
    planned = [
        NewDelivery(
            user_id=each.user_id,
            channel="email",
            type=type_,
            class_="alert",
            mode=MODES[type_],
            due_at=next_digest(MODES[type_], each, now),
            notification_id=told[each.user_id, type_],
        )
        for each in settings
        for type_ in types
    ]
    async with desk.node.transaction() as work:
        await work.deliveries.plan(planned, now)
    return len(planned)


async def next_due(desk: Desk, *, is_sent: bool) -> datetime | None:
    """Give the next moment at which there is something to do."""
    async with desk.node.database.hot() as connection:
        found: datetime | None = await connection.fetchval(
            "SELECT least((SELECT min(due_at) FROM callboard.deliveries"
            " WHERE status = 'pending' AND ($1 OR digest_id IS NULL)),"
            " (SELECT min(leased_until) FROM callboard.deliveries"
            " WHERE status = 'sending'))",
            is_sent,
        )
    return found


async def live(
    desk: Desk, workers: Workers, days: int, *, is_sent: bool, risk: float
) -> tuple[dict[UserId, str], int]:
    """Let so many days go by, from due moment to due moment; gives who was told."""
    begin = desk.clock()
    people = await people_in_their_zones(desk)
    async with desk.node.transaction() as work:
        settings = list((await work.preferences.settings_of(list(people))).values())
    told = await first_told(desk, people)
    count = 0
    for day in range(days):
        desk.clock.now = begin + day * _DAY
        is_wednesday = desk.clock.now.weekday() == WEDNESDAY
        types = list(MODES) if day == 0 or is_wednesday else ["note"]
        count += await tell_everybody(desk, settings, told, types)
        tomorrow = begin + (day + 1) * _DAY
        while (due_at := await next_due(desk, is_sent=is_sent)) and due_at <= tomorrow:
            desk.clock.now = max(desk.clock.now, due_at)
            await workers.work(risk)
    return people, count


async def check_ledger(
    desk: Desk, people: Mapping[UserId, str], begin: datetime, days: int
) -> None:
    """Expect each period of everybody once, made at the moment at which it was due."""
    for user, zone in people.items():
        for frequency in MODES.values():
            rows = await desk.run(
                "SELECT period, due_at, created_at FROM callboard.digests"
                " WHERE user_id = :user AND frequency = :frequency ORDER BY created_at",
                user=user,
                frequency=frequency,
            )
            found = {row.period: row.due_at for row in rows}
            assert found == calendar(zone, frequency, begin, days), zone
            assert len(rows) == len(found)
            assert all(row.created_at == row.due_at for row in rows), zone


@pytest.mark.timeout(300)
async def test_a_year_has_each_local_period_once_and_at_its_time(node: Node) -> None:
    begin, days = datetime(2026, 1, 1, 12, tzinfo=UTC), 365
    desk = Desk(node, Hands(begin))
    workers = Workers(desk, None)
    people, count = await live(desk, workers, days, is_sent=False, risk=0.05)
    assert workers.killed["digests"] > 30, workers.killed
    await check_ledger(desk, people, begin, days)
    (row,) = await desk.run(
        "SELECT count(DISTINCT carrier_id) AS carriers,"
        " count(*) FILTER (WHERE status = 'carried') AS carried,"
        " count(*) FILTER (WHERE digest_id IS NOT NULL) AS planned,"
        " count(DISTINCT digest_id) AS digests, count(*) AS all"
        " FROM callboard.deliveries"
    )
    # What waits for the week after the year's last Sunday.
    (after,) = await desk.run(
        "SELECT count(*) AS count FROM callboard.deliveries WHERE mode = 'weekly'"
        " AND digest_id IS NULL AND status = 'pending'"
    )
    assert after.count <= len(people)
    assert row.carried == count - after.count
    assert row.carriers == row.planned == row.digests
    assert row.all == count + row.digests


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("month", "day", "days"),
    # North America jumps; Europe, and the south the other way.
    [(3, 7, 2), (3, 27, 10)],
)
async def test_in_weeks_when_clocks_jump_each_digest_arrives_once(
    node: Node, month: int, day: int, days: int
) -> None:
    begin = datetime(2026, month, day, 12, tzinfo=UTC)
    desk = Desk(node, Hands(begin))
    far_side = FarSide(desk.clock)
    workers = Workers(desk, far_side)
    people, _ = await live(desk, workers, days, is_sent=True, risk=0.1)
    await check_ledger(desk, people, begin, days)
    arrived: dict[tuple[UserId, str], dict[UUID, datetime]] = defaultdict(dict)
    for at, parcel in far_side.taken:
        assert parcel.kind == "digest"
        of_person = arrived[parcel.recipient.id, parcel.frequency or ""]
        of_person.setdefault(parcel.delivery_id, at)
    for user, zone in people.items():
        for frequency in MODES.values():
            expected = calendar(zone, frequency, begin, days)
            moments = arrived[user, frequency].values()
            for moment, due_at in zip(moments, expected.values(), strict=True):
                # Who took it and died has it until the lease is over.
                assert moment == due_at or (
                    workers.killed["deliveries"] and moment == due_at + LEASE
                ), zone
    # At most one repeat for who was killed before writing down that it was out.
    different = {parcel.delivery_id for _, parcel in far_side.taken}
    assert len(far_side.taken) - len(different) <= workers.killed["deliveries"]
