"""The ledger as a table, continued: groups, groups of teams, blocks, and strangers."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from callboard_client import Refused
from sqlalchemy import text

from realtime.node import Node
from tests.conftest import Served, settings_for
from tests.databases import TestDatabase
from tests.factories import connect_people, set_account_status
from tests.journeys.casting import (
    DAYS,
    GIG_STATUSES,
    Company,
    closed_as,
    days_pass,
    new_gig,
)
from tests.journeys.doors import Doors, fresh
from tests.journeys.servers import server_of
from tests.journeys.tables import Cell, company_of, compare, read, write
from tests.journeys.test_ledger import Relation, every_relation


@pytest.fixture
async def server(database: TestDatabase) -> AsyncIterator[Served]:
    """A server on which one person may do very much."""
    settings = settings_for(database, limit_conversations="off", limit_messages="off")
    async with server_of(settings) as running:
        yield running


async def opened(doors: Doors, **wanted: object) -> str:
    """Open a conversation and give its id."""
    answer = await doors.http.post("/v1/conversations", json=wanted)
    assert answer.is_success, answer.text
    conversation: str = answer.json()["id"]
    return conversation


async def set_status(node: Node, conversation: str, status: str) -> None:
    """Have a conversation stand so, whoever may have brought that about."""
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.conversations SET status = :status WHERE id = :id"),
            {"id": conversation, "status": status},
        )


# --- groups -----------------------------------------------------------------------


async def test_groups(server: Served) -> None:
    members = ("second owner", "peer", "foe", "left", "taken out")
    async with company_of(server, *members) as (company, doors):
        owner, foe = company.people["owner"], company.people["foe"]
        for name in members:
            await connect_people(server.node, owner, company.people[name])
        tables: dict[tuple[str, str], str] = {}
        for writers in ("members", "owners"):
            for status in ("active", "archived", "blocked"):
                group = tables[writers, status] = await opened(
                    doors["owner"],
                    kind="group",
                    title="Stunts",
                    writers=writers,
                    user_ids=[company.id(name) for name in members],
                )
                path = f"/v1/conversations/{group}/participants"
                await doors["owner"].call(
                    "PUT", f"{path}/{company.id('second owner')}", role="owner"
                )
                await doors["owner"].call("DELETE", f"{path}/{company.id('taken out')}")
                await doors["left"].call("DELETE", f"{path}/{company.id('left')}")
                await set_status(server.node, group, status)
        # Among many that is between the two of them.
        await doors["owner"].command("user.block", user_id=str(foe.id))

        def may_write(cell: Cell) -> str | None:
            writers, status, role = cell
            if role in {"left", "taken out"}:
                return "not_a_participant"
            if role not in {"owner", *members}:
                return "not_found"
            if status != "active":
                return f"conversation_{status}"
            if writers == "owners" and role not in {"owner", "second owner"}:
                return "forbidden"
            return None

        def may_read(cell: Cell) -> str | None:
            is_in = cell[-1] in {"owner", "second owner", "peer", "foe"}
            return None if is_in else may_write(cell)

        cells = [
            ((*table, role), group) for table, group in tables.items() for role in doors
        ]
        assert await compare(doors, cells, may_write) == 2 * 3 * len(doors)
        assert await compare(doors, cells, may_read, read) == 2 * 3 * len(doors)


async def test_groups_of_teams(server: Served) -> None:
    async with company_of(server, "former member") as (company, doors):
        gigs = [new_gig(status) for status in GIG_STATUSES]
        await company.put_gigs(
            [gig.before() for gig in gigs], ("member", "former member")
        )
        await company.put_applications([gig.before() for gig in gigs])
        groups = {
            gig: await opened(doors["owner"], kind="group", gig_id=gig.id)
            for gig in gigs
        }
        await company.put_gigs(gigs)

        def may_write(cell: Cell) -> str | None:
            day, gig, role = cell
            if role == "former member":
                return "not_a_participant"
            if role not in {"owner", "member"}:
                return "not_found"
            return closed_as(gig, None, int(day), is_chosen=True)

        before = 0
        for today in DAYS:
            await days_pass(server.node, today - before)
            before = today
            cells = [
                ((str(today), gig.status, role), group)
                for gig, group in groups.items()
                for role in doors
            ]
            assert await compare(doors, cells, may_write) == 6 * len(doors)


async def test_who_begins_the_group_of_a_team(server: Served) -> None:
    async with company_of(server) as (company, doors):
        cells = {
            (status, role): new_gig(status) for status in GIG_STATUSES for role in doors
        }
        gigs = list(cells.values())
        await company.put_gigs(gigs)
        await company.put_applications(gigs)

        async def begin(asking: Doors, gig: str) -> tuple[str | None, ...]:
            wanted = {"kind": "group", "gig_id": gig}
            return (await asking.call("POST", "/v1/conversations", **wanted),)

        def may_begin(cell: Cell) -> str | None:
            status, role = cell
            # Who is of the organization only is not named by the gig.
            if role not in {"owner", "member"}:
                return "not_found"
            return closed_as(status, None, 0, is_chosen=True)

        asked = [(cell, gig.id) for cell, gig in cells.items()]
        assert await compare(doors, asked, may_begin, begin) == 6 * len(doors)


@every_relation
async def test_with_whom_groups_and_threads_of_chosen_people_begin(
    server: Served, relation: Relation
) -> None:
    async with company_of(server, "other") as (company, doors):
        me, other = company.people["owner"], company.people["other"]
        gigs = [new_gig(status) for status in GIG_STATUSES]
        await company.put_gigs(gigs)
        group = await opened(doors["owner"], kind="group")
        await relation.arrange(server.node, me, other)
        people = [str(other.id), company.id("member")]
        for gig in gigs:
            reason = await doors["owner"].call(
                "POST",
                "/v1/conversations",
                kind="gig",
                gig_id=gig.id,
                user_ids=people,
            )
            assert reason == (relation.reason or closed_as(gig.status, None, 0))
        path = f"/v1/conversations/{group}/participants/{other.id}"
        assert await doors["owner"].call("PUT", path) == relation.reason
        begun = await doors["owner"].call(
            "POST", "/v1/conversations", kind="group", user_ids=[str(other.id)]
        )
        assert begun == relation.reason


async def test_who_is_outside_a_gig_talks_about_it_with_its_team_alone(
    server: Served,
) -> None:
    async with company_of(server, "friend") as (company, doors):
        outsider = company.people["outsider"]
        for name in ("owner", "friend"):
            await connect_people(server.node, outsider, company.people[name])
        gigs = [new_gig(status) for status in GIG_STATUSES]
        await company.put_gigs(gigs)
        for gig in gigs:
            # What is not published is known to whom the team talks anyway, no draft.
            known = None if gig.status == "published" else "not_found"
            begun = closed_as(gig.status, None, 0)
            for people, reason in (
                (["owner"], "not_found" if gig.status == "draft" else begun),
                (["owner", "member"], known or "not_connected"),
                (["owner", "friend"], known or "forbidden"),
                (["friend"], known or "forbidden"),
                ([], known or "forbidden"),
            ):
                given = await doors["outsider"].call(
                    "POST",
                    "/v1/conversations",
                    kind="gig",
                    gig_id=gig.id,
                    user_ids=[company.id(name) for name in people],
                )
                assert given == reason, (gig.status, people)


# --- blocks and suspended accounts ------------------------------------------------


@pytest.mark.parametrize("blocker", ["owner", "applicant"])
async def test_a_block_closes_a_thread_of_two_and_no_other(
    server: Served, blocker: str
) -> None:
    async with company_of(server) as (company, doors):
        gigs = {
            (size, status): new_gig(status)
            for size in ("two", "three")
            for status in ("published", "cancelled")
        }
        two = [gig for cell, gig in gigs.items() if cell[0] == "two"]
        three = [gig for cell, gig in gigs.items() if cell[0] == "three"]
        await company.hire([])
        await company.put_gigs([gig.before() for gig in two], [])
        await company.put_gigs([gig.before() for gig in three], ["member"])
        await company.put_applications(two + three)
        threads = {
            cell: await opened(
                doors["owner"],
                kind="gig",
                gig_id=gig.id,
                application_id=gig.application_id,
            )
            for cell, gig in gigs.items()
        }
        await company.put_gigs(two, [])
        await company.put_gigs(three, ["member"])
        blocked = {"owner": "applicant", "applicant": "owner"}[blocker]
        await doors[blocker].command("user.block", user_id=company.id(blocked))

        def may_write(cell: Cell) -> str | None:
            size, status, role = cell
            if role == "member":
                return "not_found" if size == "two" else closed_as(status, None, 0)
            return "blocked" if size == "two" else closed_as(status, None, 0)

        cells = [
            ((*cell, role), thread)
            for cell, thread in threads.items()
            for role in ("owner", "applicant", "member")
        ]
        assert await compare(doors, cells, may_write) == 2 * 2 * 3
        # With the third gone, two are left who do not talk to each other.
        await company.put_gigs(three, [])
        for role in ("owner", "applicant"):
            thread = threads["three", "published"]
            assert set(await write(doors[role], thread)) == {"blocked"}
        await doors[blocker].command("user.unblock", user_id=company.id(blocked))
        for role in ("owner", "applicant"):
            assert set(await write(doors[role], thread)) == {None}


@pytest.mark.parametrize("suspended", ["owner", "member", "applicant"])
async def test_who_is_suspended_writes_nowhere_and_the_others_go_on(
    server: Served, suspended: str
) -> None:
    async with company_of(server) as (company, doors):
        await connect_people(
            server.node, company.people["owner"], company.people["member"]
        )
        gig = new_gig("published")
        await company.put_gigs([gig])
        await company.put_applications([gig])
        about = {"gig_id": gig.id, "application_id": gig.application_id}
        people = [company.id("member")]
        conversations = [
            await opened(doors["owner"], kind="gig", **about),
            await opened(doors["owner"], kind="group", user_ids=people),
            await opened(doors["owner"], kind="group", gig_id=gig.id),
        ]
        person = company.people[suspended]
        await set_account_status(server.node, person, "suspended")
        for conversation in conversations:
            for role in {"owner", "member", "applicant", "outsider"} - {suspended}:
                is_in = role != "outsider" and (
                    role != "applicant" or conversation == conversations[0]
                )
                wanted = None if is_in else "not_found"
                assert set(await write(doors[role], conversation)) == {wanted}
            # On the socket that is open still, and over HTTP.
            path = f"/v1/conversations/{conversation}/messages"
            is_in = suspended != "applicant" or conversation == conversations[0]
            assert await doors[suspended].command(
                "message.send",
                conversation_id=conversation,
                client_id=fresh(),
                body="Hello",
            ) == ("suspended" if is_in else "not_found")
            assert await doors[suspended].call("GET", path) == "suspended"
            assert (
                await doors[suspended].call(
                    "POST", path, client_id=fresh(), body="Hello"
                )
                == "suspended"
            )


# --- strangers and nobody ---------------------------------------------------------


async def test_what_is_not_ones_own_answers_like_nothing(server: Served) -> None:
    async with company_of(server, "peer") as (company, doors):
        await connect_people(
            server.node, company.people["owner"], company.people["peer"]
        )
        draft, published = new_gig("draft"), new_gig("published")
        await company.put_gigs([draft, published])
        await company.put_applications([draft, published])
        about = {"gig_id": published.id, "application_id": published.application_id}
        conversations = [
            await opened(doors["owner"], kind="gig", **about),
            await opened(doors["owner"], kind="group", gig_id=published.id),
            await opened(doors["owner"], kind="group", user_ids=[company.id("peer")]),
        ]
        for who in ("outsider", "viewer"):
            asking = doors[who]
            of_nothing = await answers(asking, fresh(), company)
            for conversation in conversations:
                assert await answers(asking, conversation, company) == of_nothing
            nothing = await beginnings(asking, fresh(), fresh())
            assert await beginnings(asking, draft.id, draft.application_id) == nothing
            # Of a gig that is no secret, the applications are.
            for kind in ("gig", "group"):
                wanted = {"kind": kind, "gig_id": published.id}
                known = wanted | {"application_id": published.application_id}
                unknown = wanted | {"application_id": fresh()}
                assert await answer(asking, known) == await answer(asking, unknown)


async def answers(doors: Doors, conversation: str, company: Company) -> list[Any]:
    """Give all that somebody is told who asks about a conversation at every place."""
    path = f"/v1/conversations/{conversation}"
    other = company.id("peer")
    found: list[Any] = []
    for method, place, body in (
        ("GET", "", None),
        ("PATCH", "", {"muted_until": None}),
        ("PATCH", "", {"title": "Mine"}),
        ("GET", "/messages", None),
        ("POST", "/messages", {"client_id": fresh(), "body": "Hello"}),
        ("POST", "/read", {"seq": 1}),
        ("GET", "/permissions", None),
        ("GET", "/participants", None),
        ("PUT", f"/participants/{other}", {}),
        ("DELETE", f"/participants/{other}", None),
        ("DELETE", f"/participants/{company.id('outsider')}", None),
    ):
        given = await doors.http.request(method, path + place, json=body)
        found.append((method, place, given.status_code, given.json()))
        assert given.json()["code"] == "not_found"
    for kind, data in (
        ("message.send", {"client_id": fresh(), "body": "Hello"}),
        ("conversation.read", {"seq": 1}),
        ("conversation.delivered", {"seq": 1}),
        ("typing", {"active": True}),
    ):
        with pytest.raises(Refused) as refused:
            await doors.socket.request(kind, conversation_id=conversation, **data)
        found.append((kind, refused.value.code, refused.value.details))
    return found


async def beginnings(doors: Doors, gig: str, application: str) -> list[Any]:
    """Give all that somebody is told who asks for conversations about a gig."""
    return [
        await answer(doors, {"kind": "gig", "gig_id": gig}),
        await answer(doors, {"kind": "gig", "gig_id": gig, "user_ids": [str(uuid4())]}),
        await answer(
            doors, {"kind": "gig", "gig_id": gig, "application_id": application}
        ),
        await answer(doors, {"kind": "group", "gig_id": gig}),
    ]


async def answer(doors: Doors, wanted: Mapping[str, object]) -> tuple[int, Any]:
    """Ask for a conversation and give the whole answer."""
    given = await doors.http.post("/v1/conversations", json=wanted)
    return given.status_code, given.json()
