"""Whether the database is there and has the schema that this program needs."""

import asyncio
import logging
import time

from api.refusals import CannotRun
from realtime.settings import Settings
from storage.checkup import Checkup, Unreachable, Unusable, examine

log = logging.getLogger(__name__)

# A database that is restarted with us needs some seconds; one that is away for
# longer is for whoever supervises us to know.
PATIENCE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 4.0


def database_url(settings: Settings) -> str:
    """
    Give the address of the database.

    Raises:
        CannotRun: None is set.
    """
    if settings.database_url is None:
        raise CannotRun(
            "CALLBOARD_DATABASE_URL is not set: give the address of a PostgreSQL,"
            " or try `callboard dev`, which brings its own."
        )
    return settings.database_url.get_secret_value()


async def wait_for_database(
    settings: Settings, *, patience: float = PATIENCE_SECONDS
) -> None:
    """
    Return when the database answers and its schema will do.

    Raises:
        CannotRun: No address is set, or the schema will not do.
        Unusable: It does not answer for `patience` seconds, or refuses.
    """
    found = await _examine_patiently(database_url(settings), patience)
    if found.missing_roles:
        raise CannotRun(
            f"{found.login} may not act as {' or '.join(found.missing_roles)}:"
            " run `callboard migrate` first, which grants that."
        )
    if found.schema in ("missing", "older"):
        state = "has no schema yet" if found.schema == "missing" else "has an old one"
        raise CannotRun(f"The database {state}: run `callboard migrate` first.")
    if found.schema == "newer":
        # A release that is being rolled out: the old servers must be able to restart.
        log.warning(
            "the database is newer than this program",
            extra={"revision": found.revision},
        )


async def _examine_patiently(dsn: str, patience: float) -> Checkup:
    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await examine(dsn)
        except Unreachable as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unusable(f"{error} Tried for {patience:.0f} seconds.") from None
            log.warning("waiting for the database", extra={"cause": str(error)})
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
