"""
One socket after the other: connects, comes back, and knows when to stop.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx

from callboard_client.backoff import Backoff
from callboard_client.errors import ClientClosed, ConnectionLost, Refused, comes_back
from callboard_client.shapes import Json
from callboard_client.socket import Socket
from callboard_client.tokens import Tokens
from callboard_client.wire import encode_frame

__all__ = ["Link"]

log = logging.getLogger(__name__)

Connect = Callable[[], Awaitable[Socket]]
Follow = Callable[[Socket], Coroutine[Any, Any, None]]

TOKEN_EXPIRED = 4001
UNAUTHENTICATED = 4500
# Who is sent away sooner than this after each greeting waits longer each time.
STEADY_S = 10.0
# A refusal that may pass is tried this often, unless it asks for more patience than
# somebody who waits for a message to go out has.
MOST_REFUSALS = 5
LONGEST_PATIENCE_S = 30.0
# A token source that gives expired tokens is not asked more often than this.
SHORTEST_RENEWAL_S = 1.0
# `id` and its punctuation, in a frame that is measured without them.
ROOM_FOR_ID = 32
# Faults of a network, a server or a token source that another attempt may not meet.
PASSING = (OSError, TimeoutError, httpx.TransportError)
PASSING_CODES = frozenset({"internal", "unavailable", "rate_limited"})


class Link:
    """
    Keeps a socket alive with `connect`, and hands each one to `follow`.

    `follow` runs until it raises, which ends that socket: a fault that may pass
    brings the next one, after a delay; any other exception ends the link for good
    and is the cause of every ClientClosed from then on.
    """

    def __init__(
        self, connect: Connect, follow: Follow, tokens: Tokens, backoff: Backoff
    ) -> None:
        self.socket: Socket | None = None
        self.failure: BaseException | None = None
        self._connect = connect
        self._follow = follow
        self._tokens = tokens
        self._backoff = backoff
        self._moved = asyncio.Condition()
        self._running: asyncio.Task[None] | None = None
        self._refusals = 0

    def start(self) -> None:
        """
        Begin to connect; starting twice does no harm.
        """
        if self._running is None and self.failure is None:
            self._running = asyncio.create_task(self._run(), name="callboard-link")

    async def close(self) -> None:
        """
        Disconnect and end; whoever waits gets ClientClosed.
        """
        await self.fail(self.failure or ClientClosed("it was closed"))

    async def fail(self, failure: BaseException) -> None:
        """
        Disconnect and end for a reason, which every ClientClosed then has as its cause.
        """
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._end(failure)

    async def tell(self) -> None:
        """
        Have everybody who waits in `until` look again.
        """
        async with self._moved:
            self._moved.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """
        Wait until a condition holds.

        Raises:
            ClientClosed: The link ended first.
        """
        async with self._moved:
            await self._moved.wait_for(lambda: self.failure is not None or condition())
        if self.failure is not None and not condition():
            raise ClientClosed(
                f"the client has ended: {self.failure}"
            ) from self.failure

    async def online(self) -> Socket:
        """
        Wait for a live socket.
        """
        await self.until(lambda: self.socket is not None)
        return cast("Socket", self.socket)

    async def insist(self, command: str, data: Json) -> Json:
        """
        Send a command that may be repeated until it is answered.

        Raises:
            Refused: The server said no, or kept saying "later".
            ClientClosed: The link ended; what became of it is unknown.
        """
        refusals = 0
        while True:
            socket = await self.online()
            measure(socket, command, data)
            try:
                return await socket.request(command, **data)
            except ConnectionLost:
                await self._leaving(socket)
            except TimeoutError:
                log.info("no reply in time, asking again", extra={"command": command})
            except Refused as refused:
                refusals += 1
                wait_s = (refused.retry_after_ms or 0) / 1000
                is_hopeless = refusals >= MOST_REFUSALS or wait_s > LONGEST_PATIENCE_S
                if not refused.retry or is_hopeless:
                    raise
                await asyncio.sleep(max(wait_s, self._backoff.delay(refusals)))

    async def _leaving(self, lost: Socket) -> None:
        await self.until(lambda: self.socket is not lost)

    async def _run(self) -> None:
        attempt = 0
        while self.failure is None:
            greeted_at: float | None = None
            try:
                async with self._session() as socket:
                    greeted_at = time.monotonic()
                    await first_of(self._follow(socket), self._renew_token(socket))
            except Exception as fault:
                at_least_s = self._pause_after(fault)
                if at_least_s is None:
                    await self._end(fault)
                    break
                log.info("the connection is gone", extra={"fault": repr(fault)})
                if greeted_at is not None and time.monotonic() - greeted_at > STEADY_S:
                    attempt = self._refusals = 0
                await asyncio.sleep(max(at_least_s, self._backoff.delay(attempt)))
                attempt += 1

    def _pause_after(self, fault: Exception) -> float | None:
        """
        Say how long to wait at least before coming back, None for never.
        """
        match fault:
            case ConnectionLost(code=code) if code in {TOKEN_EXPIRED, UNAUTHENTICATED}:
                # Expired may be the clock's fault; refused twice, the second time with
                # another token, is final.
                self._refusals += code == UNAUTHENTICATED
                self._tokens.forget()
                is_hopeful = self._refusals <= 1 and self._tokens.can_renew
                return 0.0 if is_hopeful else None
            case ConnectionLost(code=code):
                return 0.0 if comes_back(code) else None
            case Refused(retry=retry, code=code) if retry or code in PASSING_CODES:
                return (fault.retry_after_ms or 0) / 1000
            case Refused():
                return None
            case _ if isinstance(fault, PASSING):
                return 0.0
        log.error("the client has ended by a fault of its own", exc_info=fault)
        return None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Socket]:
        socket = await self._connect()
        try:
            self.socket = socket
            await self.tell()
            yield socket
        finally:
            self.socket = None
            await socket.close()
            await self.tell()

    async def _renew_token(self, socket: Socket) -> None:
        while self._tokens.can_renew:
            left_s = self._tokens.seconds_left()
            if left_s is None:
                break
            await asyncio.sleep(max(SHORTEST_RENEWAL_S, left_s))
            try:
                await socket.request("auth", token=await self._tokens.renew())
            except PASSING as fault:
                # The present token holds for a while yet.
                log.warning("no new token", extra={"fault": repr(fault)})
        await asyncio.Event().wait()

    async def _end(self, failure: BaseException) -> None:
        self.failure = failure
        await self.tell()


def measure(socket: Socket, command: str, data: Json) -> None:
    """
    Refuse here what would get the whole socket closed there.
    """
    most = socket.hello["limits"]["frame_bytes"]
    frame = encode_frame({"type": command, "data": data})
    if len(frame.encode()) + ROOM_FOR_ID > most:
        raise Refused("too_large", f"a command has at most {most} bytes")


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """
    Run several parts until the first ends, and end as it did.
    """
    tasks = [asyncio.create_task(each) for each in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.wait(tasks)
    for each in done:
        each.result()
