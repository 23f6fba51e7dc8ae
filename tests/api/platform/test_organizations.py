"""The platform's organizations: put, repeated, put in thousands, and their members."""

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import KEY, key_with, problem
from tests.api.platform.market import batch, delete, get, happened, nobody, put
from tests.factories import make_people

ROLES = ("admin", "recruiter", "account_manager", "viewer")


async def test_an_organization_is_created_renamed_and_shown(
    http: httpx.AsyncClient, node: Node
) -> None:
    path = f"organizations/{(one := nobody())}"
    problem(await get(http, path), 404, "not_found")
    first = (await put(http, path, name=" Bright Casting ")).json()
    assert first.keys() == {"id", "name", "created_at", "updated_at"}
    assert (first["id"], first["name"]) == (one, "Bright Casting")
    second = (await put(http, path, name="Brighter Casting")).json()
    assert second["created_at"] == first["created_at"]
    assert (await get(http, path)).json() == second
    assert await happened(node, one) == ["organization.created", "organization.updated"]


async def test_a_repetition_changes_nothing(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    path = f"organizations/{(one := nobody())}"
    first = await put(http, path, name="Bright")
    member = await put(http, f"{path}/members/{ada.id}", role="viewer")
    before = await happened(node, one)
    assert (await put(http, path, name="Bright")).json() == first.json()
    again = await put(http, f"{path}/members/{ada.id}", role="viewer")
    assert again.json() == member.json()
    assert await happened(node, one) == before


@pytest.mark.parametrize("role", ROLES)
async def test_members_come_change_and_go(
    http: httpx.AsyncClient, node: Node, role: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    path = f"organizations/{nobody()}"
    await put(http, path, name="Bright")
    shown = (await put(http, f"{path}/members/{ada.id}", role=role)).json()
    assert (shown["user_id"], shown["role"]) == (str(ada.id), role)
    other = ROLES[ROLES.index(role) - 1]
    await put(http, f"{path}/members/{ada.id}", role=other)
    for nobody_there in (ada.id, ada.id, grace.id, nobody()):
        answer = await delete(http, f"{path}/members/{nobody_there}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await get(http, f"{path}/members")).json() == {"items": [], "next": None}
    assert await happened(node, ada.id) == [
        "organization.member_added",
        "organization.member_changed",
        "organization.member_removed",
    ]
    assert await happened(node, grace.id) == []


async def test_members_are_listed_in_pages(http: httpx.AsyncClient, node: Node) -> None:
    people = await make_people(node, *"ABCDE")
    path = f"organizations/{nobody()}"
    members = [{"user_id": str(one.id), "role": "recruiter"} for one in people]
    await put(http, path, name="Bright", members=members)
    first = (await get(http, f"{path}/members", limit=3)).json()
    second = (await get(http, f"{path}/members", limit=3, next=first["next"])).json()
    listed = [one["user_id"] for one in first["items"] + second["items"]]
    assert listed == sorted(str(one.id) for one in people)
    assert second["next"] is None


async def test_a_list_of_members_is_all_of_them(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, eve = await make_people(node, "Ada", "Grace", "Eve")
    path = f"organizations/{nobody()}"

    async def members(*wanted: tuple[object, str]) -> list[tuple[str, str]]:
        named = [{"user_id": str(user), "role": role} for user, role in wanted]
        answer = await put(http, path, name="Bright", members=named)
        assert answer.status_code == 200, answer.text
        found = (await get(http, f"{path}/members")).json()["items"]
        return [(one["user_id"], one["role"]) for one in found]

    both = sorted([(str(ada.id), "admin"), (str(grace.id), "viewer")])
    assert await members((ada.id, "admin"), (grace.id, "viewer")) == both
    after = sorted([(str(grace.id), "admin"), (str(eve.id), "viewer")])
    assert await members((grace.id, "admin"), (eve.id, "viewer")) == after
    # Who says nothing of members means no change, who names none means none.
    await put(http, path, name="Bright")
    found = (await get(http, f"{path}/members")).json()["items"]
    assert [(one["user_id"], one["role"]) for one in found] == after
    assert await members() == []


async def test_what_is_no_organization_or_member_is_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    path = f"organizations/{nobody()}"
    wrong_member = {"user_id": str(ada.id), "role": "boss"}
    member = {"user_id": str(ada.id), "role": "admin"}
    for fields in (
        {},
        {"name": None},
        {"name": " "},
        {"name": "a\0b"},
        {"name": "x" * 201},
        {"name": "x", "odd": 1},
        {"name": "x", "members": None},
        {"name": "x", "members": [wrong_member]},
        {"name": "x", "members": [member, member]},
        {"name": "x", "members": [{"user_id": str(ada.id)}]},
    ):
        problem(await put(http, path, **fields), 422, "invalid")
    problem(await get(http, path), 404, "not_found")
    await put(http, path, name="Bright")
    for role in ("boss", "", None, "Admin"):
        answer = await put(http, f"{path}/members/{ada.id}", role=role)
        problem(answer, 422, "invalid")
    found = problem(
        await put(http, f"{path}/members/{nobody()}", role="admin"), 422, "invalid"
    )
    assert found["details"]["field"] == "user_id"


async def test_nobody_belongs_to_an_organization_that_is_not_there(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    path = f"organizations/{nobody()}/members"
    problem(await put(http, f"{path}/{ada.id}", role="admin"), 404, "not_found")
    problem(await delete(http, f"{path}/{ada.id}"), 404, "not_found")
    problem(await get(http, path), 404, "not_found")


async def test_a_batch_is_all_or_nothing_and_names_the_first_bad_item(
    http: httpx.AsyncClient, node: Node
) -> None:
    good = {"id": nobody(), "name": "Bright"}
    stranger = {"user_id": nobody(), "role": "admin"}
    for bad in (
        good,
        {"id": nobody()},
        {"id": nobody(), "name": ""},
        {"id": nobody(), "name": "x", "members": [stranger]},
    ):
        found = problem(await batch(http, "organizations", good, bad), 422, "invalid")
        assert found["details"]["index"] == 1
        problem(await get(http, f"organizations/{good['id']}"), 404, "not_found")
    problem(await batch(http, "organizations"), 422, "invalid")


async def test_a_thousand_organizations_fit(http: httpx.AsyncClient) -> None:
    items = [{"id": nobody(), "name": f"Agency {at}"} for at in range(1000)]
    answer = await batch(http, "organizations", *items)
    assert answer.status_code == 200, answer.text
    assert [one["id"] for one in answer.json()["items"]] == [
        item["id"] for item in items
    ]
    problem(
        await batch(http, "organizations", *items, {"id": nobody(), "name": "x"}),
        422,
        "invalid",
    )


async def test_a_key_needs_the_scope(http: httpx.AsyncClient, node: Node) -> None:
    path = f"/v1/platform/organizations/{nobody()}"
    other = await key_with(node, "users", "gigs", "applications")
    answer = await http.put(path, json={"name": "x"}, headers=other)
    problem(answer, 403, "forbidden")
    own = await key_with(node, "organizations")
    assert (await http.put(path, json={"name": "x"}, headers=own)).status_code == 200
    assert (await http.get(path, headers=KEY)).json()["name"] == "x"
