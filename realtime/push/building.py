"""Which ways to push there are: what the settings configure, and nothing else."""

from datetime import timedelta

from realtime.clock import Clock
from realtime.push.addresses import PushHosts
from realtime.push.apns import Apns, ProviderTokens
from realtime.push.fcm import Fcm, ServiceAccount
from realtime.push.sending import Carrier, PushNotifier
from realtime.push.vapid import Vapid
from realtime.push.webpush import WebPush
from realtime.settings import Settings
from realtime.work import Transactions

# Devices that one transaction forgets.
_FORGOTTEN_AT_ONCE = 500


def push_kinds(settings: Settings) -> frozenset[str]:
    """Name the kinds of devices that are pushed to from here; a relay takes others."""
    configured = {
        "webpush": settings.webpush,
        "fcm": settings.fcm_service_account is not None,
        "apns": settings.apns_key is not None,
    }
    return frozenset(
        kind for kind, is_configured in configured.items() if is_configured
    )


def build_push_notifiers(
    settings: Settings, transactions: Transactions, clock: Clock
) -> list[PushNotifier]:
    """
    Make a notifier for each kind; the caller closes them.

    Raises:
        ValueError: A key cannot be read; says which.
    """
    carriers: list[Carrier] = []
    if settings.fcm_service_account is not None:
        account = ServiceAccount.read(settings.fcm_service_account)
        carriers.append(Fcm(account, settings.fcm_url, clock))
    if settings.apns_key is not None:
        tokens = ProviderTokens(
            settings.apns_key,
            settings.apns_key_id or "",
            settings.apns_team_id or "",
            clock,
        )
        carriers.append(Apns(tokens, settings.apns_url, settings.apns_topic, clock))
    if settings.webpush:
        vapid = Vapid(transactions, clock, _subject(settings))
        hosts = PushHosts.parse(settings.webpush_hosts)
        carriers.append(WebPush(hosts, vapid, clock))
    return [PushNotifier(carrier, transactions, clock) for carrier in carriers]


def _subject(settings: Settings) -> str | None:
    """Say who is behind the pushes; push services take `mailto:` and `https:` only."""
    if settings.webpush_subject is not None:
        return settings.webpush_subject
    url = settings.public_url or ""
    return url if url.startswith("https://") else None


class DeviceChore:
    """Forgets devices that have not shown up for long; nobody is behind them."""

    def __init__(
        self, transactions: Transactions, clock: Clock, settings: Settings
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._kept_for = timedelta(days=settings.devices_keep_days)

    async def __call__(self) -> int:
        """
        Forget all that is due, some in a transaction; gives how many.

        Raises:
            Busy: The database is away.
        """
        now = self._clock()
        count = 0
        while True:
            async with self._transactions() as work:
                forgotten = await work.devices.forget_unseen(
                    now - self._kept_for, _FORGOTTEN_AT_ONCE, now
                )
            count += forgotten
            if forgotten < _FORGOTTEN_AT_ONCE:
                return count
