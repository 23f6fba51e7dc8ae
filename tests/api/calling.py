"""What tests of the HTTP API share: a backend's key, ears, the look of a refusal."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson

from realtime.auth import create_key
from realtime.frames import TextFrame
from realtime.node import Node
from storage.records import ConversationId, UserId
from tests.conftest import API_KEY
from tests.factories import Person

KEY = {"Authorization": f"Bearer {API_KEY}"}


class Ear:
    """A listener that keeps what a user's socket would be told."""

    def __init__(self) -> None:
        self.session_id: UUID = uuid4()
        self.heard: list[dict[str, Any]] = []
        self.closed: list[int] = []
        self._news = asyncio.Event()

    def deliver(self, frame: TextFrame, xid: int) -> None:
        """Keep events."""
        self.heard += [orjson.loads(payload) for payload in frame.payloads]
        self._news.set()

    def move_cursor(self, frame: TextFrame, sweep: int) -> bool:
        """Take no notice."""
        return True

    def notify(self, frame: TextFrame) -> bool:
        """Take no notice."""
        return True

    def close_with(self, code: int, reason: str) -> None:
        """Keep the code."""
        self.closed.append(code)

    async def hear(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for an event, as long as delivery may take to catch up."""
        async with asyncio.timeout(5):
            while True:
                for event in self.heard:
                    if is_it(event):
                        return event
                self._news.clear()
                await self._news.wait()

    @property
    def kinds(self) -> Sequence[str]:
        """The types of what was heard, in order."""
        return [event["type"] for event in self.heard]


async def ear_of(node: Node, user: UserId) -> Ear:
    """Listen as a socket of somebody would."""
    ear = Ear()
    await node.attach(user, ear)
    return ear


async def key_with(node: Node, *scopes: str) -> dict[str, str]:
    """Make an API key with some scopes, as headers."""
    _, key = await create_key(node.transaction, "a test", frozenset(scopes))
    return {"Authorization": f"Bearer {key}"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this refusal, in the one shape of all, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["code"] == code, answer.text
    assert found["status"] == status
    assert found["type"] == f"urn:callboard:error:{code}"
    assert found["title"]
    assert found["detail"]
    known = {"type", "title", "status", "detail", "code", "retry_after_ms", "details"}
    assert found.keys() <= known
    return found


async def say(
    http: httpx.AsyncClient,
    person: Person,
    conversation: ConversationId,
    body: str,
    **more: object,
) -> dict[str, Any]:
    """Send a message and give it as the sender is answered."""
    answer = await http.post(
        f"/v1/conversations/{conversation}/messages",
        json={"client_id": str(uuid4()), "body": body, **more},
        headers=person.headers,
    )
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said
