"""
A person's notification inbox: the store of `notifications.py`, fetched and acted on.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Literal

from callboard_client.http import Api
from callboard_client.link import Link
from callboard_client.notifications import Notifications
from callboard_client.shapes import Event, Notification

__all__ = ["Inbox"]

Which = Iterable[str] | Literal["all"]

PAGE = 50
# More unread ones than that are counted by the server only.
UNREAD_PAGE = 200
# The contract's bound on ids in one command.
MOST_IDS = 200
# More changes while three requests are under way mean that the next load is due anyway.
MOST_LATE = 1000


class Inbox:
    """
    What a person is shown, the newest first; kept in step once it was loaded.

    A `Client` has one as `inbox`, gives it every event, and loads it anew after what
    no event tells.
    """

    def __init__(self, api: Api, link: Link) -> None:
        self.store = Notifications()
        self._api = api
        self._link = link
        self._loading = asyncio.Lock()
        # What came while pages were fetched, which may be from before it.
        self._late: deque[Event] = deque(maxlen=MOST_LATE)

    @property
    def items(self) -> list[Notification]:
        """
        What is shown, the newest first.
        """
        return self.store.listing()

    @property
    def unread(self) -> int:
        """
        How many wait, of all there are.
        """
        return self.store.unread

    @property
    def has_more(self) -> bool:
        """
        Whether `more` has more to give.
        """
        return self.store.has_more

    async def load(self) -> None:
        """
        Fetch the newest, and what is unread; from now on both are kept in step.

        Raises:
            Refused: The server said no.
            httpx.TransportError: It could not be reached; call again.
        """
        async with self._loading:
            self._late.clear()
            total = (await self._api.me())["unread"]["notifications"]
            unread = await self._api.notification_page(unread=True, limit=UNREAD_PAGE)
            newest = await self._api.notification_page(limit=PAGE)
            self.store.load(newest, unread, total)
            for event in self._late:
                self.store.apply(event)
        await self._link.tell()

    def apply(self, event: Event) -> bool:
        """
        Take an event; one that says nothing new changes nothing.
        """
        if self._loading.locked() and event["type"].startswith("notification."):
            self._late.append(event)
        return self.store.apply(event)

    async def more(self) -> None:
        """
        Fetch the next older ones; does nothing at the end. Raises as `load`.
        """
        if self.store.is_cut:
            await self.load()
        elif self.store.following is not None:
            page = await self._api.notification_page(
                limit=PAGE, following=self.store.following
            )
            self.store.load_more(page)
            await self._link.tell()

    async def seen(self, which: Which) -> None:
        """
        Say that notifications were seen in the list; tried again after a fault.

        Raises:
            Refused: The server said no, or kept saying "later".
            ClientClosed: The client has ended.
        """
        await self._mark("seen", which)

    async def read(self, which: Which) -> None:
        """
        Say that notifications were read. Raises as `seen`.
        """
        await self._mark("read", which)

    async def archive(self, which: Which) -> None:
        """
        Put notifications away. Raises as `seen`.
        """
        await self._mark("archive", which)

    async def _mark(self, verb: str, which: Which) -> None:
        if which == "all":
            await self._link.insist(f"notification.{verb}", {"all": True})
            return
        ids = list(which)
        for start in range(0, len(ids), MOST_IDS):
            batch = {"ids": ids[start : start + MOST_IDS]}
            await self._link.insist(f"notification.{verb}", batch)
