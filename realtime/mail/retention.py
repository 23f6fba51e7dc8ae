"""What is known of mails goes with the deliveries that they were."""

from datetime import timedelta

from realtime.clock import Clock
from realtime.settings import Settings
from realtime.work import Transactions

_AT_ONCE = 1000

# Rows that one round removes: what is left goes in the next.
_A_ROUND = 50_000


class MailChore:
    """A chore of the worker: forgets old mails, and bounces that are long over."""

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
        now = self._clock()
        async with self._transactions() as work:
            count = await work.emails.forget(now)
        for _ in range(_A_ROUND // _AT_ONCE):
            async with self._transactions() as work:
                some = await work.emails.forget_logs(now - self._kept, _AT_ONCE)
            count += some
            if some < _AT_ONCE:
                break
        return count
