"""What is known of mail that came in is forgotten with that of mail that went out."""

from datetime import timedelta

from realtime.clock import Clock
from realtime.settings import Settings
from realtime.work import Transactions

_AT_ONCE = 1000

# Rows that one round removes: what is left goes in the next.
_A_ROUND = 50_000


class InboundChore:
    """A chore of the worker: forgets which mails were taken long ago."""

    def __init__(
        self, transactions: Transactions, clock: Clock, settings: Settings
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._kept = timedelta(days=settings.deliveries_keep_days)

    async def __call__(self) -> int:
        """
        Remove what is old; gives how many rows.

        Raises:
            Busy: The database is away or busy.
        """
        before = self._clock() - self._kept
        count = 0
        for _ in range(_A_ROUND // _AT_ONCE):
            async with self._transactions() as work:
                some = await work.inbound.forget(before, _AT_ONCE)
            count += some
            if some < _AT_ONCE:
                break
        return count
