"""What one is shown: listing, seeing, reading, putting away, on every device."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from callboard_client import Socket
from sqlalchemy import text

from realtime.actions.notifications import TOLD_CHANGES
from realtime.actions.notifications import mark as mark_as
from realtime.actor import Actor
from realtime.node import Node
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.events import EventLine
from realtime.notifications.triggers import CONSUMER, Triggers
from storage.ids import uuid7
from storage.inbox import Mark
from tests.api.calling import KEY, Ear, ear_of, problem, say
from tests.conftest import Served
from tests.factories import (
    Person,
    connect_people,
    make_pair,
    make_people,
    put_notification,
)

PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2999, 1, 1, tzinfo=UTC)

# protocol.md, section 2: all of it, and nothing else.
SHAPE = {
    "id",
    "type",
    "title",
    "message",
    "data",
    "priority",
    "related_user_id",
    "related_connection_id",
    "conversation_id",
    "gig_id",
    "count",
    "is_read",
    "seen_at",
    "read_at",
    "archived_at",
    "expires_at",
    "created_at",
}


async def listed(
    http: httpx.AsyncClient, person: Person, **asked: object
) -> list[dict[str, Any]]:
    answer = await http.get(
        "/v1/notifications",
        params={name: str(value) for name, value in asked.items()},
        headers=person.headers,
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def marked(
    http: httpx.AsyncClient, person: Person, mark: str, **these: object
) -> int:
    """Mark over HTTP, and give how many are still unread."""
    answer = await http.post(
        f"/v1/notifications/{mark}", json=these, headers=person.headers
    )
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"unread"}
    me = await http.get("/v1/me", headers=person.headers)
    assert me.json()["unread"] == answer.json()["unread"]
    unread: int = answer.json()["unread"]["notifications"]
    return unread


def told(ear: Ear) -> list[tuple[str, str, bool, bool, bool]]:
    """Give what an ear was told: of which one, seen, read and archived."""
    return [
        (
            event["type"],
            event["data"]["notification"]["id"],
            event["data"]["notification"]["seen_at"] is not None,
            event["data"]["notification"]["is_read"],
            event["data"]["notification"]["archived_at"] is not None,
        )
        for event in ear.heard
        if event["type"].startswith("notification.")
    ]


async def test_the_inbox_shows_ones_own_and_no_more(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, eve = await make_people(node, "Ada", "Eve")
    one = await put_notification(
        node, ada, type="gig_published", data={"city": "Bern"}, expires_at=FUTURE
    )
    two = await put_notification(node, ada, read_at=PAST, seen_at=PAST)
    away = await put_notification(node, ada, archived_at=PAST, seen_at=PAST)
    await put_notification(node, ada, expires_at=PAST)
    await put_notification(node, ada, is_shown=False)
    await put_notification(node, eve)

    items = await listed(http, ada)
    assert [item["id"] for item in items] == [str(two), str(one)]
    assert items[1].keys() == SHAPE
    assert items[1]["data"] == {"city": "Bern"}
    assert (items[0]["is_read"], items[1]["is_read"]) == (True, False)

    async def ids(**asked: object) -> list[str]:
        return [item["id"] for item in await listed(http, ada, **asked)]

    assert await ids(unread=True) == [str(one)]
    assert await ids(unread=False) == [str(two)]
    assert await ids(type="gig_published") == [str(one)]
    assert await ids(type="nothing") == []
    assert await ids(archived=True) == [str(away)]
    assert await ids(archived=True, unread=True) == [str(away)]
    me = await http.get("/v1/me", headers=ada.headers)
    assert me.json()["unread"]["notifications"] == 1


async def test_the_inbox_is_read_page_by_page(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    made = [str(await put_notification(node, ada)) for _ in range(5)]
    read: list[str] = []
    asked: dict[str, str] = {"limit": "2"}
    for size in (2, 2, 1):
        answer = await http.get("/v1/notifications", params=asked, headers=ada.headers)
        page = answer.json()
        assert len(page["items"]) == size
        read += [item["id"] for item in page["items"]]
        asked["next"] = str(page["next"])
    assert page["next"] is None
    assert read == made[::-1]
    for wrong in (
        {"next": "x"},
        {"unread": "perhaps"},
        {"limit": "0"},
        {"type": "like\0"},
    ):
        answer = await http.get("/v1/notifications", params=wrong, headers=ada.headers)
        problem(answer, 422, "invalid")


async def test_marks_are_told_to_every_device_once_and_others_ids_are_passed_over(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, eve = await make_people(node, "Ada", "Eve")
    one, two, three = [await put_notification(node, ada) for _ in range(3)]
    hers = await put_notification(node, eve)
    ears = [await ear_of(node, ada.id) for _ in range(2)]
    others = await ear_of(node, eve.id)

    assert await marked(http, ada, "seen", ids=[str(one)]) == 3
    assert await marked(http, ada, "read", ids=[str(one), str(two), str(hers)]) == 1
    assert await marked(http, ada, "archive", ids=[str(three), str(uuid4())]) == 0
    # A second time, and in another order, changes nothing.
    for mark in ("archive", "read", "seen"):
        assert await marked(http, ada, mark, ids=[str(one), str(hers)]) == 0
    assert await marked(http, ada, "read", ids=[]) == 0

    updated = "notification.updated"
    expected = [
        (updated, str(one), True, False, False),
        (updated, str(one), True, True, False),
        (updated, str(two), True, True, False),
        (updated, str(three), True, False, True),
        # The second time above put away what had only been read.
        (updated, str(one), True, True, True),
    ]
    assert [told(ear) for ear in ears] == [expected, expected]
    assert not others.heard
    assert (await listed(http, eve))[0]["seen_at"] is None
    assert [item["id"] for item in await listed(http, ada)] == [str(two)]


async def test_how_long_reading_takes_is_measured_once(node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    ids = [await put_notification(node, ada) for _ in range(3)]
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "UPDATE callboard.notifications SET created_at = :at WHERE id = ANY(:i)"
            ),
            {"at": node.clock() - timedelta(minutes=7), "i": ids},
        )
    marks: Sequence[tuple[Person, Mark, list[UUID] | None]] = (
        (ada, "seen", None),
        (grace, "read", ids),
        (ada, "read", ids[:2]),
        (ada, "read", ids[:2]),
        (ada, "archived", ids),
    )
    for who, mark, these in marks:
        await mark_as(node.transaction, Actor(who.id), mark, these, node.clock)
    shown = node.metrics.render().decode()
    assert 'minutes_to_read_bucket{class="service",le="5.0"} 0.0' in shown
    assert 'minutes_to_read_bucket{class="service",le="10.0"} 2.0' in shown


@pytest.mark.parametrize("mark", ["seen", "read", "archive"])
async def test_what_is_marked_is_said_in_one_way(
    http: httpx.AsyncClient, node: Node, mark: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    wrong: list[dict[str, object]] = [
        {},
        {"all": False},
        {"ids": [], "all": True},
        {"ids": ["x"]},
        {"ids": [str(uuid4())] * 201},
        {"ids": [], "surplus": 1},
    ]
    for body in wrong:
        answer = await http.post(
            f"/v1/notifications/{mark}", json=body, headers=ada.headers
        )
        problem(answer, 422, "invalid")
    problem(
        await http.post(f"/v1/notifications/{mark}", json={"all": True}, headers=KEY),
        403,
        "forbidden",
    )


async def test_marking_very_many_is_one_word_and_few_are_told_each(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    for _ in range(TOLD_CHANGES + 1):
        await put_notification(node, ada)
    ear = await ear_of(node, ada.id)
    assert await marked(http, ada, "read", all=True) == 0
    assert ear.kinds == ["resync"]
    assert ear.heard[0]["data"] == {"reason": "many_notifications"}
    last = await put_notification(node, ada)
    assert await marked(http, ada, "seen", all=True) == 1
    assert await marked(http, ada, "read", all=True) == 0
    assert [one[1:4] for one in told(ear)] == [
        (str(last), True, False),
        (str(last), True, True),
    ]
    assert await marked(http, ada, "archive", all=True) == 0
    assert await listed(http, ada) == []
    assert ear.kinds[3:] == ["resync"]


async def test_two_devices_are_in_step_over_sockets(server: Served) -> None:
    (ada,) = await make_people(server.node, "Ada")
    one, two = [await put_notification(server.node, ada) for _ in range(2)]
    async with (
        await Socket.connect(server.socket_url, ada.token) as phone,
        await Socket.connect(server.socket_url, ada.token) as desk,
    ):
        assert phone.hello["unread"]["notifications"] == 2
        steps: list[tuple[str, dict[str, object], int]] = [
            ("notification.seen", {"all": True}, 2),
            ("notification.read", {"ids": [str(one)]}, 1),
            ("notification.archive", {"ids": [str(two)]}, 0),
        ]
        for command, data, left in steps:
            answer = await phone.request(command, **data)
            assert answer["unread"]["notifications"] == left
        heard = []
        for device in (phone, desk):
            await device.request("ping")
            heard.append(
                [
                    (event["type"], event["data"]["notification"])
                    for event in device.take_waiting()
                    if event["type"] != "cursor"
                ]
            )
        assert heard[0] == heard[1]
        assert [kind for kind, _ in heard[0]] == ["notification.updated"] * 4
        state = {shown["id"]: shown for _, shown in heard[0]}
    async with httpx.AsyncClient(base_url=server.url) as http:
        items = await listed(http, ada) + await listed(http, ada, archived=True)
    assert {item["id"]: item for item in items} == state


async def test_what_changed_meanwhile_comes_on_resuming(server: Served) -> None:
    (ada,) = await make_people(server.node, "Ada")
    node = server.node
    one, counted, untouched = [await put_notification(node, ada) for _ in range(3)]
    async with await Socket.connect(server.socket_url, ada.token) as socket:
        cursor = socket.hello["cursor"]
    new, noticed = [await put_notification(node, ada) for _ in range(2)]
    await put_notification(node, ada, expires_at=PAST)
    await put_notification(node, ada, is_shown=False)
    async with httpx.AsyncClient(base_url=server.url) as http:
        await marked(http, ada, "read", ids=[str(one)])
        # On another device, before this one has heard of it: it is new here.
        await marked(http, ada, "seen", ids=[str(noticed)])
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "UPDATE callboard.notifications SET count = 2,"
                " changed_xid = pg_current_xact_id() WHERE id = ANY(:ids)"
            ),
            {"ids": [counted, new]},
        )
    async with await Socket.connect(
        server.socket_url, ada.token, cursor=cursor
    ) as socket:
        assert socket.hello["resumed"] is True
        assert socket.hello["unread"]["notifications"] == 4
        await socket.request("ping")
        heard = {
            event["data"]["notification"]["id"]: event["type"]
            for event in socket.take_waiting()
            if event["type"] != "cursor"
        }
    assert heard == {
        str(one): "notification.updated",
        str(counted): "notification.updated",
        str(new): "notification.created",
        str(noticed): "notification.created",
    }
    assert str(untouched) not in heard
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "INSERT INTO callboard.notifications (id, user_id, type, class, title,"
                " message) SELECT gen_random_uuid(), :ada, 'project', 'service', 'Hi',"
                " 'Hi' FROM generate_series(1, :count)"
            ),
            {"ada": ada.id, "count": node.settings.resume_limit},
        )
    async with await Socket.connect(
        server.socket_url, ada.token, cursor=cursor
    ) as socket:
        assert socket.hello["resumed"] is False


async def test_reading_a_conversation_reads_what_told_of_it(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    for _ in range(3):
        await say(http, ada, conversation, "Hi")
    about = {"type": "mention", "conversation_id": conversation}
    first, second, third = [
        str(await put_notification(node, grace, seq=seq, **about)) for seq in (1, 2, 3)
    ]
    await put_notification(node, grace, conversation_id=uuid7(), seq=1)
    ear = await ear_of(node, grace.id)

    async def read(seq: int) -> None:
        answer = await http.post(
            f"/v1/conversations/{conversation}/read",
            json={"seq": seq},
            headers=grace.headers,
        )
        assert answer.status_code == 200, answer.text

    await read(2)
    assert [one[1:4] for one in told(ear)] == [
        (first, True, True),
        (second, True, True),
    ]
    # Who answers has read everything before; what is left is settled with the marker.
    await say(http, grace, conversation, "Hello")
    await read(0)
    assert [one[1] for one in told(ear)][2:] == [third]
    me = await http.get("/v1/me", headers=grace.headers)
    assert me.json()["unread"]["notifications"] == 1


@pytest.mark.parametrize("end", ["accept", "reject", "withdraw", "platform"])
async def test_a_request_that_waits_no_more_is_read(
    http: httpx.AsyncClient, node: Node, end: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    link = await connect_people(node, ada, grace, "pending")
    asked = await put_notification(
        node, grace, type="connection_request", related_connection_id=link
    )
    other = await put_notification(node, grace, related_connection_id=uuid7())
    ear = await ear_of(node, grace.id)
    if end == "platform":
        answer = await http.put(
            f"/v1/platform/connections/{link}",
            json={
                "requester_id": str(ada.id),
                "recipient_id": str(grace.id),
                "status": "accepted",
            },
            headers=KEY,
        )
    else:
        who = ada if end == "withdraw" else grace
        answer = await http.post(f"/v1/connections/{link}/{end}", headers=who.headers)
    assert answer.status_code == 200, answer.text
    assert [one[1:4] for one in told(ear)] == [(str(asked), True, True)]
    unread = await listed(http, grace, unread=True)
    assert [UUID(item["id"]) for item in unread] == [other]
    # Nothing of it is told to who asked.
    assert await listed(http, ada) == []


async def test_what_expires_leaves_the_inbox_and_the_totals_by_itself(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    soon = node.clock() + timedelta(hours=1)
    one = await put_notification(node, ada, expires_at=soon)
    assert await marked(http, ada, "seen", all=True) == 1
    node.clock = lambda: soon + timedelta(seconds=1)
    # A token is good for an hour here: the inbox is asked where clocks come in.
    async with node.transaction(ada.id) as work:
        assert await work.inbox.of(ada.id, node.clock(), limit=1) == []
        assert await work.inbox.mark(ada.id, "read", [one], node.clock()) == []
        unread = await work.conversations.unread(ada.id, node.clock())
    assert unread.notifications == 0


async def test_what_is_told_too_late_is_read_already(
    http: httpx.AsyncClient, node: Node
) -> None:
    events = EventLine(
        CONSUMER, node.transaction, Triggers(load_catalogue()), node.clock
    )
    await events()
    ada, grace, conversation = await make_pair(node)
    (linus,) = await make_people(node, "Linus")
    mentioned = str(
        await put_notification(
            node, grace, type="mention", conversation_id=conversation, seq=1
        )
    )
    await say(http, ada, conversation, "Hi")
    # Who answers has read all before it, though no device says so.
    await say(http, grace, conversation, "Hello")
    answer = await http.post(
        "/v1/connections", json={"user_id": str(grace.id)}, headers=linus.headers
    )
    link = answer.json()["id"]
    answer = await http.post(f"/v1/connections/{link}/accept", headers=grace.headers)
    assert answer.status_code == 200, answer.text
    ear = await ear_of(node, grace.id)
    await events()
    # The request was told after it had been answered, and is no news.
    changed = [one[1:4] for one in told(ear) if one[0] == "notification.updated"]
    requests = await listed(http, grace, type="connection_request")
    assert changed == [(mentioned, True, True), (requests[0]["id"], True, True)]
    assert await listed(http, grace, unread=True) == []
