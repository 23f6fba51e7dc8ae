"""`callboard worker`: what has to be done now and then, until a signal comes."""

import asyncio
import logging
import signal

from api.readiness import database_url, wait_for_database
from api.refusals import CannotRun
from realtime.settings import Settings
from realtime.worker import Worker
from storage.checkup import explained
from storage.database import Database

log = logging.getLogger(__name__)


async def work_until_signal(settings: Settings) -> None:
    """
    Work until SIGINT or SIGTERM; what was begun is finished.

    Raises:
        CannotRun, Unusable: The database is not there, or not as it must be.
    """
    await wait_for_database(settings)
    dsn = database_url(settings)
    database = Database(
        dsn,
        connections=settings.database_connections,
        variables=settings.session_variables,
    )
    try:
        worker = Worker(settings, database)
    except ValueError as error:
        raise CannotRun(f"{error} Correct the settings.") from None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    try:
        with explained(dsn):
            await database.open()
        log.info("working", extra={"chores": ",".join(worker.chores)})
        await worker.work()
    finally:
        await database.close()
