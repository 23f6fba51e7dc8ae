"""
The door by which tests in other languages have things happen around a server.

`POST /verb` with the arguments as JSON does what the method of that name says, and
answers what it gives; a fault of it is the answer too, with status 500.
"""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from callboard_client import Json, Platform

from realtime.clock import instant, system_clock
from realtime.node import Node
from realtime.tokens import mint
from tests.clients.proxy import HttpFault, Proxy
from tests.conftest import API_KEY, JWT_SECRET
from tests.factories import (
    Person,
    connect_people,
    make_group,
    make_pair,
    make_people,
)
from tests.journeys.processes import ServerProcess
from tests.realtime.notifications.telling import tell_of_events


class Door:
    """
    What can be asked; every public method is a verb.

    People are made on a node of the test's own over the same database, which the server
    hears of as of any other node.
    """

    def __init__(self, node: Node, server: ServerProcess, proxy: Proxy) -> None:
        self._node = node
        self._server = server
        self._proxy = proxy

    # --- people ---------------------------------------------------------------------

    async def pair(self) -> Json:
        """Make two connected people with a conversation."""
        one, other, conversation = await make_pair(self._node)
        people = [_shown(one), _shown(other)]
        return {"people": people, "conversation_id": str(conversation)}

    async def people(self, names: list[str], *, connected: bool = False) -> Json:
        """Make people, all of whom may be connected with the first."""
        made = await make_people(self._node, *names)
        for other in made[1:] if connected else []:
            await connect_people(self._node, made[0], other)
        return {"people": [_shown(each) for each in made]}

    async def group(self, names: list[str]) -> Json:
        """Make a group of people."""
        made = await make_people(self._node, *names)
        conversation = await make_group(self._node, *made)
        people = [_shown(each) for each in made]
        return {"people": people, "conversation_id": str(conversation)}

    async def token(self, user_id: str, seconds: float, age: float = 0) -> Json:
        """Make a token that holds for some seconds from now, and was issued earlier."""
        lasts = timedelta(seconds=seconds + age)
        issued = system_clock() - timedelta(seconds=age)
        return {"token": mint(JWT_SECRET, UUID(user_id), lasts, now=issued)}

    async def platform(self, verb: str, user_id: str) -> Json:
        """Have the platform `revoke` or `suspend` somebody."""
        async with Platform(self._server.url, API_KEY) as platform:
            if verb == "revoke":
                await platform.revoke(user_id)
            else:
                await platform.suspend(user_id)
        return {}

    async def notify(self) -> Json:
        """Tell people of everything that has happened, as a worker would."""
        await tell_of_events(self._node)
        return {}

    # --- the server -----------------------------------------------------------------

    async def kill(self) -> Json:
        """End the server as a crash would."""
        await asyncio.to_thread(self._server.kill)
        return {}

    async def start(self) -> Json:
        """Start it again; answers when it takes connections."""
        await self._server.start()
        return {}

    # --- the line -------------------------------------------------------------------

    async def cut(self) -> Json:
        """Break every connection."""
        self._proxy.cut()
        return {}

    async def offline(self) -> Json:
        """Break every connection, and take no new ones."""
        self._proxy.is_up = False
        self._proxy.cut()
        return {}

    async def freeze(self) -> Json:
        """Let nothing pass, and have nobody notice."""
        self._proxy.freeze()
        return {}

    async def wild(self) -> Json:
        """Have events come twice, late, out of order, and long after their time."""
        self._proxy.is_wild = True
        return {}

    async def drop_events(self) -> Json:
        """Have no event come any more."""
        self._proxy.drops_events = True
        return {}

    async def resync(self) -> Json:
        """Have events come again, and everybody be told that some were not."""
        self._proxy.drops_events = False
        at = instant(system_clock())
        reason = {"reason": "too many conversations"}
        self._proxy.say({"type": "resync", "at": at, "data": reason})
        return {}

    async def lose_replies(self, count: int, *, stays_down: bool = False) -> Json:
        """Break the line when the next sends are acknowledged, perhaps for good."""
        self._proxy.lost_replies = count
        self._proxy.stays_down = stays_down
        return {}

    async def forget_cursors(self) -> Json:
        """Have the server be given cursors that it does not know."""
        self._proxy.forgets_cursors = True
        return {}

    async def http(self, path: str, fault: HttpFault) -> Json:
        """Have calls whose path contains this never answered, or by a gateway."""
        self._proxy.http[path] = fault
        return {}

    async def calls(self) -> Json:
        """Give every call over HTTP since this was last asked."""
        calls = self._proxy.http_calls[:]
        self._proxy.http_calls.clear()
        return {"calls": calls}

    async def calm(self) -> Json:
        """Have everything in order again, the server up."""
        self._proxy.calm()
        if not self._server.is_running:
            await self._server.start()
        return {}

    async def where(self) -> Json:
        """Say where the server is: over the bad line, and directly."""
        return {"url": self._proxy.url, "direct": self._server.url}


def _shown(person: Person) -> Json:
    return {"id": str(person.id), "name": person.name, "token": person.token}


@asynccontextmanager
async def opened(door: Door) -> AsyncIterator[str]:
    """Open a door on a free port; gives its address."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        [size] = [
            int(line.removeprefix("content-length:"))
            for line in head.split("\r\n")
            if line.startswith("content-length:")
        ]
        verb = head.split(" ")[1].removeprefix("/")
        arguments = json.loads(await reader.readexactly(size))
        status, answer = await _do(door, verb, arguments)
        body = json.dumps(answer).encode()
        lines = [f"HTTP/1.1 {status} Done", f"Content-Length: {len(body)}"]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _do(door: Door, verb: str, arguments: dict[str, Any]) -> tuple[int, Json]:
    method = None if verb.startswith("_") else getattr(door, verb, None)
    if method is None:
        return 404, {"fault": f"The door knows no {verb!r}."}
    try:
        return 200, await method(**arguments)
    except Exception:  # told to whoever asked
        return 500, {"fault": traceback.format_exc()}
