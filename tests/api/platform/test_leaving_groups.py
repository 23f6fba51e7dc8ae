"""What becomes of the groups of accounts that the platform deletes."""

from uuid import UUID

import httpx
import pytest

from realtime.node import Node
from storage.ids import uuid7
from storage.records import ConversationId
from tests.api.calling import Ear, ear_of
from tests.api.platform.market import batch, nobody, put, put_gig
from tests.factories import Person, make_pair, make_people, set_account_status


async def _make_group(node: Node, owner: Person, *members: Person) -> str:
    """Make a group as people make theirs, one joining after the other."""
    group = ConversationId(uuid7())
    async with node.transaction() as work:
        await work.threads.open_group(
            group, owner.id, [], title="Dancers", writers="members", history="all"
        )
    for member in members:
        async with node.transaction() as work:
            await work.threads.bring_in(group, [member.id])
    return str(group)


async def _give_role(node: Node, group: str, person: Person, role: str) -> None:
    async with node.transaction() as work:
        await work.threads.set_role(ConversationId(UUID(group)), person.id, role)


async def _roles(node: Node, group: str) -> dict[str, str]:
    async with node.transaction() as work:
        found = await work.conversations.participants_of(
            None, ConversationId(UUID(group)), after=None, limit=100
        )
    return {str(one.user_id): one.role for one in found}


async def _set_status(
    http: httpx.AsyncClient, status: str, *people: Person
) -> httpx.Response:
    items = [
        {"id": str(one.id), "display_name": "Gone", "account_status": status}
        for one in people
    ]
    answer = (
        await batch(http, "users", *items)
        if len(items) > 1
        else await put(
            http, f"users/{people[0].id}", display_name="Gone", account_status=status
        )
    )
    assert answer.status_code == 200, answer.text
    return answer


def _left(ear: Ear) -> list[tuple[str, str, int]]:
    return [
        (left["user_id"], left["reason"], left["participant_count"])
        for left in (
            event["data"] for event in ear.heard if event["type"] == "participant.left"
        )
    ]


async def test_the_group_of_a_deleted_owner_goes_to_who_was_there_longest(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, eve, grace, joan = await make_people(node, "Ada", "Eve", "Grace", "Joan")
    group = await _make_group(node, ada, eve, grace, joan)
    await set_account_status(node, eve, "suspended")
    ear = await ear_of(node, joan.id)
    await _set_status(http, "deleted", ada)
    assert await _roles(node, group) == {
        str(eve.id): "member",
        str(grace.id): "owner",
        str(joan.id): "member",
    }
    assert _left(ear) == [(str(ada.id), "removed", 3)]
    assert ear.kinds == ["participant.left", "conversation.updated"]
    answer = await http.patch(
        f"/v1/conversations/{group}", json={"title": "Ours"}, headers=grace.headers
    )
    assert answer.status_code == 200, answer.text


async def test_a_suspended_member_inherits_before_a_deleted_one(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, eve, grace = await make_people(node, "Ada", "Eve", "Grace")
    group = await _make_group(node, ada, eve, grace)
    await set_account_status(node, eve, "deleted")
    await set_account_status(node, grace, "suspended")
    await _set_status(http, "deleted", ada)
    assert await _roles(node, group) == {
        str(eve.id): "member",
        str(grace.id): "owner",
    }


async def test_who_is_deleted_already_is_not_put_out_again(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    group = await _make_group(node, ada, grace)
    await _set_status(http, "deleted", ada)
    ear = await ear_of(node, grace.id)
    await _set_status(http, "deleted", ada)
    await _set_status(http, "active", ada)
    assert await _roles(node, group) == {str(grace.id): "owner"}
    assert ear.kinds == []


async def test_a_suspended_owner_keeps_the_group(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    group = await _make_group(node, ada, grace)
    await _set_status(http, "suspended", ada)
    assert (await _roles(node, group))[str(ada.id)] == "owner"


async def test_another_owner_stays_the_owner(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, eve, grace = await make_people(node, "Ada", "Eve", "Grace")
    group = await _make_group(node, ada, eve, grace)
    await _give_role(node, group, grace, "owner")
    await _set_status(http, "deleted", ada)
    assert await _roles(node, group) == {
        str(eve.id): "member",
        str(grace.id): "owner",
    }


@pytest.mark.parametrize("eves_role", ["member", "owner"])
async def test_of_a_batch_nobody_inherits_from_the_other(
    http: httpx.AsyncClient, node: Node, eves_role: str
) -> None:
    ada, eve, grace, joan = await make_people(node, "Ada", "Eve", "Grace", "Joan")
    both = await _make_group(node, ada, eve, grace)
    await _give_role(node, both, eve, eves_role)
    other = await _make_group(node, eve, joan)
    ear = await ear_of(node, eve.id)
    await _set_status(http, "deleted", ada, eve)
    assert await _roles(node, both) == {str(grace.id): "owner"}
    assert await _roles(node, other) == {str(joan.id): "owner"}
    # She was not made an owner on her way out.
    assert set(ear.kinds) <= {"participant.left"}


async def test_the_last_member_leaves_an_empty_group(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada, grace) = await make_people(node, "Ada", "Grace")
    alone = await _make_group(node, ada)
    together = await _make_group(node, ada, grace)
    await _set_status(http, "deleted", ada, grace)
    for group in (alone, together):
        assert await _roles(node, group) == {}


async def test_a_group_of_the_platform_waits_for_the_platform(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    group = nobody()
    fields = {"title": "Dancers of Lisbon", "owner_id": str(ada.id)}
    await put(http, f"groups/{group}", **fields)
    await put(http, f"groups/{group}/members/{grace.id}")
    await _set_status(http, "deleted", ada)
    assert await _roles(node, group) == {str(grace.id): "member"}
    await put(http, f"groups/{group}/members/{grace.id}", role="owner")
    assert await _roles(node, group) == {str(grace.id): "owner"}


async def test_direct_conversations_and_groups_of_gigs_stay_as_they_are(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, direct = await make_pair(node)
    gig = await put_gig(
        http, ada, members=[{"user_id": str(grace.id), "role": "editor"}]
    )
    body = {"kind": "group", "gig_id": gig}
    team = await http.post("/v1/conversations", json=body, headers=ada.headers)
    assert team.status_code in {200, 201}, team.text
    await _set_status(http, "deleted", ada)
    for conversation in (direct, ConversationId(team.json()["id"])):
        shown = await http.get(
            f"/v1/conversations/{conversation}", headers=grace.headers
        )
        people = {one["user_id"] for one in shown.json()["participants"]}
        assert people == {str(ada.id), str(grace.id)}
