"""Groups: making them, coming and going, handing them over."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from realtime.node import Node
from tests.api.calling import KEY, ear_of, problem
from tests.api.test_threads import make_gig, put, say
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_people


async def make_group(
    http: httpx.AsyncClient, owner: Person, *others: Person, **more: object
) -> dict[str, Any]:
    people = [str(other.id) for other in others]
    body: dict[str, object] = {"kind": "group", "user_ids": people, "title": "Crew"}
    answer = await http.post(
        "/v1/conversations", json=body | more, headers=owner.headers
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def friends(node: Node, *names: str) -> list[Person]:
    """Make people of whom the first is connected with everybody else."""
    people = await make_people(node, *names)
    for other in people[1:]:
        await connect_people(node, people[0], other)
    return people


def part(group: dict[str, Any], person: Person) -> str:
    return f"/v1/conversations/{group['id']}/participants/{person.id}"


async def seen_by(
    http: httpx.AsyncClient, person: Person, group: dict[str, Any]
) -> dict[str, str]:
    """Give the role of everybody in a group."""
    path = f"/v1/conversations/{group['id']}"
    answer = await http.get(path, headers=person.headers)
    return {one["user_id"]: one["role"] for one in answer.json()["participants"]}


async def test_a_group_has_its_maker_as_owner_and_is_told_to_everybody(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace, mei = await friends(node, "Ada", "Grace", "Mei")
    ears = [await ear_of(node, person.id) for person in (ada, grace, mei)]
    group = await make_group(http, ada, grace, mei)
    assert (group["kind"], group["title"], group["status"]) == (
        "group",
        "Crew",
        "active",
    )
    assert group["participant_count"] == 3
    assert [ear.kinds for ear in ears] == [["conversation.created"]] * 3
    assert await seen_by(http, mei, group) == {
        str(ada.id): "owner",
        str(grace.id): "member",
        str(mei.id): "member",
    }


async def test_strangers_are_not_brought_into_a_group(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    (stranger,) = await make_people(node, "Stranger")
    for other in (stranger.id, uuid4()):
        answer = await http.post(
            "/v1/conversations",
            json={"kind": "group", "user_ids": [str(grace.id), str(other)]},
            headers=ada.headers,
        )
        refused = problem(answer, 403, "not_connected")
        assert refused["details"] == {"user_id": str(other)}
    group = await make_group(http, ada, grace)
    answer = await http.put(part(group, stranger), headers=ada.headers)
    problem(answer, 403, "not_connected")


async def test_who_is_added_reads_from_then_on_and_the_others_hear_of_it(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace, mei = await friends(node, "Ada", "Grace", "Mei")
    group = await make_group(http, ada, grace)
    await say(http, ada, group["id"])
    new, other = await ear_of(node, mei.id), await ear_of(node, grace.id)
    answer = await http.put(part(group, mei), headers=ada.headers)
    assert answer.status_code == 200, answer.text
    assert new.kinds == ["conversation.created"]
    assert new.heard[0]["data"]["conversation"]["last_message"] is None
    assert other.kinds == ["participant.joined"]
    assert other.heard[0]["data"]["user_id"] == str(mei.id)
    await say(http, ada, group["id"])
    history = await http.get(
        f"/v1/conversations/{group['id']}/messages", headers=mei.headers
    )
    assert [message["seq"] for message in history.json()["items"]] == [2]


async def test_a_group_with_all_its_history_shows_it_to_newcomers(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    group = await make_group(http, ada, history="all")
    await say(http, ada, group["id"])
    joined = await http.put(part(group, grace), headers=ada.headers)
    assert joined.json()["participant_count"] == 2
    path = f"/v1/conversations/{group['id']}"
    seen = (await http.get(path, headers=grace.headers)).json()
    assert seen["last_message"]["seq"] == 1
    assert seen["unread"] == 0


async def test_only_owners_add_remove_and_name(
    node: Node, http: httpx.AsyncClient
) -> None:
    grace, ada, mei = await friends(node, "Grace", "Ada", "Mei")
    await connect_people(node, ada, mei)
    group = await make_group(http, ada, grace)
    problem(await http.put(part(group, mei), headers=grace.headers), 403, "forbidden")
    problem(
        await http.delete(part(group, ada), headers=grace.headers), 403, "forbidden"
    )
    path = f"/v1/conversations/{group['id']}"
    answer = await http.patch(path, json={"title": "Mine"}, headers=grace.headers)
    problem(answer, 403, "forbidden")
    named = await http.patch(path, json={"title": "Ours"}, headers=ada.headers)
    assert named.json()["title"] == "Ours"


async def test_who_is_removed_hears_it_and_nothing_after_it(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    group = await make_group(http, ada, grace)
    ear = await ear_of(node, grace.id)
    answer = await http.delete(part(group, grace), headers=ada.headers)
    assert answer.status_code == 204
    again = await http.delete(part(group, grace), headers=ada.headers)
    assert again.status_code == 204
    await say(http, ada, group["id"])
    assert ear.kinds == ["participant.left"]
    assert ear.heard[0]["data"]["reason"] == "removed"
    problem(await say(http, grace, group["id"]), 403, "not_a_participant")
    listed = await http.get("/v1/conversations", headers=grace.headers)
    assert listed.json()["items"] == []


async def test_ownership_is_handed_over_and_never_lost(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    group = await make_group(http, ada, grace)
    step_down = {"role": "member"}
    answer = await http.put(part(group, ada), json=step_down, headers=ada.headers)
    problem(answer, 409, "conflict")
    owner = {"role": "owner"}
    await http.put(part(group, grace), json=owner, headers=ada.headers)
    await http.put(part(group, ada), json=step_down, headers=ada.headers)
    assert await seen_by(http, ada, group) == {
        str(ada.id): "member",
        str(grace.id): "owner",
    }
    left = await http.delete(part(group, grace), headers=grace.headers)
    assert left.status_code == 204
    assert await seen_by(http, ada, group) == {str(ada.id): "owner"}


async def test_in_a_community_only_owners_write(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    group = await make_group(http, ada, grace, writers="owners")
    problem(await say(http, grace, group["id"]), 403, "forbidden")
    assert (await say(http, ada, group["id"])).status_code == 201
    path = f"/v1/conversations/{group['id']}"
    answer = await http.get(f"{path}/permissions", headers=grace.headers)
    assert answer.json()["reason"] == "forbidden"
    await http.patch(path, json={"writers": "members"}, headers=ada.headers)
    assert (await say(http, grace, group["id"])).status_code == 201


async def test_a_team_group_follows_its_gig(
    node: Node, http: httpx.AsyncClient
) -> None:
    owner, camera, sound = await make_people(node, "Owner", "Camera", "Sound")
    gig = await make_gig(http, owner, kind="project")
    await put(http, f"gigs/{gig}/members/{camera.id}", role="camera")
    group = await make_group(http, camera, gig_id=gig, user_ids=[])
    again = await http.post(
        "/v1/conversations",
        json={"kind": "group", "gig_id": gig},
        headers=owner.headers,
    )
    assert (again.status_code, again.json()["id"]) == (200, group["id"])
    await put(http, f"gigs/{gig}/members/{sound.id}", role="sound")
    assert await seen_by(http, sound, group) == {
        str(owner.id): "owner",
        str(camera.id): "member",
        str(sound.id): "member",
    }
    refused = await http.put(part(group, sound), headers=owner.headers)
    problem(refused, 403, "forbidden")
    await http.delete(f"/v1/platform/gigs/{gig}/members/{camera.id}", headers=KEY)
    problem(await say(http, camera, group["id"]), 403, "not_a_participant")


@pytest.mark.parametrize("kind", ["direct", "gig"])
async def test_what_is_no_group_has_no_owners_to_manage_it(
    node: Node, http: httpx.AsyncClient, kind: str
) -> None:
    ada, grace, mei = await friends(node, "Ada", "Grace", "Mei")
    body: dict[str, object] = {"kind": kind, "user_ids": [str(grace.id)]}
    if kind == "gig":
        body["gig_id"] = await make_gig(http, ada)
    answer = await http.post("/v1/conversations", json=body, headers=ada.headers)
    assert answer.status_code == 201, answer.text
    refused = await http.put(part(answer.json(), mei), headers=ada.headers)
    problem(refused, 403, "forbidden")


async def test_a_group_is_only_as_large_as_the_operator_lets_it(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, group_members=2)
    async with running_node(settings) as node:
        ada, grace, mei = await friends(node, "Ada", "Grace", "Mei")
        transport = httpx.ASGITransport(app=create_app(node))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://callboard.test"
        ) as http:
            group = await make_group(http, ada, grace)
            answer = await http.put(part(group, mei), headers=ada.headers)
            problem(answer, 413, "too_large")


async def test_the_members_of_a_group_page(node: Node, http: httpx.AsyncClient) -> None:
    people = await friends(node, *(f"Person {n}" for n in range(5)))
    group = await make_group(http, *people)
    found: list[str] = []
    query = {"limit": "2"}
    while True:
        path = f"/v1/conversations/{group['id']}/participants"
        page = (await http.get(path, params=query, headers=people[3].headers)).json()
        found += [one["user_id"] for one in page["items"]]
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert sorted(found) == sorted(str(person.id) for person in people)


async def test_saying_it_again_tells_who_was_removed_nothing_new(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    group = await make_group(http, ada, grace)
    first = (await say(http, ada, group["id"])).json()
    path = f"/v1/conversations/{group['id']}/messages"
    answer = {
        "client_id": str(uuid4()),
        "body": "Hello Ada",
        "reply_to_id": first["id"],
    }
    sent = await http.post(path, json=answer, headers=grace.headers)
    assert sent.status_code == 201
    await http.delete(part(group, grace), headers=ada.headers)
    await http.patch(
        f"/v1/messages/{first['id']}", json={"body": "secret"}, headers=ada.headers
    )
    again = await http.post(path, json=answer, headers=grace.headers)
    problem(again, 403, "not_a_participant")


async def test_the_platform_keeps_its_own_groups_and_no_others(
    node: Node, http: httpx.AsyncClient
) -> None:
    ada, grace = await friends(node, "Ada", "Grace")
    private = await make_group(http, ada, grace)
    path = f"/v1/platform/groups/{private['id']}"
    body = {"title": "Ours now", "owner_id": str(grace.id)}
    problem(await http.put(path, json=body, headers=KEY), 409, "conflict")
    problem(await http.get(path, headers=KEY), 404, "not_found")

    community = {"id": str(uuid4())}
    path = f"/v1/platform/groups/{community['id']}"
    made = await http.put(
        path,
        json={"title": "News", "owner_id": str(ada.id), "writers": "owners"},
        headers=KEY,
    )
    assert made.status_code == 200, made.text
    await http.put(f"{path}/members/{grace.id}", headers=KEY)
    left = await http.delete(part(community, ada), headers=ada.headers)
    assert left.status_code == 204
    # Nobody becomes an owner without the platform's word.
    assert await seen_by(http, grace, community) == {str(grace.id): "member"}
    problem(await say(http, grace, community["id"]), 403, "forbidden")
