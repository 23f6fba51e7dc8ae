"""What a platform has its people told: some, a topic, everyone; and taking it back."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from realtime.node import Node
from storage.records import UserId
from tests.api.calling import KEY, ear_of, key_with, problem, say
from tests.factories import make_pair, make_people, set_account_status
from tests.realtime.notifications.telling import (
    choose,
    give_device,
    give_email,
    leaving,
    post,
    rows,
    tell_of_broadcasts,
    told,
)

SAID: dict[str, Any] = {
    "type": "announcement",
    "title": "The casting moves",
    "message": "To Hall 2.",
}


async def _make_crowd(node: Node, count: int) -> list[UserId]:
    """Make many people."""
    crowd = sorted(UserId(uuid4()) for _ in range(count))
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "INSERT INTO callboard.users (id, display_name)"
                " SELECT id, 'One of many' FROM unnest(CAST(:ids AS uuid[])) AS t(id)"
            ),
            {"ids": crowd},
        )
    return crowd


async def _count(node: Node) -> int:
    (row,) = await rows(node, "SELECT count(*) AS n FROM callboard.notifications")
    return int(row["n"])


async def test_some_are_told_at_once_as_each_wants_it(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, gone = await make_people(node, "Ada", "Grace", "Gone")
    await give_email(node, ada, grace)
    await give_device(node, ada)
    await choose(node, grace, "announcement", "email", "off", node.clock())
    await set_account_status(node, gone, "suspended")
    ear = await ear_of(node, ada.id)
    sent = await post(
        http,
        "notifications",
        **SAID,
        user_ids=[str(one.id) for one in (ada, grace, gone, ada)] + [str(uuid4())],
        data={"link": "/castings/17", "n": 1},
        priority="high",
        expires_at="2100-01-01T00:00:00Z",
    )
    assert sent["recipients"] == 3
    event = await ear.hear(lambda one: one["type"] == "notification.created")
    shown = event["data"]["notification"]
    assert (shown["title"], shown["message"]) == ("The casting moves", "To Hall 2.")
    assert (shown["priority"], shown["count"]) == ("high", 1)
    assert shown["data"] == {"link": "/castings/17", "n": 1}
    assert shown["expires_at"] == "2100-01-01T00:00:00.000Z"
    assert await told(node, grace) == [("announcement", 1)]
    assert await told(node, gone) == []
    assert await leaving(node, ada) == [
        ("email", "announcement", "daily", "pending"),
        ("push", "announcement", "instant", "pending"),
    ]
    assert await leaving(node, grace) == []
    (stored,) = await rows(
        node,
        "SELECT link, decisions FROM callboard.notifications WHERE user_id = :id",
        id=grace.id,
    )
    assert stored["link"] == "/castings/17"
    assert stored["decisions"]["email"]["mode"] == "off"
    assert stored["decisions"]["email"]["source"] == "type"
    assert stored["decisions"]["push"]["reason"] == "no_device"


async def test_what_collapses_is_counted_and_leaves_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    await give_device(node, ada)
    ear = await ear_of(node, ada.id)
    keyed = {"type": "like", "user_ids": [str(ada.id)], "collapse_key": "k"}
    await choose(node, ada, "like", "push", "instant", node.clock())
    for number in range(3):
        await post(http, "notifications", **keyed, title=f"No. {number}")
    assert await told(node, ada) == [("like", 3)]
    assert ear.kinds == [
        "notification.created",
        "notification.updated",
        "notification.updated",
    ]
    assert ear.heard[-1]["data"]["notification"]["title"] == "No. 2"
    assert len(await leaving(node, ada)) == 1
    # What has left is not repeated with the next, but an hour later.
    now = node.clock()
    await rows(
        node,
        "UPDATE callboard.deliveries SET status = 'sent', sent_at = :now RETURNING id",
        now=now,
    )
    await post(http, "notifications", **keyed, title="No. 3")
    assert len(await leaving(node, ada)) == 1
    node.clock = lambda: now + timedelta(hours=2)
    await post(http, "notifications", **keyed, title="No. 4")
    assert [status for *_, status in await leaving(node, ada)] == ["sent", "pending"]
    # What was read is over: the next is a new one.
    (unread,) = await rows(node, "SELECT id FROM callboard.notifications")
    node.clock = lambda: now
    await http.post(
        "/v1/notifications/read", json={"ids": [str(unread["id"])]}, headers=ada.headers
    )
    await post(http, "notifications", **keyed, title="No. 5")
    assert await told(node, ada) == [("like", 5), ("like", 1)]


async def test_who_had_seen_it_is_shown_again_what_it_says_now(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    keyed = {"type": "interview_scheduled", "user_ids": [str(ada.id)]}
    await post(http, "notifications", **keyed, collapse_key="k", title="On Monday")
    await http.post("/v1/notifications/seen", json={"all": True}, headers=ada.headers)
    ear = await ear_of(node, ada.id)
    await post(http, "notifications", **keyed, collapse_key="k", title="On Tuesday")
    shown = ear.heard[-1]["data"]["notification"]
    # What has been seen in the list leaves on no channel: this has not been.
    assert (shown["title"], shown["count"], shown["seen_at"]) == ("On Tuesday", 2, None)


async def test_what_does_not_say_what_it_is_about_collapses_into_nothing(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    news = {"type": "industry_news", "user_ids": [str(ada.id)]}
    await post(http, "notifications", **news, title="A theatre opens")
    await post(http, "notifications", **news, title="A theatre closes")
    for title in ("Prizes", "Prizes, corrected"):
        await post(http, "notifications", **news, title=title, data={"news_id": "7"})
    assert await told(node, ada) == [("industry_news", count) for count in (1, 1, 2)]


async def test_what_nobody_sees_is_counted_until_it_has_left(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    await give_email(node, ada)
    await choose(node, ada, "like", "in_app", "off", node.clock())
    keyed = {"type": "like", "user_ids": [str(ada.id)], "collapse_key": "k"}
    for _ in range(2):
        await post(http, "notifications", **keyed)
    assert await told(node, ada) == [("like", 2)]
    assert len(await leaving(node, ada)) == 1
    await rows(
        node,
        "UPDATE callboard.deliveries SET status = 'sent', sent_at = :now RETURNING id",
        now=node.clock(),
    )
    await post(http, "notifications", **keyed)
    assert await told(node, ada) == [("like", 2), ("like", 1)]
    inbox = await http.get("/v1/notifications", headers=ada.headers)
    assert inbox.json()["items"] == []


async def test_one_person_fills_nobodys_inbox_with_pushes_and_mails(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await give_email(node, ada)
    await give_device(node, ada)
    for _ in range(22):
        await post(
            http,
            "notifications",
            type="interview_scheduled",
            title="Come in",
            message="",
            user_ids=[str(ada.id)],
            related_user_id=str(grace.id),
            collapse_key=str(uuid4()),
        )
    assert len(await told(node, ada)) == 22
    left = await leaving(node, ada)
    assert [mode for channel, _, mode, _ in left if channel == "push"] == [
        "instant"
    ] * 20
    assert (
        sorted(mode for channel, _, mode, _ in left if channel == "email")
        == ["daily"] * 2 + ["instant"] * 20
    )
    (last, *_) = await rows(
        node,
        "SELECT decisions FROM callboard.notifications ORDER BY id DESC LIMIT 1",
    )
    assert last["decisions"]["push"]["reason"] == "sender_cap"
    assert last["decisions"]["email"]["reason"] == "sender_cap"


async def test_many_are_told_some_at_a_time_while_people_chat(
    http: httpx.AsyncClient, node: Node
) -> None:
    crowd = await _make_crowd(node, 3000)
    ada, grace, talk = await make_pair(node)
    sent = await post(
        http, "notifications", **SAID, user_ids=[str(user) for user in crowd]
    )
    assert sent["recipients"] == 3000
    assert await _count(node) == 0
    telling = asyncio.create_task(tell_of_broadcasts(node))
    chat = 0
    while not telling.done():
        async with asyncio.timeout(5):
            await say(http, ada, talk, "Still here?")
        chat += 1
    assert await telling == 16
    assert chat > 5
    assert await _count(node) == 3000
    (done,) = await rows(node, "SELECT status, recipients FROM callboard.broadcasts")
    assert done == {"status": "done", "recipients": 3000}
    assert await told(node, grace) == []


async def test_two_workers_tell_everybody_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    await _make_crowd(node, 500)
    first = await post(http, "notifications", **SAID, topic="everyone")
    await post(http, "notifications", **SAID, topic="everyone")
    assert first["recipients"] == 500
    pieces = await asyncio.gather(
        tell_of_broadcasts(node, at_once=60), tell_of_broadcasts(node, at_once=60)
    )
    assert sum(pieces) == 18
    assert await _count(node) == 1000
    (twice,) = await rows(
        node,
        "SELECT count(*) AS n FROM (SELECT FROM callboard.notifications"
        " GROUP BY user_id, broadcast_id HAVING count(*) > 1) t",
    )
    assert twice["n"] == 0


async def test_what_is_cancelled_tells_nobody_more_and_goes_from_inboxes(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    await give_email(node, ada)
    ear = await ear_of(node, ada.id)
    sent = await post(http, "notifications", **SAID, user_ids=[str(ada.id)])
    path = f"/v1/platform/notifications/{sent['id']}"
    for _ in range(2):
        assert (await http.delete(path, headers=KEY)).status_code == 204
    assert await leaving(node, ada) == [("email", "announcement", "daily", "skipped")]
    await ear.hear(lambda one: one["type"] == "notification.updated")
    inbox = await http.get("/v1/notifications", headers=ada.headers)
    assert inbox.json()["items"] == []
    problem(
        await http.delete(f"/v1/platform/notifications/{uuid4()}", headers=KEY),
        404,
        "not_found",
    )

    crowd = await _make_crowd(node, 450)
    many = await post(
        http, "notifications", **SAID, user_ids=[str(user) for user in crowd]
    )
    assert await tell_of_broadcasts(node, at_once=300) == 2
    second = await post(
        http, "notifications", **SAID, user_ids=[str(user) for user in crowd]
    )
    for one in (many, second):
        await http.delete(f"/v1/platform/notifications/{one['id']}", headers=KEY)
    assert await tell_of_broadcasts(node) >= 2
    (left,) = await rows(
        node,
        "SELECT count(*) AS told, count(*) FILTER (WHERE expires_at IS NULL) AS open"
        " FROM callboard.notifications WHERE broadcast_id = :id",
        id=UUID(many["id"]),
    )
    assert left == {"told": 450, "open": 0}
    (none,) = await rows(
        node,
        "SELECT count(*) AS n FROM callboard.notifications WHERE broadcast_id = :id",
        id=UUID(second["id"]),
    )
    assert none["n"] == 0


async def test_a_broadcast_that_expires_or_fails_stops_no_other(
    http: httpx.AsyncClient, node: Node
) -> None:
    crowd = await _make_crowd(node, 201)
    ids = [str(user) for user in crowd]
    now = node.clock()
    until = (now + timedelta(hours=1)).isoformat()
    await post(http, "notifications", **SAID, user_ids=ids, expires_at=until)
    bad = await post(http, "notifications", **SAID, user_ids=ids)
    await rows(
        node,
        'UPDATE callboard.broadcasts SET content = \'{"gig_id": "none"}\''
        " WHERE id = :id RETURNING id",
        id=UUID(bad["id"]),
    )
    good = await post(http, "notifications", **SAID, user_ids=ids)
    await tell_of_broadcasts(node, lambda: now + timedelta(hours=2))
    assert await rows(
        node, "SELECT DISTINCT broadcast_id FROM callboard.notifications"
    ) == [{"broadcast_id": UUID(good["id"])}]
    (noted,) = await rows(
        node,
        "SELECT subject FROM callboard.audit_logs WHERE action = 'broadcast.failed'",
    )
    assert noted["subject"] == {"broadcast_id": bad["id"]}


async def test_who_follows_a_topic_is_told(http: httpx.AsyncClient, node: Node) -> None:
    ada, grace, lin = await make_people(node, "Ada", "Grace", "Lin")
    for _ in range(2):
        answer = await http.put("/v1/topics/industry_news", headers=ada.headers)
        assert answer.status_code == 204, answer.text
        path = f"/v1/platform/topics/industry_news/subscribers/{grace.id}"
        assert (await http.put(path, headers=KEY)).status_code == 204
    listed = await http.get("/v1/topics", headers=grace.headers)
    assert [one["topic"] for one in listed.json()["items"]] == ["industry_news"]
    problem(await http.put("/v1/topics/everyone", headers=ada.headers), 422, "invalid")
    private = "private.staff-of-17"
    problem(
        await http.put(f"/v1/topics/{private}", headers=ada.headers), 403, "forbidden"
    )
    path = f"/v1/platform/topics/{private}/subscribers/{ada.id}"
    assert (await http.put(path, headers=KEY)).status_code == 204
    path = f"/v1/platform/topics/news/subscribers/{uuid4()}"
    problem(await http.put(path, headers=KEY), 404, "not_found")

    news = {"title": "A new stage", "summary": "It opens.", "news_id": "1"}
    will = await post(http, "events", type="news.published", data=news)
    assert will["broadcasts"] == [
        {"type": "industry_news", "topic": "industry_news", "recipients": 2}
    ]
    sent = await post(http, "notifications", **SAID, topic="industry_news")
    assert sent["recipients"] == 2
    await tell_of_broadcasts(node)
    for person in (ada, grace):
        assert await told(node, person) == [("announcement", 1)]
    await http.delete("/v1/topics/industry_news", headers=ada.headers)
    await post(http, "notifications", **SAID, topic="industry_news")
    await tell_of_broadcasts(node)
    assert len(await told(node, ada)) == 1
    assert len(await told(node, grace)) == 2
    assert await told(node, lin) == []


async def test_wrong_calls_are_refused_and_repeated_ones_done_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    to: dict[str, Any] = {"user_ids": [str(ada.id)]}
    for body in (
        SAID,
        SAID | to | {"topic": "news"},
        SAID | {"user_ids": []},
        SAID | to | {"type": "Announcement"},
        SAID | to | {"type": "unheard_of"},
        SAID | to | {"expires_at": "2020-01-01T00:00:00Z"},
        SAID | to | {"priority": "highest"},
        SAID | to | {"data": {"x": "y" * 5000}},
        SAID | {"topic": "no spaces"},
        SAID | {"user_ids": [str(uuid4()) for _ in range(10_001)]},
        {"type": "announcement"} | to,
    ):
        answer = await http.post("/v1/platform/notifications", json=body, headers=KEY)
        problem(answer, 422, "invalid")
    refused = await http.post(
        "/v1/platform/notifications",
        json=SAID | to | {"type": "unheard_of"},
        headers=KEY,
    )
    assert "announcement" in refused.json()["details"]["types"]
    headers = KEY | {"Idempotency-Key": "once"}
    answers = [
        await http.post("/v1/platform/notifications", json=SAID | to, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert await told(node, ada) == [("announcement", 1)]
    no_scope = await key_with(node, "events")
    for method, path in (
        ("POST", "notifications"),
        ("DELETE", f"notifications/{uuid4()}"),
        ("PUT", f"topics/news/subscribers/{ada.id}"),
    ):
        answer = await http.request(
            method, f"/v1/platform/{path}", json=SAID | to, headers=no_scope
        )
        problem(answer, 403, "forbidden")


async def test_a_promotion_goes_nowhere_without_a_yes(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await give_email(node, ada, grace)
    for channel in ("in_app", "email"):
        await choose(node, grace, "promotion", channel, "instant", node.clock())
    await post(
        http,
        "notifications",
        type="promotion",
        title="Half price",
        user_ids=[str(ada.id), str(grace.id)],
    )
    listed = {}
    for person in (ada, grace):
        inbox = await http.get("/v1/notifications", headers=person.headers)
        listed[person.name] = len(inbox.json()["items"])
    assert listed == {"Ada": 0, "Grace": 1}
    assert await leaving(node, ada) == []
    assert len(await leaving(node, grace)) == 1
