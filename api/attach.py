"""
`callboard attach`: a plain session as somebody, in the terminal.

What happens is printed as it comes. `@grace hello` sends a message, a line beginning
with `{` is sent as the command that it is, `/quit` leaves.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from api.attach_text import describe, printable
from api.refusals import CannotRun, Misused

# What was typed last before the input ended is still answered within this.
_ANSWERED_WITHIN_SECONDS = 5.0
_UNAUTHENTICATED = 4500  # protocol.md, close codes
_BAD_TOKEN = "The server does not accept this token: get a new one."  # noqa: S105
_READ = "attach-read"
_HELP = "@name text sends a message, {…} a raw command; /quit leaves."

Json = dict[str, Any]


def addresses(url: str) -> tuple[str, str]:
    """
    Give the addresses of the socket and of HTTP, from either.

    Raises:
        Misused: It is neither.
    """
    parts = urlsplit(url)
    schemes = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
    if parts.scheme not in schemes or not parts.hostname:
        raise Misused(f"{url!r} is not an address such as ws://127.0.0.1:8080/v1/ws.")
    http = schemes[parts.scheme]
    path = parts.path.rstrip("/").removesuffix("/v1/ws")
    socket_url = ("wss" if http == "https" else "ws", parts.netloc, f"{path}/v1/ws")
    return urlunsplit((*socket_url, "", "")), urlunsplit(
        (http, parts.netloc, path, "", "")
    )


@dataclass
class AddressBook:
    """Who is who: names for ids, and ids for what people type."""

    http: httpx.AsyncClient
    names: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    async def fill(self) -> None:
        """Learn everybody whom one is connected with or talks to."""
        known: set[str] = set()
        for link in await self._items("/v1/connections"):
            known |= {link["requester_id"], link["recipient_id"]}
        for conversation in await self._items("/v1/conversations"):
            known |= {each["user_id"] for each in conversation["participants"]}
        for user_id in sorted(known):
            await self.name(user_id)

    async def name(self, user_id: str | None) -> str:
        """Name somebody; who cannot be seen is called by their id."""
        if user_id is None:
            return "Callboard"
        if user_id not in self.names:
            answer = await self.http.get(f"/v1/users/{user_id}")
            profile = answer.json() if answer.is_success else {}
            profile = profile.get("user", profile)
            self.add(user_id, profile.get("display_name"), profile.get("handle"))
        return self.names[user_id]

    def add(self, user_id: str, name: str | None, handle: str | None) -> None:
        """Note somebody."""
        self.names[user_id] = printable(name or handle or user_id)
        words = [handle or "", (name or "").partition(" ")[0]]
        words.append((name or "").replace(" ", ""))
        for word in filter(None, words):
            self._ids.setdefault(word.casefold(), user_id)

    def find(self, word: str) -> str | None:
        """Tell whose name somebody typed: a handle, a first name, or an id."""
        with suppress(ValueError):
            return str(UUID(word))
        return self._ids.get(word.casefold())

    async def _items(self, path: str) -> list[Json]:
        answer = await self.http.get(path, params={"limit": 200})
        if not answer.is_success:
            return []
        items: list[Json] = answer.json()["items"]
        return items


class Terminal:
    """One session: prints what comes, sends what is typed."""

    def __init__(self, socket: ClientConnection, book: AddressBook) -> None:
        self._socket = socket
        self._book = book
        self._number = 0
        self._unanswered: set[str] = set()
        self._answered = asyncio.Event()
        self._user_id = ""

    async def show(self) -> None:
        """Print frames until the socket closes."""
        async for text in self._socket:
            frame: Json = json.loads(text)
            if frame["type"] == "hello":
                self._user_id = frame["data"]["user_id"]
            if frame["type"] in ("ok", "error"):
                self._unanswered.discard(str(frame["id"]))
                self._answered.set()
            if frame["type"] == "ok" and frame["id"] == _READ:
                continue
            if frame["type"] == "message.created" and (
                frame["data"]["message"]["sender_id"] == self._user_id
            ):
                continue  # our own typing stands on the screen already
            for user_id in _people_in(frame):
                await self._book.name(user_id)
            if line := describe(frame, self._book.names, self._user_id):
                _print(line)
            if frame["type"] == "message.created":
                await self._read(frame["data"]["message"])

    async def type(self, lines: "asyncio.Queue[str | None]") -> None:
        """Send what is typed until `/quit` or the end of the input."""
        while (line := await lines.get()) is not None:
            line = line.strip()
            if line == "/quit":
                break
            if line.startswith("{"):
                await self._send_raw(line)
            elif line.startswith("@"):
                await self._send_message(line)
            elif line:
                _print(_HELP)
        await self._settle()

    async def _send_message(self, line: str) -> None:
        word, _, body = line[1:].partition(" ")
        to = self._book.find(word.rstrip(":,"))
        if to is None:
            _print(f"! Nobody here is called {printable(word)}.")
            return
        data = {"to_user_id": to, "client_id": str(uuid4()), "body": body.strip()}
        self._number += 1
        command_id = f"attach-{self._number}"
        await self._send({"id": command_id, "type": "message.send", "data": data})

    async def _send_raw(self, line: str) -> None:
        try:
            command = json.loads(line)
        except ValueError as error:
            # A server would end the session over this.
            _print(f"! This is not JSON: {error}.")
            return
        await self._send(command)

    async def _read(self, message: Json) -> None:
        """Let the others know that it stood on a screen."""
        data = {key: message[key] for key in ("conversation_id", "seq")}
        command = {"id": _READ, "type": "conversation.read", "data": data}
        await self._socket.send(json.dumps(command))

    async def _send(self, command: Json) -> None:
        if "id" in command:
            self._unanswered.add(str(command["id"]))
        await self._socket.send(json.dumps(command, ensure_ascii=False))

    async def _settle(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
                while self._unanswered:
                    self._answered.clear()
                    await self._answered.wait()


async def attach(url: str, token: str) -> None:
    """
    Talk until the input ends or the server closes.

    Raises:
        CannotRun: The server is not there, refuses, or closed the session.
        Misused: `url` is no address.
    """
    socket_url, http_url = addresses(url)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            httpx.AsyncClient(base_url=http_url, headers=headers) as http,
            connect(socket_url, additional_headers=headers, max_size=None) as socket,
        ):
            book = AddressBook(http)
            await book.fill()
            await _talk(Terminal(socket, book))
    except (InvalidHandshake, InvalidURI) as error:
        raise CannotRun(_why_not(error)) from None
    except ConnectionClosed as error:
        raise CannotRun(_why_closed(error)) from None
    except (OSError, httpx.TransportError):
        raise CannotRun(
            f"Nothing answers at {http_url}: start it with `callboard dev`, or correct"
            " --url."
        ) from None


async def _talk(terminal: Terminal) -> None:
    showing = asyncio.create_task(terminal.show())
    typing = asyncio.create_task(terminal.type(_typed_lines()))
    try:
        await asyncio.wait({showing, typing}, return_when=asyncio.FIRST_COMPLETED)
        if showing.done():
            showing.result()
            raise CannotRun("The server closed the session.")
        typing.result()
    finally:
        for task in (showing, typing):
            task.cancel()
        await asyncio.gather(showing, typing, return_exceptions=True)


def _typed_lines() -> "asyncio.Queue[str | None]":
    """Read the input in a thread: a terminal, a pipe and a file alike."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        # The loop may be gone when the last line comes.
        with suppress(RuntimeError):
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="typed-lines", daemon=True).start()
    return lines


def _people_in(frame: Json) -> Iterator[str]:
    data = frame.get("data", {})
    if "sender_id" in data.get("message", {}):
        yield data["message"]["sender_id"]
    if isinstance(data.get("user_id"), str):
        yield data["user_id"]
    link = data.get("connection", {})
    yield from (link[key] for key in ("requester_id", "recipient_id") if key in link)


def _why_not(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return _BAD_TOKEN
    return f"No session with the server: {printable(str(error))}."


def _why_closed(error: ConnectionClosed) -> str:
    if error.rcvd is None:
        return "The session was cut off: the server has gone, or the way to it."
    if error.rcvd.code == _UNAUTHENTICATED:
        return _BAD_TOKEN
    reason = printable(error.rcvd.reason)
    return f"The server closed the session ({error.rcvd.code} {reason})."


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
