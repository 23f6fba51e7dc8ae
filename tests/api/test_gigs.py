"""What people may know of gigs."""

from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import problem
from tests.api.platform.market import gig_of, put, put_application, put_gig
from tests.factories import Person, connect_people, make_people


async def read(http: httpx.AsyncClient, person: Person, gig: object) -> httpx.Response:
    return await http.get(f"/v1/gigs/{gig}", headers=person.headers)


async def test_a_published_gig_is_known_to_all_without_what_is_the_platforms(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, stranger = await make_people(node, "Ada", "Stranger")
    starts = "2026-12-01T12:00:00.000Z"
    gig = await put_gig(http, ada, starts_at=starts, data={"rate": "secret"})
    answer = await read(http, stranger, gig)
    assert answer.json() == {
        "id": gig,
        "kind": "gig",
        "title": "Dancers",
        "status": "published",
        "deadline": None,
        "starts_at": starts,
    }


@pytest.mark.parametrize("status", ["draft", "filled", "closed", "cancelled"])
async def test_what_is_not_published_is_known_to_whom_it_concerns_only(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    ada, mei, grace, stranger = await make_people(node, "A", "Mei", "Grace", "S")
    team = [{"user_id": str(mei.id)}]
    gig = await put_gig(http, ada, status=status, members=team)
    await put_application(http, gig, grace)
    for person in (ada, mei, grace):
        assert (await read(http, person, gig)).json()["status"] == status
    hidden = await read(http, stranger, gig)
    nobodys = await read(http, stranger, uuid4())
    assert problem(hidden, 404, "not_found") == problem(nobodys, 404, "not_found")


async def test_who_talks_about_a_gig_knows_it_until_they_leave(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await connect_people(node, ada, grace)
    gig = await put_gig(http, ada)
    wanted = {"kind": "gig", "gig_id": gig, "user_ids": [str(grace.id)]}
    opened = await http.post("/v1/conversations", json=wanted, headers=ada.headers)
    assert opened.status_code == 201, opened.text
    await put(http, f"gigs/{gig}", **gig_of(ada, status="filled"))
    assert (await read(http, grace, gig)).status_code == 200
    part = f"/v1/conversations/{opened.json()['id']}/participants/{grace.id}"
    left = await http.delete(part, headers=grace.headers)
    assert left.is_success, left.text
    problem(await read(http, grace, gig), 404, "not_found")


async def test_a_gig_is_nothing_for_who_has_no_token(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    gig = await put_gig(http, ada)
    problem(await http.get(f"/v1/gigs/{gig}"), 401, "unauthenticated")
