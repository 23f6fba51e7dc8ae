"""
Releasing: what is due is looked at once more, leaves or does not, and why is kept.

Whoever releases, a worker's line or a relay that leases, goes the same way: claim what
is due, decide person by person under the lock of that person's settings, mark what is
to leave, commit; carry it; write down what came of it.
"""

from collections.abc import Sequence
from uuid import UUID

from realtime.clock import Clock
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.notifier import Notifier, Outcome, Parcel
from realtime.presence import Presence
from realtime.settings import Settings
from realtime.work import Transactions


class Releaser:
    """
    Decides what leaves now, and keeps what came of it.

    `presence` tells who is there; without it nobody is, as far as this knows.
    """

    def __init__(
        self,
        transactions: Transactions,
        notifiers: Sequence[Notifier],
        clock: Clock,
        presence: Presence | None,
        settings: Settings,
        catalogue: Catalogue,
    ) -> None:
        self._transactions = transactions
        self.notifiers = notifiers
        self._clock = clock
        self._presence = presence
        self._settings = settings
        self._catalogue = catalogue

    async def release(
        self,
        kinds: frozenset[str],
        limit: int,
        *,
        lease_seconds: float | None = None,
    ) -> list[Parcel]:
        """
        Take at most `limit` of what is due and carried by `kinds`, marked `sending`.

        Of one person's device, or address, there is one at a time, so that they leave
        in order. What is not recorded within `lease_seconds` is taken again, with the
        next `attempt`. Where nothing may leave, the list is empty although more may be
        due: `record` what was given, and ask again.

        Raises:
            Unavailable: The database is away.
        """
        raise NotImplementedError

    async def record(
        self, delivery_id: UUID, outcome: Outcome, *, attempt: int | None = None
    ) -> bool:
        """
        Write down what came of a delivery that was released.

        `attempt` is the parcel's: an answer that comes after the lease has lapsed and
        somebody else has taken it changes nothing, unless it was sent. Recording the
        same again changes nothing. Tells whether there was anything to record.

        Raises:
            Unavailable: The database is away.
        """
        raise NotImplementedError
