"""Makes the mails of this server out of parcels, with its name, links and rules."""

from email.message import EmailMessage

from realtime.clock import Clock
from realtime.mail.composing import Sender, compose
from realtime.mail.links import Links, open_links
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.notifier import Parcel
from realtime.settings import Settings
from realtime.work import Transactions

# Where nobody has said from whom mails are: they do not leave this machine then.
_NOBODY = "callboard@localhost"


class Composer:
    """Composes mails as this server sends them."""

    def __init__(
        self,
        settings: Settings,
        transactions: Transactions,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._transactions = transactions
        self._catalogue = catalogue
        self._clock = clock
        self.sender = Sender(
            settings.mail_from or _NOBODY, settings.mail_name, settings.app_url
        )

    async def compose(self, parcel: Parcel) -> tuple[EmailMessage, Links]:
        """
        Word a parcel as a mail, and give the links with which it was signed.

        Raises:
            Busy, Unavailable: The database is away.
        """
        async with self._transactions() as work:
            links = await open_links(work, self._settings)
        entry = self._catalogue.get(parcel.type)
        mail = compose(
            parcel,
            self.sender,
            links,
            may_unsubscribe=entry is None or not entry.required,
            now=self._clock(),
        )
        return mail, links
