"""Who is connected to this process. Synchronous, no I/O, and no idea what is said."""

from collections.abc import Iterable, Iterator
from typing import Protocol
from uuid import UUID

from realtime.frames import TextFrame
from storage.records import UserId


class Listener(Protocol):
    """A live socket, as far as the hub knows it."""

    @property
    def session_id(self) -> UUID:
        """Name this life of the socket."""

    def deliver(self, frame: TextFrame, xid: int) -> None:
        """Take a frame that tells of a transaction; returns at once."""

    def move_cursor(self, frame: TextFrame, sweep: int) -> bool:
        """Take the cursor of a sweep; False if the socket is younger than the sweep."""

    def notify(self, frame: TextFrame) -> bool:
        """Take a frame that is worth nothing later; False where it was not sent."""

    def close_with(self, code: int, reason: str) -> None:
        """Close the socket."""


class Hub:
    """User → live sockets of this process."""

    def __init__(self) -> None:
        self._listeners: dict[UserId, dict[UUID, Listener]] = {}
        self._count = 0
        # Sockets that were given something since the last cursor.
        self._moved: set[Listener] = set()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Listener]:
        for listeners in list(self._listeners.values()):
            yield from list(listeners.values())

    def add(self, user: UserId, listener: Listener) -> bool:
        """Add a socket; True if it is the user's first here."""
        listeners = self._listeners.setdefault(user, {})
        is_first = not listeners
        if listener.session_id not in listeners:
            self._count += 1
        listeners[listener.session_id] = listener
        return is_first

    def remove(self, user: UserId, listener: Listener) -> bool:
        """Remove a socket; True if it was the user's last here."""
        listeners = self._listeners.get(user)
        if listeners is None or listeners.pop(listener.session_id, None) is None:
            return False
        self._count -= 1
        self._moved.discard(listener)
        if listeners:
            return False
        del self._listeners[user]
        return True

    def has(self, user: UserId) -> bool:
        """Tell whether a user has a socket here."""
        return user in self._listeners

    def of(self, user: UserId) -> list[Listener]:
        """Give a user's sockets, the oldest first."""
        return list(self._listeners.get(user, {}).values())

    def deliver(self, audience: Iterable[UserId], frame: TextFrame, xid: int) -> int:
        """Hand a frame to every socket of an audience; gives how many those were."""
        count = 0
        for user in audience:
            listeners = self._listeners.get(user, {}).values()
            for listener in listeners:
                listener.deliver(frame, xid)
            self._moved.update(listeners)
            count += len(listeners)
        return count

    def moved(self) -> set[Listener]:
        """Give the sockets that were given something since this was last asked."""
        moved, self._moved = self._moved, set()
        return moved

    def move_later(self, listener: Listener) -> None:
        """Ask for a socket again next time, if it is still here."""
        self._moved.add(listener)
