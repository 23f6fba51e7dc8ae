"""The platform's gigs: every status, every step between two, and their teams."""

import asyncio
from typing import Any

import httpx
import pytest

from realtime.actions.gigs import GIG_STEPS
from realtime.node import Node
from tests.api.calling import KEY, key_with, problem
from tests.api.platform.market import (
    batch,
    delete,
    get,
    gig_of,
    happened,
    nobody,
    put,
    put_gig,
)
from tests.factories import Person, make_people

KINDS = ("gig", "job", "project")
STATUSES = ("draft", "published", "filled", "closed", "completed", "cancelled")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_gig_is_created_and_shown_as_it_was_said(
    http: httpx.AsyncClient, node: Node, kind: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    agency, gig = nobody(), nobody()
    await put(http, f"organizations/{agency}", name="Bright")
    problem(await get(http, f"gigs/{gig}"), 404, "not_found")
    said = gig_of(
        ada,
        kind=kind,
        organization_id=agency,
        deadline="2026-12-01T12:00:00.500+02:00",
        starts_at="2027-01-01T00:00:00Z",
        data={"city": "Lisbon", "fee": 1.5, "tags": ["a", None]},
    )
    answer = await put(http, f"gigs/{gig}", **said)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (
        shown.items()
        >= {
            **said,
            "id": gig,
            "deadline": "2026-12-01T10:00:00.500Z",
            "starts_at": "2027-01-01T00:00:00.000Z",
        }.items()
    )
    assert (await get(http, f"gigs/{gig}")).json() == shown
    assert await happened(node, gig) == ["gig.created", "gig.published"]


async def test_what_is_left_out_stays_and_null_takes_away(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    agency = nobody()
    await put(http, f"organizations/{agency}", name="Bright")
    kept = {
        "organization_id": agency,
        "deadline": "2026-12-01T12:00:00.000Z",
        "starts_at": "2027-01-01T00:00:00.000Z",
        "data": {"city": "Lisbon"},
    }
    gig = await put_gig(http, ada, **kept)
    shown = (await put(http, f"gigs/{gig}", **gig_of(grace, title="Singers"))).json()
    assert shown.items() >= kept.items()
    assert (shown["owner_id"], shown["title"]) == (str(grace.id), "Singers")
    gone = dict.fromkeys(("organization_id", "deadline", "starts_at"))
    shown = (await put(http, f"gigs/{gig}", **gig_of(grace), **gone, data={})).json()
    assert shown.items() >= {**gone, "data": {}}.items()


async def test_a_repetition_changes_nothing(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = nobody()
    team = [{"user_id": str(grace.id), "role": "director"}]
    said = gig_of(ada, data={"n": 1.0}, deadline="2026-12-01T12:00:00Z", members=team)
    first = await put(http, f"gigs/{gig}", **said)
    before = await happened(node, gig)
    assert (await put(http, f"gigs/{gig}", **said)).json() == first.json()
    again = await batch(http, "gigs", {"id": gig, **said})
    assert again.json()["items"] == [first.json()]
    assert await happened(node, gig) == before


@pytest.mark.parametrize("before", STATUSES)
async def test_a_status_moves_as_the_table_says(
    http: httpx.AsyncClient, node: Node, before: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    for after in STATUSES:
        await _check_step(http, node, ada, before, after)


async def _check_step(
    http: httpx.AsyncClient, node: Node, ada: Person, before: str, after: str
) -> None:
    gig = await put_gig(http, ada, status=before)
    was = (await get(http, f"gigs/{gig}")).json()
    facts = await happened(node, gig)
    answer = await put(http, f"gigs/{gig}", **gig_of(ada, status=after))
    now = (await get(http, f"gigs/{gig}")).json()
    if after == before:
        assert answer.json() == now == was
    elif after in GIG_STEPS[before]:
        assert answer.json() == now
        assert now["status"] == after
        assert now["status_at"] > was["status_at"]
        facts.append(f"gig.{after}")
    else:
        found = problem(answer, 409, "conflict")
        assert found["details"] == {"index": 0, "from": before, "to": after}
        assert now == was
    assert await happened(node, gig) == facts


async def test_what_was_published_is_never_a_draft_again_and_everything_ends() -> None:
    assert set(GIG_STEPS) == set(STATUSES)
    assert not any("draft" in steps for steps in GIG_STEPS.values())
    for status in set(STATUSES) - {"cancelled"}:
        assert "cancelled" in GIG_STEPS[status]
    for status in set(STATUSES) - {"published"}:
        assert "published" in GIG_STEPS[status]


async def test_only_another_status_moves_when_it_began(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    gig = await put_gig(http, ada)
    before = (await get(http, f"gigs/{gig}")).json()
    after = (await put(http, f"gigs/{gig}", **gig_of(ada, title="Singers"))).json()
    assert after["status_at"] == before["status_at"]
    assert after["updated_at"] > before["updated_at"]
    assert await happened(node, gig) == ["gig.created", "gig.published", "gig.updated"]


async def test_what_is_no_gig_is_refused(http: httpx.AsyncClient, node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    good = gig_of(ada)
    member = {"user_id": str(ada.id)}
    faults: tuple[dict[str, Any], ...] = (
        {"kind": "task"},
        {"kind": None},
        {"status": "open"},
        {"status": None},
        {"status": "Published"},
        {"title": ""},
        {"title": None},
        {"title": "a\nb"},
        {"title": "x" * 201},
        {"owner_id": None},
        {"owner_id": "ada"},
        {"organization_id": "x"},
        {"deadline": "tomorrow"},
        {"deadline": "2026-12-01T12:00:00"},
        {"starts_at": 1},
        {"data": None},
        {"data": []},
        {"data": {"x": "y" * 5000}},
        {"status_at": "2026-12-01T12:00:00Z"},
        {"id": nobody()},
        {"members": [member, member]},
        {"members": [member | {"role": "x" * 51}]},
        {"members": [member | {"role": ""}]},
    )
    for wrong in faults:
        answer = await put(http, f"gigs/{nobody()}", **good | wrong)
        problem(answer, 422, "invalid")
    for left_out in good:
        less = {name: value for name, value in good.items() if name != left_out}
        problem(await put(http, f"gigs/{nobody()}", **less), 422, "invalid")


@pytest.mark.parametrize("field", ["owner_id", "organization_id", "members"])
async def test_an_unknown_reference_is_named_with_its_index(
    http: httpx.AsyncClient, node: Node, field: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    value: Any = [{"user_id": nobody()}] if field == "members" else nobody()
    single = await put(http, f"gigs/{nobody()}", **gig_of(ada) | {field: value})
    assert problem(single, 422, "invalid")["details"] == {"index": 0, "field": field}
    items = [{"id": nobody(), **gig_of(ada)} for _ in range(3)]
    items[1][field] = value
    items[2]["owner_id"] = nobody()
    found = problem(await batch(http, "gigs", *items), 422, "invalid")
    assert found["details"] == {"index": 1, "field": field}
    for item in items:
        problem(await get(http, f"gigs/{item['id']}"), 404, "not_found")


async def test_of_two_faults_the_first_is_named_whatever_its_kind(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    known = {"id": await put_gig(http, ada), **gig_of(ada, status="draft")}
    stranger = {"id": nobody(), **gig_of(ada, owner_id=nobody())}
    good = {"id": nobody(), **gig_of(ada)}
    found = problem(await batch(http, "gigs", good, known, stranger), 409, "conflict")
    assert found["details"] == {"index": 1, "from": "published", "to": "draft"}
    found = problem(await batch(http, "gigs", good, stranger, known), 422, "invalid")
    assert found["details"] == {"index": 1, "field": "owner_id"}
    problem(await get(http, f"gigs/{good['id']}"), 404, "not_found")


async def test_an_id_stands_in_a_batch_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    item = {"id": nobody(), **gig_of(ada)}
    found = problem(await batch(http, "gigs", item, item), 422, "invalid")
    assert found["details"]["index"] == 1


async def test_a_team_comes_changes_and_goes(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    path = f"gigs/{gig}/members"
    bare = await http.put(f"/v1/platform/{path}/{grace.id}", headers=KEY)
    shown = (await put(http, f"{path}/{grace.id}")).json()
    assert bare.json() == shown
    assert (shown["user_id"], shown["role"]) == (str(grace.id), "member")
    shown = (await put(http, f"{path}/{grace.id}", role=" First AD ")).json()
    assert shown["role"] == "First AD"
    assert (await get(http, path)).json()["items"] == [shown]
    for nobody_there in (grace.id, grace.id, nobody()):
        answer = await delete(http, f"{path}/{nobody_there}")
        assert answer.status_code == 204
    assert (await get(http, path)).json()["items"] == []
    assert await happened(node, grace.id) == [
        "gig.member_added",
        "gig.member_changed",
        "gig.member_removed",
    ]


async def test_nobody_is_in_the_team_of_what_is_not_there(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    path = f"gigs/{nobody()}/members"
    problem(await put(http, f"{path}/{ada.id}", role="x"), 404, "not_found")
    problem(await delete(http, f"{path}/{ada.id}"), 404, "not_found")
    problem(await get(http, path), 404, "not_found")
    gig = await put_gig(http, ada)
    found = problem(await put(http, f"gigs/{gig}/members/{nobody()}"), 422, "invalid")
    assert found["details"]["field"] == "user_id"


async def test_a_thousand_gigs_with_teams_are_put_in_seconds(
    http: httpx.AsyncClient, node: Node
) -> None:
    people = await make_people(node, *[f"P{number}" for number in range(20)])
    team = [{"user_id": str(person.id)} for person in people]
    items = [
        {"id": nobody(), **gig_of(people[at % 20], members=team[: at % 4])}
        for at in range(1000)
    ]
    async with asyncio.timeout(10):
        answer = await batch(http, "gigs", *items)
    assert answer.status_code == 200, answer.text
    assert [one["id"] for one in answer.json()["items"]] == [
        item["id"] for item in items
    ]
    async with asyncio.timeout(10):
        closed = [item | {"status": "closed"} for item in items]
        answer = await batch(http, "gigs", *closed)
    assert {one["status"] for one in answer.json()["items"]} == {"closed"}


async def test_batches_with_ids_in_common_do_not_block_each_other_for_ever(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    agency = nobody()
    await put(http, f"organizations/{agency}", name="Bright")
    ids = [nobody() for _ in range(300)]
    # Half of them are there already, in no order.
    await batch(http, "gigs", *({"id": one, **gig_of(ada)} for one in ids[::2]))
    there = [
        {"id": one, **gig_of(ada, title="There", organization_id=agency)} for one in ids
    ]
    back = [{"id": one, **gig_of(ada, title="Back")} for one in reversed(ids)]
    answers = await asyncio.gather(
        *(batch(http, "gigs", *items) for items in (there, back, there[50:], back[50:]))
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    titles = {
        (await get(http, f"gigs/{one}")).json()["title"] for one in (ids[100], ids[150])
    }
    # Each batch happened as a whole.
    assert len(titles) == 1


async def test_a_batch_under_a_key_is_done_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    gig = nobody()
    body = {"items": [{"id": gig, **gig_of(ada)}]}
    path, headers = "/v1/platform/gigs/batch", KEY | {"Idempotency-Key": "spring"}
    first = await http.post(path, json=body, headers=headers)
    await put(http, f"gigs/{gig}", **gig_of(ada, title="Singers"))
    second = await http.post(path, json=body, headers=headers)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.content == first.content
    assert (await get(http, f"gigs/{gig}")).json()["title"] == "Singers"


async def test_equal_puts_at_once_are_one_gig(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    gig = nobody()
    answers = await asyncio.gather(
        *(put(http, f"gigs/{gig}", **gig_of(ada)) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert await happened(node, gig) == ["gig.created", "gig.published"]


async def test_a_key_needs_the_scope(http: httpx.AsyncClient, node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    path = f"/v1/platform/gigs/{nobody()}"
    other = await key_with(node, "users", "organizations", "applications")
    answer = await http.put(path, json=gig_of(ada), headers=other)
    problem(answer, 403, "forbidden")
    own = await key_with(node, "gigs")
    answer = await http.put(path, json=gig_of(ada), headers=own)
    assert answer.status_code == 200
