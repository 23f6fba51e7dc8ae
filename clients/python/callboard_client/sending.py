"""
Sends messages once, in order, and remembers them until they are acknowledged.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from callboard_client.errors import ClientClosed, Refused, TooManyPending
from callboard_client.lanes import Lanes
from callboard_client.link import Link
from callboard_client.outbox import OutboxStorage, Stored
from callboard_client.shapes import Json, Message

__all__ = ["Sending"]

log = logging.getLogger(__name__)

Sent = Callable[[Message], Awaitable[None]]
Unsent = Callable[[Stored, Refused], Awaitable[None]]


class Sending:
    """
    A queue for each destination, over whatever sockets there are.

    With an `outbox`, what waits outlives the process: `resume` sends what an earlier
    one had left. `sent` is told of every message that is committed, `unsent` of one
    from before that was refused for good.
    """

    def __init__(
        self,
        link: Link,
        outbox: OutboxStorage | None,
        *,
        most: int,
        sent: Sent,
        unsent: Unsent,
    ) -> None:
        self._link = link
        self._outbox = outbox
        self._most = most
        self._sent = sent
        self._unsent = unsent
        self._lanes = Lanes()
        self._writing = asyncio.Lock()
        self._user_id: str | None = None
        self._left: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """
        How many messages wait for their acknowledgement.
        """
        return self._lanes.waiting

    async def send(self, data: Json) -> Message:
        """
        Send a message and give it back once it is committed.

        Raises:
            Refused: The server said no, or kept saying "later".
            TooManyPending: As many sends wait already as were allowed.
            ClientClosed: The client ended; the outbox has it, if there is one.
        """
        if self._lanes.waiting >= self._most:
            raise TooManyPending(f"{self._most} messages are waiting")
        stored = Stored(data["client_id"], data)
        if self._outbox is not None:
            # One after the other: the order of the calls is that of the file and,
            # with nothing awaited before the lane is entered, that of the lane.
            async with self._writing:
                # Whose it is, and that what was left from before goes first.
                await self._link.until(lambda: self._user_id is not None)
                await self._outbox.put(cast("str", self._user_id), stored)
        try:
            return await self._deliver(stored)
        except Refused:
            await self._forget(stored)
            raise

    async def resume(self, user_id: str) -> None:
        """
        Send what an earlier process had left, beside everything else.
        """
        if self._user_id is not None:
            return
        for stored in [] if self._outbox is None else await self._outbox.load(user_id):
            task = asyncio.create_task(self._deliver_left(stored))
            self._left.add(task)
            task.add_done_callback(self._left.discard)
        self._user_id = user_id

    async def close(self) -> None:
        """
        Send nothing any more; the outbox keeps what waits.
        """
        left = list(self._left)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _deliver(self, stored: Stored) -> Message:
        data = stored.data
        destination = data.get("conversation_id") or f"to {data['to_user_id']}"
        async with self._lanes.turn(destination):
            answer = await self._link.insist("message.send", data)
            await self._forget(stored)
        message = cast("Message", answer["message"])
        await self._sent(message)
        return message

    async def _deliver_left(self, stored: Stored) -> None:
        try:
            await self._deliver(stored)
        except ClientClosed:
            return
        except Refused as refused:
            if refused.retry:
                # It stays in the outbox, for the next process to try.
                log.warning("a message is still unsent", extra={"code": refused.code})
                return
            await self._forget(stored)
            await self._report(stored, refused)
        except Exception as fault:
            await self._link.fail(fault)

    async def _report(self, stored: Stored, refused: Refused) -> None:
        try:
            await self._unsent(stored, refused)
        except Exception as fault:
            await self._link.fail(fault)

    async def _forget(self, stored: Stored) -> None:
        if self._outbox is not None and self._user_id is not None:
            await self._outbox.remove(self._user_id, stored.client_id)
