"""
The ledger as a table, continued: threads of gigs.

Every status of a gig × every status of an application × every role, through both
doors, and what the explanation says: all three must be what `casting.py` works out.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import pairwise

import pytest
from sqlalchemy import text

from realtime.node import Node
from tests.conftest import Served, settings_for
from tests.databases import TestDatabase
from tests.factories import connect_people
from tests.journeys.casting import (
    DAYS,
    GIG_STATUSES,
    Company,
    Gig,
    closed_as,
    days_pass,
    gigs_of_all_statuses,
    new_gig,
)
from tests.journeys.doors import Doors
from tests.journeys.servers import server_of
from tests.journeys.tables import Cell, company_of, compare, read

# Whom the ledger has take part in the thread of an application, and whom not.
IN_THREADS = ("owner", "member", "admin", "recruiter", "account_manager", "applicant")
NOT_IN_THREADS = ("viewer", "outsider")
# Who was there and is not any more.
GONE = ("former member", "former recruiter", "left", "taken out")


@pytest.fixture
async def server(database: TestDatabase) -> AsyncIterator[Served]:
    """A server on which one person may do very much."""
    settings = settings_for(database, limit_conversations="off", limit_messages="off")
    async with server_of(settings) as running:
        yield running


async def open_thread(doors: Doors, gig: Gig, *others: str) -> str:
    """Open the thread of a gig's application or, naming people, theirs."""
    about = {"user_ids": others} if others else {"application_id": gig.application_id}
    answer = await doors.http.post(
        "/v1/conversations", json={"kind": "gig", "gig_id": gig.id, **about}
    )
    assert answer.is_success, answer.text
    thread: str = answer.json()["id"]
    return thread


async def let_go(doors: Mapping[str, Doors], company: Company, thread: str) -> None:
    """Have somebody leave a thread, and the owner take somebody out."""
    path = f"/v1/conversations/{thread}/participants"
    await doors["owner"].call("DELETE", f"{path}/{company.id('taken out')}")
    await doors["left"].call("DELETE", f"{path}/{company.id('left')}")


async def make_threads(
    company: Company, doors: Mapping[str, Doors], gigs: Sequence[Gig]
) -> dict[Gig, str]:
    """Open a thread for each application, let people go, then let all statuses be."""
    before = [gig.before() for gig in gigs]
    team = ("member", "left", "taken out")
    await company.hire((*company.ROLES, "former recruiter"))
    await company.put_gigs(before, (*team, "former member"))
    await company.put_applications(before)
    threads = {gig: await open_thread(doors["owner"], gig) for gig in gigs}
    await asyncio.gather(*(let_go(doors, company, each) for each in threads.values()))
    await company.hire(company.ROLES)
    await company.put_applications(gigs)
    await company.put_gigs(gigs, team)
    return threads


async def test_threads_of_applications(server: Served) -> None:
    async with company_of(server, *GONE) as (company, doors):
        gigs = gigs_of_all_statuses()
        threads = await make_threads(company, doors, gigs)

        def may_write(cell: Cell) -> str | None:
            day, gig, application, role = cell
            if role in NOT_IN_THREADS:
                return "not_found"
            if role in GONE:
                return "not_a_participant"
            return closed_as(gig, application, int(day))

        def may_read(cell: Cell) -> str | None:
            # What was said stays, whatever has become of the gig.
            return None if cell[-1] in IN_THREADS else may_write(cell)

        def cells(day: int, roles: Iterable[str]) -> list[tuple[Cell, str]]:
            return [
                ((str(day), gig.status, gig.application_status, role), thread)
                for gig, thread in threads.items()
                for role in roles
            ]

        assert await compare(doors, cells(0, doors), may_write) == 6 * 7 * 12
        for yesterday, today in pairwise(DAYS):
            await days_pass(server.node, today - yesterday)
            # Time is the same for everybody: one of each sort is enough.
            some = cells(today, ("owner", "applicant", "left", "outsider"))
            assert await compare(doors, some, may_write) == 6 * 7 * 4
        last = cells(DAYS[-1], doors)
        assert await compare(doors, last, may_read, read) == 6 * 7 * 12


async def test_who_opens_the_thread_of_an_application_that_is_there(
    server: Served,
) -> None:
    async with company_of(server, *GONE) as (company, doors):
        gigs = gigs_of_all_statuses()
        by_id = {gig.id: gig for gig in gigs}
        threads = await make_threads(company, doors, gigs)
        cells = [
            ((gig.status, gig.application_status, role), gig.id)
            for gig in gigs
            for role in company.people
        ]

        async def by_application(asking: Doors, gig: str) -> tuple[str | None, ...]:
            about = {"gig_id": gig, "application_id": by_id[gig].application_id}
            return (await found(asking, threads[by_id[gig]], about),)

        def may_by_application(cell: Cell) -> str | None:
            role = cell[-1]
            if role == "taken out":
                return "not_a_participant"
            # Who left of their own accord is back by it.
            return None if role in {*IN_THREADS, "left"} else "not_found"

        assert (
            await compare(doors, cells, may_by_application, by_application)
            == 6 * 7 * 12
        )

        async def by_applicant(asking: Doors, gig: str) -> tuple[str | None, ...]:
            about = {"gig_id": gig, "user_ids": [company.id("applicant")]}
            return (await found(asking, threads[by_id[gig]], about),)

        def may_by_applicant(cell: Cell) -> str | None:
            # Only what is published is known outside, and who is of the team is not.
            is_strange = may_by_application(cell) == "not_found"
            if is_strange and cell[0] == "published":
                return "not_connected"
            return may_by_application(cell)

        some = [cell for cell in cells if cell[0][1] in {"pending", "withdrawn"}]
        assert await compare(doors, some, may_by_applicant, by_applicant) == 6 * 2 * 12


async def found(doors: Doors, thread: str, about: Mapping[str, object]) -> str | None:
    """Open a thread that is there already; give the refusal."""
    answer = await doors.http.post("/v1/conversations", json={"kind": "gig", **about})
    if answer.is_success:
        assert (answer.status_code, answer.json()["id"]) == (200, thread)
        return None
    refusal: str = answer.json()["code"]
    return refusal


async def test_who_begins_the_thread_of_an_application(server: Served) -> None:
    """In each cell there is none yet, so what opens it is what decides."""
    async with company_of(server, "former member") as (company, doors):
        roles = list(company.people)
        cells = {
            (gig.status, gig.application_status, role): gig
            for role in roles
            for gig in gigs_of_all_statuses()
        }
        gigs = list(cells.values())
        await company.put_gigs(gigs, ("member", "former member"))
        await company.put_applications(gigs)
        await company.put_gigs(gigs)
        by_id = {gig.id: gig for gig in gigs}

        async def begin(asking: Doors, gig: str) -> tuple[str | None, ...]:
            about = {"gig_id": gig, "application_id": by_id[gig].application_id}
            return (
                await asking.call("POST", "/v1/conversations", kind="gig", **about),
            )

        def may_begin(cell: Cell) -> str | None:
            gig, application, role = cell
            if role not in IN_THREADS:
                return "not_found"
            return closed_as(gig, application, 0)

        asked = [(cell, gig.id) for cell, gig in cells.items()]
        assert await compare(doors, asked, may_begin, begin) == 6 * 7 * 9
        begun = {gig.id for cell, gig in cells.items() if may_begin(cell) is None}
        assert await people_of_threads(server.node) == {
            gig: {company.people[role].id for role in IN_THREADS} for gig in begun
        }


async def people_of_threads(node: Node) -> dict[str, set[object]]:
    """Tell about which gigs there are conversations, and who is in them."""
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text(
                "SELECT c.gig_id, array_agg(p.user_id) FROM callboard.conversations c"
                " JOIN callboard.participants p ON p.conversation_id = c.id"
                " WHERE p.left_at IS NULL GROUP BY c.gig_id"
            )
        )
        return {str(gig): set(people) for gig, people in rows}


# --- a gig and chosen people ------------------------------------------------------


async def test_threads_of_chosen_people(server: Served) -> None:
    guests = ("guest", "guest who left", *GONE)
    async with company_of(server, *guests) as (company, doors):
        for guest in ("guest", "guest who left"):
            one, other = company.people["owner"], company.people[guest]
            await connect_people(server.node, one, other)
        gigs = [new_gig(status) for status in GIG_STATUSES]
        team = ("member", "left", "taken out")
        await company.hire((*company.ROLES, "former recruiter"))
        await company.put_gigs([gig.before() for gig in gigs], (*team, "former member"))
        chosen = [company.id(name) for name in ("member", *guests)]
        threads = {gig: await open_thread(doors["owner"], gig, *chosen) for gig in gigs}
        for thread in threads.values():
            await let_go(doors, company, thread)
            guest = company.id("guest who left")
            path = f"/v1/conversations/{thread}/participants/{guest}"
            assert await doors["guest who left"].call("DELETE", path) is None
        await company.hire(company.ROLES)
        await company.put_gigs(gigs, team)

        def may_write(cell: Cell) -> str | None:
            day, gig, role = cell
            if role in {*GONE, "guest who left"}:
                return "not_a_participant"
            if role in {"owner", "member", "guest"}:
                return closed_as(gig, None, int(day))
            # Of the team too, but not chosen.
            return "not_found"

        for yesterday, today in pairwise((0, *DAYS)):
            await days_pass(server.node, today - yesterday)
            cells = [
                ((str(today), gig.status, role), thread)
                for gig, thread in threads.items()
                for role in doors
            ]
            assert await compare(doors, cells, may_write) == 6 * len(doors)
