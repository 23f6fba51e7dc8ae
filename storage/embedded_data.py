"""What is in an embedded server: its data directory, databases and logins."""

import os
import secrets
import shutil

import asyncpg

from storage.embedded_binaries import Binaries
from storage.embedded_home import Home, tail
from storage.embedded_process import EmbeddedPostgresError

SUPERUSER = "postgres"
_BUILTIN_LOCALE_SINCE = 17


def prepare_data(
    home: Home, binaries: Binaries, *, claim: int, is_durable: bool
) -> None:
    """
    Leave a data directory which these programs can open, creating it if need be.

    Raises:
        EmbeddedPostgresError: initdb failed, or the data are of another version.
    """
    if home.data.exists():
        _check_version(home, binaries)
    else:
        _create(home, binaries, claim=claim, is_durable=is_durable)


def _check_version(home: Home, binaries: Binaries) -> None:
    written_by = (home.data / "PG_VERSION").read_text().strip()
    if written_by != str(binaries.major):
        raise EmbeddedPostgresError(
            f"{home.data} was written by PostgreSQL {written_by}, but "
            f"{binaries.directory} is PostgreSQL {binaries.major}: set "
            f"CALLBOARD_POSTGRES_BIN to a PostgreSQL {written_by}, and to move on, "
            "dump there and restore into a new directory."
        )


def _create(home: Home, binaries: Binaries, *, claim: int, is_durable: bool) -> None:
    """
    Run initdb; the directory gets its name when complete, so that it is never half.

    initdb inherits the claim: should we be killed now, the next process waits for it.
    """
    new = home.root / "data.new"
    password_file = home.root / "initdb.password"
    if new.exists():  # initdb was interrupted
        shutil.rmtree(new)
    password_file.unlink(missing_ok=True)
    password = home.password(SUPERUSER) or secrets.token_urlsafe(24)
    home.remember(SUPERUSER, password)
    home.make_private(new)
    home.write_secret(password_file, password)
    os.chown(password_file, home.account.uid, home.account.gid)
    try:
        done = home.account.run(
            [
                binaries.directory / "initdb",
                *("--pgdata", new, "--username", SUPERUSER, "--pwfile", password_file),
                *("--auth", "scram-sha-256", "--encoding", "UTF8"),
                *_locale(binaries.major),
                *([] if is_durable else ["--no-sync"]),
            ],
            pass_fds=[claim],
        )
    finally:
        password_file.unlink()
    if done.returncode != 0:
        shutil.rmtree(new)
        raise EmbeddedPostgresError(
            f"PostgreSQL could not create its data in {home.root} (is there space, "
            f"and may user {home.account.name} write there?):{tail(done.stdout)}"
        )
    new.rename(home.data)


def _locale(major: int) -> list[str]:
    """The locale that sorts the same on every machine, whatever is installed there."""
    if major < _BUILTIN_LOCALE_SINCE:
        return ["--no-locale"]
    return ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


async def create_database(admin_url: str, name: str, owner: str) -> None:
    """Create a database unless it exists."""
    connection = await asyncpg.connect(admin_url)
    try:
        known = "SELECT 1 FROM pg_database WHERE datname = $1"
        if await connection.fetchval(known, name) is None:
            create = "SELECT format('CREATE DATABASE %I OWNER %I', $1::text, $2::text)"
            await connection.execute(await connection.fetchval(create, name, owner))
    finally:
        await connection.close()


async def create_login(admin_url: str, role: str, password: str) -> None:
    """Give a role, created unless it exists, this password and no privileges."""
    connection = await asyncpg.connect(admin_url)
    try:
        known = "SELECT 1 FROM pg_roles WHERE rolname = $1"
        if await connection.fetchval(known, role) is None:
            create = "SELECT format('CREATE ROLE %I', $1::text)"
            await connection.execute(await connection.fetchval(create, role))
        alter = (
            "SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB "
            "NOCREATEROLE NOREPLICATION PASSWORD %L', $1::text, $2::text)"
        )
        await connection.execute(await connection.fetchval(alter, role, password))
    finally:
        await connection.close()
