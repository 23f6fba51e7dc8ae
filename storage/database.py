"""
The way to PostgreSQL: an engine for transactions, a pool for the hot paths.

Both log in with one DSN. Every connection works as `callboard_service` and a user's
transaction steps down to `callboard_user` (storage/sql/4_policies.sql).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import orjson
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.errors import Busy, Duplicate, Missing

SERVICE_ROLE = "callboard_service"
USER_ROLE = "callboard_user"

# Two batches in flight, a sweep, a resume and one to spare.
HOT_CONNECTIONS = 6

# Above this a statement is stuck rather than slow; the caller hears `unavailable`.
STATEMENT_TIMEOUT_MS = 30_000


def plain_dsn(dsn: str) -> str:
    """Take a DSN as SQLAlchemy, Heroku or libpq write it; give it as libpq does."""
    scheme, separator, rest = dsn.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("the database URL must begin with postgresql://")
    return f"postgresql://{rest}"


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """
    Give a hot connection back without a word to the server.

    Nobody changes a session there, so the driver's reset would cost each batch a round
    trip for nothing; and where the server went away right after a commit, it would fail
    and take that for the batch's fault.
    """


# A connection that is still busy then is cut.
_CLOSE_SECONDS = 5


class Database:
    """
    One PostgreSQL, opened once per process.

    `engine` serves transactions (`UnitOfWork`), `pool` the statements that skip the
    toolkit: the batch writer and the feed. Both are bounded, so a flood waits here
    and not in PostgreSQL. `variables` are what SQL has to know of the server's
    settings, which it reads as `current_setting('callboard.<name>', true)`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        connections: int = 10,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._dsn = plain_dsn(dsn)
        self._variables = {
            f"callboard.{name}": value for name, value in (variables or {}).items()
        }
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            # Reads back what it wrote: of a large number jsonb makes an integer that
            # the standard library's reader keeps and no writer of JSON takes.
            json_deserializer=orjson.loads,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=10,
            # What people wrote is not for logs, and exceptions end up there.
            hide_parameters=True,
            # A connection that died while idle is replaced instead of failing a call.
            pool_pre_ping=True,
        )
        self._pool: asyncpg.Pool | None = None

    async def _connect(self) -> asyncpg.Connection:
        """Open one connection the way every connection is opened."""
        return await asyncpg.connect(self._dsn, **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "timeout": 10,
            "server_settings": {
                "application_name": "callboard",
                "role": SERVICE_ROLE,
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "jit": "off",
            }
            | self._variables,
        }

    async def open(self) -> None:
        """
        Reach the database, or say so now rather than at the first message.

        Raises:
            Busy: PostgreSQL cannot be reached.
        """
        with busy_when_unreachable():
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=HOT_CONNECTIONS,
                reset=_leave_as_it_is,
                **self._options(),
            )

    async def close(self) -> None:
        """Give every connection back."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()
        await self.engine.dispose()

    @asynccontextmanager
    async def hot(self) -> AsyncIterator[asyncpg.Connection]:
        """
        Lend a connection of the hot pool, for at most the statements inside.

        Raises:
            Busy: PostgreSQL is away, or all connections stayed taken for 10 s.
        """
        if self._pool is None:
            raise Busy("the database is not open")
        with busy_when_unreachable():
            async with self._pool.acquire(timeout=10) as connection:
                yield connection


@contextmanager
def busy_when_unreachable() -> Iterator[None]:
    """Turn the driver's many ways of saying no into storage's three."""
    try:
        with translated():
            yield
    except DBAPIError as error:
        if error.connection_invalidated or _is_passing(error.orig):
            raise Busy("the database did not answer") from error
        raise
    except PoolTimeoutError as error:
        raise Busy("all database connections are taken") from error
    except (OSError, TimeoutError) as error:
        raise Busy("the database cannot be reached") from error
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        if _is_passing(error):
            raise Busy("the database did not answer") from error
        raise


@contextmanager
def translated() -> Iterator[None]:
    """
    Say at once, inside a transaction, that a row is missing or stands there already.

    Raises:
        Duplicate, Missing: Naming the constraint.
    """
    try:
        yield
    except IntegrityError as error:
        raise _integrity(error) from error


def _integrity(error: IntegrityError) -> Duplicate | Missing | IntegrityError:
    cause = getattr(error.orig, "__cause__", None)
    constraint = getattr(cause, "constraint_name", None) or "unknown"
    if isinstance(cause, asyncpg.UniqueViolationError):
        return Duplicate(constraint)
    if isinstance(cause, asyncpg.ForeignKeyViolationError):
        return Missing(constraint)
    return error


_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    # The server has just said that it goes away.
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
)


def _is_passing(error: BaseException | None) -> bool:
    """Will the same call succeed later?"""
    while error is not None:
        if isinstance(error, _PASSING):
            return True
        if isinstance(error, asyncpg.InterfaceError):
            # A connection that closed under the statement, or a pool going away.
            return "closed" in str(error) or "closing" in str(error)
        error = error.__cause__
    return False
