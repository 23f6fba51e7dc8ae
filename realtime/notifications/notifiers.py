"""Which notifiers a worker has: what the settings configure, and nothing else."""

from realtime.clock import Clock
from realtime.notifications.notifier import Notifier
from realtime.settings import Settings
from realtime.work import Transactions


def build_notifiers(
    settings: Settings, transactions: Transactions, clock: Clock
) -> list[Notifier]:
    """
    Make what carries mail and pushes here; the caller closes them.

    Raises:
        ValueError: A setting makes no sense; says which.
    """
    del settings, transactions, clock
    return []


def kinds_carried(settings: Settings) -> frozenset[str]:
    """
    Name what workers with these settings carry: `email`, `webpush`, `fcm`, `apns`.

    Everything else waits for a relay.
    """
    del settings
    return frozenset()
