"""Which sessions of this node watch whom. Pure: nothing is asked and nothing told."""

from collections.abc import Collection, Iterable, Iterator, Set
from uuid import UUID, uuid5

from realtime.hub import Listener
from storage.records import UserId

_NAMESPACE = UUID("5b1e2f0c-6b0e-4a53-9a1c-6a9d3a7f2c11")


def watch_id(user: UserId) -> UserId:
    """Make the user id that stands on the bus for who watches somebody."""
    return UserId(uuid5(_NAMESPACE, str(user)))


class Watches:
    """User → the sessions that watch them, and back."""

    def __init__(self) -> None:
        # With each session the one who watches there.
        self._watchers: dict[UserId, dict[UUID, tuple[UserId, Listener]]] = {}
        self._watched: dict[UUID, set[UserId]] = {}
        self._by_watch: dict[UserId, UserId] = {}

    def __len__(self) -> int:
        return sum(map(len, self._watched.values()))

    def __contains__(self, user: UserId) -> bool:
        return user in self._watchers

    def __iter__(self) -> Iterator[UserId]:
        return iter(list(self._watchers))

    def of(self, listener: Listener) -> Set[UserId]:
        """Give whom a session watches."""
        return self._watched.get(listener.session_id, set())

    def watchers(self, user: UserId) -> Collection[tuple[UserId, Listener]]:
        """Give who watches somebody, and where."""
        return self._watchers.get(user, {}).values()

    def user_of(self, watch: UserId) -> UserId | None:
        """Give whom an id on the bus stands for, if they are watched here."""
        return self._by_watch.get(watch)

    def begin(
        self, watcher: UserId, listener: Listener, users: Iterable[UserId]
    ) -> list[UserId]:
        """Have a session watch; give those whom nobody here watched before."""
        first = []
        watched = self._watched.setdefault(listener.session_id, set())
        for user in users:
            if user not in self._watchers:
                self._watchers[user] = {}
                self._by_watch[watch_id(user)] = user
                first.append(user)
            self._watchers[user][listener.session_id] = (watcher, listener)
            watched.add(user)
        return first

    def end(self, listener: Listener, users: Iterable[UserId]) -> list[UserId]:
        """Have a session watch no more; give those whom nobody here watches now."""
        last = []
        session = listener.session_id
        for user in self.of(listener) & set(users):
            self._watched[session].discard(user)
            del self._watchers[user][session]
            if not self._watchers[user]:
                del self._watchers[user], self._by_watch[watch_id(user)]
                last.append(user)
        if not self._watched.get(session):
            self._watched.pop(session, None)
        return last
