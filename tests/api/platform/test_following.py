"""Threads follow the market, whatever changes of it meet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from sqlalchemy import ARRAY, Uuid, bindparam, text

from realtime.actions.threads import open_thread
from realtime.actor import Actor
from realtime.node import Node
from storage.records import ApplicationId, GigId
from tests.api.calling import ear_of
from tests.api.platform.market import (
    batch,
    delete,
    gig_of,
    nobody,
    put,
    put_application,
    put_gig,
)
from tests.factories import Person, make_people, until_somebody_waits

T = TypeVar("T")


async def _open(
    http: httpx.AsyncClient, person: Person, gig: str, application: str
) -> httpx.Response:
    body = {"kind": "gig", "gig_id": gig, "application_id": application}
    return await http.post("/v1/conversations", json=body, headers=person.headers)


async def _people_of(http: httpx.AsyncClient, reader: Person, thread: str) -> set[str]:
    path = f"/v1/conversations/{thread}"
    shown = (await http.get(path, headers=reader.headers)).json()
    return {one["user_id"] for one in shown["participants"]}


async def _out_of_step(node: Node, gigs: list[str]) -> list[Any]:
    """Name who takes part in threads and should not, and the other way round."""
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text(
                "SELECT * FROM callboard.compare_gigs(:gigs, :roles)"
                " WHERE change IS NOT NULL"
            ).bindparams(bindparam("gigs", type_=ARRAY(Uuid(as_uuid=False)))),
            {"gigs": gigs, "roles": list(node.settings.team_roles)},
        )
        return list(rows)


async def test_lists_of_members_move_people_in_and_out_of_threads(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, eve, talent = await make_people(node, "Ada", "Grace", "Eve", "Talent")
    agency = nobody()
    await put(http, f"organizations/{agency}", name="Bright")
    gig = await put_gig(http, ada, organization_id=agency)
    application = await put_application(http, gig, talent)
    thread = (await _open(http, talent, gig, application)).json()["id"]
    basis = {str(ada.id), str(talent.id)}

    recruiter = {"user_id": str(grace.id), "role": "recruiter"}
    await put(http, f"organizations/{agency}", name="Bright", members=[recruiter])
    team = {"id": gig, **gig_of(ada), "members": [{"user_id": str(eve.id)}]}
    await batch(http, "gigs", team)
    everybody = basis | {str(grace.id), str(eve.id)}
    assert await _people_of(http, talent, thread) == everybody

    ears = [await ear_of(node, grace.id), await ear_of(node, eve.id)]
    await batch(http, "organizations", {"id": agency, "name": "Bright", "members": []})
    await put(http, f"gigs/{gig}", **gig_of(ada), members=[])
    assert await _people_of(http, talent, thread) == basis
    for ear, person in zip(ears, (grace, eve), strict=True):
        assert str(person.id) in {
            event["data"]["user_id"]
            for event in ear.heard
            if event["type"] == "participant.left"
        }


async def test_a_gig_that_moves_takes_its_threads_to_other_people(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, eve, talent = await make_people(node, "Ada", "Grace", "Eve", "Talent")
    here, there = nobody(), nobody()
    for agency, person in ((here, grace), (there, eve)):
        member = {"user_id": str(person.id), "role": "admin"}
        await put(http, f"organizations/{agency}", name="x", members=[member])
    gig = await put_gig(http, ada, organization_id=here)
    application = await put_application(http, gig, talent)
    thread = (await _open(http, talent, gig, application)).json()["id"]
    moves: tuple[tuple[Person, str | None, set[Person]], ...] = (
        (ada, here, {ada, grace}),
        (ada, there, {ada, eve}),
        (grace, there, {grace, eve}),
        (grace, None, {grace}),
    )
    for owner, home, others in moves:
        await put(http, f"gigs/{gig}", **gig_of(owner, organization_id=home))
        taking_part = await _people_of(http, talent, thread)
        assert taking_part == {str(one.id) for one in others | {talent}}


async def test_a_thread_that_opens_while_its_application_ends_is_closed(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, talent = await make_people(node, "Ada", "Talent")
    gig = await put_gig(http, ada)
    application = await put_application(http, gig, talent)
    async with node.transaction(talent.id) as work:
        thread, is_new = await open_thread(
            work,
            Actor(talent.id),
            GigId(UUID(gig)),
            ApplicationId(UUID(application)),
            [],
            node.settings,
        )
        path = f"gigs/{gig}/applications/{application}"
        fields = {"applicant_id": str(talent.id), "status": "rejected"}
        ending = asyncio.create_task(put(http, path, **fields))
        await until_somebody_waits(node)
    assert is_new
    assert (await ending).status_code == 200
    path = f"/v1/conversations/{thread}/permissions"
    found = await http.get(path, headers=talent.headers)
    assert found.json()["reason"] == "gig_closed"


class _Market:
    """A small market in which everything changes, as a seed has it."""

    def __init__(self, http: httpx.AsyncClient, seed: int) -> None:
        self._http = http
        self._random = Random(seed)
        self._moves: Sequence[Callable[[], Awaitable[httpx.Response]]] = (
            self._move_recruiter,
            self._move_recruiters,
            self._move_team,
            self._put_gigs,
            self._put_applications,
            self._open_thread,
        )

    async def begin(self, node: Node) -> None:
        self._owners = await make_people(node, "Ada", "Grace")
        self._crew = await make_people(node, *"ABCD")
        talents = await make_people(node, *"XYZ")
        self._agencies = [nobody(), nobody()]
        for agency in self._agencies:
            await put(self._http, f"organizations/{agency}", name="Bright")
        self.gigs = [
            await put_gig(self._http, self._owners[0], organization_id=agency)
            for agency in self._agencies * 2
        ]
        self._applications = [
            (gig, talent, await put_application(self._http, gig, talent))
            for gig in self.gigs
            for talent in talents
        ]

    async def change(self) -> httpx.Response:
        """Do anything."""
        return await self._random.choice(self._moves)()

    async def _move_recruiter(self) -> httpx.Response:
        agency, person = self._any(self._agencies), self._any(self._crew)
        path = f"organizations/{agency}/members/{person.id}"
        if self._any([True, False]):
            return await delete(self._http, path)
        return await put(self._http, path, role="recruiter")

    async def _move_recruiters(self) -> httpx.Response:
        members = [
            {"user_id": str(one.id), "role": self._any(["admin", "viewer"])}
            for one in self._random.sample(self._crew, 2)
        ]
        item = {"id": self._any(self._agencies), "name": "x", "members": members}
        return await batch(self._http, "organizations", item)

    async def _move_team(self) -> httpx.Response:
        path = f"gigs/{self._any(self.gigs)}/members/{self._any(self._crew).id}"
        change = self._any([put, delete])
        return await change(self._http, path)

    async def _put_gigs(self) -> httpx.Response:
        items = [
            {
                "id": gig,
                **gig_of(self._any(self._owners)),
                "organization_id": self._any([*self._agencies, None]),
                "status": self._any(["published", "filled"]),
                "members": [{"user_id": str(self._any(self._crew).id)}],
            }
            for gig in self._random.sample(self.gigs, 3)
        ]
        return await batch(self._http, "gigs", *items)

    async def _put_applications(self) -> httpx.Response:
        items = [
            {
                "id": application,
                "gig_id": gig,
                "applicant_id": str(talent.id),
                "status": self._any(["pending", "offered", "rejected", "withdrawn"]),
            }
            for gig, talent, application in self._random.sample(self._applications, 3)
        ]
        return await batch(self._http, "applications", *items)

    async def _open_thread(self) -> httpx.Response:
        gig, talent, application = self._any(self._applications)
        return await _open(self._http, talent, gig, application)

    def _any(self, those: Sequence[T]) -> T:
        return self._random.choice(those)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_meets_threads_are_in_step_and_nobody_waits_in_a_circle(
    http: httpx.AsyncClient, node: Node, seed: int
) -> None:
    market = _Market(http, seed)
    await market.begin(node)
    for _ in range(8):
        answers = await asyncio.gather(*(market.change() for _ in range(12)))
        for answer in answers:
            # The thread of a filled gig or a rejected application does not open.
            assert answer.status_code in {200, 201, 204, 403}, answer.text
        assert await _out_of_step(node, market.gigs) == []
