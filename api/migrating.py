"""`callboard migrate`: the schema, and what the server's login may do in it."""

import sys

from api.readiness import database_url
from realtime.settings import Settings
from storage.checkup import explained, login_of
from storage.migrate import downgrade, migrate


async def migrate_database(settings: Settings, to: str, down: str | None) -> None:
    """
    Upgrade, or go back where `down` names a revision.

    Logs in as CALLBOARD_MIGRATE_DATABASE_URL says where that is set, and lets the
    login of CALLBOARD_DATABASE_URL act as the server then.

    Raises:
        CannotRun, Unusable: There is no such database, or it refuses.
    """
    if settings.migrate_database_url is not None:
        dsn = settings.migrate_database_url.get_secret_value()
    else:
        dsn = database_url(settings)
    with explained(dsn):
        if down is not None:
            await downgrade(dsn, down)
            sys.stdout.write(f"The schema is back at {down}.\n")
            return
        await migrate(dsn, to, grant_to=_server_login(settings, dsn))
    sys.stdout.write(f"The schema is at {to}.\n")


def _server_login(settings: Settings, dsn: str) -> str:
    """Name the server's login where it is not the one that migrates."""
    if settings.database_url is None:
        return ""
    login = login_of(settings.database_url.get_secret_value())
    return "" if login in (None, login_of(dsn)) else str(login)
