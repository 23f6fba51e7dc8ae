"""When something leaves, by which channel, in which order, and how often."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from realtime.node import Node
from realtime.notifications.delivering import DeliveryLine
from realtime.notifications.delivery_metrics import DeliveryMetrics
from realtime.notifications.notifier import (
    Outcome,
    Parcel,
    Rejected,
    Retry,
    Sent,
    Skipped,
)
from realtime.notifications.recording import pause_after
from realtime.presence import Found
from realtime.protocol import PresenceStatus
from storage.records import UserId
from tests.realtime.notifications.carrying import KINDS, Desk, FarSide


class Roll:
    """Says of everybody what a test says."""

    def __init__(self) -> None:
        self.status: PresenceStatus = "offline"

    async def find(self, users: Collection[UserId]) -> Found:
        """Tell how users stand."""
        return Found(dict.fromkeys(users, self.status), is_whole=True)


async def test_what_a_push_has_told_is_not_mailed_and_the_other_way_round(
    node: Node,
) -> None:
    desk = Desk(node)
    pushed, mailed, both, late = await desk.people(4)
    await desk.note(pushed, "push", "email")
    await desk.note(mailed, "push", "email")
    await desk.run(
        "UPDATE callboard.deliveries SET due_at = due_at + interval '1 day'"
        " WHERE user_id = :user AND channel = 'push'",
        user=mailed.id,
    )
    await desk.note(both, "push", "email", type_="reminder")
    first = await desk.note(late, "push", "email")

    parcels = await desk.release()

    assert sorted((p.recipient.id, p.channel) for p in parcels) == sorted(
        [
            (pushed.id, "push"),
            (both.id, "push"),
            (both.id, "email"),
            (late.id, "push"),
        ]
    )
    assert await desk.outcome(mailed, "email") == ["push_first"]
    # A mail does not wait for ever for a push that does not leave.
    for _ in range(31):
        desk.clock.move(seconds=30)
        parcels += await desk.release()
    assert await desk.outcome(pushed, "email") == ["pushed"]
    assert await desk.outcome(mailed, "email") == ["sent"]
    desk.clock.move(days=1)
    await desk.release()
    assert await desk.outcome(mailed, "push") == ["mailed"]
    # What has come anew since is told anew.
    await desk.note(late, "push", "email", id_=first)
    await desk.release()
    assert await desk.outcome(late, "push") == ["sent", "sent"]


async def test_a_push_that_fails_leaves_the_mail_to_tell(node: Node) -> None:
    desk = Desk(node)
    (reader,) = await desk.people(1)
    await desk.note(reader, "push", "email")
    releaser = desk.releaser()
    (push,) = await releaser.release(KINDS, 10)
    assert await desk.outcome(reader, "email") == ["push_sending"]
    gone = Rejected("410", is_target_gone=True)
    assert await releaser.record(push.delivery_id, gone, attempt=push.attempt)
    desk.clock.move(seconds=31)

    (mail,) = await desk.release()

    assert mail.channel == "email"
    assert await desk.outcome(reader, "push") == ["failed"]
    assert await desk.outcome(reader, "email") == ["sent"]
    assert await desk.run("SELECT id FROM callboard.devices") == []


async def test_of_many_releasers_one_wins_for_each_item(node: Node) -> None:
    desk = Desk(node)
    people = await desk.people(12)
    for person in people:
        await desk.note(person, "push", "email")
        await desk.note(person, "push", "email")
    far_side = FarSide()

    async def deliver(kinds: frozenset[str]) -> None:
        releaser = desk.releaser()
        for _ in range(12):
            for parcel in await releaser.release(kinds, 4):
                outcome = await far_side.send(parcel)
                assert await releaser.record(
                    parcel.delivery_id, outcome, attempt=parcel.attempt
                )

    for _ in range(8):
        await asyncio.gather(
            *(deliver(frozenset({kind})) for kind in ("email", "webpush") * 3)
        )
        desk.clock.move(seconds=31)
        if not await desk.run(
            "SELECT 1 FROM callboard.deliveries WHERE status = 'pending'"
        ):
            break

    told = [item.notification_id for p in far_side.taken for item in p.items]
    assert len(told) == len(set(told)) == 24


async def test_who_is_there_has_pushes_wait_a_little_and_mails_not_at_all(
    node: Node,
) -> None:
    roll = Roll()
    desk = Desk(node, presence=roll)
    reads, vanishes, stays, mailed = await desk.people(4)
    roll.status = "online"
    note = await desk.note(reads, "push")
    for person in (vanishes, stays):
        await desk.note(person, "push")
    await desk.note(mailed, "email")

    at_once = await desk.release()

    assert [parcel.recipient.id for parcel in at_once] == [mailed.id]
    assert await desk.outcome(reads) == ["present"]
    await desk.run(
        "UPDATE callboard.notifications SET read_at = now() WHERE id = :id", id=note
    )
    desk.clock.move(seconds=30)
    assert await desk.release() == []
    assert await desk.outcome(reads) == ["read"]
    # Away from the keyboard, or gone without a word, is not there.
    roll.status = "away"
    desk.clock.move(seconds=30)
    assert len(await desk.release()) == 2
    # Who stays and does not look is told after two minutes.
    roll.status = "online"
    await desk.note(stays, "push")
    waited = 0
    while not await desk.release():
        desk.clock.move(seconds=30)
        waited += 30
    assert waited == 120
    # What is urgent waits for nobody.
    await desk.note(stays, "push", type_="verdict", priority="urgent")
    assert len(await desk.release()) == 1


async def test_quiet_hours_hold_all_but_what_is_urgent(node: Node) -> None:
    desk = Desk(node)
    (reader,) = await desk.people(1)
    until = desk.clock() + timedelta(hours=8)
    async with node.transaction() as work:
        await work.preferences.set(
            reader.id, {"do_not_disturb_until": until}, desk.clock()
        )
    await desk.note(reader, "email")
    await desk.note(reader, "push", priority="urgent")
    await desk.note(reader, "push", type_="verdict", priority="urgent")

    parcels = await desk.release()

    assert [parcel.type for parcel in parcels] == ["verdict"]
    assert await desk.outcome(reader) == ["quiet_hours", "quiet_hours", "sent"]
    desk.clock.now = until
    assert len(await desk.release()) == 2


async def test_what_is_over_the_days_budget_leaves_with_the_next_digest(
    node: Node,
) -> None:
    desk = Desk(node)
    mailed, pushed = await desk.people(2)
    async with node.transaction() as work:
        for person in (mailed, pushed):
            await work.preferences.set(
                person.id, {"daily_pushes": 2, "daily_emails": 2}, desk.clock()
            )
    for _ in range(5):
        await desk.note(mailed, "email")
        await desk.note(pushed, "push")
    await desk.note(mailed, "email", type_="verdict")

    parcels = await desk.release()

    assert sorted(p.channel for p in parcels) == ["email"] * 3 + ["push"] * 2
    assert await desk.outcome(mailed) == ["sent"] * 2 + ["budget"] * 3 + ["sent"]
    assert await desk.outcome(pushed, "push") == ["sent"] * 2 + ["budget"] * 3
    assert await desk.outcome(pushed, "email") == ["budget"] * 3
    desk.clock.move(days=1)
    await desk.digest()
    digests = await desk.release()
    assert [(p.kind, p.frequency, len(p.items)) for p in digests] == [
        ("digest", "daily", 3),
        ("digest", "daily", 3),
    ]
    assert set(await desk.outcome(mailed)) == {"sent"}


async def test_a_device_is_sent_one_thing_after_the_other(node: Node) -> None:
    desk = Desk(node)
    one, other = await desk.people(2)
    notes = [await desk.note(one, "push") for _ in range(3)]
    await desk.note(other, "push")
    releaser = desk.releaser()

    parcels = await releaser.release(KINDS, 10)
    assert await releaser.release(KINDS, 10) == []

    assert {p.recipient.id for p in parcels} == {one.id, other.id}
    (first,) = [p for p in parcels if p.recipient.id == one.id]
    assert first.items[0].notification_id == notes[0]
    # While it is tried again, nothing overtakes it.
    busy = Retry("busy", timedelta(minutes=3))
    assert await releaser.record(first.delivery_id, busy, attempt=first.attempt)
    assert await releaser.release(KINDS, 10) == []
    desk.clock.move(minutes=3, seconds=31)
    told = [p for p in await desk.release() if p.recipient.id == one.id]
    assert [p.items[0].notification_id for p in told] == notes


async def test_a_storm_for_one_person_leaves_time_for_others(node: Node) -> None:
    desk = Desk(node)
    stormed, *others = await desk.people(6)
    await desk.run(
        "INSERT INTO callboard.deliveries (id, user_id, channel, type, class, mode,"
        " notification_id, device_id, due_at) SELECT gen_random_uuid(), :user, 'push',"
        " 'note', 'alert', 'instant', :note, :device,"
        " CAST(:at AS timestamptz) - interval '1 hour'"
        " FROM generate_series(1, 2000)",
        user=stormed.id,
        note=await desk.note(stormed),
        device=stormed.device,
        at=desk.clock(),
    )
    for person in others:
        await desk.note(person, "push")

    parcels = await desk.releaser().release(KINDS, 6)

    assert {p.recipient.id for p in parcels} == {p.id for p in (stormed, *others)}


async def test_what_is_lost_is_taken_again_and_old_answers_change_nothing(
    node: Node,
) -> None:
    desk = Desk(node)
    (reader,) = await desk.people(1)
    await desk.note(reader, "email")
    releaser = desk.releaser()
    (lost,) = await releaser.release(KINDS, 10, lease_seconds=60)
    desk.clock.move(seconds=61)
    (again,) = await releaser.release(KINDS, 10, lease_seconds=60)

    assert (again.delivery_id, again.attempt) == (lost.delivery_id, 2)
    assert not await releaser.record(lost.delivery_id, Retry("late"), attempt=1)
    assert await releaser.record(again.delivery_id, Sent("id-1"), attempt=2)
    assert not await releaser.record(again.delivery_id, Sent("id-2"), attempt=2)
    (row,) = await desk.rows(reader)
    assert (row["status"], row["provider_id"]) == ("sent", "id-1")


async def test_what_never_has_an_outcome_is_given_up(node: Node) -> None:
    desk = Desk(node)
    (ada,) = await desk.people(1)
    await desk.note(ada, "email")
    releaser = desk.releaser()
    taken = 0
    while await releaser.release(KINDS, 10, lease_seconds=60):
        taken += 1
        desk.clock.move(seconds=61)
    assert taken == 50
    assert await desk.outcome(ada) == ["no_outcome"]


async def test_what_is_refused_for_good_is_kept_with_what_was_said(node: Node) -> None:
    desk = Desk(node)
    tired, expiring, skipped = await desk.people(3)
    await desk.note(tired, "email")
    await desk.note(expiring, "email", expires_at=desk.clock() + timedelta(minutes=1))
    await desk.note(skipped, "email")

    def answer(parcel: Parcel) -> Outcome:
        if parcel.recipient.id == skipped.id:
            return Skipped("suppressed")
        return Retry(f"451 <{parcel.recipient.email}> later", timedelta(minutes=2))

    far_side = FarSide(answer)
    line = DeliveryLine(
        desk.releaser(), [far_side], at_once=4, metrics=DeliveryMetrics()
    )
    for _ in range(30):
        await line()
        desk.clock.move(hours=2)

    assert await desk.outcome(expiring) == ["expired"]
    assert await desk.outcome(skipped) == ["suppressed"]
    (row,) = await desk.rows(tired)
    assert row["status"] == "failed"
    assert row["attempts"] == node.settings.email_attempts
    assert row["error"] == "451 <…> later"
    assert len(row["trail"]) <= 50


def test_pauses_grow_by_lot_and_follow_what_is_asked_within_bounds() -> None:
    for attempts, most in ((1, 30), (3, 120), (50, 3600)):
        for _ in range(50):
            pause = pause_after(attempts, None).total_seconds()
            assert 1 <= pause <= most
    assert pause_after(1, timedelta(minutes=10)) == timedelta(minutes=10)
    assert pause_after(1, timedelta(days=9)) == timedelta(hours=6)


async def test_a_line_finishes_what_it_has_begun_and_survives_a_bad_notifier(
    node: Node,
) -> None:
    desk = Desk(node)
    people = await desk.people(3)
    for person in people:
        await desk.note(person, "email")
    is_stopping = False

    def answer(_: Parcel) -> Outcome:
        nonlocal is_stopping
        is_stopping = True
        raise ValueError("on purpose")

    line = DeliveryLine(
        desk.releaser(),
        [FarSide(answer)],
        at_once=2,
        metrics=DeliveryMetrics(),
        is_stopping=lambda: is_stopping,
    )
    assert await line()

    outcomes = [(await desk.rows(person))[0]["reason"] for person in people]
    assert sorted(map(str, outcomes)) == ["None", "retry", "retry"]


@pytest.mark.parametrize("channel", ["push", "email"])
async def test_messages_gather_in_one_mail_first_at_once_then_when_it_is_quiet(
    node: Node, channel: str
) -> None:
    desk = Desk(node)
    reader, writer = await desk.people(2)
    talk = await desk.talk(reader, writer)

    async def says(*seqs: int) -> None:
        for seq in seqs:
            await desk.say(talk, writer, f"message {seq}", seq)
            await desk.expect(reader, talk, seq, channel)

    async def texts() -> Sequence[tuple[list[str], int]]:
        return [
            ([item.text for item in parcel.items], parcel.more)
            for parcel in await desk.release()
        ]

    await says(1)
    if channel == "push":
        # Each is told at once, the newest of what has come.
        assert await texts() == [(["message 1"], 0)]
        await says(2, 3)
        assert await texts() == [(["message 2", "message 3"], 0)]
        return
    assert await texts() == []
    await says(2)
    desk.clock.move(minutes=2)
    assert await texts() == [(["message 1", "message 2"], 0)]
    await says(3)
    desk.clock.move(minutes=9)
    await says(4)
    desk.clock.move(minutes=9)
    assert await texts() == []
    await says(5, 6)
    desk.clock.move(minutes=10)
    # No more than three, the newest, and how many there are besides.
    assert await texts() == [(["message 4", "message 5", "message 6"], 1)]
    # However much goes on, the cap holds.
    await says(7)
    for seq in range(8, 15):
        desk.clock.move(minutes=9)
        await says(seq)
    mails = await texts()
    assert len(mails) == 1
    # What was read meanwhile is not mailed.
    desk.clock.move(hours=3)
    await says(15)
    await desk.run(
        "UPDATE callboard.participants SET read_seq = 15, delivered_seq = 15"
        " WHERE user_id = :user",
        user=reader.id,
    )
    desk.clock.move(hours=1)
    assert await texts() == []
    assert (await desk.outcome(reader))[-1] == "read"


async def test_a_message_that_was_pushed_is_not_mailed(node: Node) -> None:
    desk = Desk(node)
    reader, writer = await desk.people(2)
    talk = await desk.talk(reader, writer)
    await desk.say(talk, writer, "one", 1)
    await desk.expect(reader, talk, 1, "push", "email")

    (push,) = await desk.release()
    desk.clock.move(minutes=3)
    assert await desk.release() == []

    assert push.channel == "push"
    assert await desk.outcome(reader, "push") == ["sent"]
    assert await desk.outcome(reader, "email") == ["pushed"]


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE callboard.notifications SET data = '[]' WHERE user_id = :user",
        "UPDATE callboard.deliveries SET expires_at = 'infinity' WHERE user_id = :user",
    ],
)
async def test_what_cannot_be_decided_about_holds_up_nobody_else(
    node: Node, broken: str
) -> None:
    desk = Desk(node)
    first, second = await desk.people(2)
    await desk.note(first, "push", "email")
    await desk.run(broken, user=first.id)
    await desk.note(second, "push")

    parcels = await desk.release()

    assert {parcel.recipient.id for parcel in parcels} >= {second.id}
    assert await desk.outcome(second) == ["sent"]
    assert "internal" in await desk.outcome(first)
    # It is looked at again, and never more often than that.
    assert await desk.release() == []
    desk.clock.move(minutes=6)
    await desk.release()
    assert "internal" in await desk.outcome(first)
