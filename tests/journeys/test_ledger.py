"""
The ledger as a table: every relation, every question, both doors.

Two people, with and without a conversation from earlier days. What the explanation
says must be what the doors do, and nothing may tell a stranger from nobody.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from callboard_client import Refused, Socket
from sqlalchemy import text

from realtime.node import Node
from storage.records import ConversationId
from tests.conftest import Served
from tests.factories import (
    Person,
    connect_people,
    make_pair,
    make_people,
    set_account_status,
)
from tests.journeys.doors import at_the_doors, fresh, leave

Arrange = Callable[[Node, Person, Person], Awaitable[None]]


async def _status(node: Node, me: Person, other: Person, status: str) -> None:
    """Give the pair this relation, asked for by `me`, whatever it was before."""
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "DELETE FROM callboard.connections"
                " WHERE low_id = LEAST(CAST(:one AS uuid), :other)"
                " AND high_id = GREATEST(CAST(:one AS uuid), :other)"
            ),
            {"one": me.id, "other": other.id},
        )
    if status:
        await connect_people(node, me, other, status)


def by_me(status: str) -> Arrange:
    async def arrange(node: Node, me: Person, other: Person) -> None:
        await _status(node, me, other, status)

    return arrange


def by_other(status: str) -> Arrange:
    async def arrange(node: Node, me: Person, other: Person) -> None:
        await _status(node, other, me, status)

    return arrange


def blocked(*, is_mine: bool, status: str) -> Arrange:
    async def arrange(node: Node, me: Person, other: Person) -> None:
        await _status(node, me, other, status)
        blocker, other_one = (me, other) if is_mine else (other, me)
        async with node.transaction(blocker.id) as work:
            await work.blocks.add(blocker.id, other_one.id)
            await work.blocks.follow(blocker.id, other_one.id)

    return arrange


async def other_suspended(node: Node, me: Person, other: Person) -> None:
    await _status(node, me, other, "accepted")
    await set_account_status(node, other, "suspended")


async def stranger_suspended(node: Node, me: Person, other: Person) -> None:
    await _status(node, me, other, "")
    await set_account_status(node, other, "suspended")


@dataclass(frozen=True)
class Relation:
    """A row of the table: how it comes about, and what the ledger says of it."""

    name: str
    arrange: Arrange
    reason: str | None
    unlock: tuple[str, ...] = ()


ASK = ("connection.request",)

RELATIONS = [
    Relation("none", by_me(""), "not_connected", ASK),
    Relation("asked by me", by_me("pending"), "not_connected"),
    Relation(
        "asked by them", by_other("pending"), "not_connected", ("connection.accept",)
    ),
    Relation("rejected by them", by_me("rejected"), "not_connected", ASK),
    Relation("rejected by me", by_other("rejected"), "not_connected", ASK),
    Relation("withdrawn by me", by_me("withdrawn"), "not_connected", ASK),
    Relation("withdrawn by them", by_other("withdrawn"), "not_connected", ASK),
    Relation("accepted, asked by me", by_me("accepted"), None),
    Relation("accepted, asked by them", by_other("accepted"), None),
    Relation("removed", by_me("removed"), "not_connected", ASK),
    Relation(
        "blocked by me",
        blocked(is_mine=True, status="accepted"),
        "blocked",
        ("user.unblock",),
    ),
    Relation("blocked by them", blocked(is_mine=False, status="accepted"), "blocked"),
    Relation(
        "a stranger, blocked by me",
        blocked(is_mine=True, status=""),
        "blocked",
        ("user.unblock",),
    ),
    Relation("a stranger who blocked me", blocked(is_mine=False, status=""), "blocked"),
    Relation("they are suspended", other_suspended, "suspended"),
    Relation("a suspended stranger", stranger_suspended, "not_connected", ASK),
]

every_relation = pytest.mark.parametrize(
    "relation", RELATIONS, ids=lambda relation: relation.name
)


@every_relation
async def test_two_people_without_a_conversation(
    server: Served, relation: Relation
) -> None:
    me, other = await make_people(server.node, "Me", "Other")
    await relation.arrange(server.node, me, other)
    doors = await at_the_doors(server, me)
    to = str(other.id)
    try:
        explained = await doors.get(f"/v1/users/{to}/permissions")
        assert explained["reason"] == relation.reason
        assert explained["message"] is (relation.reason is None)
        assert tuple(explained["unlock"]) == relation.unlock

        opened = await doors.call(
            "POST", "/v1/conversations", kind="direct", user_ids=[to]
        )
        assert opened == relation.reason
        sent = await doors.command(
            "message.send", to_user_id=to, client_id=fresh(), body="Hello"
        )
        assert sent == relation.reason
        listed = await doors.get("/v1/conversations")
        assert len(listed["items"]) == (1 if relation.reason is None else 0)
    finally:
        await leave(doors)


@every_relation
async def test_two_people_with_a_conversation_from_earlier_days(
    server: Served, relation: Relation
) -> None:
    me, other, conversation = await make_pair(server.node, ("Me", "Other"))
    before = await at_the_doors(server, me)
    path = f"/v1/conversations/{conversation}"
    await before.call("POST", f"{path}/messages", client_id=fresh(), body="Earlier")
    await leave(before)
    await relation.arrange(server.node, me, other)
    doors = await at_the_doors(server, me)
    try:
        # Writing: both doors do what the explanation says.
        explained = await doors.get(f"{path}/permissions")
        assert explained["write"] is (relation.reason is None)
        assert explained["reason"] == relation.reason
        assert tuple(explained["unlock"]) == relation.unlock
        assert relation.reason == await doors.command(
            "message.send",
            conversation_id=str(conversation),
            client_id=fresh(),
            body="Now",
        )
        assert relation.reason == await doors.command(
            "message.send", to_user_id=str(other.id), client_id=fresh(), body="Now"
        )
        assert relation.reason == await doors.call(
            "POST", f"{path}/messages", client_id=fresh(), body="Now"
        )

        # Reading what was said stays, whatever has become of the two.
        last_seq = 1 if relation.reason else 4
        history = await doors.get(f"{path}/messages")
        assert [message["seq"] for message in history["items"]] == list(
            range(last_seq, 0, -1)
        )
        assert (await doors.get(path))["last_seq"] == last_seq
        assert (
            await doors.command(
                "conversation.read", conversation_id=str(conversation), seq=1
            )
            is None
        )
        assert await doors.call("POST", f"{path}/read", seq=1) is None
        assert (
            await doors.call(
                "POST", "/v1/conversations", kind="direct", user_ids=[str(other.id)]
            )
            is None
        )
    finally:
        await leave(doors)


async def test_who_is_suspended_comes_in_by_no_door(server: Served) -> None:
    me, _other, conversation = await make_pair(server.node, ("Me", "Other"))
    await set_account_status(server.node, me, "suspended")
    with pytest.raises(Exception, match="4501"):
        await Socket.connect(server.socket_url, me.token)
    async with httpx.AsyncClient(base_url=server.url, headers=me.headers) as http:
        for path in (
            "/v1/me",
            "/v1/conversations",
            f"/v1/conversations/{conversation}",
        ):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "suspended")


async def test_a_stranger_and_nobody_get_the_same_answers(server: Served) -> None:
    me, stranger = await make_people(server.node, "Me", "Stranger")
    nobody = uuid4()
    doors = await at_the_doors(server, me)

    async def answers(user: UUID) -> list[Any]:
        found: list[Any] = []
        for kind, data in (
            ("message.send", {"client_id": fresh(), "body": "Hello"}),
            ("message.send", {"client_id": fresh(), "attachments": [PICTURE]}),
        ):
            with pytest.raises(Refused) as refused:
                await doors.socket.request(kind, to_user_id=str(user), **data)
            found.append((refused.value.code, refused.value.details))
        for method, path, body in (
            ("GET", f"/v1/users/{user}/permissions", None),
            (
                "POST",
                "/v1/conversations",
                {"kind": "direct", "user_ids": [str(user)]},
            ),
        ):
            answer = await doors.http.request(method, path, json=body)
            found.append((answer.status_code, answer.json()))
        return found

    try:
        assert await answers(stranger.id) == await answers(nobody)
    finally:
        await leave(doors)


async def test_a_conversation_of_others_is_like_none(server: Served) -> None:
    _ada, _grace, theirs = await make_pair(server.node)
    (mallory,) = await make_people(server.node, "Mallory")
    doors = await at_the_doors(server, mallory)
    try:
        for conversation in (theirs, ConversationId(uuid4())):
            here = str(conversation)
            assert (
                await doors.command(
                    "message.send", conversation_id=here, client_id=fresh(), body="Hi"
                )
                == "not_found"
            )
            for kind in ("conversation.read", "conversation.delivered"):
                refused = await doors.command(kind, conversation_id=here, seq=1)
                assert refused == "not_found"
            for method, path in (
                ("GET", f"/v1/conversations/{here}"),
                ("GET", f"/v1/conversations/{here}/messages"),
                ("GET", f"/v1/conversations/{here}/permissions"),
            ):
                assert await doors.call(method, path) == "not_found"
    finally:
        await leave(doors)


PICTURE = {
    "url": "https://files.example/cv.pdf",
    "name": "cv.pdf",
    "mime_type": "application/pdf",
    "size": 1234,
}
