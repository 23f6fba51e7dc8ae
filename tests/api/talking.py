"""What tests of messages share: groups to talk in, and the calls about a message."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from realtime.node import Node
from tests.factories import Person, connect_people


async def make_group(
    http: httpx.AsyncClient, node: Node, owner: Person, *members: Person, **more: object
) -> str:
    """Have somebody make a group with people whom they know."""
    for member in members:
        await connect_people(node, owner, member)
    answer = await http.post(
        "/v1/conversations",
        json={
            "kind": "group",
            "title": "Crew",
            "user_ids": [str(member.id) for member in members],
            **more,
        },
        headers=owner.headers,
    )
    assert answer.status_code == 201, answer.text
    group: str = answer.json()["id"]
    return group


async def add_member(
    http: httpx.AsyncClient, node: Node, owner: Person, group: str, member: Person
) -> None:
    """Have the owner of a group bring somebody in."""
    await connect_people(node, owner, member)
    path = f"/v1/conversations/{group}/participants/{member.id}"
    answer = await http.put(path, json={}, headers=owner.headers)
    assert answer.status_code < 300, answer.text


async def remove_member(
    http: httpx.AsyncClient, by: Person, group: str, member: Person
) -> None:
    """Have somebody removed from a group, or leave it."""
    path = f"/v1/conversations/{group}/participants/{member.id}"
    answer = await http.delete(path, headers=by.headers)
    assert answer.status_code < 300, answer.text


async def say(
    http: httpx.AsyncClient,
    sender: Person,
    conversation: object,
    body: str = "Hi",
    **more: object,
) -> dict[str, Any]:
    """Send a message and give it as answered."""
    answer = await http.post(
        f"/v1/conversations/{conversation}/messages",
        json={"client_id": str(uuid4()), "body": body, **more},
        headers=sender.headers,
    )
    assert answer.status_code == 201, answer.text
    message: dict[str, Any] = answer.json()
    return message


async def edit(
    http: httpx.AsyncClient, person: Person, message: dict[str, Any], body: str
) -> httpx.Response:
    """Ask for a message to be edited."""
    return await http.patch(
        f"/v1/messages/{message['id']}", json={"body": body}, headers=person.headers
    )


async def delete(
    http: httpx.AsyncClient, person: Person, message: dict[str, Any]
) -> httpx.Response:
    """Ask for a message to be deleted."""
    return await http.delete(f"/v1/messages/{message['id']}", headers=person.headers)


async def past_of(
    http: httpx.AsyncClient, person: Person, message: dict[str, Any], **params: object
) -> httpx.Response:
    """Ask what a message said before."""
    return await http.get(
        f"/v1/messages/{message['id']}/history",
        params={name: str(value) for name, value in params.items()},
        headers=person.headers,
    )


async def react(
    http: httpx.AsyncClient,
    person: Person,
    message: dict[str, Any],
    emoji: str,
    method: str = "PUT",
) -> httpx.Response:
    """Ask for a reaction to be added, or with DELETE to be taken back."""
    path = f"/v1/messages/{message['id']}/reactions/{quote(emoji, safe='')}"
    return await http.request(method, path, headers=person.headers)


async def messages_of(
    http: httpx.AsyncClient, person: Person, conversation: object
) -> list[dict[str, Any]]:
    """Fetch what somebody may read of a conversation, the oldest first."""
    answer = await http.get(
        f"/v1/conversations/{conversation}/messages",
        params={"after": "0", "limit": "200"},
        headers=person.headers,
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def search(
    http: httpx.AsyncClient, person: Person, asked: str, **params: object
) -> list[dict[str, Any]]:
    """Search, and give what is found."""
    answer = await http.get(
        "/v1/messages/search",
        params={"q": asked} | {name: str(value) for name, value in params.items()},
        headers=person.headers,
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def bodies(messages: Sequence[dict[str, Any]]) -> list[str]:
    """Give what messages say."""
    return [message["body"] for message in messages]
