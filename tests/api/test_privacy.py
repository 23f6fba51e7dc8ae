"""What people choose to show, and that what they hide shows nowhere."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from callboard_client import Refused, Socket

from realtime.node import Node
from storage.receipts import TOLD_PARTICIPANTS
from storage.records import ConversationId
from tests.api.calling import ear_of, problem
from tests.conftest import Served
from tests.factories import Person, connect_people, make_pair, make_people

DEFAULTS = {
    "hide_receipts": False,
    "hide_presence": False,
    "hide_typing": False,
    "connection_requests": "everyone",
}
ALL_DIFFERENT = {
    "hide_receipts": True,
    "hide_presence": True,
    "hide_typing": True,
    "connection_requests": "nobody",
}


async def choose(http: httpx.AsyncClient, person: Person, **changes: object) -> None:
    answer = await http.put("/v1/privacy", json=changes, headers=person.headers)
    assert answer.status_code == 200, answer.text


async def say(
    http: httpx.AsyncClient, sender: Person, conversation: object
) -> dict[str, Any]:
    answer = await http.post(
        f"/v1/conversations/{conversation}/messages",
        json={"client_id": str(uuid4()), "body": "Hi"},
        headers=sender.headers,
    )
    assert answer.status_code == 201, answer.text
    message: dict[str, Any] = answer.json()
    return message


async def read(
    http: httpx.AsyncClient, reader: Person, conversation: object, seq: int
) -> dict[str, Any]:
    answer = await http.post(
        f"/v1/conversations/{conversation}/read",
        json={"seq": seq},
        headers=reader.headers,
    )
    assert answer.status_code == 200, answer.text
    markers: dict[str, Any] = answer.json()
    return markers


async def part_of(
    http: httpx.AsyncClient, looking: Person, conversation: object, person: Person
) -> dict[str, Any]:
    """Give how far somebody has got, as somebody sees it, wherever that is shown."""
    one = await http.get(f"/v1/conversations/{conversation}", headers=looking.headers)
    listed = await http.get("/v1/conversations", headers=looking.headers)
    shown = [one.json(), *listed.json()["items"]]
    parts = [
        {"read": part["read_seq"], "delivered": part["delivered_seq"]}
        for each in shown
        if each["id"] == str(conversation)
        for part in each["participants"]
        if part["user_id"] == str(person.id)
    ]
    assert len(parts) == 2
    assert parts[0] == parts[1]
    return parts[0]


async def read_at(
    http: httpx.AsyncClient, looking: Person, conversation: object, seq: int
) -> object:
    answer = await http.get(
        f"/v1/conversations/{conversation}/messages",
        params={"before": seq + 1, "limit": 1},
        headers=looking.headers,
    )
    return answer.json()["items"][0]["read_at"]


async def make_group(
    http: httpx.AsyncClient, owner: Person, *others: Person
) -> ConversationId:
    answer = await http.post(
        "/v1/conversations",
        json={
            "kind": "group",
            "user_ids": [str(other.id) for other in others],
            "title": "A group",
        },
        headers=owner.headers,
    )
    assert answer.status_code == 201, answer.text
    return ConversationId(answer.json()["id"])


async def ask(http: httpx.AsyncClient, me: Person, other: Person) -> httpx.Response:
    return await http.post(
        "/v1/connections", json={"user_id": str(other.id)}, headers=me.headers
    )


async def permissions(
    http: httpx.AsyncClient, me: Person, other: Person
) -> dict[str, Any]:
    answer = await http.get(f"/v1/users/{other.id}/permissions", headers=me.headers)
    told: dict[str, Any] = answer.json()
    return told


# Choosing.


async def test_who_has_chosen_nothing_shows_everything(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.get("/v1/privacy", headers=ada.headers)
    assert answer.json() == DEFAULTS


async def test_what_is_chosen_is_kept_and_shown_to_oneself(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    put = await http.put("/v1/privacy", json=ALL_DIFFERENT, headers=ada.headers)
    assert put.json() == ALL_DIFFERENT
    got = await http.get("/v1/privacy", headers=ada.headers)
    assert got.json() == ALL_DIFFERENT
    me = (await http.get("/v1/me", headers=ada.headers)).json()
    assert me["preferences"]["privacy"] == ALL_DIFFERENT
    other = (await http.get("/v1/me", headers=grace.headers)).json()
    assert other["preferences"]["privacy"] == DEFAULTS


async def test_what_is_left_out_stays_as_it_is(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    await choose(http, ada, connection_requests="nobody")
    await choose(http, ada, hide_typing=True)
    answer = await http.get("/v1/privacy", headers=ada.headers)
    chosen = {"hide_typing": True, "connection_requests": "nobody"}
    assert answer.json() == DEFAULTS | chosen


@pytest.mark.parametrize(
    "wrong",
    [{"hide_receipts": "yes"}, {"connection_requests": "friends"}, {"hide_all": True}],
)
async def test_what_cannot_be_chosen_is_invalid(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, object]
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.put("/v1/privacy", json=wrong, headers=ada.headers)
    problem(answer, 422, "invalid")


# Receipts.


async def test_hidden_receipts_show_nowhere(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    await choose(http, grace, hide_receipts=True)
    await say(http, ada, conversation)
    theirs, own = await ear_of(node, ada.id), await ear_of(node, grace.id)
    assert await read(http, grace, conversation, 1) == {"read_seq": 1, "unread": 0}
    assert theirs.kinds == []
    assert own.kinds == ["receipt.read"]
    nothing = {"read": 0, "delivered": 0}
    assert await part_of(http, ada, conversation, grace) == nothing
    assert await part_of(http, grace, conversation, grace) == {
        "read": 1,
        "delivered": 1,
    }
    assert await read_at(http, ada, conversation, 1) is None


async def test_hidden_receipts_are_told_neither_live_nor_on_resume(
    server: Served, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    here = str(conversation)
    async with httpx.AsyncClient(base_url=server.url) as http:
        await choose(http, grace, hide_receipts=True)
        watching = await Socket.connect(server.socket_url, ada.token)
        reading = await Socket.connect(server.socket_url, grace.token)
        other = await Socket.connect(server.socket_url, grace.token)
        ada_left, grace_left = watching.hello["cursor"], other.hello["cursor"]
        await say(http, ada, conversation)
        for kind in ("conversation.delivered", "conversation.read"):
            await reading.request(kind, conversation_id=here, seq=1)
        # Of one's own devices every one learns it.
        await other.expect("receipt.delivered")
        told = await other.expect("receipt.read")
        assert (told["user_id"], told["seq"]) == (str(grace.id), 1)
        # A later event of the same people bounds the wait for what must not come.
        await say(http, ada, conversation)
        await watching.expect(
            "message.created", where=lambda data: data["message"]["seq"] == 2
        )
        assert not [
            event
            for event in watching.take_waiting()
            if event["type"].startswith("receipt.")
        ]
        for socket in (watching, reading, other):
            await socket.close()
    back = await Socket.connect(server.socket_url, ada.token, cursor=ada_left)
    assert back.hello["resumed"] is True
    await back.request("ping")
    kinds = [event["type"] for event in back.take_waiting()]
    assert "message.created" in kinds
    assert not [kind for kind in kinds if kind.startswith("receipt.")]
    await back.close()
    own = await Socket.connect(server.socket_url, grace.token, cursor=grace_left)
    again = await own.expect("receipt.read")
    assert (again["user_id"], again["seq"]) == (str(grace.id), 1)
    await own.close()


async def test_answering_keeps_no_receipt_of_who_hides_them(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    await choose(http, grace, hide_receipts=True)
    await say(http, ada, conversation)
    await say(http, grace, conversation)
    assert await read_at(http, ada, conversation, 1) is None
    async with node.database.hot() as connection:
        assert await connection.fetchval("SELECT count(*) FROM callboard.receipts") == 0


async def test_what_was_read_before_hiding_is_hidden_too(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    await say(http, ada, conversation)
    await read(http, grace, conversation, 1)
    assert await read_at(http, ada, conversation, 1) is not None
    await choose(http, grace, hide_receipts=True)
    assert await read_at(http, ada, conversation, 1) is None
    nothing = {"read": 0, "delivered": 0}
    assert await part_of(http, ada, conversation, grace) == nothing
    await choose(http, grace, hide_receipts=False)
    everything = {"read": 1, "delivered": 1}
    assert await part_of(http, ada, conversation, grace) == everything


async def test_who_hides_receipts_hides_them_in_what_begins_later(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await choose(http, grace, hide_receipts=True)
    await connect_people(node, ada, grace)
    direct = await http.post(
        "/v1/conversations",
        json={"kind": "direct", "user_ids": [str(grace.id)]},
        headers=ada.headers,
    )
    for conversation in (direct.json()["id"], await make_group(http, ada, grace)):
        seq = (await say(http, ada, conversation))["seq"]
        ear = await ear_of(node, ada.id)
        await read(http, grace, conversation, seq)
        assert ear.kinds == []
        assert await read_at(http, ada, conversation, seq) is None


async def test_one_who_hides_receipts_does_not_hide_those_of_others(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    await connect_people(node, ada, grace)
    await connect_people(node, ada, alan)
    conversation = await make_group(http, ada, grace, alan)
    await choose(http, grace, hide_receipts=True)
    seq = (await say(http, ada, conversation))["seq"]
    ear = await ear_of(node, ada.id)
    await read(http, grace, conversation, seq)
    await read(http, alan, conversation, seq)
    assert [event["data"]["user_id"] for event in ear.heard] == [str(alan.id)]
    assert await read_at(http, ada, conversation, seq) is not None


@pytest.mark.parametrize("who_blocks", ["sender", "reader"])
async def test_receipts_do_not_cross_a_block(
    http: httpx.AsyncClient, node: Node, who_blocks: str
) -> None:
    ada, grace, conversation = await make_pair(node)
    for _ in range(3):
        await say(http, ada, conversation)
    await read(http, grace, conversation, 1)
    blocker, other = (ada, grace) if who_blocks == "sender" else (grace, ada)
    block = f"/v1/blocks/{other.id}"
    assert (await http.put(block, headers=blocker.headers)).is_success
    theirs, own = await ear_of(node, ada.id), await ear_of(node, grace.id)

    assert await read(http, grace, conversation, 2) == {"read_seq": 2, "unread": 1}
    assert theirs.kinds == []
    assert own.kinds == ["receipt.read"]
    assert await read_at(http, ada, conversation, 2) is None
    nothing = {"read": 0, "delivered": 0}
    assert await part_of(http, ada, conversation, grace) == nothing
    mine = await part_of(http, grace, conversation, grace)
    assert mine == {"read": 2, "delivered": 2}
    listed = await http.get(
        f"/v1/conversations/{conversation}/participants", headers=ada.headers
    )
    seen = {part["user_id"]: part["read_seq"] for part in listed.json()["items"]}
    assert seen == {str(ada.id): 3, str(grace.id): 0}

    # Afterwards it goes on, and what was read meanwhile stays without a moment.
    assert (await http.delete(block, headers=blocker.headers)).is_success
    assert await part_of(http, ada, conversation, grace) == mine
    assert await read_at(http, ada, conversation, 2) is None
    await read(http, grace, conversation, 3)
    assert theirs.kinds[-1] == "receipt.read"


async def test_receipts_across_a_block_are_told_neither_live_nor_on_resume(
    server: Served, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    here = str(conversation)
    async with httpx.AsyncClient(base_url=server.url) as http:
        for _ in range(2):
            await say(http, ada, conversation)
        watching = await Socket.connect(server.socket_url, ada.token)
        reading = await Socket.connect(server.socket_url, grace.token)
        other = await Socket.connect(server.socket_url, grace.token)
        ada_left, grace_left = watching.hello["cursor"], other.hello["cursor"]
        await reading.request("user.block", user_id=str(ada.id))
        await reading.request("conversation.delivered", conversation_id=here, seq=1)
        await reading.request("conversation.read", conversation_id=here, seq=2)
        await other.expect("receipt.delivered")
        told = await other.expect("receipt.read")
        assert (told["user_id"], told["seq"]) == (str(grace.id), 2)
        # A later event bounds the wait for what must not come.
        await reading.request("user.unblock", user_id=str(ada.id))
        await watching.expect(
            "conversation.updated",
            where=lambda data: data["conversation"]["status"] == "active",
        )
        assert not [
            event
            for event in watching.take_waiting()
            if event["type"].startswith("receipt.")
        ]
        await reading.request("user.block", user_id=str(ada.id))
        for socket in (watching, reading, other):
            await socket.close()
    back = await Socket.connect(server.socket_url, ada.token, cursor=ada_left)
    assert back.hello["resumed"] is True
    await back.request("ping")
    events = back.take_waiting()
    assert "conversation.updated" in [event["type"] for event in events]
    assert not [
        event for event in events if event["data"].get("user_id") == str(grace.id)
    ]
    await back.close()
    own = await Socket.connect(server.socket_url, grace.token, cursor=grace_left)
    again = await own.expect("receipt.read")
    assert (again["user_id"], again["seq"]) == (str(grace.id), 2)
    await own.close()


async def test_in_a_large_group_only_the_reader_is_told(
    server: Served, node: Node
) -> None:
    people = await make_people(node, *(f"P{n}" for n in range(TOLD_PARTICIPANTS + 1)))
    owner, reader, *_ = people
    for person in people[1:]:
        await connect_people(node, owner, person)
    async with httpx.AsyncClient(base_url=server.url) as http:
        conversation = await make_group(http, owner, *people[1:])
        watching = await Socket.connect(server.socket_url, owner.token)
        cursor = watching.hello["cursor"]
        await watching.close()
        seq = (await say(http, owner, conversation))["seq"]
        theirs, own = await ear_of(node, owner.id), await ear_of(node, reader.id)
        # Whoever stands beyond those that a conversation shows reads too.
        await read(http, people[-1], conversation, seq)
        assert await read(http, reader, conversation, seq) == {
            "read_seq": seq,
            "unread": 0,
        }
        assert theirs.kinds == []
        assert own.kinds == ["receipt.read"]
        assert await read_at(http, owner, conversation, seq) is not None
        back = await Socket.connect(server.socket_url, owner.token, cursor=cursor)
        assert back.hello["resumed"] is True
        await back.request("ping")
        told = {
            event["data"]["user_id"]
            for event in back.take_waiting()
            if event["type"].startswith("receipt.")
        }
        assert told <= {str(owner.id)}
        await back.close()


# Requests.


@pytest.mark.parametrize("takes", ["nobody", "participants"])
async def test_a_stranger_is_refused_and_told_so_before(
    http: httpx.AsyncClient, node: Node, takes: str
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    await choose(http, grace, connection_requests=takes)
    refused = problem(await ask(http, ada, grace), 403, "forbidden")
    assert refused == problem(await ask(http, alan, grace), 403, "forbidden")
    assert await permissions(http, ada, grace) == {
        "message": False,
        "connect": False,
        "reason": "not_connected",
        "unlock": [],
    }


async def test_the_socket_refuses_a_stranger_too(server: Served, node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    async with httpx.AsyncClient(base_url=server.url) as http:
        await choose(http, grace, connection_requests="nobody")
    async with await Socket.connect(server.socket_url, ada.token) as socket:
        with pytest.raises(Refused) as refused:
            await socket.request("connection.request", user_id=str(grace.id))
    assert refused.value.code == "forbidden"


async def test_fellow_participants_may_ask_for_as_long_as_they_are(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    await connect_people(node, alan, ada)
    await connect_people(node, alan, grace)
    conversation = await make_group(http, alan, ada, grace)
    await choose(http, grace, connection_requests="participants")
    assert (await permissions(http, ada, grace))["connect"] is True
    path = f"/v1/conversations/{conversation}/participants/{ada.id}"
    assert (await http.delete(path, headers=ada.headers)).is_success
    assert (await permissions(http, ada, grace))["connect"] is False
    problem(await ask(http, ada, grace), 403, "forbidden")
    path = f"/v1/conversations/{conversation}/participants/{ada.id}"
    assert (await http.put(path, headers=alan.headers)).is_success
    assert (await ask(http, ada, grace)).status_code == 201


async def test_a_direct_conversation_that_is_left_opens_no_way_back(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, _ = await make_pair(node)
    links = (await http.get("/v1/connections", headers=grace.headers)).json()["items"]
    await http.delete(f"/v1/connections/{links[0]['id']}", headers=grace.headers)
    await choose(http, grace, connection_requests="participants")
    problem(await ask(http, ada, grace), 403, "forbidden")
    assert (await permissions(http, ada, grace))["unlock"] == []


async def test_who_takes_no_requests_may_make_them_and_be_accepted(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await choose(http, grace, connection_requests="nobody")
    asked = await ask(http, grace, ada)
    assert asked.status_code == 201
    told = await permissions(http, ada, grace)
    assert told["unlock"] == ["connection.accept"]
    problem(await ask(http, ada, grace), 409, "already_requested")
    path = f"/v1/connections/{asked.json()['id']}/accept"
    assert (await http.post(path, headers=ada.headers)).is_success
    problem(await ask(http, ada, grace), 409, "already_connected")


@pytest.mark.parametrize("takes", ["everyone", "participants", "nobody"])
@pytest.mark.parametrize("link", [None, "rejected", "withdrawn", "removed", "pending"])
@pytest.mark.parametrize("is_fellow", [True, False])
async def test_what_is_explained_is_what_is_decided(
    http: httpx.AsyncClient,
    node: Node,
    takes: str,
    link: str | None,
    *,
    is_fellow: bool,
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    if is_fellow:
        await connect_people(node, alan, ada)
        await connect_people(node, alan, grace)
        await make_group(http, alan, ada, grace)
    if link is not None:
        await connect_people(node, ada, grace, link)
    await choose(http, grace, connection_requests=takes)
    told = await permissions(http, ada, grace)
    assert told["connect"] is ("connection.request" in told["unlock"])
    assert (await ask(http, ada, grace)).is_success is told["connect"]


# What one wants to see.


async def test_content_preferences_are_kept_and_shown(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    path = "/v1/content-preferences"
    defaults = {
        "allow_nsfw_content": False,
        "show_nsfw_warnings": True,
        "auto_hide_nsfw": True,
        "content_filter_level": "moderate",
        "blocked_categories": [],
    }
    assert (await http.get(path, headers=ada.headers)).json() == defaults
    first = {"content_filter_level": "strict", "blocked_categories": ["gambling"]}
    await http.put(path, json=first, headers=ada.headers)
    second = {"show_nsfw_warnings": False}
    put = await http.put(path, json=second, headers=ada.headers)
    assert put.json() == defaults | first | second
    assert (await http.get(path, headers=ada.headers)).json() == put.json()
    me = (await http.get("/v1/me", headers=ada.headers)).json()
    assert me["preferences"]["content"] == put.json()
    assert (await http.get(path, headers=grace.headers)).json() == defaults


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_filter_level": "none"},
        {"blocked_categories": ["x"] * 101},
        {"blocked_categories": [""]},
        {"blocked_categories": ["\u0000"]},
        {"auto_hide_nsfw": 1},
    ],
)
async def test_what_is_no_content_preference_is_invalid(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, object]
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.put("/v1/content-preferences", json=wrong, headers=ada.headers)
    problem(answer, 422, "invalid")
