"""
What state a database is in, before anything relies on it.

`callboard serve` asks whether it can begin, `callboard doctor` what is amiss; both
want a sentence for people instead of a driver's error.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from storage.database import SERVICE_ROLE, USER_ROLE, plain_dsn
from storage.errors import Busy
from storage.migrate import config
from storage.tables import SCHEMA

Schema = Literal["missing", "older", "current", "newer"]

OLDEST_POSTGRES = 150_000


class Unusable(Exception):
    """The database cannot be used as it is; the message says why and what to do."""


class Unreachable(Unusable):
    """The database does not answer; it may later."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a login finds."""

    version: int
    login: str
    is_superuser: bool
    bypasses_policies: bool
    missing_roles: tuple[str, ...]
    schema: Schema
    revision: str | None
    now: datetime


async def examine(dsn: str) -> Checkup:
    """
    Look at a database with the server's own login, changing nothing.

    Raises:
        Unreachable: Nobody answers.
        Unusable: Somebody does, and refuses.
    """
    async with _connected(dsn) as connection:
        found = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::int AS version,"
            " r.rolname AS login, r.rolsuper, r.rolbypassrls, clock_timestamp() AS now"
            " FROM pg_roles r WHERE r.rolname = current_user"
        )
        missing = await connection.fetch(
            "SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS ("
            "SELECT FROM pg_roles WHERE rolname = name"
            " AND pg_has_role(current_user, oid, 'MEMBER')) ORDER BY name",
            [USER_ROLE, SERVICE_ROLE],
        )
        missing_roles = tuple(row["name"] for row in missing)
        if SERVICE_ROLE not in missing_roles:
            await connection.execute(f"SET ROLE {SERVICE_ROLE}")
        revision = await _revision(connection)
    return Checkup(
        version=found["version"],
        login=found["login"],
        is_superuser=found["rolsuper"],
        bypasses_policies=found["rolbypassrls"],
        missing_roles=missing_roles,
        schema=_compare(revision),
        revision=revision,
        now=found["now"],
    )


async def _revision(connection: asyncpg.Connection) -> str | None:
    if not await connection.fetchval(f"SELECT to_regnamespace('{SCHEMA}') IS NOT NULL"):
        return None
    is_readable = await connection.fetchval(
        f"SELECT has_schema_privilege('{SCHEMA}', 'USAGE')"
        f" AND to_regclass('{SCHEMA}.alembic_version') IS NOT NULL"
    )
    if not is_readable:
        return None
    revision: str | None = await connection.fetchval(
        f"SELECT version_num FROM {SCHEMA}.alembic_version"  # noqa: S608 - a constant
    )
    return revision


def _compare(revision: str | None) -> Schema:
    if revision is None:
        return "missing"
    script = ScriptDirectory.from_config(config())
    if revision == script.get_current_head():
        return "current"
    known = {each.revision for each in script.walk_revisions()}
    return "older" if revision in known else "newer"


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    with explained(dsn):
        connection = await asyncpg.connect(plain_dsn(dsn), timeout=5)
        try:
            yield connection
        finally:
            await connection.close()


@contextmanager
def explained(dsn: str) -> Iterator[None]:
    """
    Turn what a driver says of a database into a sentence without secrets.

    Raises:
        Unreachable, Unusable: As `examine`.
    """
    try:
        yield
    except (Busy, OSError, TimeoutError) as error:
        raise Unreachable(_no_answer(dsn, error)) from error
    except asyncpg.ClientConfigurationError as error:
        raise Unusable(f"The database URL cannot be read: {error}.") from None
    except asyncpg.PostgresError as error:
        raise _refused(dsn, error) from error
    except DBAPIError as error:
        cause = getattr(error.orig, "__cause__", None)
        if not isinstance(cause, asyncpg.PostgresError):
            raise
        raise _refused(dsn, cause) from error
    except CommandError as error:
        said = str(error).rstrip(".")
        raise Unusable(
            f"{said}: name a revision of this release, as in storage/migrations."
        ) from None
    except ValueError as error:
        raise Unusable(f"The database URL cannot be used: {error}.") from None


def _no_answer(dsn: str, error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, Busy) else error
    why = f" ({cause})" if isinstance(cause, OSError) and str(cause) else ""
    return (
        f"PostgreSQL does not answer at {place(dsn)}{why}:"
        " start it, or correct the address in CALLBOARD_DATABASE_URL."
    )


def _refused(dsn: str, error: asyncpg.PostgresError) -> Unusable:
    said = str(error).rstrip(".")
    remedy = "correct CALLBOARD_DATABASE_URL"
    match error:
        case asyncpg.InvalidCatalogNameError():
            remedy = f"create it (`createdb {_database(dsn)}`) or {remedy}"
        case asyncpg.CannotConnectNowError() | asyncpg.TooManyConnectionsError():
            return Unreachable(f"PostgreSQL at {place(dsn)} says: {said}.")
        case asyncpg.InsufficientPrivilegeError():
            remedy = (
                "let a role that owns the database run `callboard migrate`,"
                " named by CALLBOARD_MIGRATE_DATABASE_URL"
            )
        case asyncpg.UndefinedObjectError():
            remedy = "create the role that CALLBOARD_DATABASE_URL names"
    if error.hint:
        remedy = f"{error.hint.rstrip('.')}; or {remedy}"
    return Unusable(f"PostgreSQL at {place(dsn)} says: {said}. Remedy: {remedy}.")


def place(dsn: str) -> str:
    """Name the server of a DSN, for a message: never with user or password."""
    parts = urlsplit(dsn)
    host = parts.hostname or ",".join(parse_qs(parts.query).get("host", []))
    try:
        port = parts.port
    except ValueError:
        port = None
    return f"{host or 'the default socket'}{f':{port}' if port else ''}"


def login_of(dsn: str) -> str | None:
    """Tell as whom a DSN logs in; None where it leaves that to the environment."""
    parts = urlsplit(dsn)
    named = parse_qs(parts.query).get("user", [])
    return unquote(parts.username) if parts.username else next(iter(named), None)


def _database(dsn: str) -> str:
    return urlsplit(dsn).path.lstrip("/") or "callboard"
