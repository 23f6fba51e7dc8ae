"""
Who is there: over all sessions of a user, on all nodes.

A user is online if any session is, else away if any is away, else offline. A session
that is invisible counts as not there. One that has ended counts for a grace longer,
so that a reconnect tells nobody anything.

Presence is a hint, like the bus: what is lost heals by itself, and nothing that people
do may ever wait for it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from realtime.clock import Clock, system_clock
from realtime.protocol import PresenceStatus
from storage.records import UserId

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)

# What a session says of itself.
Status = Literal["online", "away", "invisible"]

_RANK: Mapping[Status, int] = {"invisible": 0, "away": 1, "online": 2}
_SHOWN: tuple[PresenceStatus, ...] = ("offline", "away", "online")


@dataclass(frozen=True, slots=True)
class Change:
    """A user stands otherwise than before; `seen_at` is when they were last there."""

    user: UserId
    status: PresenceStatus
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """
    How users stand; who is not in `statuses` is offline.

    Where it is not `is_whole`, only the sessions of this node could be asked.
    """

    statuses: Mapping[UserId, PresenceStatus]
    is_whole: bool

    def of(self, user: UserId) -> PresenceStatus:
        """Tell how a user stands."""
        return self.statuses.get(user, "offline")


class Finder(Protocol):
    """Tells how users stand: raises nothing, and takes no longer than half a second."""

    async def find(self, users: Collection[UserId]) -> Found:
        """Tell how users stand."""


class Presence(Protocol):
    """
    Keeps which sessions are there, and tells when a user stands otherwise.

    Guarantees: no method raises, and none takes longer than about half a second. When
    `enter` or `set` has returned, every node that reaches the others finds the user
    so. Each change is told to one node, by `changed`, after it can be found; a session
    that has ended changes something only after the grace, one whose node has died
    when it lapses. Where the nodes do not reach each other, each knows its own
    sessions; `recovered` is called when that is over.
    """

    async def open(
        self, changed: Callable[[Change], None], recovered: Callable[[], None]
    ) -> None:
        """Begin; returns also when the other side cannot be reached."""

    async def enter(self, user: UserId, session: UUID) -> None:
        """
        Have a session there, online.

        It takes the place of one that ended within the grace, and is invisible if that
        was: who hides does not show for a moment each time that they reconnect.
        """

    async def set(self, user: UserId, session: UUID, status: Status) -> None:
        """Have a session stand otherwise; one that is not there stays so."""

    def leave(self, user: UserId, session: UUID) -> None:
        """End a session, which counts for the grace longer; one not there stays so."""

    async def find(self, users: Collection[UserId]) -> Found:
        """Tell how users stand."""

    async def close(self) -> None:
        """End; sessions that are left count for the grace longer."""


@dataclass(slots=True)
class Sitting:
    """One session of a user; ended ones linger `until` this time of the loop."""

    status: Status
    until: float | None = None


class Roll:
    """
    Sessions of users, and how each user was last said to stand.

    Pure but for the clocks it is given: `now` is a time of the loop.
    """

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._sittings: dict[UserId, dict[UUID, Sitting]] = {}
        self._told: dict[UserId, PresenceStatus] = {}
        self._seen: dict[UserId, datetime] = {}
        self._lingering: deque[tuple[float, UserId, UUID]] = deque()

    def __iter__(self) -> Iterator[tuple[UserId, UUID, Sitting]]:
        for user, sittings in self._sittings.items():
            for session, sitting in sittings.items():
                yield user, session, sitting

    def get(self, user: UserId, session: UUID) -> Sitting | None:
        """Give a session that is there, not one that lingers."""
        sitting = self._sittings.get(user, {}).get(session)
        return sitting if sitting is not None and sitting.until is None else None

    def standing(self, user: UserId) -> PresenceStatus:
        """Tell how a user stands."""
        sittings = self._sittings.get(user, {}).values()
        return _SHOWN[max((_RANK[each.status] for each in sittings), default=0)]

    def enter(self, user: UserId, session: UUID) -> Change | None:
        """Have a session there, in the place of one that lingers."""
        sittings = self._sittings.setdefault(user, {})
        status: Status = "online"
        lingering = [key for key, each in sittings.items() if each.until is not None]
        if lingering:
            # The most reserved of them, to give nothing away.
            ended = min(lingering, key=lambda key: _RANK[sittings[key].status])
            if sittings.pop(ended).status == "invisible":
                status = "invisible"
        sittings[session] = Sitting(status)
        return self._changed(user)

    def set(self, user: UserId, session: UUID, status: Status) -> Change | None:
        """Have a session stand otherwise."""
        sitting = self.get(user, session)
        if sitting is None:
            return None
        self._see(user)
        sitting.status = status
        return self._changed(user)

    def leave(self, user: UserId, session: UUID, until: float) -> bool:
        """Have a session linger; False where it is not there."""
        sitting = self.get(user, session)
        if sitting is None:
            return False
        self._see(user)
        sitting.until = until
        self._lingering.append((until, user, session))
        return True

    def settle(self, now: float) -> list[Change]:
        """End what has lingered long enough."""
        changes = []
        while self._lingering and self._lingering[0][0] <= now:
            _, user, session = self._lingering.popleft()
            sittings = self._sittings.get(user, {})
            if sittings.pop(session, None) is None:
                continue
            change = self._changed(user)
            if change is not None:
                changes.append(change)
            if not sittings:
                self._forget(user)
        return changes

    def _see(self, user: UserId) -> None:
        """Note that a user who shows is there."""
        if self.standing(user) != "offline":
            self._seen[user] = self._clock()

    def _changed(self, user: UserId) -> Change | None:
        status = self.standing(user)
        if status == self._told.get(user, "offline"):
            return None
        self._told[user] = status
        return Change(user, status, self._seen.get(user) or self._clock())

    def _forget(self, user: UserId) -> None:
        del self._sittings[user]
        self._told.pop(user, None)
        self._seen.pop(user, None)


class MemoryPresence:
    """
    Nodes of one process; alone it is a node that reaches no others.

    Those made with the same `roll` know of each other's sessions.
    """

    def __init__(self, roll: Roll | None = None, *, grace: timedelta = GRACE) -> None:
        self.roll = Roll() if roll is None else roll
        self._grace = grace.total_seconds()
        self._changed: Callable[[Change], None] | None = None
        self._own: dict[UUID, UserId] = {}

    async def open(
        self, changed: Callable[[Change], None], recovered: Callable[[], None]
    ) -> None:
        """Begin; there is nothing to recover from."""
        self._changed = changed

    async def enter(self, user: UserId, session: UUID) -> None:
        """Have a session there."""
        self._own[session] = user
        self._tell(self.roll.enter(user, session))

    async def set(self, user: UserId, session: UUID, status: Status) -> None:
        """Have a session stand otherwise."""
        self._tell(self.roll.set(user, session, status))

    def leave(self, user: UserId, session: UUID) -> None:
        """End a session, after the grace."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._grace
        if self.roll.leave(user, session, until):
            self._own.pop(session, None)
            loop.call_at(until, self._settle, until)

    async def find(self, users: Collection[UserId]) -> Found:
        """Tell how users stand."""
        return Found({user: self.roll.standing(user) for user in users}, is_whole=True)

    async def close(self) -> None:
        """End; what lingers is seen to, whatever becomes of this node."""
        for session, user in list(self._own.items()):
            self.leave(user, session)

    def _settle(self, now: float) -> None:
        for change in self.roll.settle(now):
            self._tell(change)

    def _tell(self, change: Change | None) -> None:
        if change is not None and self._changed is not None:
            self._changed(change)
