"""What keeps webhooks bounded: old deliveries go, and nothing piles up for ever."""

from datetime import timedelta

from realtime.clock import Clock
from realtime.settings import Settings
from realtime.webhooks.sending import pause
from realtime.work import Transactions

_ROWS = 5000


class WebhookChore:
    """A chore of the worker: forgets, and pauses what has too much waiting."""

    def __init__(
        self, transactions: Transactions, clock: Clock, settings: Settings
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._keep = timedelta(days=settings.webhook_keep_days)
        self._backlog = settings.webhook_backlog

    async def __call__(self) -> int:
        """
        Do it, some rows in a transaction; gives how many went.

        Raises:
            Busy: The database is away or busy; what was done stays done.
        """
        async with self._transactions() as work:
            for endpoint in await work.webhook_deliveries.crowded(self._backlog):
                await pause(work, endpoint, "backlog", self._clock())
        count = 0
        while True:
            async with self._transactions() as work:
                gone = await work.webhook_deliveries.forget(
                    self._clock() - self._keep, _ROWS
                )
            count += gone
            if gone < _ROWS:
                return count
