"""
A small server that speaks the contract and fails on demand.

It keeps one `History` and plays ME's server; tests act as FRIEND on the history and
call `announce`. Cursors are places in the list of events.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from callboard_client import Conversation, Event, Json
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.clients.histories import ME, TALK, History

LIMITS = {"frame_bytes": 65536, "body_chars": 8000, "attachments": 10}


class FakeServer:
    """
    Serves one person; each switch below is a fault or a wish of a test.
    """

    def __init__(self) -> None:
        self.history = History()
        self.tokens = {"good"}
        self.url = ""
        self.seen_tokens: list[str] = []
        self.commands: list[Json] = []
        self.cursors: list[str | None] = []
        self.refusals: deque[Json] = deque()
        """The next sends are refused so, and nothing is written."""
        self.forgets_cursors = False
        self.lost_oks = 0
        """So many sends are written, and the line cut before the `ok`."""
        self.late_oks = 0
        """So many sends are written, and their `ok` comes after the next reply."""
        self.doubles = False
        """Every event comes twice."""
        self.held_back: set[int] = set()
        """Messages with these numbers come after the next event."""
        self.lost: set[int] = set()
        """Messages with these numbers never come."""
        self.names_cursors = True
        """Whether `cursor` events come, one after each event."""
        self.dice: random.Random | None = None
        """Cuts lines, doubles events and loses replies by chance."""
        self.cuts_after: int | None = None
        """So many events from now on, the lines are cut."""
        self._late: list[str] = []
        self._lines: set[ServerConnection] = set()
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """
        Listen on a port of the system's choice.
        """
        async with serve(
            self._greet, "127.0.0.1", 0, process_request=self._answer_http
        ) as server:
            self.url = f"http://127.0.0.1:{port_of(server)}"
            yield

    async def announce(self) -> None:
        """
        Send what has happened in the history.
        """
        async with self._news:
            self._news.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """
        Wait for a condition on what clients have sent.
        """
        async with self._news:
            await self._news.wait_for(condition)

    async def send_all(self, frame: Json) -> None:
        """
        Send a frame outside the history.
        """
        for line in list(self._lines):
            await line.send(json.dumps(frame))

    async def close_all(self, code: int) -> None:
        """
        Close every socket with a code.
        """
        for line in list(self._lines):
            await line.close(code)

    def cut_all(self) -> None:
        """
        Cut every line without a word.
        """
        for line in list(self._lines):
            line.transport.abort()

    def sends(self) -> list[Json]:
        """
        List the data of every `message.send` that arrived.
        """
        return [
            each["data"] for each in self.commands if each["type"] == "message.send"
        ]

    async def _greet(self, line: ServerConnection) -> None:
        assert line.request is not None
        cursor: str | None
        cursor = query_of(line.request.path).get("cursor")
        token = line.request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            if not token:
                first = json.loads(await line.recv())
                token, cursor = first["data"]["token"], first["data"]["cursor"]
                await self._reply(line, first, {"expires_at": None})
            self.seen_tokens.append(token)
            if token not in self.tokens:
                await line.close(4500)
                return
            await self._live(line, cursor)
        except ConnectionClosed:
            return

    async def _live(self, line: ServerConnection, cursor: str | None) -> None:
        self.cursors.append(cursor)
        events = self.history.events
        resumed = None if cursor is None else not self.forgets_cursors
        self.forgets_cursors = False
        place = int(cursor) if cursor is not None and resumed else len(events)
        hello = {
            "user_id": ME,
            "session_id": "s",
            "resumed": resumed,
            # Behind what a resumed session is about to repeat, on purpose.
            "cursor": str(len(events)),
            "unread": {"conversations": 0, "messages": 0, "notifications": 0},
            "heartbeat_s": 25,
            "limits": LIMITS,
        }
        await line.send(json.dumps({"type": "hello", "data": hello}))
        self._lines.add(line)
        delivering = asyncio.create_task(self._deliver(line, place))
        try:
            async for frame in line:
                await self._obey(line, json.loads(frame))
        finally:
            self._lines.discard(line)
            delivering.cancel()
            await asyncio.wait([delivering])

    async def _deliver(self, line: ServerConnection, place: int) -> None:
        events = self.history.events
        late: list[Event] = []
        while True:
            async with self._news:
                while place >= len(events):
                    await self._news.wait()
            event = events[place]
            place += 1
            if event["type"] == "message.created":
                seq = event["data"]["message"]["seq"]
                if seq in self.held_back:
                    late.append(event)
                if seq in self.held_back | self.lost:
                    continue
            for each in [event, *late] * (2 if self.doubles or self._rolls(0.2) else 1):
                await line.send(json.dumps(each))
            late.clear()
            if self.names_cursors:
                cursor = {"type": "cursor", "data": {"cursor": str(place)}}
                await line.send(json.dumps(cursor))
            if self.cuts_after is not None:
                self.cuts_after -= 1
            if self.cuts_after == 0 or self._rolls(0.1):
                self.cuts_after = None
                line.transport.abort()

    async def _obey(self, line: ServerConnection, command: Json) -> None:
        self.commands.append(command)
        data = command["data"]
        if command["type"] == "auth":
            self.seen_tokens.append(data["token"])
        await self.announce()
        match command["type"]:
            case "message.send":
                if self.refusals:
                    error = self.refusals.popleft()
                    reply = {"type": "error", "id": command["id"], "error": error}
                    await line.send(json.dumps(reply))
                    return
                message = self.history.send(ME, data["body"], data["client_id"])
                await self.announce()
                await self._reply(line, command, {"message": message})
            case "conversation.read":
                self.history.mark_read(ME, data["seq"])
                await self.announce()
                await self._reply(line, command, {"read_seq": data["seq"]})
            case "auth":
                await self._reply(line, command, {"expires_at": None})
            case _:
                await self._reply(line, command, {"at": "now"})

    async def _reply(self, line: ServerConnection, command: Json, data: Json) -> None:
        reply = json.dumps({"type": "ok", "id": command["id"], "data": data})
        is_send = command["type"] == "message.send"
        if is_send and (self.lost_oks > 0 or self._rolls(0.2)):
            self.lost_oks -= 1
            line.transport.abort()
        elif is_send and self.late_oks > 0:
            self.late_oks -= 1
            self._late.append(reply)
        else:
            for each in [reply, *self._late]:
                await line.send(each)
            self._late.clear()

    def _rolls(self, chance: float) -> bool:
        return self.dice is not None and self.dice.random() < chance

    def _answer_http(self, line: ServerConnection, request: Request) -> Response | None:
        path, query = urlsplit(request.path).path, query_of(request.path)
        conversation: Conversation = self.history.conversation(ME)
        match path.removeprefix("/v1/").split("/"):
            case ["ws"]:
                return None
            case ["conversations"]:
                return answer(200, listed([conversation]))
            case ["conversations", each] if each == TALK:
                return answer(200, dict(conversation))
            case ["conversations", each, "messages"] if each == TALK:
                after, limit = int(query["after"]), int(query["limit"])
                page = self.history.messages[after : after + limit]
                return answer(200, listed(page))
            case ["connections"]:
                return answer(200, listed(list(self.history.connections.values())))
            case _:
                return answer(404, {"code": "not_found", "detail": "Nothing here."})


def listed(items: object) -> Json:
    """
    Give a list that ends on its first page.
    """
    return {"items": items, "next": None}


def answer(status: int, body: Json) -> Response:
    """
    Give an HTTP answer.
    """
    content = json.dumps(body).encode()
    headers = Headers(
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
            ("Connection", "close"),
        ]
    )
    return Response(status, HTTPStatus(status).phrase, headers, content)


def query_of(path: str) -> dict[str, str]:
    """
    Read the query of a request.
    """
    return {name: each[0] for name, each in parse_qs(urlsplit(path).query).items()}


def port_of(server: Server) -> int:
    """
    Give the port a server listens on.
    """
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port
