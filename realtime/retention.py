"""What nobody asks for any more goes: notifications, deliveries, mails in and out."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from realtime.clock import Clock
from realtime.settings import Settings
from realtime.work import Transactions
from storage.unit_of_work import UnitOfWork

_AT_ONCE = 1000

# Rows of one kind that one round removes: what is left goes in the next.
_A_ROUND = 50_000

_Forget = Callable[[UnitOfWork, datetime, int], Awaitable[int]]


class RetentionChore:
    """
    A chore of the worker: removes what is older than the settings keep, in pieces.

    What is not yet over stays: unread notifications, what is still to leave,
    complaints about mails.
    """

    def __init__(
        self, transactions: Transactions, clock: Clock, settings: Settings
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        kept = timedelta(days=settings.notifications_keep_days)
        left = timedelta(days=settings.deliveries_keep_days)
        self._kinds: tuple[tuple[_Forget, timedelta], ...] = (
            # What is known of mails goes with the deliveries that they were.
            (lambda work, *some: work.emails.forget_logs(*some), left),
            (lambda work, *some: work.inbound.forget(*some), left),
            (lambda work, now, _: work.emails.forget(now), timedelta()),
            (lambda work, *some: work.retention.forget_deliveries(*some), left),
            (lambda work, *some: work.retention.forget_digests(*some), left),
            (lambda work, *some: work.retention.forget_notifications(*some), kept),
            (lambda work, *some: work.retention.forget_broadcasts(*some), kept),
            (lambda work, *some: work.reminders.forget(*some), kept),
        )

    async def __call__(self) -> int:
        """
        Remove what is old; gives how many rows.

        Raises:
            Busy: The database is away or busy.
        """
        return sum([await self._remove(forget, kept) for forget, kept in self._kinds])

    async def _remove(self, forget: _Forget, kept: timedelta) -> int:
        count = 0
        while count < _A_ROUND:
            async with self._transactions() as work:
                some = await forget(work, self._clock() - kept, _AT_ONCE)
            count += some
            if some < _AT_ONCE:
                break
        return count
