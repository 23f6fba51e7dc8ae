"""Threads of gigs: who opens them, who is in them, and how they end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from api.app import create_app
from realtime.lifecycle import DEFAULT_RULES, Rule
from realtime.node import Node
from realtime.worker import Worker
from storage.records import UserId
from tests.api.calling import KEY, ear_of, problem
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_people


async def put(http: httpx.AsyncClient, path: str, **body: object) -> dict[str, object]:
    answer = await http.put(f"/v1/platform/{path}", json=body, headers=KEY)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def make_gig(http: httpx.AsyncClient, owner: Person, **fields: object) -> str:
    gig = str(uuid4())
    body = {"kind": "gig", "owner_id": str(owner.id), "title": "Stunts in Lisbon"}
    await put(http, f"gigs/{gig}", **body | {"status": "published"} | fields)
    return gig


async def set_status(
    http: httpx.AsyncClient, gig: str, owner: Person, status: str
) -> None:
    body = {"kind": "gig", "owner_id": str(owner.id), "title": "Stunts in Lisbon"}
    await put(http, f"gigs/{gig}", **body, status=status)


async def apply(
    http: httpx.AsyncClient, gig: str, applicant: Person, status: str = "pending"
) -> str:
    application = str(uuid4())
    await put(
        http,
        f"gigs/{gig}/applications/{application}",
        applicant_id=str(applicant.id),
        status=status,
    )
    return application


async def open_thread(
    http: httpx.AsyncClient, person: Person, gig: str, *others: Person, **more: object
) -> httpx.Response:
    body = {
        "kind": "gig",
        "gig_id": gig,
        "user_ids": [str(other.id) for other in others],
    }
    return await http.post(
        "/v1/conversations", json=body | more, headers=person.headers
    )


async def say(http: httpx.AsyncClient, person: Person, thread: str) -> httpx.Response:
    return await http.post(
        f"/v1/conversations/{thread}/messages",
        json={"client_id": str(uuid4()), "body": "Hello"},
        headers=person.headers,
    )


async def test_applicant_owner_and_team_find_one_thread(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, colleague, talent = await make_people(node, "Owner", "Colleague", "Talent")
    gig = await make_gig(http, owner)
    await put(http, f"gigs/{gig}/members/{colleague.id}", role="casting")
    application = await apply(http, gig, talent)
    by_talent = await open_thread(http, talent, gig)
    assert by_talent.status_code == 201, by_talent.text
    by_owner = await open_thread(http, owner, gig, talent)
    by_team = await open_thread(http, colleague, gig, application_id=application)
    assert by_owner.status_code == by_team.status_code == 200
    threads = {each.json()["id"] for each in (by_talent, by_owner, by_team)}
    assert len(threads) == 1
    shown = by_team.json()
    assert (shown["gig_id"], shown["application_id"]) == (gig, application)
    roles = {one["user_id"]: one["role"] for one in shown["participants"]}
    assert roles == {
        str(owner.id): "owner",
        str(colleague.id): "member",
        str(talent.id): "member",
    }


async def test_who_has_not_applied_opens_nothing(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, stranger = await make_people(node, "Owner", "Stranger")
    published = await make_gig(http, owner)
    draft = await make_gig(http, owner, status="draft")
    problem(await open_thread(http, stranger, published), 403, "forbidden")
    problem(await open_thread(http, stranger, draft), 404, "not_found")
    problem(await open_thread(http, stranger, str(uuid4())), 404, "not_found")
    refused = await open_thread(http, owner, published, stranger)
    problem(refused, 403, "not_connected")


async def test_a_stranger_does_not_learn_who_is_of_a_team(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, other, stranger = await make_people(node, "Owner", "Other", "Stranger")
    gig = await make_gig(http, owner)
    for asked in (owner, other, Person(UserId(uuid4()), "Nobody", "")):
        refused = await open_thread(http, stranger, gig, asked)
        problem(refused, 403, "not_connected")
    await set_status(http, gig, owner, "closed")
    for asked in (owner, other):
        problem(await open_thread(http, stranger, gig, asked), 404, "not_found")


async def test_who_left_a_thread_comes_back_by_opening_it(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, talent = await make_people(node, "Owner", "Talent")
    gig = await make_gig(http, owner)
    await apply(http, gig, talent)
    thread = (await open_thread(http, talent, gig)).json()["id"]
    part = f"/v1/conversations/{thread}/participants/{talent.id}"
    await http.delete(part, headers=talent.headers)
    problem(await say(http, talent, thread), 403, "not_a_participant")
    ear = await ear_of(node, owner.id)
    back = await open_thread(http, talent, gig)
    assert (back.status_code, back.json()["id"]) == (200, thread)
    assert ear.kinds == ["participant.joined"]
    assert (await say(http, talent, thread)).status_code == 201

    await http.delete(part, headers=owner.headers)
    await http.delete(
        part.replace(str(talent.id), str(owner.id)), headers=owner.headers
    )
    (colleague,) = await make_people(node, "Colleague")
    await put(http, f"gigs/{gig}/members/{colleague.id}", role="casting")
    gone = f"/v1/conversations/{thread}/participants/{colleague.id}"
    await http.put(
        part.replace(str(talent.id), str(owner.id)), headers=colleague.headers
    )
    assert (await http.delete(gone, headers=owner.headers)).status_code == 204
    refused = await open_thread(http, colleague, gig, talent)
    problem(refused, 403, "not_a_participant")


async def test_another_reason_to_be_closed_is_said(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, talent = await make_people(node, "Owner", "Talent")
    gig = await make_gig(http, owner)
    application = await apply(http, gig, talent)
    thread = (await open_thread(http, talent, gig)).json()["id"]
    await set_status(http, gig, owner, "closed")
    path = f"gigs/{gig}/applications/{application}"
    await put(http, path, applicant_id=str(talent.id), status="rejected")
    await set_status(http, gig, owner, "published")
    history = await http.get(
        f"/v1/conversations/{thread}/messages", headers=talent.headers
    )
    said = [message["metadata"] for message in history.json()["items"]]
    assert said == [
        {"event": "thread.closed", "rule": "application.rejected"},
        {"event": "thread.closed", "rule": "gig.closed"},
    ]
    problem(await say(http, talent, thread), 403, "gig_closed")


async def test_a_recruiter_comes_and_goes_with_the_organization(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, recruiter, talent = await make_people(node, "Owner", "Recruiter", "Talent")
    organization = str(uuid4())
    await put(http, f"organizations/{organization}", name="Harbour Casting")
    gig = await make_gig(http, owner, organization_id=organization)
    await apply(http, gig, talent)
    thread = (await open_thread(http, talent, gig)).json()["id"]
    await say(http, talent, thread)
    ear, other = await ear_of(node, recruiter.id), await ear_of(node, talent.id)

    member = f"organizations/{organization}/members/{recruiter.id}"
    await put(http, member, role="recruiter")
    assert ear.kinds == ["conversation.created"]
    assert other.kinds == ["participant.joined"]
    history = await http.get(
        f"/v1/conversations/{thread}/messages", headers=recruiter.headers
    )
    assert [message["seq"] for message in history.json()["items"]] == [1]

    gone = await http.delete(f"/v1/platform/{member}", headers=KEY)
    assert gone.status_code == 204
    assert ear.kinds[-1] == other.kinds[-1] == "participant.left"
    await say(http, talent, thread)
    assert ear.kinds[-1] == "participant.left"
    path = f"/v1/conversations/{thread}"
    problem(await http.get(path, headers=recruiter.headers), 404, "not_found")
    refused = await say(http, recruiter, thread)
    problem(refused, 403, "not_a_participant")


async def test_a_viewer_of_the_organization_is_not_in_its_threads(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, viewer, talent = await make_people(node, "Owner", "Viewer", "Talent")
    organization = str(uuid4())
    await put(http, f"organizations/{organization}", name="Harbour Casting")
    await put(http, f"organizations/{organization}/members/{viewer.id}", role="viewer")
    gig = await make_gig(http, owner, organization_id=organization)
    await apply(http, gig, talent)
    thread = (await open_thread(http, talent, gig)).json()
    assert len(thread["participants"]) == 2


def has_event(event: dict[str, Any], name: str) -> bool:
    """Tell whether this is the server's word about a thread."""
    said: dict[str, Any] = event["data"].get("message", {"metadata": {}})
    return bool(said["metadata"].get("event") == name)


async def test_a_completed_gig_closes_its_threads_when_the_day_has_come(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, talent = await make_people(node, "Owner", "Talent")
    gig = await make_gig(http, owner)
    await apply(http, gig, talent, "accepted")
    thread = (await open_thread(http, talent, gig)).json()["id"]
    await set_status(http, gig, owner, "completed")
    ear = await ear_of(node, talent.id)
    worker = Worker(node.settings, node.database)
    await worker.go_round()
    assert (await say(http, talent, thread)).status_code == 201

    async def days_pass(days: int) -> None:
        async with node.transaction() as work:
            await work.connection.execute(
                text(
                    "UPDATE callboard.conversations SET"
                    " read_only_at = read_only_at - make_interval(days => :days),"
                    " archive_at = archive_at - make_interval(days => :days)"
                ),
                {"days": days},
            )

    await days_pass(30)
    problem(await say(http, talent, thread), 403, "gig_closed")
    await worker.go_round()
    await worker.go_round()
    await ear.hear(lambda event: has_event(event, "thread.closed"))
    await days_pass(150)
    await worker.go_round()
    await ear.hear(
        lambda event: event["data"].get("conversation", {}).get("status") == "archived"
    )
    said = [event for event in ear.heard if has_event(event, "thread.closed")]
    assert len(said) == 1
    problem(await say(http, talent, thread), 403, "conversation_archived")


async def test_a_filled_gig_closes_its_threads_and_reopening_opens_them(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, talent = await make_people(node, "Owner", "Talent")
    gig = await make_gig(http, owner)
    await apply(http, gig, talent)
    thread = (await open_thread(http, talent, gig)).json()["id"]
    await say(http, talent, thread)
    ear = await ear_of(node, talent.id)
    await set_status(http, gig, owner, "filled")
    assert ear.kinds == ["conversation.updated", "message.created"]
    said = ear.heard[1]["data"]["message"]
    assert (said["kind"], said["seq"], said["sender_id"]) == ("system", 2, None)
    assert said["metadata"] == {"event": "thread.closed", "rule": "gig.filled"}
    problem(await say(http, talent, thread), 403, "gig_closed")
    allowed = await http.get(
        f"/v1/conversations/{thread}/permissions", headers=talent.headers
    )
    assert allowed.json()["write"] is False
    assert allowed.json()["reason"] == "gig_closed"
    assert allowed.json()["closed_by"] == "gig.filled"

    await set_status(http, gig, owner, "published")
    assert ear.heard[-1]["data"]["message"]["metadata"] == {"event": "thread.reopened"}
    assert (await say(http, talent, thread)).status_code == 201


async def test_a_block_between_the_two_of_a_thread_says_what_would_unlock_it(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, talent = await make_people(node, "Owner", "Talent")
    gig = await make_gig(http, owner)
    await apply(http, gig, talent)
    thread = (await open_thread(http, talent, gig)).json()["id"]
    async with node.transaction(owner.id) as work:
        await work.blocks.add(owner.id, talent.id)
    path = f"/v1/conversations/{thread}/permissions"
    for person, unlock in ((owner, ["user.unblock"]), (talent, [])):
        told = (await http.get(path, headers=person.headers)).json()
        assert (told["reason"], told["unlock"]) == ("blocked", unlock)


@asynccontextmanager
async def chosen(
    database: TestDatabase, **settings: object
) -> AsyncIterator[tuple[Node, httpx.AsyncClient]]:
    """Run a node as an operator has set it up."""
    async with running_node(settings_for(database, **settings)) as node:
        transport = httpx.ASGITransport(app=create_app(node))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://callboard.test"
        ) as http:
            yield node, http


async def test_operators_choose_when_a_thread_ends(database: TestDatabase) -> None:
    rules = {
        "gig.filled": Rule(14, 90),
        "application.rejected": Rule(None, 0),
        "gig.cancelled": Rule(None, None),
    }
    lifecycle = {**DEFAULT_RULES, **rules}
    async with chosen(database, lifecycle=lifecycle) as (node, http):
        owner, talent = await make_people(node, "Owner", "Talent")
        gig = await make_gig(http, owner)
        application = await apply(http, gig, talent)
        thread = (await open_thread(http, talent, gig)).json()["id"]
        ear = await ear_of(node, talent.id)

        await set_status(http, gig, owner, "filled")
        said = await ear.hear(lambda event: has_event(event, "thread.closing"))
        assert said["data"]["message"]["metadata"]["rule"] == "gig.filled"
        path = f"/v1/conversations/{thread}/permissions"
        told = (await http.get(path, headers=talent.headers)).json()
        assert (told["write"], told["closed_by"]) == (True, "gig.filled")
        day = datetime.fromisoformat(told["read_only_at"]) - datetime.now(UTC)
        assert timedelta(days=13) < day < timedelta(days=14)
        assert (await say(http, talent, thread)).status_code == 201

        await set_status(http, gig, owner, "cancelled")
        await ear.hear(lambda event: has_event(event, "thread.reopened"))
        told = (await http.get(path, headers=talent.headers)).json()
        assert (told["write"], told["closed_by"]) == (True, None)

        await put(
            http,
            f"gigs/{gig}/applications/{application}",
            applicant_id=str(talent.id),
            status="rejected",
        )
        problem(await say(http, talent, thread), 403, "conversation_archived")


async def test_operators_choose_what_who_joins_may_read(
    database: TestDatabase,
) -> None:
    async with chosen(database, gig_history="joined") as (node, http):
        owner, colleague, talent = await make_people(
            node, "Owner", "Colleague", "Talent"
        )
        gig = await make_gig(http, owner)
        await apply(http, gig, talent)
        thread = (await open_thread(http, talent, gig)).json()["id"]
        await say(http, talent, thread)
        await put(http, f"gigs/{gig}/members/{colleague.id}", role="casting")
        await say(http, talent, thread)
        history = await http.get(
            f"/v1/conversations/{thread}/messages", headers=colleague.headers
        )
        assert [message["seq"] for message in history.json()["items"]] == [2]


async def test_operators_choose_which_roles_take_part(database: TestDatabase) -> None:
    async with chosen(database, team_roles=("viewer",)) as (node, http):
        owner, viewer, recruiter, talent = await make_people(
            node, "Owner", "Viewer", "Recruiter", "Talent"
        )
        organization = str(uuid4())
        await put(http, f"organizations/{organization}", name="Harbour Casting")
        for person, role in ((viewer, "viewer"), (recruiter, "recruiter")):
            member = f"organizations/{organization}/members/{person.id}"
            await put(http, member, role=role)
        gig = await make_gig(http, owner, organization_id=organization)
        await apply(http, gig, talent)
        thread = (await open_thread(http, talent, gig)).json()
        found = {one["user_id"] for one in thread["participants"]}
        assert found == {str(each.id) for each in (owner, viewer, talent)}
