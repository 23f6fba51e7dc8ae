"""What tests of notifications share: working off events, looking at what was made."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from realtime.clock import Clock
from realtime.node import Node
from realtime.notifications.broadcasts import BroadcastLine
from realtime.notifications.events import EventLine
from realtime.notifications.triggers import CONSUMER, Triggers
from storage.ids import uuid7
from tests.api.calling import KEY
from tests.factories import Person

_IS_BEHIND = """
SELECT EXISTS (SELECT FROM callboard.domain_events e, callboard.event_consumers c
  WHERE c.name = $1 AND (e.xid, e.id) > (c.xid, c.event_id))
"""


async def no_pause(_seconds: float) -> None:
    """Rest for no time."""


async def tell_of_events(node: Node, clock: Clock | None = None) -> None:
    """Do what the line `events` does, until nothing that happened is left."""
    triggers = Triggers(node.catalogue)
    line = EventLine(CONSUMER, node.transaction, triggers, clock or node.clock)
    async with asyncio.timeout(20):
        while True:
            await line()
            async with node.database.hot() as connection:
                if not await connection.fetchval(_IS_BEHIND, CONSUMER):
                    return


async def tell_of_broadcasts(
    node: Node, clock: Clock | None = None, *, at_once: int = 200
) -> int:
    """Do what the line `broadcasts` does; gives how many pieces that were."""
    line = BroadcastLine(
        node.transaction,
        node.catalogue,
        clock or node.clock,
        at_once=at_once,
        pause=no_pause,
    )
    pieces = 0
    while await line():
        pieces += 1
    return pieces


async def rows(node: Node, sql: str, **values: object) -> list[dict[str, Any]]:
    """Read whatever is stored."""
    async with node.transaction() as work:
        found = await work.connection.execute(text(sql), values)
        return [dict(row) for row in found.mappings()]


async def told(node: Node, person: Person) -> list[tuple[str, int]]:
    """Give the types of what somebody was told, with their counts, in order."""
    found = await rows(
        node,
        "SELECT type, count FROM callboard.notifications WHERE user_id = :user"
        " ORDER BY id",
        user=person.id,
    )
    return [(row["type"], row["count"]) for row in found]


async def leaving(node: Node, person: Person) -> list[tuple[str, str, str, str]]:
    """Give what is to leave for somebody: channel, type, mode, status."""
    found = await rows(
        node,
        "SELECT channel, type, mode, status FROM callboard.deliveries"
        " WHERE user_id = :user ORDER BY channel, type, id",
        user=person.id,
    )
    return [(row["channel"], row["type"], row["mode"], row["status"]) for row in found]


async def give_device(node: Node, person: Person) -> UUID:
    """Have somebody have a device that takes pushes."""
    device = uuid7()
    await rows(
        node,
        "INSERT INTO callboard.devices (id, user_id, kind, token)"
        " VALUES (:id, :user, 'relay', :token) RETURNING id",
        id=device,
        user=person.id,
        token=str(device),
    )
    return device


async def give_email(node: Node, *people: Person, locale: str = "en") -> None:
    """Have people have an address, and a language."""
    for person in people:
        await rows(
            node,
            "UPDATE callboard.users SET email = :email, locale = :locale WHERE id = :id"
            " RETURNING id",
            id=person.id,
            email=f"{person.id}@example.org",
            locale=locale,
        )


async def choose(
    node: Node, person: Person, kind: str, channel: str, mode: str, at: datetime
) -> None:
    """Have somebody choose how they are told."""
    await rows(
        node,
        "INSERT INTO callboard.notification_preferences"
        " (user_id, type, channel, mode, source, changed_at)"
        " VALUES (:user, :type, :channel, :mode, 'user', :at) RETURNING type",
        user=person.id,
        type=kind,
        channel=channel,
        mode=mode,
        at=at,
    )


async def put(http: httpx.AsyncClient, path: str, **body: object) -> None:
    """Say something as the platform."""
    answer = await http.put(f"/v1/platform/{path}", json=body, headers=KEY)
    assert answer.status_code < 300, answer.text


async def post(http: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    """Ask for something as the platform, and give the answer."""
    answer = await http.post(f"/v1/platform/{path}", json=body, headers=KEY)
    assert answer.status_code < 300, answer.text
    found: dict[str, Any] = answer.json()
    return found
