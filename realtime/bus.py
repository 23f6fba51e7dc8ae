"""
How announcements reach other nodes quickly.

The bus is a hint, never the truth: what it loses, the sweep of the feed brings within
seconds (`realtime/repair.py`). So it must never block who announces.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from realtime.announcements import Announcement
from storage.records import UserId

Receive = Callable[[Announcement], None]


class Bus(Protocol):
    """
    Carries announcements to the nodes whose sockets they concern.

    Guarantees: at most once; one announcer's announcements in order; each node gets
    only what concerns a user it has joined, with audiences whole; an announcement
    never comes back to its own node. A user whose `join` has returned is reached by
    every announcement of a transaction that commits later, as long as
    `is_connected` stays true.
    """

    @property
    def is_connected(self) -> bool:
        """Tell whether announcements travel now."""

    @property
    def lag_seconds(self) -> float | None:
        """Tell how long an announcement took lately; None where that is not known."""

    @property
    def dropped(self) -> int:
        """Count the announcements that were left to the sweep."""

    async def open(self, receive: Receive, recovered: Callable[[], None]) -> None:
        """
        Begin; `recovered` is called after each time that something may be lost.

        Returns also when the other side cannot be reached: it keeps trying.
        """

    async def join(self, user: UserId) -> None:
        """Have announcements for a user come to this node; never raises."""

    def leave(self, user: UserId) -> None:
        """Have them no longer come; soon, not at once."""

    def announce(self, announcement: Announcement) -> None:
        """Tell the other nodes; returns at once, drops rather than queues for ever."""

    async def close(self) -> None:
        """End, and leave every user."""


class MemoryBus:
    """
    Nodes of one process; alone it carries nothing.

    Buses made with the same `nodes` reach each other.
    """

    def __init__(self, nodes: "list[MemoryBus] | None" = None) -> None:
        self._nodes = [] if nodes is None else nodes
        self._users: set[UserId] = set()
        self._receive: Receive | None = None

    @property
    def is_connected(self) -> bool:
        """Tell whether announcements travel now: between open and close they do."""
        return self._receive is not None

    @property
    def lag_seconds(self) -> float | None:
        """Tell how long an announcement takes: it never leaves the process."""
        return 0.0

    @property
    def dropped(self) -> int:
        """Count what was dropped: nothing ever is."""
        return 0

    async def open(self, receive: Receive, recovered: Callable[[], None]) -> None:
        """Begin."""
        self._receive = receive
        self._nodes.append(self)

    async def join(self, user: UserId) -> None:
        """Have announcements for a user come to this node."""
        self._users.add(user)

    def leave(self, user: UserId) -> None:
        """Have them no longer come."""
        self._users.discard(user)

    def announce(self, announcement: Announcement) -> None:
        """Tell the other nodes in a later turn of the loop, as a network would."""
        audience = announcement.audience()
        loop = asyncio.get_running_loop()
        for node in self._nodes:
            if node is not self and node._receive is not None:  # noqa: SLF001 - its kind
                wanted = audience & node._users  # noqa: SLF001 - its kind
                if wanted:
                    loop.call_soon(node._receive, announcement.part_for(wanted))  # noqa: SLF001

    async def close(self) -> None:
        """End."""
        self._receive = None
        if self in self._nodes:
            self._nodes.remove(self)
