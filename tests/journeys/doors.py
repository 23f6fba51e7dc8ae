"""One person at both doors of a server, and what the doors refuse."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from callboard_client import Refused, Socket

from tests.conftest import Served
from tests.factories import Person


@dataclass
class Doors:
    """One person at both doors."""

    socket: Socket
    http: httpx.AsyncClient

    async def command(self, kind: str, **data: object) -> str | None:
        """Give a command's refusal, None for ok."""
        try:
            await self.socket.request(kind, **data)
        except Refused as refused:
            return refused.code
        return None

    async def call(self, method: str, path: str, **data: object) -> str | None:
        """Give a call's refusal, None for success."""
        answer = await self.http.request(method, path, json=data or None)
        if answer.is_success:
            return None
        assert answer.headers["content-type"] == "application/problem+json"
        code: str = answer.json()["code"]
        return code

    async def get(self, path: str) -> dict[str, Any]:
        """Give what a call answers."""
        answer = await self.http.get(path)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def at_the_doors(server: Served, person: Person) -> Doors:
    """Open a socket and an HTTP client as somebody."""
    return Doors(
        await Socket.connect(server.socket_url, person.token),
        httpx.AsyncClient(base_url=server.url, headers=person.headers),
    )


async def leave(doors: Doors) -> None:
    """Close both."""
    await doors.socket.close()
    await doors.http.aclose()


def fresh() -> str:
    """Give an id that nothing has."""
    return str(uuid4())
