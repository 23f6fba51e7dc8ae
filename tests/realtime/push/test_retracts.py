"""What was read elsewhere is taken back from the devices that showed it, once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from realtime.actions.connections import put_connections
from realtime.actions.notifications import mark, settle_events
from realtime.actions.receipts import mark_read
from realtime.actor import Actor
from realtime.node import Node
from realtime.notifications.notifier import Parcel, Sent
from realtime.push.payloads import tag_of
from storage.domain_events import DomainEvent
from storage.records import ConversationId
from tests.realtime.notifications.carrying import Desk, Someone


async def somebody(desk: Desk, count: int = 1) -> list[Someone]:
    """Make people whose device shows nothing for what it takes back."""
    people = await desk.people(count)
    await desk.run('UPDATE callboard.devices SET keys = \'{"retract": "true"}\'')
    return people


async def read(desk: Desk, person: Someone, talk: ConversationId, seq: int) -> None:
    async with desk.node.transaction(person.id) as work:
        await mark_read(work, Actor(person.id), talk, seq, now=desk.clock())


def kinds(parcels: Sequence[Parcel]) -> list[str]:
    return [parcel.kind for parcel in parcels]


async def test_a_notification_that_is_read_or_put_away_is_taken_back(
    node: Node,
) -> None:
    desk = Desk(node)
    (ada,) = await somebody(desk)
    for how in ("read", "archived"):
        note = await desk.note(ada, "push")
        unread = await desk.note(ada, "push", due_in=3600)
        (shown,) = await desk.release()
        desk.clock.move(seconds=1)
        await mark(node.transaction, Actor(ada.id), "seen", [note], desk.clock)
        assert await desk.release() == []
        await mark(node.transaction, Actor(ada.id), how, [note, unread], desk.clock)
        (back,) = await desk.release()
        assert (back.kind, back.items[0].notification_id) == ("retract", note)
        assert back.items[0].title == back.items[0].text == ""
        assert tag_of(back) == tag_of(shown)
        assert back.badge == 0
        await mark(node.transaction, Actor(ada.id), "archived", [note], desk.clock)
        assert await desk.release() == []
    retracts = [row for row in await desk.rows(ada) if row["type"] == "retract"]
    assert [row["status"] for row in retracts] == ["sent", "sent"]
    assert {row["id"].version for row in retracts} == {7}


async def test_messages_are_taken_back_and_the_next_ones_shown(node: Node) -> None:
    desk = Desk(node)
    ada, grace = await somebody(desk, 2)
    talk = await desk.talk(ada, grace)
    for seq in (1, 2):
        await desk.say(talk, grace, "Hello", seq)
        await desk.expect(ada, talk, seq, "push")
        (shown,) = await desk.release()
        desk.clock.move(seconds=1)
    for seq in (1, 2):
        await read(desk, ada, talk, seq)
        desk.clock.move(seconds=1)
    # More comes before it has left: it joins nothing and waits for nothing.
    await desk.say(talk, grace, "And another thing", 3)
    await desk.expect(ada, talk, 3, "push")
    parcels = await desk.release()
    assert kinds(parcels) == ["retract", "retract", "conversation"]
    assert {tag_of(parcel) for parcel in parcels} == {tag_of(shown)}
    assert [parcel.items[0].seq for parcel in parcels] == [1, 2, 3]
    desk.clock.move(seconds=1)
    await read(desk, ada, talk, 2)
    assert await desk.release() == []
    await read(desk, ada, talk, 3)
    assert kinds(await desk.release()) == ["retract"]


async def test_what_is_on_its_way_is_taken_back_after_it(node: Node) -> None:
    desk = Desk(node)
    ada, grace = await somebody(desk, 2)
    talk = await desk.talk(ada, grace)
    await desk.say(talk, grace, "Hello", 1)
    await desk.expect(ada, talk, 1, "push")
    (under_way,) = await desk.releaser().release(["webpush"], 10)
    await read(desk, ada, talk, 1)
    assert await desk.release() == []
    await desk.releaser().record(under_way.delivery_id, Sent())
    assert kinds(await desk.release()) == ["retract"]


async def test_nothing_is_taken_back_that_was_not_shown_or_by_who_cannot(
    node: Node,
) -> None:
    desk = Desk(node)
    (browser,) = await desk.people(1)
    note = await desk.note(browser, "push")
    await desk.release()
    await mark(node.transaction, Actor(browser.id), "read", [note], desk.clock)
    # Mailed, not yet due, or long ago.
    (ada,) = await somebody(desk)
    mailed = await desk.note(ada, "email")
    waiting = await desk.note(ada, "push", due_in=60)
    old = await desk.note(ada, "push")
    await desk.release()
    desk.clock.move(days=8)
    ids = [mailed, waiting, old]
    await mark(node.transaction, Actor(ada.id), "read", ids, desk.clock)
    assert await desk.release() == []
    types = {row["type"] for each in (browser, ada) for row in await desk.rows(each)}
    assert types == {"note"}


async def test_who_answers_has_what_they_answered_taken_back(node: Node) -> None:
    desk = Desk(node)
    ada, grace = await somebody(desk, 2)
    talk = await desk.talk(ada, grace)
    mention = await desk.note(
        ada, "push", conversation_id=talk, seq=1, related_user_id=grace.id
    )
    await desk.say(talk, grace, "Hello @Ada", 1)
    await desk.expect(ada, talk, 1, "push")
    shown = await desk.release()
    assert len(shown) == 2
    desk.clock.move(seconds=1)
    # From a desk where nothing was opened: nothing else says that it was read.
    said = {"sender_id": str(ada.id), "conversation_id": str(talk), "seq": 2}
    event = DomainEvent(
        1, 1, "messages.created", {}, {"messages": [said]}, desk.clock()
    )
    async with node.transaction() as work:
        await settle_events(work, [event], desk.clock())
    back = await desk.release()
    assert kinds(back) == ["retract", "retract"]
    assert {tag_of(parcel) for parcel in back} == {tag_of(parcel) for parcel in shown}
    assert mention in {parcel.items[0].notification_id for parcel in back}
    async with node.transaction() as work:
        await settle_events(work, [event], desk.clock())
    assert await desk.release() == []


async def test_a_request_that_was_answered_is_taken_back(node: Node) -> None:
    desk = Desk(node)
    ada, grace = await somebody(desk, 2)
    link: dict[str, Any] = {
        "id": uuid4(),
        "requester_id": grace.id,
        "recipient_id": ada.id,
        "status": "pending",
        "message": None,
    }
    async with node.transaction() as work:
        await put_connections(work, [link])
    note = await desk.note(ada, "push", related_connection_id=link["id"])
    assert len(await desk.release()) == 1
    async with node.transaction() as work:
        await put_connections(work, [{**link, "status": "accepted"}])
    desk.clock.now = datetime.now(UTC)
    (back,) = await desk.release()
    assert (back.kind, back.items[0].notification_id) == ("retract", note)
