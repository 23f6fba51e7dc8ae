"""Who may open a socket: origins, numbers, addresses."""

from collections import Counter
from ipaddress import ip_address
from urllib.parse import urlsplit

from realtime.settings import Settings
from storage.records import UserId


class Doorkeeper:
    """Counts the sockets of one process and knows the limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._origins = {
            origin.rstrip("/").lower() for origin in settings.allowed_origins
        }
        self._addresses: Counter[str] = Counter()
        self._users: Counter[UserId] = Counter()
        self._total = 0

    def is_origin_allowed(self, origin: str | None, host: str | None) -> bool:
        """
        Tell whether a page of this origin may connect.

        Browsers say where a page came from; programs say nothing and need a token
        all the same. A page from the server's own host may, others where listed.
        """
        if origin is None or "*" in self._origins:
            return True
        parts = urlsplit(origin)
        if host is not None and parts.netloc.lower() == host.lower():
            return True
        return origin.rstrip("/").lower() in self._origins

    def enter(self, address: str) -> bool:
        """Count a socket in; False, and not counted, where there are too many."""
        if self._total >= self._settings.max_connections:
            return False
        if not _is_loopback(address):
            if self._addresses[address] >= self._settings.max_connections_per_address:
                return False
            self._addresses[address] += 1
        self._total += 1
        return True

    def leave(self, address: str) -> None:
        """Count a socket out."""
        self._total -= 1
        if address in self._addresses:
            self._addresses[address] -= 1
            if self._addresses[address] <= 0:
                del self._addresses[address]

    def enter_user(self, user: UserId) -> bool:
        """Count a socket of a user in; False, not counted, if there are too many."""
        if self._users[user] >= self._settings.max_connections_per_user:
            return False
        self._users[user] += 1
        return True

    def leave_user(self, user: UserId) -> None:
        """Count a user's socket out."""
        self._users[user] -= 1
        if self._users[user] <= 0:
            del self._users[user]


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        # A unix socket: whoever can open it is on this machine.
        return True
