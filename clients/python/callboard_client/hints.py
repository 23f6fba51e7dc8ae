"""
What is told and not kept: who is there, and who is typing.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from callboard_client.contract import PresenceEntry
from callboard_client.errors import CallboardError
from callboard_client.link import Link
from callboard_client.shapes import Event, Json
from callboard_client.socket import Socket

__all__ = ["Presence", "Typing"]

# The contract's bounds on one command, and on one socket.
MOST_IDS = 100
MOST_WATCHED = 500
LAPSES_AFTER_S = 6.0
# Sooner than it lapses, and no more often.
TOLD_EVERY_S = 3.0

Status = Literal["online", "away", "invisible"]
Clock = Callable[[], float]


class Presence:
    """
    Who of those that are watched is there; watched anew after each reconnect.
    """

    def __init__(self, link: Link) -> None:
        self.entries: dict[str, PresenceEntry] = {}
        """How those stand who are watched; who is not in it is not known."""
        self._link = link
        self._watched: Counter[str] = Counter()
        self._status: Status | None = None

    async def watch(self, user_ids: Iterable[str]) -> None:
        """
        Watch people from now on; twice watched wants twice unwatched.

        Only those are answered who are connected to one or in a thread with one.

        Raises:
            ValueError: That would be more than a socket may watch.
            Refused: The server said no.
            ClientClosed: The client has ended.
        """
        wanted = list(user_ids)
        new = [each for each in dict.fromkeys(wanted) if not self._watched[each]]
        if len(+self._watched) + len(new) > MOST_WATCHED:
            raise ValueError(f"{MOST_WATCHED} people can be watched at the most")
        self._watched.update(wanted)
        for batch in batches(new):
            answer = await self._link.insist("presence.watch", {"user_ids": batch})
            self._take(answer)

    async def unwatch(self, user_ids: Iterable[str]) -> None:
        """
        Watch people no longer. Raises as `watch`.
        """
        self._watched.subtract(user_ids)
        gone = [each for each, times in self._watched.items() if times <= 0]
        for each in gone:
            del self._watched[each]
            self.entries.pop(each, None)
        for batch in batches(gone):
            await self._link.insist("presence.unwatch", {"user_ids": batch})

    async def set(self, status: Status) -> None:
        """
        Choose how one is shown to others, for this client's whole life.

        Raises:
            Refused: The server said no.
            ClientClosed: The client has ended.
        """
        self._status = status
        await self._link.insist("presence.set", {"status": status})

    async def greet(self, socket: Socket) -> None:
        """
        Say to a new socket what the one before had been told.
        """
        if self._status is not None:
            await socket.request("presence.set", status=self._status)
        for batch in batches(list(self._watched)):
            self._take(await socket.request("presence.watch", user_ids=batch))

    def apply(self, event: Event) -> bool:
        """
        Take an event; of somebody who is not watched any more, it is no news.
        """
        if event["type"] != "presence" or not self._watched[event["data"]["user_id"]]:
            return False
        return self._take({"presence": [event["data"]]})

    def _take(self, answer: Json) -> bool:
        before = dict(self.entries)
        for each in answer["presence"]:
            self.entries[each["user_id"]] = PresenceEntry(
                user_id=each["user_id"],
                status=each["status"],
                last_seen_at=each["last_seen_at"],
            )
        return self.entries != before


class Typing:
    """
    Who is typing where, and saying that oneself is.
    """

    def __init__(self, link: Link, clock: Clock = time.monotonic) -> None:
        self._link = link
        self._clock = clock
        self._heard: dict[tuple[str, str], float] = {}
        self._told: dict[str, float] = {}

    def people(self, conversation_id: str) -> list[str]:
        """
        List who is typing in a conversation just now.
        """
        now = self._clock()
        return [
            user_id
            for (where, user_id), until in self._heard.items()
            if where == conversation_id and until > now
        ]

    async def start(self, conversation_id: str) -> None:
        """
        Say that one is typing: call it at each key, it is told every few seconds.

        It lapses by itself. Nobody waits for it: where it cannot be told, it is not.
        """
        now = self._clock()
        if self._told.get(conversation_id, 0.0) > now:
            return
        self._told = {each: at for each, at in self._told.items() if at > now}
        self._told[conversation_id] = now + TOLD_EVERY_S
        await self._tell(conversation_id, is_active=True)

    async def stop(self, conversation_id: str) -> None:
        """
        Say that one types no longer; a message that was sent says it too.
        """
        if self._told.pop(conversation_id, None) is not None:
            await self._tell(conversation_id, is_active=False)

    def apply(self, event: Event) -> bool:
        """
        Take an event; who has sent a message types no longer.
        """
        now, data = self._clock(), event["data"]
        if event["type"] == "message.created":
            message = data["message"]
            key = (message["conversation_id"], message["sender_id"])
            return self._heard.pop(key, None) is not None
        if event["type"] != "typing":
            return False
        self._heard = {
            each: until for each, until in self._heard.items() if until > now
        }
        key = (data["conversation_id"], data["user_id"])
        self._heard.pop(key, None)
        if data["active"]:
            self._heard[key] = now + LAPSES_AFTER_S
        return True

    async def _tell(self, conversation_id: str, *, is_active: bool) -> None:
        if self._link.socket is None:
            return
        with unless_it_cannot_be():
            await self._link.socket.request(
                "typing", conversation_id=conversation_id, active=is_active
            )


@contextmanager
def unless_it_cannot_be() -> Iterator[None]:
    """
    Leave out what matters for a moment only, and is not worth a second attempt.
    """
    try:
        yield
    except (CallboardError, TimeoutError):
        return


def batches(ids: list[str]) -> list[list[str]]:
    """
    Cut a list into what one command takes.
    """
    return [ids[start : start + MOST_IDS] for start in range(0, len(ids), MOST_IDS)]
