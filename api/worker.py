"""`callboard worker`: what has to be done now and then, until a signal comes."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import start_http_server

from api.readiness import database_url, wait_for_database
from api.refusals import CannotRun
from realtime.redis_onlooker import RedisOnlooker
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
        presence = _presence(settings)
        worker = Worker(settings, database, presence=presence)
    except ValueError as error:
        raise CannotRun(f"{error} Correct the settings.") from None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    try:
        with explained(dsn):
            await database.open()
        async with _shown(settings, worker):
            log.info("working", extra={"chores": ",".join(worker.chores)})
            await worker.work()
    finally:
        if presence is not None:
            await presence.close()
        await database.close()


def _presence(settings: Settings) -> RedisOnlooker | None:
    """Ask the nodes' Redis who is there; without one a worker cannot know."""
    if settings.redis_url is None:
        return None
    return RedisOnlooker(
        settings.redis_url.get_secret_value(), is_cluster=settings.redis_cluster
    )


@asynccontextmanager
async def _shown(settings: Settings, worker: Worker) -> AsyncIterator[None]:
    """
    Show the worker's metrics at a port of its own, if there is one.

    Raises:
        CannotRun: The port is taken.
    """
    if not settings.worker_metrics_port:
        yield
        return
    try:
        server, thread = start_http_server(
            settings.worker_metrics_port, settings.host, worker.metrics.registry
        )
    except OSError as error:
        raise CannotRun(
            f"Metrics cannot be shown at port {settings.worker_metrics_port}:"
            f" {error.strerror}."
        ) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        await asyncio.to_thread(thread.join)
