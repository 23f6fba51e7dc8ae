"""What carries mail in this process, by the settings."""

from realtime.clock import Clock
from realtime.mail.composer import Composer
from realtime.mail.folder import FolderNotifier
from realtime.mail.notifier import EmailNotifier
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.notifier import Notifier
from realtime.settings import Settings
from realtime.work import Transactions


def build_mail_notifiers(
    settings: Settings, transactions: Transactions, clock: Clock
) -> list[Notifier]:
    """
    Make what carries mails: to an SMTP server, else into a folder, else nothing.

    Raises:
        CatalogueError: The operator's catalogue cannot be read or makes no sense.
    """
    if not mail_kinds(settings):
        return []
    catalogue = load_catalogue(settings.catalogue)
    composer = Composer(settings, transactions, catalogue, clock)
    if settings.smtp_url is not None:
        return [EmailNotifier(settings, transactions, composer, clock)]
    assert settings.mail_directory is not None  # noqa: S101 - a kind is carried
    return [FolderNotifier(settings.mail_directory, composer)]


def mail_kinds(settings: Settings) -> frozenset[str]:
    """Name what these settings carry: `email`, or nothing."""
    if settings.smtp_url is None and settings.mail_directory is None:
        return frozenset()
    return frozenset({"email"})
