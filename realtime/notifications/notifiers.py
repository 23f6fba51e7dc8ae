"""Which notifiers a worker has: what the settings configure, and nothing else."""

from realtime.clock import Clock
from realtime.mail.building import build_mail_notifiers, mail_kinds
from realtime.notifications.notifier import Notifier
from realtime.push.building import build_push_notifiers, push_kinds
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
    return [
        *build_mail_notifiers(settings, transactions, clock),
        *build_push_notifiers(settings, transactions, clock),
    ]


def kinds_carried(settings: Settings) -> frozenset[str]:
    """
    Name what workers with these settings carry: `email`, `webpush`, `fcm`, `apns`.

    Everything else waits for a relay.
    """
    return mail_kinds(settings) | push_kinds(settings)
