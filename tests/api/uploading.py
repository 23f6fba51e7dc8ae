"""What tests of uploads share: a file, and its way into a conversation."""

from typing import Any
from uuid import uuid4

import httpx

from storage.records import ConversationId
from tests.factories import Person

PDF = b"%PDF-1.7 " + bytes(range(256)) * 40
NEW = {"name": "Mein Lebenslauf.pdf", "mime_type": "application/pdf", "size": len(PDF)}


async def announce(
    http: httpx.AsyncClient,
    person: Person,
    conversation: ConversationId,
    **more: object,
) -> dict[str, Any]:
    """Announce a file."""
    answer = await http.post(
        f"/v1/conversations/{conversation}/uploads",
        json=NEW | more,
        headers=person.headers,
    )
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


async def put(
    http: httpx.AsyncClient, ticket: dict[str, Any], content: bytes = PDF
) -> httpx.Response:
    """Put a file where its ticket says, as any client would."""
    target = ticket["upload"]
    return await http.request(
        target["method"], target["url"], content=content, headers=target["headers"]
    )


async def upload(
    http: httpx.AsyncClient, person: Person, conversation: ConversationId
) -> dict[str, Any]:
    """Announce a file and put it there; gives the attachment to send."""
    ticket = await announce(http, person, conversation)
    answer = await put(http, ticket)
    assert answer.is_success, answer.text
    attachment: dict[str, Any] = ticket["attachment"]
    return attachment


def carrying(*attachments: dict[str, Any]) -> dict[str, Any]:
    """Make a message that carries files."""
    return {"client_id": str(uuid4()), "attachments": list(attachments)}


async def send(
    http: httpx.AsyncClient,
    person: Person,
    conversation: ConversationId,
    message: dict[str, Any],
) -> httpx.Response:
    """Send a message."""
    return await http.post(
        f"/v1/conversations/{conversation}/messages",
        json=message,
        headers=person.headers,
    )


async def link_to(
    http: httpx.AsyncClient, person: Person, attachment: dict[str, Any]
) -> httpx.Response:
    """Ask for the link to a file, as JSON."""
    headers = person.headers | {"Accept": "application/json"}
    return await http.get(attachment["url"], headers=headers)
