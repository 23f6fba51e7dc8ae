"""Who may open a socket: origins, numbers, addresses."""

from collections import Counter
from ipaddress import IPv6Address, ip_address, ip_network
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
        try:
            page = urlsplit(origin).netloc
        except ValueError:
            return False
        if page and host is not None and page.lower() == host.lower():
            return True
        return origin.rstrip("/").lower() in self._origins

    def enter(self, address: str) -> bool:
        """Count a socket in; False, and not counted, where there are too many."""
        if self._total >= self._settings.max_connections:
            return False
        counted = _counted_as(address)
        if counted is not None:
            if self._addresses[counted] >= self._settings.max_connections_per_address:
                return False
            self._addresses[counted] += 1
        self._total += 1
        return True

    def leave(self, address: str) -> None:
        """Count a socket out."""
        self._total -= 1
        counted = _counted_as(address)
        if counted is not None:
            self._addresses[counted] -= 1
            if self._addresses[counted] <= 0:
                del self._addresses[counted]

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


def _counted_as(address: str) -> str | None:
    """
    Name whom an address is counted as; None for this machine, which has no limit.

    A host with IPv6 has a whole /64 to choose from, so that is one. A unix socket has
    no address; whoever can open it is on this machine.
    """
    if not address:
        return None
    host = address.partition("%")[0]
    if host.count(":") == 1:
        # Some proxies add the port.
        host = host.partition(":")[0]
    try:
        parsed = ip_address(host)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            if parsed.is_loopback:
                return None
            return str(ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return None if parsed.is_loopback else str(parsed)
