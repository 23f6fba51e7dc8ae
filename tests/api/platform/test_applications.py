"""The platform's applications: every status, every step, who and what they are to."""

import asyncio
from typing import Any

import httpx
import pytest

from realtime.actions.applications import APPLICATION_STEPS
from realtime.node import Node
from tests.api.calling import key_with, problem
from tests.api.platform.market import (
    batch,
    get,
    happened,
    nobody,
    put,
    put_application,
    put_gig,
)
from tests.factories import Person, make_people

STATUSES = (
    "pending",
    "shortlisted",
    "interviewing",
    "offered",
    "accepted",
    "rejected",
    "withdrawn",
)


def _item(gig: str, applicant: Person, status: str = "pending") -> dict[str, Any]:
    return {
        "id": nobody(),
        "gig_id": gig,
        "applicant_id": str(applicant.id),
        "status": status,
    }


@pytest.mark.parametrize("status", STATUSES)
async def test_an_application_may_begin_anywhere(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    path = f"gigs/{gig}/applications/{(one := nobody())}"
    problem(await get(http, path), 404, "not_found")
    shown = (await put(http, path, applicant_id=str(grace.id), status=status)).json()
    assert (
        shown.items()
        >= {
            "id": one,
            "gig_id": gig,
            "applicant_id": str(grace.id),
            "status": status,
        }.items()
    )
    assert (await get(http, path)).json() == shown
    began = [] if status == "pending" else [f"application.{status}"]
    assert await happened(node, one) == ["application.created", *began]
    # It is to that gig and no other.
    elsewhere = f"gigs/{await put_gig(http, ada)}/applications/{one}"
    problem(await get(http, elsewhere), 404, "not_found")


@pytest.mark.parametrize("before", STATUSES)
async def test_a_status_moves_as_the_table_says(
    http: httpx.AsyncClient, node: Node, before: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    for after in STATUSES:
        await _check_step(http, node, gig, grace, before, after)


async def _check_step(
    http: httpx.AsyncClient,
    node: Node,
    gig: str,
    grace: Person,
    before: str,
    after: str,
) -> None:
    one = await put_application(http, gig, grace, before)
    path = f"gigs/{gig}/applications/{one}"
    was = (await get(http, path)).json()
    facts = await happened(node, one)
    answer = await put(http, path, applicant_id=str(grace.id), status=after)
    now = (await get(http, path)).json()
    if after == before:
        assert answer.json() == now == was
    elif after in APPLICATION_STEPS[before]:
        assert answer.json() == now
        assert now["status"] == after
        assert now["status_at"] > was["status_at"]
        facts.append(f"application.{after}")
    else:
        found = problem(answer, 409, "conflict")
        assert found["details"] == {"index": 0, "from": before, "to": after}
        assert now == was
    assert await happened(node, one) == facts


async def test_the_table_knows_every_status_and_lets_people_try_again() -> None:
    assert set(APPLICATION_STEPS) == set(STATUSES)
    for ended in ("rejected", "withdrawn"):
        assert {"pending", "shortlisted", "offered"} <= set(APPLICATION_STEPS[ended])
        assert "accepted" not in APPLICATION_STEPS[ended]
    assert "pending" not in APPLICATION_STEPS["accepted"]


async def test_its_gig_and_applicant_never_change(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, eve = await make_people(node, "Ada", "Grace", "Eve")
    gig, other = await put_gig(http, ada), await put_gig(http, ada)
    one = await put_application(http, gig, grace)
    for path, applicant, field in (
        (f"gigs/{other}/applications/{one}", grace, "gig_id"),
        (f"gigs/{gig}/applications/{one}", eve, "applicant_id"),
    ):
        answer = await put(http, path, applicant_id=str(applicant.id), status="pending")
        found = problem(answer, 409, "conflict")
        assert found["details"] == {"index": 0, "field": field}


async def test_who_or_what_is_not_known_is_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    fields = {"applicant_id": str(grace.id), "status": "pending"}
    answer = await put(http, f"gigs/{nobody()}/applications/{nobody()}", **fields)
    problem(answer, 404, "not_found")
    path = f"gigs/{gig}/applications/{nobody()}"
    answer = await put(http, path, **fields | {"applicant_id": nobody()})
    found = problem(answer, 422, "invalid")
    assert found["details"] == {"index": 0, "field": "applicant_id"}
    for wrong in (
        {"status": "hired"},
        {"status": None},
        {"applicant_id": None},
        {"gig_id": gig},
        {"note": "x"},
    ):
        problem(await put(http, path, **fields | wrong), 422, "invalid")
    problem(await put(http, path, status="pending"), 422, "invalid")


@pytest.mark.parametrize("field", ["gig_id", "applicant_id"])
async def test_a_batch_names_the_first_unknown_reference(
    http: httpx.AsyncClient, node: Node, field: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    items = [_item(gig, grace) for _ in range(3)]
    items[1][field] = nobody()
    items[2]["gig_id"] = nobody()
    found = problem(await batch(http, "applications", *items), 422, "invalid")
    assert found["details"] == {"index": 1, "field": field}
    path = f"gigs/{gig}/applications/{items[0]['id']}"
    problem(await get(http, path), 404, "not_found")


async def test_a_batch_names_the_first_step_that_cannot_be(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    accepted = await put_application(http, gig, grace, "accepted")
    bad = _item(gig, grace) | {"id": accepted}
    unknown = _item(nobody(), grace)
    answer = await batch(http, "applications", _item(gig, grace), bad, unknown)
    found = problem(answer, 409, "conflict")
    assert found["details"] == {"index": 1, "from": "accepted", "to": "pending"}


async def test_a_repeated_batch_says_nothing_twice(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    items = [_item(gig, grace, status) for status in STATUSES]
    first = await batch(http, "applications", *items)
    before = await happened(node, grace.id)
    second = await batch(http, "applications", *items)
    assert second.content == first.content
    assert await happened(node, grace.id) == before


async def test_a_thousand_applications_are_put_in_seconds(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *people = await make_people(node, "Ada", *[f"P{at}" for at in range(50)])
    gigs = [await put_gig(http, ada) for _ in range(20)]
    items = [_item(gigs[at % 20], people[at % 50]) for at in range(1000)]
    async with asyncio.timeout(10):
        answer = await batch(http, "applications", *items)
    assert answer.status_code == 200, answer.text
    async with asyncio.timeout(10):
        rejected = [item | {"status": "rejected"} for item in items]
        answer = await batch(http, "applications", *rejected)
    assert {one["status"] for one in answer.json()["items"]} == {"rejected"}


async def test_batches_with_ids_in_common_do_not_block_each_other_for_ever(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gigs = [await put_gig(http, ada) for _ in range(10)]
    items = [_item(gigs[at % 10], grace) for at in range(300)]
    await batch(http, "applications", *items[::2])
    offered = [item | {"status": "offered"} for item in reversed(items)]
    answers = await asyncio.gather(
        *(
            batch(http, "applications", *some)
            for some in (items, offered, items[100:], offered[100:])
        )
    )
    assert [answer.status_code for answer in answers] == [200] * 4


async def test_a_key_needs_the_scope(http: httpx.AsyncClient, node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    path = f"/v1/platform/gigs/{gig}/applications/{nobody()}"
    fields = {"applicant_id": str(grace.id), "status": "pending"}
    other = await key_with(node, "gigs", "organizations")
    problem(await http.put(path, json=fields, headers=other), 403, "forbidden")
    own = await key_with(node, "applications")
    assert (await http.put(path, json=fields, headers=own)).status_code == 200
