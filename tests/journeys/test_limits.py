"""Limits as people meet them, at both doors."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from callboard_client import Refused, Socket

from tests.api.calling import problem
from tests.conftest import running_node, served, settings_for
from tests.databases import TestDatabase
from tests.factories import connect_people, make_pair, make_people, open_direct

# So slow that none comes back while a test runs.
SLOW = "1h"


def message(**more: object) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "body": "Hi", **more}


async def refused(socket: Socket, kind: str, **data: object) -> Refused:
    with pytest.raises(Refused) as caught:
        await socket.request(kind, **data)
    return caught.value


def too_much(answer: httpx.Response) -> None:
    """Check a refusal for too much, which says when to come back in both its ways."""
    told = problem(answer, 429, "rate_limited")
    assert told["retry_after_ms"] > 0
    seconds = int(answer.headers["retry-after"])
    assert seconds * 1000 >= told["retry_after_ms"] > (seconds - 1) * 1000


async def test_a_sender_is_limited_at_both_doors_together(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_messages=f"2/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        ada, grace, conversation = await make_pair(node)
        path = f"/v1/conversations/{conversation}/messages"
        async with (
            httpx.AsyncClient(base_url=server.url) as http,
            await Socket.connect(server.socket_url, ada.token) as socket,
        ):
            here = str(conversation)
            await socket.request("message.send", conversation_id=here, **message())
            first = await http.post(path, json=message(), headers=ada.headers)
            assert first.status_code == 201
            too_much(await http.post(path, json=message(), headers=ada.headers))
            no = await refused(
                socket, "message.send", conversation_id=here, **message()
            )
            assert no.code == "rate_limited"
            assert no.retry_after_ms is not None
            # Who answers has a bucket of their own.
            other = await http.post(path, json=message(), headers=grace.headers)
            assert other.status_code == 201
        numbers = node.metrics.render().decode()
        assert 'callboard_rate_limited_total{kind="messages"} 2.0' in numbers


async def test_a_repeat_is_answered_once_there_is_room_again(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_messages="1/1000")
    async with running_node(settings) as node, served(node) as server:
        ada, _, conversation = await make_pair(node)
        same = message(conversation_id=str(conversation))
        async with await Socket.connect(server.socket_url, ada.token) as socket:
            first = await socket.request("message.send", **same)
            codes = set()
            for _ in range(100):
                try:
                    again = await socket.request("message.send", **same)
                    break
                except Refused as no:
                    codes.add(no.code)
            assert codes <= {"rate_limited"}
            assert again["message"]["id"] == first["message"]["id"]


@pytest.mark.parametrize("address", ["conversation_id", "to_user_id"])
async def test_a_recipient_is_not_told_too_much_whoever_sends(
    database: TestDatabase, address: str
) -> None:
    settings = settings_for(database, limit_messages_to=f"2/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        ada, grace, conversation = await make_pair(node)
        (alan,) = await make_people(node, "Alan")
        await connect_people(node, alan, grace)
        ids = {"conversation_id": str(conversation), "to_user_id": str(grace.id)}
        to = {address: ids[address]}
        async with (
            await Socket.connect(server.socket_url, ada.token) as socket,
            await Socket.connect(server.socket_url, alan.token) as other,
        ):
            await socket.request("message.send", **to, **message())
            await other.request("message.send", to_user_id=str(grace.id), **message())
            no = await refused(socket, "message.send", **to, **message())
            assert no.code == "rate_limited"


async def test_who_may_not_write_uses_up_nothing_of_the_recipient(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_messages_to=f"3/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        ada, grace, _ = await make_pair(node)
        (mallory,) = await make_people(node, "Mallory")
        await connect_people(node, mallory, grace)
        theirs = str(await open_direct(node, mallory, grace))
        async with (
            httpx.AsyncClient(base_url=server.url) as http,
            await Socket.connect(server.socket_url, mallory.token) as bad,
            await Socket.connect(server.socket_url, ada.token) as good,
        ):
            await http.put(f"/v1/blocks/{mallory.id}", headers=grace.headers)
            for _ in range(10):
                no = await refused(
                    bad, "message.send", conversation_id=theirs, **message()
                )
                assert no.code == "blocked"
            for _ in range(3):
                await good.request(
                    "message.send", to_user_id=str(grace.id), **message()
                )


async def test_beginning_conversations_is_limited_and_finding_them_is_not(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_conversations=f"1/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
        await connect_people(node, ada, grace)
        await connect_people(node, ada, alan)
        async with await Socket.connect(server.socket_url, ada.token) as socket:
            for _ in range(3):
                await socket.request(
                    "message.send", to_user_id=str(grace.id), **message()
                )
            no = await refused(
                socket, "message.send", to_user_id=str(alan.id), **message()
            )
            assert no.code == "rate_limited"
        async with httpx.AsyncClient(base_url=server.url) as http:
            # What was refused was not begun.
            mine = await http.get("/v1/conversations", headers=alan.headers)
            assert mine.json()["items"] == []


async def test_asking_for_connections_is_limited_at_both_doors_together(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_connections=f"2/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        ada, *others = await make_people(node, "Ada", "Grace", "Alan", "Mei")
        async with (
            httpx.AsyncClient(base_url=server.url, headers=ada.headers) as http,
            await Socket.connect(server.socket_url, ada.token) as socket,
        ):
            one, other, third = ({"user_id": str(each.id)} for each in others)
            assert (await http.post("/v1/connections", json=one)).status_code == 201
            await socket.request("connection.request", **other)
            too_much(await http.post("/v1/connections", json=third))
            no = await refused(socket, "connection.request", **third)
            assert no.code == "rate_limited"


async def test_being_asked_is_limited_and_refused_requests_cost_nothing_of_it(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_connections_to=f"2/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        grace, *others = await make_people(node, "Grace", "Ada", "Alan", "Mei")
        asked = {"user_id": str(grace.id)}
        async with httpx.AsyncClient(base_url=server.url) as http:
            for person in others[:2]:
                answer = await http.post(
                    "/v1/connections", json=asked, headers=person.headers
                )
                assert answer.status_code == 201
                again = await http.post(
                    "/v1/connections", json=asked, headers=person.headers
                )
                problem(again, 409, "already_requested")
            last = others[2].headers
            too_much(await http.post("/v1/connections", json=asked, headers=last))
            # What was refused was not asked.
            links = await http.get("/v1/connections", headers=last)
            assert links.json()["items"] == []


async def test_changes_are_limited_at_both_doors_together(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, limit_changes=f"4/{SLOW}")
    async with running_node(settings) as node, served(node) as server:
        ada, grace, conversation = await make_pair(node)
        here = str(conversation)
        async with (
            httpx.AsyncClient(base_url=server.url, headers=ada.headers) as http,
            await Socket.connect(server.socket_url, ada.token) as socket,
        ):
            sent = await socket.request(
                "message.send", conversation_id=here, **message()
            )
            one = {"message_id": sent["message"]["id"]}
            path = f"/v1/messages/{one['message_id']}"
            await socket.request("reaction.add", **one, emoji="👍")
            assert (await http.delete(f"{path}/reactions/👍")).is_success
            await socket.request("message.edit", **one, body="Ho")
            assert (await http.patch(path, json={"body": "Hi"})).is_success

            for kind, data in {
                "message.edit": {**one, "body": "Ho"},
                "message.delete": one,
                "reaction.add": {**one, "emoji": "👍"},
                "reaction.remove": {**one, "emoji": "👍"},
                "user.block": {"user_id": str(grace.id)},
                "user.unblock": {"user_id": str(grace.id)},
                "connection.accept": {"connection_id": here},
                "connection.reject": {"connection_id": here},
                "connection.withdraw": {"connection_id": here},
                "connection.remove": {"connection_id": here},
            }.items():
                no = await refused(socket, kind, **data)
                assert (kind, no.code) == (kind, "rate_limited")
            for method, place in (
                ("PATCH", path),
                ("DELETE", path),
                ("PUT", f"{path}/reactions/👍"),
                ("DELETE", f"{path}/reactions/👍"),
                ("PUT", f"/v1/blocks/{grace.id}"),
                ("DELETE", f"/v1/blocks/{grace.id}"),
                ("PATCH", f"/v1/conversations/{here}"),
                ("PUT", f"/v1/conversations/{here}/participants/{grace.id}"),
                ("DELETE", f"/v1/conversations/{here}/participants/{grace.id}"),
                ("POST", f"/v1/connections/{here}/accept"),
                ("POST", f"/v1/connections/{here}/reject"),
                ("POST", f"/v1/connections/{here}/withdraw"),
                ("DELETE", f"/v1/connections/{here}"),
            ):
                too_much(await http.request(method, place))

            # What is no change goes on, and so does everybody else.
            await socket.request("message.send", conversation_id=here, **message())
            await socket.request("conversation.read", conversation_id=here, seq=2)
            assert (await http.get("/v1/blocks")).is_success
            other = await http.put(f"/v1/blocks/{ada.id}", headers=grace.headers)
            assert other.is_success
        numbers = node.metrics.render().decode()
        assert 'callboard_rate_limited_total{kind="changes"} 23.0' in numbers


async def test_with_everything_off_nothing_is_limited(database: TestDatabase) -> None:
    off = dict.fromkeys(
        [
            "limit_messages",
            "limit_messages_to",
            "limit_conversations",
            "limit_connections",
            "limit_connections_to",
            "limit_searches",
            "limit_changes",
        ],
        "off",
    )
    async with running_node(settings_for(database, **off)) as node:
        ada, _, conversation = await make_pair(node)
        async with (
            served(node) as server,
            await Socket.connect(server.socket_url, ada.token) as socket,
        ):
            for _ in range(20):
                await socket.request(
                    "message.send", conversation_id=str(conversation), **message()
                )
