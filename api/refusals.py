"""What a command says when it cannot go on: one sentence, and an exit code."""

from api.server import CannotListen
from realtime.errors import Unavailable
from realtime.settings import SettingsError
from storage.checkup import Unusable
from storage.embedded import EmbeddedPostgresError


class CannotRun(Exception):
    """The command cannot do its work; the message says why and what to do."""


class Misused(Exception):
    """The command was called in a way that makes no sense; the message says how."""


# What the sentence of is all that whoever typed a command needs to read.
REFUSALS = (
    CannotRun,
    CannotListen,
    EmbeddedPostgresError,
    Misused,
    SettingsError,
    Unavailable,
    Unusable,
)


def exit_code(error: Exception) -> int:
    """Tell wrong usage (2) from a world that is not as it must be (1)."""
    return 2 if isinstance(error, (Misused, SettingsError)) else 1
