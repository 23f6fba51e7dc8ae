"""
The durable client: one person's sockets, one after the other, and a store kept true.

Whatever happens on the way, afterwards the store equals the server's history, and
every message sent is there once, or its sender was told otherwise.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

from callboard_client.backoff import Backoff
from callboard_client.catching_up import fill_gaps, reload_all
from callboard_client.errors import ConnectionLost, Refused
from callboard_client.hints import Presence, Typing
from callboard_client.http import Api
from callboard_client.inbox import Inbox
from callboard_client.link import Link, first_of
from callboard_client.outbox import OutboxStorage, Stored
from callboard_client.sending import Sending
from callboard_client.shapes import Event, Json, Message
from callboard_client.socket import How, Socket
from callboard_client.store import Conversations
from callboard_client.tokens import Tokens, TokenSource
from callboard_client.wire import milliseconds

__all__ = ["Client"]

State = Literal["offline", "online", "closed"]
EventCallback = Callable[[Event], Awaitable[None] | None]
ReloadCallback = Callable[[str], Awaitable[None] | None]
UnsentCallback = Callable[[Stored, Refused], Awaitable[None] | None]

GOING_AWAY = 1001
# Among events these are replies that nobody waits for any longer.
REPLIES = frozenset({"ok", "error"})

log = logging.getLogger(__name__)


class Client:
    """
    Stays connected as one person, resumes after every fault, and keeps `store` true.

    Use it as a context manager: entering waits for the first greeting and the first
    load, leaving closes. `token` is a token or a function that fetches one, plain or
    async; it is asked before a token expires. A `cursor` resumes where an earlier
    client stopped; it belongs to that client's `store`, so give both or neither.

    `history` says how many messages before the first one heard of a new store holds
    of each conversation, None for all. With an `outbox`, messages that wait outlive
    the process: the next client of the same person sends them.

    `on_event` is called after an event was applied, if it changed something;
    `on_reload` with a reason after the store had to be fetched anew; `on_unsent` when
    a message that an earlier process had left was refused for good. What they raise
    ends the client.
    """

    def __init__(
        self,
        url: str,
        token: TokenSource,
        *,
        cursor: str | None = None,
        store: Conversations | None = None,
        how: How = "header",
        history: int | None = 50,
        most_pending: int = 1000,
        backoff: Backoff | None = None,
        reply_timeout: float = 10.0,
        on_event: EventCallback | None = None,
        on_reload: ReloadCallback | None = None,
        outbox: OutboxStorage | None = None,
        on_unsent: UnsentCallback | None = None,
    ) -> None:
        if cursor is not None and store is None:
            raise ValueError("a cursor continues a store; give that as well")
        self.store = Conversations(history=history) if store is None else store
        self.cursor = cursor
        """Resumes after everything that has been applied to the store."""
        self._url = url
        self._how: How = how
        self._tokens = Tokens(token)
        self.api = Api(url, self._tokens)
        self._reply_timeout = reply_timeout
        self._on_event = on_event
        self._on_reload = on_reload
        self._is_caught_up = False
        self._on_unsent = on_unsent
        self._link = Link(self._connect, self._live, self._tokens, backoff or Backoff())
        self._sending = Sending(
            self._link, outbox, most=most_pending, sent=self._keep, unsent=self._report
        )
        self.inbox = Inbox(self.api, self._link)
        """What this person is shown, once it was loaded."""
        self.presence = Presence(self._link)
        self.typing = Typing(self._link)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def state(self) -> State:
        """
        Whether the client is connected right now, or has ended.
        """
        if self._link.failure is not None:
            return "closed"
        return "offline" if self._link.socket is None else "online"

    @property
    def pending(self) -> int:
        """
        How many messages wait for their acknowledgement.
        """
        return self._sending.waiting

    async def start(self) -> None:
        """
        Begin to connect, and wait until the store is true for the first time.

        Raises:
            ClientClosed: The server will not have this client.
        """
        self._link.start()
        try:
            await self.until(lambda: self._is_caught_up)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """
        Disconnect and end; sends that wait raise ClientClosed.
        """
        await self._link.close()
        await self._sending.close()
        await self.api.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """
        Wait until a condition on the store or the client holds.

        It is looked at after every event, reload, connect and disconnect.

        Raises:
            ClientClosed: The client ended first.
        """
        await self._link.until(condition)

    async def send(
        self,
        body: str,
        *,
        conversation_id: str | None = None,
        to_user_id: str | None = None,
        client_id: str | None = None,
        **more: object,
    ) -> Message:
        """
        Send a message and give it back once it is committed.

        Waits for a connection, and after a fault sends again under the same
        `client_id`, so that history has it once. Messages to one destination go out
        in the order of the calls, one at a time.

        Raises:
            Refused: The server said no, or kept saying "later".
            TooManyPending: As many sends wait already as were allowed.
            ClientClosed: The client ended; whether it was sent is unknown, and the
                outbox, if there is one, has it for the next.
        """
        if (conversation_id is None) == (to_user_id is None):
            raise ValueError("a message goes to a conversation or to a user")
        data: Json = {"client_id": client_id or str(uuid4()), "body": body, **more}
        if conversation_id is not None:
            data["conversation_id"] = conversation_id
        else:
            data["to_user_id"] = to_user_id
        return await self._sending.send(data)

    async def read(self, conversation_id: str, seq: int) -> Json:
        """
        Mark a conversation as read up to a message; never moves back.

        Tried again after a fault. Raises as `send`.
        """
        data = {"conversation_id": conversation_id, "seq": seq}
        return await self._link.insist("conversation.read", data)

    async def delivered(self, conversation_id: str, seq: int) -> Json:
        """
        Acknowledge that messages have arrived; never moves back.

        Tried again after a fault. Raises as `send`.
        """
        data = {"conversation_id": conversation_id, "seq": seq}
        return await self._link.insist("conversation.delivered", data)

    async def request(self, command: str, /, **data: object) -> Json:
        """
        Send any command as soon as there is a connection, and only once.

        Raises:
            Refused: The server said no.
            ConnectionLost: The connection went before the reply: unknown.
            TimeoutError: The reply did not come in time: unknown.
            ClientClosed: The client has ended.
        """
        socket = await self._link.online()
        return await socket.request(command, **data)

    async def _connect(self) -> Socket:
        socket = await Socket.connect(
            self._url,
            await self._tokens.current(),
            how=self._how,
            cursor=self.cursor,
            reply_timeout=self._reply_timeout,
        )
        user_id = socket.hello["user_id"]
        if self.store.user_id not in {"", user_id}:
            await socket.close()
            raise Refused("forbidden", "the server greets somebody else")
        self.store.user_id = user_id
        return socket

    async def _live(self, socket: Socket) -> None:
        drained = asyncio.Event()
        await first_of(self._follow(socket, drained), leave(drained))

    async def _follow(self, socket: Socket, drained: asyncio.Event) -> None:
        hello = socket.hello
        await self._sending.resume(hello["user_id"])
        await self.presence.greet(socket)
        if hello["resumed"] is True:
            # Not yet the cursor of `hello`: what was missed is still to come.
            await fill_gaps(self.api, self.store)
        else:
            await self._reload()
            self.cursor = hello["cursor"]
            if hello["resumed"] is False:
                await call(self._on_reload, "cursor")
        self._is_caught_up = True
        await self._link.tell()
        async for event in socket.events():
            await self._take(event, drained)
            await self._link.tell()

    async def _take(self, event: Event, drained: asyncio.Event) -> None:
        kind = event["type"]
        if kind in REPLIES:
            # It came after its command had been given up on, and asked anew.
            log.info("a reply was too late", extra={"reply": kind})
            return
        data = event["data"]
        match kind:
            case "cursor":
                # All events before it have been applied: they came through here.
                self.cursor = data["cursor"]
            case "resync":
                await self._reload()
                await call(self._on_reload, str(data.get("reason", "resync")))
            case "draining":
                after_s = (milliseconds(data.get("reconnect_after_ms")) or 0) / 1000
                asyncio.get_running_loop().call_later(after_s, drained.set)
            case _:
                parts = (self.store, self.inbox, self.presence, self.typing)
                # All of them: a message also ends its sender's typing.
                changes = [part.apply(event) for part in parts]
                await fill_gaps(self.api, self.store)
                if any(changes):
                    await call(self._on_event, event)

    async def _reload(self) -> None:
        await reload_all(self.api, self.store)
        await fill_gaps(self.api, self.store)
        if self.inbox.store.is_loaded:
            await self.inbox.load()

    async def _keep(self, message: Message) -> None:
        # The event may be far behind. What it would say can be known now; whether
        # something is missing before it cannot.
        self.store.apply({"type": "message.created", "data": {"message": message}})
        await self._link.tell()

    async def _report(self, stored: Stored, refused: Refused) -> None:
        await call(self._on_unsent, stored, refused)


async def call(
    callback: Callable[..., Awaitable[None] | None] | None, *what: object
) -> None:
    """
    Call a callback, plain or async, if there is one.
    """
    if callback is None:
        return
    outcome = callback(*what)
    if inspect.isawaitable(outcome):
        await outcome


async def leave(drained: asyncio.Event) -> None:
    """
    Wait for the moment the server named, and go before it closes.
    """
    await drained.wait()
    raise ConnectionLost(GOING_AWAY, "the server is draining")
