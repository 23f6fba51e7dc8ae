"""Groups of the platform: communities whose members it manages."""

from collections.abc import Mapping
from uuid import uuid4

import httpx

from realtime.node import Node
from tests.api.calling import KEY, ear_of, key_with, problem
from tests.api.platform.market import delete, get, nobody, put, put_gig
from tests.factories import Person, make_people


async def _put_group(http: httpx.AsyncClient, owner: Person, **more: object) -> str:
    group = nobody()
    fields = {"title": "Dancers of Lisbon", "owner_id": str(owner.id)} | more
    answer = await put(http, f"groups/{group}", **fields)
    assert answer.status_code == 200, answer.text
    return group


async def _put_members(
    http: httpx.AsyncClient, group: str, *items: Mapping[str, object]
) -> httpx.Response:
    path = f"/v1/platform/groups/{group}/members/batch"
    return await http.post(path, json={"items": list(items)}, headers=KEY)


async def _say(http: httpx.AsyncClient, person: Person, group: str) -> httpx.Response:
    return await http.post(
        f"/v1/conversations/{group}/messages",
        json={"client_id": str(uuid4()), "body": "Hello"},
        headers=person.headers,
    )


async def test_in_a_community_owners_write_and_strangers_read(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    ear = await ear_of(node, grace.id)
    group = await _put_group(http, ada, writers="owners", history="all")
    assert (await _say(http, ada, group)).status_code == 201
    member = (await put(http, f"groups/{group}/members/{grace.id}")).json()
    assert (member["user_id"], member["role"]) == (str(grace.id), "member")
    assert ear.kinds == ["conversation.created"]
    bare = await http.put(
        f"/v1/platform/groups/{group}/members/{grace.id}", headers=KEY
    )
    assert bare.json() == member
    path = f"/v1/conversations/{group}/messages"
    read = await http.get(path, headers=grace.headers)
    assert [one["body"] for one in read.json()["items"]] == ["Hello"]
    problem(await _say(http, grace, group), 403, "forbidden")
    await put(http, f"groups/{group}/members/{grace.id}", role="owner")
    assert (await _say(http, grace, group)).status_code == 201


async def test_a_group_is_shown_changed_and_repeated(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    group = await _put_group(http, ada)
    path = f"groups/{group}"
    shown = (await get(http, path)).json()
    assert shown == {
        "id": group,
        "title": "Dancers of Lisbon",
        "status": "active",
        "writers": "members",
        "history": "joined",
        "member_count": 1,
    }
    ear = await ear_of(node, ada.id)
    same = {"title": "Dancers of Lisbon", "owner_id": str(ada.id)}
    assert (await put(http, path, **same)).json() == shown
    assert ear.kinds == []
    fields = {"title": "Dancers", "owner_id": str(grace.id), "writers": "owners"}
    changed = (await put(http, path, **fields)).json()
    assert changed == shown | {
        "title": "Dancers",
        "writers": "owners",
        "member_count": 2,
    }
    members = (await get(http, f"{path}/members")).json()["items"]
    assert {one["user_id"]: one["role"] for one in members} == {
        str(ada.id): "owner",
        str(grace.id): "owner",
    }


async def test_a_thousand_members_come_at_once_and_are_listed_in_pages(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *people = await make_people(node, "Ada", *[f"P{at}" for at in range(999)])
    group = await _put_group(http, ada)
    items = [{"user_id": str(one.id)} for one in people]
    answer = await _put_members(http, group, *items)
    assert answer.status_code == 200, answer.text
    assert [one["user_id"] for one in answer.json()["items"]] == [
        item["user_id"] for item in items
    ]
    ear = await ear_of(node, ada.id)
    assert (await _put_members(http, group, *items)).json() == answer.json()
    assert ear.kinds == []
    listed: set[str] = set()
    following: dict[str, str] = {}
    while True:
        path = f"groups/{group}/members"
        page = (await get(http, path, limit=200, **following)).json()
        assert not listed & {one["user_id"] for one in page["items"]}
        listed |= {one["user_id"] for one in page["items"]}
        if page["next"] is None:
            break
        following = {"next": page["next"]}
    assert listed == {str(one.id) for one in (ada, *people)}
    (late,) = await make_people(node, "Late")
    answer = await put(http, f"groups/{group}/members/{late.id}")
    problem(answer, 413, "too_large")


async def test_who_is_taken_out_is_out_and_a_second_time_changes_nothing(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, eve = await make_people(node, "Ada", "Grace", "Eve")
    group = await _put_group(http, ada)
    await put(http, f"groups/{group}/members/{grace.id}")
    for _ in range(2):
        answer = await delete(http, f"groups/{group}/members/{grace.id}")
        assert answer.status_code == 204
    assert (await delete(http, f"groups/{group}/members/{eve.id}")).status_code == 204
    seen = await http.get(f"/v1/conversations/{group}", headers=grace.headers)
    assert seen.status_code in {403, 404}
    assert (await get(http, f"groups/{group}")).json()["member_count"] == 1


async def test_a_batch_hands_a_group_over_in_any_order(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    group = await _put_group(http, ada)
    await put(http, f"groups/{group}/members/{grace.id}")
    down = {"user_id": str(ada.id), "role": "member"}
    problem(await _put_members(http, group, down), 409, "conflict")
    up = {"user_id": str(grace.id), "role": "owner"}
    answer = await _put_members(http, group, down, up)
    roles = [one["role"] for one in answer.json()["items"]]
    assert roles == ["member", "owner"]


async def test_what_is_no_group_or_member_is_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    good = {"title": "Dancers", "owner_id": str(ada.id)}
    faults: tuple[dict[str, object], ...] = (
        {"title": ""},
        {"title": None},
        {"title": "a\nb"},
        {"owner_id": None},
        {"owner_id": nobody()},
        {"writers": "everyone"},
        {"history": "none"},
        {"gig_id": nobody()},
    )
    for wrong in faults:
        problem(await put(http, f"groups/{nobody()}", **good | wrong), 422, "invalid")
    group = await _put_group(http, ada)
    path = f"groups/{group}/members/{nobody()}"
    found = problem(await put(http, path), 422, "invalid")
    assert found["details"] == {"index": 0, "field": "user_id"}
    known = {"user_id": str(ada.id)}
    unknown = {"user_id": nobody()}
    found = problem(await _put_members(http, group, known, unknown), 422, "invalid")
    assert found["details"] == {"index": 1, "field": "user_id"}
    found = problem(await _put_members(http, group, known, known), 422, "invalid")
    assert found["details"]["index"] == 1


async def test_other_conversations_are_no_groups_of_the_platform(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = await put_gig(http, ada)
    body = {"kind": "group", "gig_id": gig}
    team = await http.post("/v1/conversations", json=body, headers=ada.headers)
    for group in (team.json()["id"], nobody()):
        member = f"groups/{group}/members/{grace.id}"
        problem(await get(http, f"groups/{group}"), 404, "not_found")
        problem(await put(http, member), 404, "not_found")
        problem(await delete(http, member), 404, "not_found")
        problem(await get(http, f"groups/{group}/members"), 404, "not_found")
    fields = {"title": "Mine", "owner_id": str(grace.id)}
    answer = await put(http, f"groups/{team.json()['id']}", **fields)
    problem(answer, 409, "conflict")


async def test_a_key_needs_the_scope(http: httpx.AsyncClient, node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    path = f"/v1/platform/groups/{nobody()}"
    fields = {"title": "Dancers", "owner_id": str(ada.id)}
    other = await key_with(node, "gigs", "organizations")
    problem(await http.put(path, json=fields, headers=other), 403, "forbidden")
    own = await key_with(node, "groups")
    assert (await http.put(path, json=fields, headers=own)).status_code == 200
