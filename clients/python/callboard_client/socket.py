"""
One WebSocket life, from the handshake to the close code; nothing comes back here.

`Client` makes durability out of many of these. Tests use it directly, because it
shows what the server sent and sends whatever it is given.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Literal, Self, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

from callboard_client.errors import ConnectionLost, ProtocolFault
from callboard_client.frames import Frames
from callboard_client.shapes import Event, Hello, Json
from callboard_client.wire import (
    decode_frame,
    encode_frame,
    problem,
    refusal,
    socket_address,
)

__all__ = ["Socket"]

How = Literal["header", "subprotocol", "frame"]
Where = Callable[[Json], bool]

SUBPROTOCOL = "callboard.v1"
REMEMBERED = 1000
NO_CLOSE_FRAME = 1006
OVERFULL = 4000
# A server that does not answer a close by then is not going to.
CLOSE_TIMEOUT_S = 2.0
# Far more than any frame of the contract has; a server that sends more is none.
MOST_FRAME_BYTES = 16 * 1024 * 1024

# One that writes everything down would write the token down, and what people say.
quiet = logging.getLogger(f"{__name__}.frames")
quiet.setLevel(logging.INFO)


class Straight(connect):
    """
    Opens a connection to where it was sent, and follows nobody elsewhere.

    A token that is a subprotocol would go along.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        """
        Take an answer that leads elsewhere for the refusal that it is.
        """
        return exc


class Socket:
    """
    A live socket that has been greeted, unless it was made by `open`.

    Frames are read all the time: replies go to whoever asked, everything else waits
    in order until `events` or `expect` takes it. When more than `most_waiting` wait,
    the socket cuts itself off as 4000 rather than lose one; resuming gets them.
    """

    def __init__(
        self, connection: ClientConnection, *, reply_timeout: float, most_waiting: int
    ) -> None:
        self._connection = connection
        self._reply_timeout = reply_timeout
        self._most_waiting = most_waiting
        self._last_id = 0
        self._asked: dict[int | str, asyncio.Future[Json]] = {}
        self._waiting = Frames()
        self._lost: ConnectionLost | None = None
        self._greeting: Hello | None = None
        self.received: deque[Json] = deque(maxlen=REMEMBERED)
        """The last frames that were not replies to `request`, taken or not."""
        self.cursor: str | None = None
        """The newest cursor that is safe to resume with once all events are taken.

        While a resumed session repeats what was missed, this stays the cursor that
        was given: the one in `hello` may already stand behind the repetition.
        """
        self._reader = asyncio.create_task(self._read(), name="callboard-socket")

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        cursor: str | None = None,
        headers: dict[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        origin: str | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - the name callers look for
        reply_timeout: float = 10.0,
        most_waiting: int = 10_000,
    ) -> Self:
        """
        Open a socket without proving who one is; `expect("hello")` when one has.

        Raises:
            Refused: The server answered the handshake with an HTTP error.
            OSError: It could not be reached.
            TimeoutError: It did not answer in time.
        """
        try:
            connection = await Straight(
                socket_address(url, cursor),
                additional_headers=headers,
                subprotocols=[Subprotocol(each) for each in subprotocols] or None,
                origin=Origin(origin) if origin is not None else None,
                compression=None,
                open_timeout=timeout,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=MOST_FRAME_BYTES,
                logger=quiet,
            )
        except InvalidStatus as error:
            answer = error.response
            headers_in = {name.lower(): each for name, each in answer.headers.items()}
            body = bytes(answer.body or b"")
            raise problem(answer.status_code, headers_in, body) from error
        except InvalidHandshake as error:
            # It went away in the middle, or something else answers in its place.
            raise ConnectionError(f"no WebSocket there: {error}") from error
        return cls(connection, reply_timeout=reply_timeout, most_waiting=most_waiting)

    @classmethod
    async def connect(
        cls,
        url: str,
        token: str,
        *,
        how: How = "header",
        cursor: str | None = None,
        origin: str | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - the name callers look for
        reply_timeout: float = 10.0,
        most_waiting: int = 10_000,
    ) -> Self:
        """
        Open a socket as the user of a token and wait for the server's `hello`.

        Raises:
            Refused: The handshake or the first frame was answered with an error.
            ConnectionLost: The server closed instead of greeting.
            OSError: It could not be reached.
            TimeoutError: It did not answer in time.
        """
        headers = {"Authorization": f"Bearer {token}"} if how == "header" else None
        protocols = [SUBPROTOCOL, f"bearer.{token}"] if how == "subprotocol" else []
        async with asyncio.timeout(timeout):
            socket = await cls.open(
                url,
                cursor=None if how == "frame" else cursor,
                headers=headers,
                subprotocols=protocols,
                origin=origin,
                timeout=timeout,
                reply_timeout=reply_timeout,
                most_waiting=most_waiting,
            )
            try:
                socket.cursor = cursor
                if how == "frame":
                    await socket.request("auth", token=token, cursor=cursor)
                await socket.expect("hello", timeout=timeout)
            except BaseException:
                socket.abort()
                await socket.wait_closed()
                raise
        return socket

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def hello(self) -> Hello:
        """
        The data of the server's greeting.
        """
        if self._greeting is None:
            raise RuntimeError("the server has not greeted this socket")
        return self._greeting

    @property
    def close_code(self) -> int | None:
        """
        The close code, None while the socket is open.
        """
        return self._lost.code if self._lost else None

    async def request(self, command: str, /, **data: object) -> Json:
        """
        Send a command and give the data of its `ok`.

        Raises:
            Refused: The server answered with an error.
            ConnectionLost: The socket closed before the reply; what became of the
                command is unknown.
            TimeoutError: No reply came in time; unknown as well.
        """
        if self._lost is not None:
            raise ConnectionLost(self._lost.code, self._lost.reason)
        self._last_id += 1
        key = self._last_id
        reply: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._asked[key] = reply
        try:
            await self.send_raw(
                encode_frame({"id": key, "type": command, "data": data})
            )
            async with asyncio.timeout(self._reply_timeout):
                frame = await reply
        finally:
            del self._asked[key]
            # A request given up on must not warn that nobody saw its failure.
            reply.cancel()
        if frame["type"] == "error":
            raise refusal(frame["error"])
        return cast("Json", frame.get("data") or {})

    async def send_raw(self, frame: str | bytes) -> None:
        """
        Send a frame as it is: text from `str`, binary from `bytes`.

        A reply whose id nobody asked for waits among the events, as `ok` or `error`.

        Raises:
            ConnectionLost: The socket is closed.
        """
        try:
            await self._connection.send(frame)
        except ConnectionClosed as error:
            raise self._loss() from error

    async def events(self) -> AsyncIterator[Event]:
        """
        Take everything that waits and then what comes, in the server's order.

        Ends by raising ConnectionLost once the socket is closed and all is taken.
        """
        while True:
            yield cast("Event", await self._waiting.take(lambda _: True))

    def take_waiting(self) -> list[Event]:
        """
        Take everything that waits, and wait for nothing.
        """
        return cast("list[Event]", self._waiting.take_all())

    async def expect(
        self,
        kind: str,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the name callers look for
        where: Where = lambda _: True,
    ) -> Json:
        """
        Take the first frame of a kind whose data satisfies `where`; give its data.

        Frames before it stay. For an `error` that nobody asked for, the error is
        given in place of data.

        Raises:
            AssertionError: None came in time; the message lists what did.
            ConnectionLost: The socket closed first.
        """
        try:
            async with asyncio.timeout(timeout):
                frame = await self._waiting.take(
                    lambda each: each["type"] == kind and where(content_of(each))
                )
        except TimeoutError:
            came = [each["type"] for each in self._waiting]
            raise AssertionError(
                f"no {kind} within {timeout} s; waiting: {came}"
            ) from None
        return content_of(frame)

    async def expect_nothing(self, kind: str, *, where: Where = lambda _: True) -> None:
        """
        Make sure that no frame of a kind waits, after a round trip to the server.

        It proves that the server had sent none before it answered the ping; what
        another node is still announcing needs a marker of the test's own.

        Raises:
            AssertionError: One was there.
        """
        await self.request("ping")
        for frame in self._waiting:
            if frame["type"] == kind and where(content_of(frame)):
                raise AssertionError(f"unexpected {kind}: {content_of(frame)}")

    async def wait_closed(self) -> ConnectionLost:
        """
        Wait until the socket is closed, by whomever, and tell how.
        """
        await asyncio.shield(self._reader)
        return self._loss()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """
        Close the socket with a close code; closing twice does no harm.
        """
        await self._connection.close(code, reason)
        await self.wait_closed()

    def abort(self) -> None:
        """
        Cut the line without a word, as a dead network does.
        """
        self._connection.transport.abort()

    async def _read(self) -> None:
        lost: ConnectionLost | None = None
        try:
            while True:
                frame = decode_frame(await self._connection.recv())
                if len(self._waiting) >= self._most_waiting:
                    # No closing handshake: its answer stands behind all the rest.
                    lost = ConnectionLost(OVERFULL, "events were not taken")
                    self.abort()
                    break
                try:
                    self._sort(frame)
                except (AttributeError, KeyError, TypeError) as error:
                    raise ProtocolFault(
                        "the server sent a frame out of shape"
                    ) from error
        except ConnectionClosed:
            lost = self._loss()
        except ProtocolFault as fault:
            lost = ConnectionLost(1002, str(fault))
            await self._connection.close(1002, "not a frame of callboard.v1")
        finally:
            self._lost = self._loss() if lost is None else lost
            for reply in self._asked.values():
                if not reply.done():
                    reply.set_exception(
                        ConnectionLost(self._lost.code, self._lost.reason)
                    )
            self._waiting.close(self._lost)

    def _sort(self, frame: Json) -> None:
        kind = frame["type"]
        reply = self._asked.get(frame["id"]) if "id" in frame else None
        if reply is not None and kind in {"ok", "error"}:
            if kind == "error":
                # Out of shape, it ends the socket and not whoever asked.
                refusal(frame["error"])
            if not reply.done():
                reply.set_result(frame)
            return
        if kind == "hello":
            self._greeting = cast("Hello", frame["data"])
            if self._greeting["resumed"] is not True:
                self.cursor = self._greeting["cursor"]
        elif kind == "cursor":
            self.cursor = frame["data"]["cursor"]
        self.received.append(frame)
        self._waiting.put(frame)

    def _loss(self) -> ConnectionLost:
        if self._lost is not None:
            return ConnectionLost(self._lost.code, self._lost.reason)
        code = self._connection.close_code or NO_CLOSE_FRAME
        return ConnectionLost(code, self._connection.close_reason or "")


def content_of(frame: Json) -> Json:
    """
    Give what a frame is about: its data, or its error.
    """
    return cast("Json", frame.get("data") or frame.get("error") or {})
