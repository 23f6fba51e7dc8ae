"""Messages: who is told of them outside the conversation, and when."""

from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import text

from realtime.node import Node
from realtime.notifications.catalogue import Limits
from tests.api.calling import ear_of, say
from tests.factories import (
    Person,
    make_group,
    make_pair,
    make_people,
    set_account_status,
)
from tests.realtime.notifications.telling import (
    choose,
    give_device,
    give_email,
    leaving,
    rows,
    tell_of_events,
    told,
)

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


async def test_of_many_messages_one_mail_and_one_push_a_device_wait(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    await give_email(node, ada, grace)
    phone, tablet = await give_device(node, grace), await give_device(node, grace)
    for number in range(3):
        await say(http, ada, talk, f"secret {number}")
    await tell_of_events(node, lambda: NOW)
    await say(http, ada, talk, "secret 4")
    await tell_of_events(node, lambda: NOW + timedelta(seconds=30))
    found = await rows(
        node,
        "SELECT channel, device_id, first_seq, due_at, due_by, trail::text AS trail"
        " FROM callboard.deliveries WHERE user_id = :id ORDER BY channel, device_id",
        id=grace.id,
    )
    assert [row["channel"] for row in found] == ["email", "push", "push"]
    assert {row["device_id"] for row in found} == {None, phone, tablet}
    assert {row["first_seq"] for row in found} == {1}
    # The first leaves after its delay, whatever comes meanwhile.
    assert [row["due_at"] - NOW for row in found] == [
        timedelta(seconds=120),
        timedelta(0),
        timedelta(0),
    ]
    assert "secret" not in str(found)
    assert await leaving(node, ada) == []
    # The conversation is their inbox.
    assert await told(node, grace) == []


async def test_after_one_has_left_the_next_waits_for_more_up_to_a_cap(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    await give_email(node, grace)
    await say(http, ada, talk, "1")
    await tell_of_events(node, lambda: NOW)
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "UPDATE callboard.deliveries SET status = 'sent', sent_at = :at,"
                " last_seq = 1"
            ),
            {"at": NOW + timedelta(seconds=120)},
        )

    async def due(after: int) -> float:
        at = NOW + timedelta(seconds=after)
        await say(http, ada, talk, "more")
        await tell_of_events(node, lambda: at)
        (row,) = await rows(
            node, "SELECT due_at FROM callboard.deliveries WHERE status = 'pending'"
        )
        due_at: datetime = row["due_at"]
        return (due_at - NOW).total_seconds()

    # Ten minutes after the last, an hour after the first of them at the most.
    assert await due(200) == 800
    assert await due(700) == 1300
    assert await due(1299) == 1899
    assert await due(1898) == 2498
    assert await due(2497) == 3097
    assert await due(3096) == 3696
    assert await due(3695) == 3800


async def test_nobody_is_told_who_read_left_silenced_or_may_not_know(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, read, left, muted, gone, blocking, archived, well = await make_people(
        node, "Ada", "Read", "Left", "Muted", "Gone", "Blocking", "Archived", "Well"
    )
    others = (read, left, muted, gone, blocking, archived, well)
    await give_email(node, *others)
    group = await make_group(node, ada, *others)
    await say(http, ada, group, "Hello")
    await http.post(
        f"/v1/conversations/{group}/read", json={"seq": 1}, headers=read.headers
    )
    await set_account_status(node, gone, "suspended")
    await http.put(f"/v1/blocks/{ada.id}", headers=blocking.headers)
    async with node.transaction() as work:
        for person, change in (
            (left, "left_at = now(), left_reason = 'left'"),
            (muted, "muted_until = '2027-03-02'"),
            (archived, "archived_at = now()"),
        ):
            await work.connection.execute(
                text(
                    f"UPDATE callboard.participants SET {change}"
                    " WHERE conversation_id = :id AND user_id = :user"
                ),
                {"id": group, "user": person.id},
            )
    await tell_of_events(node, lambda: NOW)
    assert {
        person.name for person in (ada, *others) if await leaving(node, person)
    } == {"Archived", "Well"}


async def test_choices_say_how_messages_are_told(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    await give_email(node, grace)
    await give_device(node, grace)
    await choose(node, grace, "message_received", "push", "off", NOW)
    await choose(node, grace, "message_received", "email", "daily", NOW)
    await say(http, ada, talk, "Hello")
    await tell_of_events(node, lambda: NOW)
    assert await leaving(node, grace) == [
        ("email", "message_received", "daily", "pending")
    ]
    (row,) = await rows(node, "SELECT due_at FROM callboard.deliveries")
    assert row["due_at"] == datetime(2027, 3, 2, 8, tzinfo=UTC)


async def _give_handle(node: Node, person: Person, handle: str) -> None:
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.users SET handle = :handle WHERE id = :id"),
            {"handle": handle, "id": person.id},
        )


async def test_who_is_named_is_told_of_that_and_a_large_group_only_them(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, lin = await make_people(node, "Ada", "Grace", "Lin")
    await give_email(node, grace, lin)
    await _give_handle(node, grace, "grace")
    group = await make_group(node, ada, grace, lin)
    ear = await ear_of(node, grace.id)
    await say(http, ada, group, "secret for @grace")
    await tell_of_events(node)
    assert await told(node, grace) == [("mention", 1)]
    event = await ear.hear(lambda one: one["type"] == "notification.created")
    shown = event["data"]["notification"]
    assert shown["title"] == "Ada mentioned you in Us"
    assert shown["conversation_id"] == str(group)
    assert "secret" not in str(shown)
    assert [row[1] for row in await leaving(node, grace)] == ["mention"]
    assert [row[1] for row in await leaving(node, lin)] == ["message_received"]
    (row,) = await rows(node, "SELECT seq, message_id FROM callboard.notifications")
    assert row["seq"] == 1

    node.catalogue = type(node.catalogue)(
        node.catalogue.entries, Limits(per_sender_a_day=20, large_group=2)
    )
    (eve,) = await make_people(node, "Eve")
    await give_email(node, eve)
    await _give_handle(node, eve, "eve")
    large = await make_group(node, ada, eve, lin)
    await say(http, ada, large, "For all")
    await say(http, ada, large, "For you, @eve")
    await tell_of_events(node)
    assert [row[1] for row in await leaving(node, eve)] == ["mention"]
    assert len(await leaving(node, lin)) == 1
