"""What happens is told to whom it concerns, and to nobody else."""

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from realtime.actions.reported_events import RESERVED
from realtime.node import Node
from realtime.worker import Worker
from storage.database import Database
from tests.api.calling import KEY, ear_of, say
from tests.factories import Person, make_pair, make_people, set_account_status
from tests.realtime.notifications.telling import (
    give_device,
    give_email,
    leaving,
    post,
    put,
    rows,
    tell_of_events,
    told,
)

_ROOT = Path(__file__).parents[3]
_HAPPENS = re.compile(r"happen\(\s*\"([a-z_]+)\.")


async def test_who_is_asked_for_a_connection_and_who_asked_are_told(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await give_email(node, grace, locale="de")
    await give_device(node, grace)
    asked = await http.post(
        "/v1/connections",
        json={"user_id": str(grace.id), "message": "Hello"},
        headers=ada.headers,
    )
    connection = asked.json()["id"]
    ear = await ear_of(node, grace.id)
    await tell_of_events(node)
    assert await told(node, grace) == [("connection_request", 1)]
    assert await told(node, ada) == []
    # A request of a stranger never pushes; the mail is a digest's.
    assert await leaving(node, grace) == [
        ("email", "connection_request", "daily", "pending")
    ]
    event = await ear.hear(lambda one: one["type"] == "notification.created")
    shown = event["data"]["notification"]
    assert shown["title"] == "Ada möchte sich mit Ihnen verbinden"
    assert "Hello" not in str(shown)
    assert shown["related_user_id"] == str(ada.id)
    assert shown["related_connection_id"] == connection
    (stored,) = await rows(
        node, "SELECT decisions, link, event_id FROM callboard.notifications"
    )
    assert stored["decisions"]["push"]["mode"] == "off"
    assert stored["decisions"]["push"]["reason"] == "stranger"
    assert stored["decisions"]["email"] | {"at": ""} == {
        "mode": "daily",
        "source": "default",
        "at": "",
    }
    assert stored["link"] == f"/connections/{connection}"
    assert stored["event_id"]

    await http.post(f"/v1/connections/{connection}/accept", headers=grace.headers)
    await tell_of_events(node)
    assert await told(node, ada) == [("connection_accepted", 1)]
    (ada_says,) = await rows(
        node,
        "SELECT decisions FROM callboard.notifications WHERE user_id = :id",
        id=ada.id,
    )
    assert ada_says["decisions"]["push"]["reason"] == "no_device"
    assert await leaving(node, ada) == []


async def test_the_life_of_a_gig_is_told_to_its_team_and_applicants(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member, ada, grace, gone = await make_people(
        node, "Olga", "Max", "Ada", "Grace", "Gone"
    )
    gig, application, other, third = uuid4(), uuid4(), uuid4(), uuid4()
    said = {"kind": "gig", "owner_id": str(owner.id), "title": "Second lead"}
    await put(http, f"gigs/{gig}", **said, status="published")
    await put(http, f"gigs/{gig}/members/{member.id}", role="recruiter")
    for one, person in ((application, ada), (other, grace), (third, gone)):
        await put(
            http,
            f"gigs/{gig}/applications/{one}",
            applicant_id=str(person.id),
            status="pending",
        )
    await tell_of_events(node)
    assert await told(node, owner) == [
        ("gig_published", 1),
        ("application_received", 3),
    ]
    assert await told(node, member) == [
        ("gig_published", 1),
        ("team_joined", 1),
        ("application_received", 3),
    ]
    (title,) = await rows(
        node,
        "SELECT title FROM callboard.notifications WHERE user_id = :id"
        " AND type = 'application_received'",
        id=owner.id,
    )
    assert title["title"] == "3 new applications: Second lead"

    await set_account_status(node, gone, "suspended")
    for status in ("shortlisted", "offered"):
        await put(
            http,
            f"gigs/{gig}/applications/{application}",
            applicant_id=str(ada.id),
            status=status,
        )
    await put(
        http,
        f"gigs/{gig}/applications/{other}",
        applicant_id=str(grace.id),
        status="rejected",
    )
    await tell_of_events(node)
    assert await told(node, ada) == [("application_status", 2)]
    (status_row,) = await rows(
        node,
        "SELECT title, message FROM callboard.notifications WHERE user_id = :id",
        id=ada.id,
    )
    assert status_row == {"title": "You have an offer", "message": "For Second lead."}
    assert await told(node, grace) == [("application_status", 1)]

    await put(http, f"gigs/{gig}", **said, status="cancelled")
    await tell_of_events(node)
    assert (await told(node, ada))[-1] == ("gig_cancelled", 1)
    # Published and not read, then cancelled: the one has become the other.
    assert await told(node, owner) == [
        ("gig_cancelled", 2),
        ("application_received", 3),
    ]
    assert await told(node, grace) == [("application_status", 1)]
    assert await told(node, gone) == []


async def test_nobody_is_told_of_whom_they_blocked_nor_of_themselves(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await http.put(f"/v1/blocks/{grace.id}", headers=ada.headers)
    for blocker in (ada, grace):
        other = grace if blocker is ada else ada
        answer = await post(
            http,
            "events",
            type="like.created",
            subject={"user_id": str(blocker.id), "actor_id": str(other.id)},
        )
        assert answer["notifications"] == []
    await post(
        http,
        "events",
        type="like.created",
        subject={"user_id": str(ada.id), "actor_id": str(ada.id)},
    )
    await tell_of_events(node)
    assert await told(node, ada) == await told(node, grace) == []


async def test_moderation_is_told_to_who_reported_and_whom_it_concerns(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, grace, talk, "rude")
    report = await http.post(
        "/v1/reports",
        json={"content_type": "message", "content_id": message["id"], "reason": "spam"},
        headers=ada.headers,
    )
    assert report.status_code == 201, report.text
    await post(http, f"reports/{report.json()['id']}/resolve", action="take_down")
    await tell_of_events(node)
    assert await told(node, ada) == [("report_resolved", 1)]
    assert await told(node, grace) == [("moderation_take_down", 1)]
    (of_grace,) = await rows(
        node,
        "SELECT data FROM callboard.notifications WHERE user_id = :id",
        id=grace.id,
    )
    assert str(ada.id) not in str(of_grace)


async def test_what_the_platform_tells_is_told_as_it_answers(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, ada = await make_people(node, "Olga", "Ada")
    await give_email(node, ada)
    await give_device(node, ada)
    gig, application = uuid4(), uuid4()
    await put(
        http,
        f"gigs/{gig}",
        kind="gig",
        owner_id=str(owner.id),
        title="Second lead",
        status="published",
    )
    await put(
        http,
        f"gigs/{gig}/applications/{application}",
        applicant_id=str(ada.id),
        status="pending",
    )
    await tell_of_events(node)
    before = await told(node, ada)
    about = {"application_id": str(application)}
    events: tuple[tuple[str, dict[str, str], dict[str, str], str, Person], ...] = (
        ("interview.scheduled", about, {"starts_at": "2027-01-05T09:00:00Z"},
         "interview_scheduled", ada),
        ("offer.made", about, {"answer_by": "2027-01-08T09:00:00Z"},
         "offer_received", ada),
        ("offer.accepted", about, {}, "offer_answered", owner),
        ("task.assigned", {"assignee_id": str(ada.id)}, {"title": "Learn it"},
         "task_assigned", ada),
        ("wishlist.added", {"user_id": str(ada.id)}, {}, "wishlist", ada),
        ("project.updated", {"user_id": str(ada.id)}, {"title": "X"},
         "project_update", ada),
    )  # fmt: skip
    for kind, subject, data, type_, person in events:
        answer = await post(http, "events", type=kind, subject=subject, data=data)
        (will,) = [
            one for one in answer["notifications"] if one["user_id"] == str(person.id)
        ]
        assert will["type"] == type_
        await tell_of_events(node)
        assert (await told(node, person))[-1] == (type_, 1)
        planned = {channel for channel, of, _, _ in await leaving(node, person)
                   if of == type_}  # fmt: skip
        assert planned == set(will["channels"]) - {"in_app"}
    assert len(await told(node, ada)) == len(before) + 5
    (interview,) = await rows(
        node,
        "SELECT title, message, data FROM callboard.notifications"
        " WHERE type = 'interview_scheduled'",
    )
    assert interview["title"] == "Interview: Second lead"
    assert "January 5, 2027" in interview["message"]
    assert interview["data"]["starts_at"] == "2027-01-05T09:00:00Z"


def test_no_type_of_the_servers_own_can_be_reported() -> None:
    said = set()
    for folder in ("api", "realtime"):
        for file in (_ROOT / folder).rglob("*.py"):
            said |= set(_HAPPENS.findall(file.read_text("utf-8")))
    assert {"user", "conversation", "webhook"} <= said
    # Of gigs and applications platforms may tell as they may put them.
    assert said - {"gig", "application"} <= RESERVED


async def test_only_the_server_says_what_it_knows_itself(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    for body in (
        {"type": "messages.created", "data": {"messages": []}},
        {"type": "message.deleted"},
        {"type": "connection.accepted", "subject": {"requester_id": str(ada.id)}},
        {"type": "moderation.warned", "subject": {"reported_user_id": str(ada.id)}},
        {"type": "nodots"},
        {"type": "a.b", "subject": {"user_id": "no id"}},
        {"type": "a.b", "occurred_at": "2020-01-01T00:00:00Z"},
        {"type": "a.b", "occurred_at": "2100-01-01T00:00:00Z"},
        {"type": "a.b", "more": 1},
    ):
        answer = await http.post("/v1/platform/events", json=body, headers=KEY)
        assert answer.status_code in {400, 422}, body
    headers = KEY | {"Idempotency-Key": "one"}
    body = {"type": "like.created", "subject": {"user_id": str(ada.id)}}
    first = await http.post("/v1/platform/events", json=body, headers=headers)
    again = await http.post("/v1/platform/events", json=body, headers=headers)
    assert first.status_code == 202
    assert first.json() == again.json()
    kept = await http.get("/v1/platform/events?type=like.created", headers=KEY)
    assert [one["id"] for one in kept.json()["items"]] == [first.json()["id"]]
    await tell_of_events(node)
    assert await told(node, ada) == [("like", 1)]


def _is_of(kind: str, event: dict[str, Any]) -> bool:
    return bool(event["data"]["notification"]["type"] == kind)


async def test_what_a_worker_tells_arrives_on_sockets_of_another_process(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    ear = await ear_of(node, ada.id)
    assert node.settings.database_url is not None
    database = Database(node.settings.database_url.get_secret_value())
    await database.open()
    worker = Worker(node.settings, database)
    try:
        await post(
            http, "events", type="like.created", subject={"user_id": str(ada.id)}
        )
        await post(
            http,
            "notifications",
            type="announcement",
            topic="everyone",
            title="Hello",
            message="",
        )
        async with asyncio.timeout(20):
            while len(await told(node, ada)) < 2:
                await worker.lines["events"]()
                await worker.lines["broadcasts"]()
        for kind in ("like", "announcement"):
            await ear.hear(partial(_is_of, kind))
    finally:
        worker.stop()
        await worker.work()
        await database.close()
