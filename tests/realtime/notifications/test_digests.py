"""Digests: one per period, with all that is due and nothing twice, whatever happens."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event

from realtime.actions.preferences import change_settings
from realtime.node import Node
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.digests import DigestLine
from realtime.notifications.notifier import Outcome, Rejected, Retry, Sent
from realtime.notifications.releasing import MOST_ITEMS
from realtime.notifications.schedule import next_digest
from storage.deliveries import NewDelivery
from storage.preferences import PreferenceRow
from tests.realtime.notifications.carrying import (
    CATALOGUE,
    KINDS,
    Desk,
    Hands,
    Someone,
)

# A Monday.
MONDAY = datetime(2026, 6, 1, 5, tzinfo=UTC)
EIGHT = MONDAY.replace(hour=8)


@pytest.fixture
def desk(node: Node) -> Desk:
    """A desk early on a Monday, in UTC."""
    return Desk(node, Hands(MONDAY))


async def wait(desk: Desk, person: Someone, mode: str = "daily") -> UUID:
    """Have somebody get a note by mail, in the digest of this mode."""
    async with desk.node.transaction() as work:
        await work.preferences.choose(
            person.id, [PreferenceRow("note", "email", mode, "user", desk.clock())]
        )
        settings = (await work.preferences.settings_of([person.id]))[person.id]
    due_in = next_digest(mode, settings, desk.clock()) - desk.clock()
    return await desk.note(person, "email", mode=mode, due_in=due_in.total_seconds())


async def made(desk: Desk, person: Someone) -> list[tuple[str, str]]:
    """Name somebody's digests in order."""
    rows = await desk.run(
        "SELECT frequency, period FROM callboard.digests WHERE user_id = :user"
        " ORDER BY created_at, frequency",
        user=person.id,
    )
    return [(row.frequency, row.period) for row in rows]


async def test_what_a_day_brings_leaves_together_once(desk: Desk) -> None:
    (ada,) = await desk.people(1)
    notes = [await wait(desk, ada) for _ in range(3)]
    desk.clock.now = EIGHT - timedelta(microseconds=1)
    await desk.digest()
    assert await made(desk, ada) == []
    desk.clock.now = EIGHT
    await desk.digest()
    await desk.digest()
    assert await made(desk, ada) == [("daily", "2026-06-01")]
    assert await desk.outcome(ada) == ["carried"] * 3 + [None]
    (parcel,) = await desk.release()
    assert (parcel.kind, parcel.type, parcel.frequency) == ("digest", "digest", "daily")
    assert [item.notification_id for item in parcel.items] == notes
    assert await desk.outcome(ada) == ["sent"] * 4

    # What comes too late for the period waits for the next, by whatever clock it came.
    late = await desk.note(ada, "email", mode="daily", due_in=-1)
    await desk.digest()
    assert await made(desk, ada) == [("daily", "2026-06-01")]
    desk.clock.now = EIGHT + timedelta(days=1)
    await desk.digest()
    assert await made(desk, ada) == [("daily", "2026-06-01"), ("daily", "2026-06-02")]
    (parcel,) = await desk.release()
    assert [item.notification_id for item in parcel.items] == [late]


async def test_hours_days_and_weeks_are_digests_of_their_own(desk: Desk) -> None:
    ada, grace = await desk.people(2)
    for mode in ("weekly", "hourly"):
        await wait(desk, ada, mode)
    # A choice that changes moves what waits, when it is due.
    await wait(desk, grace, "weekly")
    await wait(desk, grace, "daily")
    desk.clock.now = MONDAY + timedelta(hours=1)
    await desk.digest()
    assert await made(desk, ada) == [("hourly", "2026-06-01T06+00:00")]
    desk.clock.now = EIGHT
    await desk.digest()
    assert await made(desk, ada) == [("hourly", "2026-06-01T06+00:00")]
    assert await made(desk, grace) == [("daily", "2026-06-01")]
    desk.clock.now = EIGHT + timedelta(hours=1)
    await desk.digest()
    assert (await made(desk, ada))[-1] == ("hourly", "2026-06-01T09+00:00")
    assert len(await desk.release()) == 3
    assert set(await desk.outcome(ada)) == {"sent"}


async def test_who_chooses_otherwise_meanwhile_is_told_otherwise(desk: Desk) -> None:
    ada, grace, joan, gone = await desk.people(4)
    for person in (ada, grace, joan, gone):
        await wait(desk, person)
    desk.clock.now = EIGHT
    await desk.choose(ada, "email", "off")
    async with desk.node.transaction() as work:
        for person, mode in ((grace, "instant"), (joan, "weekly")):
            await work.preferences.choose(
                person.id, [PreferenceRow("note", "email", mode, "user", MONDAY)]
            )
    await desk.run("DELETE FROM callboard.users WHERE id = :id", id=gone.id)
    await desk.digest()
    assert await desk.outcome(ada) == ["preference_off"]
    (parcel,) = await desk.release()
    assert (parcel.kind, parcel.recipient.id) == ("notification", grace.id)
    (waiting,) = await desk.rows(joan)
    assert (waiting["mode"], waiting["due_at"]) == ("weekly", EIGHT + timedelta(days=7))
    assert await made(desk, ada) == await made(desk, grace) == []


async def test_what_a_limit_folds_into_a_digest_stays_there(desk: Desk) -> None:
    (ada,) = await desk.people(1)
    note = await desk.note(ada, "push")
    async with desk.node.transaction() as work:
        await work.deliveries.plan(
            [
                NewDelivery(
                    user_id=ada.id,
                    channel="email",
                    type="note",
                    class_="alert",
                    mode="daily",
                    due_at=EIGHT,
                    notification_id=note,
                    reason="budget",
                )
            ],
            MONDAY,
        )
    await desk.run("DELETE FROM callboard.deliveries WHERE channel = 'push'")
    desk.clock.now = EIGHT
    await desk.digest()
    (parcel,) = await desk.release()
    assert [item.notification_id for item in parcel.items] == [note]


async def test_each_device_and_the_address_get_their_own_of_one_digest(
    desk: Desk,
) -> None:
    (ada,) = await desk.people(1)
    async with desk.node.transaction() as work:
        await work.preferences.choose(
            ada.id,
            [
                PreferenceRow("reminder", channel, "daily", "user", MONDAY)
                for channel in ("push", "email")
            ],
        )
    seconds = (EIGHT - MONDAY).total_seconds()
    await desk.note(
        ada, "push", "email", type_="reminder", mode="daily", due_in=seconds
    )
    desk.clock.now = EIGHT
    await desk.digest()
    assert await made(desk, ada) == [("daily", "2026-06-01")]
    parcels = await desk.release()
    assert {(each.channel, each.kind, len(each.items)) for each in parcels} == {
        ("push", "digest", 1),
        ("email", "digest", 1),
    }


async def test_what_a_digest_carries_ends_as_it_does(desk: Desk) -> None:
    answers: Sequence[tuple[Sequence[Outcome], str]] = (
        ([Retry("greylisted"), Sent()], "sent"),
        ([Retry("greylisted"), Rejected("no such mailbox")], "failed"),
    )
    for outcomes, status in answers:
        desk.clock.now = MONDAY
        (ada,) = await desk.people(1)
        await wait(desk, ada)
        await wait(desk, ada)
        desk.clock.now = EIGHT
        await desk.digest()
        for outcome in outcomes:
            (parcel,) = await desk.releaser().release(KINDS, 10)
            assert len(parcel.items) == 2
            await desk.releaser().record(parcel.delivery_id, outcome)
            if isinstance(outcome, Retry):
                assert (await desk.outcome(ada))[:2] == ["carried", "carried"]
            desk.clock.move(hours=7)
        assert await desk.outcome(ada) == [status] * 3
        assert await desk.release() == []


async def test_what_a_digest_that_may_not_leave_carries_may_not_either(
    desk: Desk,
) -> None:
    (ada,) = await desk.people(1)
    await wait(desk, ada)
    desk.clock.now = EIGHT
    await desk.digest()
    await desk.run("UPDATE callboard.users SET email = NULL WHERE id = :id", id=ada.id)
    assert await desk.release() == []
    assert len(set(await desk.outcome(ada))) == 1
    rows = await desk.rows(ada)
    assert {row["status"] for row in rows} == {"skipped"}


async def test_a_full_digest_takes_no_room_from_others(desk: Desk) -> None:
    people = await desk.people(3)
    for person in people:
        await wait(desk, person)
    # More than is looked at of one digest, and of one moment before the others'.
    (many, *_) = people
    await desk.run(
        "INSERT INTO callboard.deliveries (id, user_id, channel, type, class, mode,"
        " notification_id, due_at, created_at) SELECT gen_random_uuid(), user_id,"
        " channel, type, class, mode, notification_id, due_at, created_at"
        " - interval '1 hour' FROM callboard.deliveries, generate_series(1, 1500)"
        " WHERE user_id = :user",
        user=many.id,
    )
    desk.clock.now = EIGHT
    await desk.digest()
    parcels = await desk.release()
    assert {each.recipient.id for each in parcels} == {each.id for each in people}
    for person in people[1:]:
        assert set(await desk.outcome(person)) == {"sent"}
    # What was not looked at has not been told, and waits for the next.
    assert Counter(await desk.outcome(many)) == {"sent": MOST_ITEMS + 1, None: 1001}


async def test_each_thing_in_a_long_digest_is_looked_at_before_it_is_told(
    desk: Desk,
) -> None:
    desk.most_items = 2
    ada, bob = await desk.people(2)
    notes = [await wait(desk, ada) for _ in range(7)]
    await desk.choose(ada, "email", "daily")
    talk = await desk.talk(ada, bob)
    await desk.say(talk, bob, "Hello", 1)
    await desk.expect(ada, talk, 1, "email", mode="daily", due_in=3 * 3600)
    # The oldest mean nothing any more, and keep no other from being told today.
    await desk.run(
        "UPDATE callboard.notifications SET read_at = :at WHERE id = ANY(:ids)",
        at=MONDAY,
        ids=[*notes[:4], notes[6]],
    )
    desk.clock.now = EIGHT
    await desk.digest()
    # Something is said while the digest is on its way to be put together.
    await desk.say(talk, bob, "Still there?", 2)
    await desk.expect(ada, talk, 2, "email", mode="daily", due_in=24 * 3600)
    (parcel,) = await desk.release()
    assert [each.notification_id for each in parcel.items] == notes[4:6]
    assert parcel.more == 0
    assert Counter(await desk.outcome(ada)) == {
        "read": 4,
        "sent": 3,
        "joined": 1,
        None: 2,
    }

    desk.clock.move(days=1)
    await desk.digest()
    (parcel,) = await desk.release()
    assert [each.text for each in parcel.items] == ["Hello", "Still there?"]
    assert Counter(await desk.outcome(ada)) == {"read": 5, "sent": 5, "joined": 1}

    # Where nothing at all is left, the digest is found empty in the end.
    gone = [await wait(desk, ada) for _ in range(4)]
    await desk.run(
        "UPDATE callboard.notifications SET read_at = :at WHERE id = ANY(:ids)",
        at=desk.clock(),
        ids=gone,
    )
    desk.clock.move(days=1)
    await desk.digest()
    assert await desk.release() == []
    assert Counter(await desk.outcome(ada)) == {
        "read": 9,
        "sent": 5,
        "joined": 1,
        "empty": 1,
    }


async def test_a_type_that_is_gone_from_the_catalogue_is_told_no_more(
    desk: Desk,
) -> None:
    (ada,) = await desk.people(1)
    await wait(desk, ada)
    desk.clock.now = EIGHT
    line = DigestLine(desk.node.transaction, Catalogue({}), desk.clock)
    assert await line()
    assert not await line()
    assert await desk.outcome(ada) == ["unknown_type"]
    assert await made(desk, ada) == []


async def test_workers_side_by_side_make_each_digest_once(desk: Desk) -> None:
    people = await desk.people(30)
    for person in people:
        await wait(desk, person)
    desk.clock.now = EIGHT
    lines = [DigestLine(desk.node.transaction, CATALOGUE, desk.clock) for _ in "1234"]
    await asyncio.gather(*(line() for line in lines))
    await desk.digest()
    for person in people:
        assert await made(desk, person) == [("daily", "2026-06-01")]
    assert len(await desk.release()) == len(people)


async def test_who_is_being_decided_about_is_left_for_the_next_time(
    desk: Desk,
) -> None:
    ada, grace = await desk.people(2)
    await wait(desk, ada)
    await wait(desk, grace)
    desk.clock.now = EIGHT
    line = DigestLine(desk.node.transaction, CATALOGUE, desk.clock)
    async with desk.node.transaction() as work:
        assert await work.preferences.lock([ada.id], EIGHT) == {ada.id}
        assert await line()
        assert not await line()
        assert await made(desk, ada) == []
        assert len(await made(desk, grace)) == 1
    assert await line()
    assert len(await made(desk, ada)) == 1


@contextmanager
def killed_at(node: Node, statement: int) -> Iterator[None]:
    """Kill whoever begins so many statements, in the midst of the last."""
    left = statement
    engine = node.database.engine.sync_engine

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        task = asyncio.current_task()
        if left == 0 and task is not None:
            task.cancel()

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)


async def test_a_worker_that_dies_anywhere_leaves_all_to_the_next(
    desk: Desk,
) -> None:
    (ada,) = await desk.people(1)
    await wait(desk, ada)
    await wait(desk, ada)
    desk.clock.now = EIGHT
    line = DigestLine(desk.node.transaction, CATALOGUE, desk.clock)
    for statement in range(1, 50):
        working = asyncio.ensure_future(line())
        with killed_at(desk.node, statement):
            await asyncio.wait([working])
        if not working.cancelled():
            break
        assert await made(desk, ada) == []
        assert await desk.outcome(ada) == [None, None]
    # The lock, what is chosen, and each thing that is written.
    assert statement > 7
    assert working.result()
    assert await made(desk, ada) == [("daily", "2026-06-01")]
    assert await desk.outcome(ada) == ["carried", "carried", None]


async def _until(desk: Desk, moment: datetime) -> None:
    """Go from due moment to due moment, up to this one."""
    while True:
        (row,) = await desk.run(
            "SELECT min(due_at) AS due_at FROM callboard.deliveries"
            " WHERE status = 'pending' AND digest_id IS NULL"
        )
        if row.due_at is None or row.due_at > moment:
            break
        desk.clock.now = max(desk.clock.now, row.due_at)
        await desk.digest()
    desk.clock.now = moment


async def test_who_keeps_changing_the_time_has_one_digest_each_day(
    desk: Desk,
) -> None:
    chance = random.Random(1)
    (ada,) = await desk.people(1)
    notes = 0
    start = datetime(2026, 3, 20, tzinfo=UTC)
    desk.clock.now = start
    changes: dict[str, object] = {"timezone": "Europe/Berlin"}
    for day in range(25):
        for hour in sorted(chance.sample(range(24), 4)):
            await _until(desk, start + timedelta(days=day, hours=hour, minutes=10))
            async with desk.node.transaction(ada.id) as work:
                await change_settings(work, ada.id, changes, desk.clock())
            changes = {"digest_minute": chance.randrange(1440)}
            await wait(desk, ada)
            notes += 1
    await _until(desk, start + timedelta(days=30))
    days = [date.fromisoformat(period) for _, period in await made(desk, ada)]
    assert days == [days[0] + timedelta(days=each) for each in range(len(days))]
    assert 25 <= len(days) <= 27
    statuses = Counter(await desk.outcome(ada))
    assert statuses == {"carried": notes, None: len(days)}


async def test_who_travels_has_no_period_twice_and_misses_nothing(
    desk: Desk,
) -> None:
    chance = random.Random(1)
    (ada,) = await desk.people(1)
    zones = [
        "Pacific/Auckland",
        "America/Los_Angeles",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "Europe/Berlin",
        "Etc/GMT+12",
    ]
    start = datetime(2026, 9, 20, tzinfo=UTC)
    for day in range(25):
        moment = start + timedelta(days=day, hours=chance.randrange(24))
        await _until(desk, max(moment, desk.clock.now))
        changes = {"timezone": chance.choice(zones)}
        if chance.random() < 0.5:
            async with desk.node.transaction(ada.id) as work:
                await change_settings(work, ada.id, changes, desk.clock())
        else:
            # By the platform, of which what is planned hears nothing.
            await desk.run(
                "UPDATE callboard.users SET timezone = :zone WHERE id = :id",
                zone=changes["timezone"],
                id=ada.id,
            )
        await wait(desk, ada, chance.choice(["hourly", "daily"]))
    await _until(desk, desk.clock.now + timedelta(days=4))
    rows = await desk.rows(ada)
    carried = [row for row in rows if row["digest_id"] is None]
    assert {row["status"] for row in carried} == {"carried"}
    assert len(carried) == 25
    sent = {row["id"]: row["created_at"] for row in rows if row["digest_id"]}
    for row in carried:
        assert sent[row["carrier_id"]] - row["created_at"] <= timedelta(days=3)
