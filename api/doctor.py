"""`callboard doctor`: what is wrong with the set-up, and what to do about it."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from api.dev_home import default_directory
from api.intake import intake_port
from api.server import CannotListen, listen
from realtime.clock import system_clock
from realtime.jwks import KeySet, KeysUnavailable
from realtime.redis_check import why_redis_fails
from realtime.settings import PREFIX, Settings, SettingsError, load
from realtime.tokens import SECRET_BYTES, TokenVerifier
from storage.checkup import OLDEST_POSTGRES, Checkup, Unusable, examine

# Tokens are taken ten seconds before and after their time; half of that is near.
_SKEW_SECONDS = 5.0
_BYTES_WANTED = 500_000_000

Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked at; where it is not well, with the remedy."""

    level: Level
    says: str
    remedy: str = ""


async def diagnose(environment: Mapping[str, str]) -> list[Finding]:
    """Look at everything that a server started with this environment would need."""
    found = [Finding("ok", f"Python {'.'.join(map(str, sys.version_info[:3]))}")]
    settings, wrong = _settings(environment)
    found += wrong
    if settings is None:
        return found
    found += [each async for each in _database(settings)]
    found += [each async for each in _redis(settings)]
    found += _tokens(settings)
    found += [each async for each in _jwks(settings)]
    found += [each async for each in _address(settings)]
    found += [each async for each in _incoming_mail(settings)]
    found += _machine(settings)
    return found


def print_findings(found: list[Finding]) -> int:
    """Print what was found and give the exit code: 1 where something is wrong."""
    for finding in found:
        sys.stdout.write(f"{finding.level:8} {finding.says}\n")
        if finding.remedy:
            sys.stdout.write(f"{'':8} → {finding.remedy}\n")
    wrong = sum(finding.level == "wrong" for finding in found)
    if wrong:
        sys.stdout.write(f"\n{wrong} thing{'s are' if wrong > 1 else ' is'} wrong.\n")
        return 1
    sys.stdout.write("\nNothing is wrong.\n")
    return 0


def _settings(
    environment: Mapping[str, str],
) -> tuple[Settings | None, list[Finding]]:
    """Read the settings; unknown names do not keep the others from being checked."""
    found: list[Finding] = []
    try:
        return load(environment), [Finding("ok", "Every setting is known and fit.")]
    except SettingsError as error:
        found.append(Finding("wrong", str(error), "Correct or remove these settings."))
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    try:
        kept = {name: environment[name] for name in known & environment.keys()}
        return load(kept), found
    except SettingsError as error:
        if str(error) != found[0].says:
            found.append(
                Finding("wrong", str(error), "Correct or remove these settings.")
            )
        return None, found


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    if settings.database_url is None:
        yield Finding(
            "wrong",
            "There is no database: CALLBOARD_DATABASE_URL is not set.",
            "Set it to a PostgreSQL 15 or newer; `callboard dev` needs none.",
        )
        return
    before = system_clock()
    try:
        checkup = await examine(settings.database_url.get_secret_value())
    except Unusable as error:
        says, _, remedy = str(error).partition(": ")
        if "Remedy: " in str(error):
            says, _, remedy = str(error).partition(" Remedy: ")
        yield Finding("wrong", says, remedy)
        return
    for finding in _of_checkup(checkup):
        yield finding
    skew = max(
        (before - checkup.now).total_seconds(),
        (checkup.now - system_clock()).total_seconds(),
    )
    if skew > _SKEW_SECONDS:
        yield Finding(
            "wrong",
            f"The clocks of this machine and the database differ by {skew:.0f} s.",
            "Have both follow a time server (NTP).",
        )
    if settings.migrate_database_url is not None:
        try:
            await examine(settings.migrate_database_url.get_secret_value())
        except Unusable as error:
            yield Finding("wrong", f"As who migrates: {error}")


def _of_checkup(checkup: Checkup) -> Iterator[Finding]:
    version = f"{checkup.version // 10_000}.{checkup.version % 10_000}"
    if checkup.version < OLDEST_POSTGRES:
        yield Finding(
            "wrong",
            f"PostgreSQL {version} is too old.",
            "Move to PostgreSQL 15 or newer.",
        )
    else:
        yield Finding("ok", f"PostgreSQL {version} answers.")
    if checkup.is_superuser or checkup.bypasses_policies:
        what = "is a superuser" if checkup.is_superuser else "bypasses row security"
        yield Finding(
            "warning",
            f"The server's login {checkup.login} {what}.",
            "Give the server a login of its own (CREATE ROLE … LOGIN), name the owner"
            " in CALLBOARD_MIGRATE_DATABASE_URL and run `callboard migrate`.",
        )
    if checkup.missing_roles:
        yield Finding(
            "wrong",
            f"{checkup.login} may not act as {', '.join(checkup.missing_roles)}.",
            "Run `callboard migrate`, which makes these roles and grants them.",
        )
    elif checkup.schema == "current":
        yield Finding("ok", f"The schema is this program's ({checkup.revision}).")
    elif checkup.schema == "newer":
        yield Finding(
            "wrong",
            f"The schema ({checkup.revision}) is newer than this program.",
            "Upgrade callboard here to the version that migrated the database.",
        )
    else:
        state = "has no schema yet" if checkup.schema == "missing" else "has an old one"
        yield Finding("wrong", f"The database {state}.", "Run `callboard migrate`.")


async def _redis(settings: Settings) -> AsyncIterator[Finding]:
    if settings.redis_url is None:
        if settings.workers > 1:
            yield Finding(
                "warning",
                "Several workers share no Redis: messages and receipts reach the"
                " others from the database, up to half a second later; presence and"
                " typing are known only within each.",
                "Set CALLBOARD_REDIS_URL.",
            )
        return
    why = await why_redis_fails(
        settings.redis_url.get_secret_value(), is_cluster=settings.redis_cluster
    )
    if why is None:
        yield Finding("ok", "Redis answers.")
    else:
        yield Finding(
            "wrong",
            f"Redis cannot be used: {why}.",
            "Start it, or correct CALLBOARD_REDIS_URL; unset, one node needs none.",
        )


def _tokens(settings: Settings) -> Iterator[Finding]:
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    if not (secret or settings.jwt_public_key or settings.jwt_jwks_url):
        yield Finding(
            "wrong",
            "No user can prove who they are: no key for tokens is set.",
            "Set CALLBOARD_JWT_SECRET, CALLBOARD_JWT_PUBLIC_KEY or"
            " CALLBOARD_JWT_JWKS_URL to what the platform signs with.",
        )
        return
    if secret is not None and len(secret.encode()) < SECRET_BYTES:
        yield Finding(
            "wrong",
            f"CALLBOARD_JWT_SECRET is shorter than {SECRET_BYTES} bytes; it can be"
            " guessed.",
            "Make a longer one where tokens are signed: `openssl rand -base64 32`.",
        )
        return
    try:
        TokenVerifier(
            secret=secret,
            public_key=settings.jwt_public_key,
            jwks_url=settings.jwt_jwks_url,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            clock=system_clock,
        )
    except ValueError as error:
        yield Finding("wrong", str(error), "Correct the CALLBOARD_JWT_… settings.")
    else:
        yield Finding("ok", "Tokens can be checked.")


async def _jwks(settings: Settings) -> AsyncIterator[Finding]:
    if settings.jwt_jwks_url is None:
        return
    remedy = "Open CALLBOARD_JWT_JWKS_URL from this machine and look what comes."
    try:
        keys = KeySet(settings.jwt_jwks_url, clock=system_clock)
    except ValueError:
        return  # said above
    try:
        usable = [
            key
            for algorithm in ("RS256", "ES256", "EdDSA")
            for key in await keys.matching(algorithm, None)
        ]
    except KeysUnavailable:
        yield Finding("wrong", "The platform's signing keys cannot be read.", remedy)
    else:
        if usable:
            yield Finding("ok", f"The platform publishes {len(usable)} usable keys.")
        else:
            yield Finding("wrong", "The platform publishes no usable keys.", remedy)
    finally:
        await keys.close()


async def _address(settings: Settings) -> AsyncIterator[Finding]:
    try:
        listen(settings.host, settings.port).close()
    except CannotListen as error:
        if await _is_callboard(settings):
            yield Finding("ok", f"A Callboard serves port {settings.port} already.")
        else:
            says, _, remedy = str(error).partition("; ")
            yield Finding("wrong", says, remedy)
    else:
        yield Finding("ok", f"Port {settings.port} is free.")


async def _is_callboard(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    try:
        async with httpx.AsyncClient(timeout=3, trust_env=False) as http:
            answer = await http.get(f"http://{host}:{settings.port}/openapi.json")
            return bool(answer.json()["info"]["title"] == "Callboard")
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


async def _incoming_mail(settings: Settings) -> AsyncIterator[Finding]:
    if settings.mail_domain is None:
        if settings.smtp_url is not None:
            yield Finding(
                "warning",
                "Mails go out, but nobody hears of those that come back.",
                "Set CALLBOARD_MAIL_DOMAIN and run `callboard intake` (docs/email.md).",
            )
        return
    port = intake_port(settings)
    if await _takes_mail(settings.intake_host, port):
        yield Finding("ok", f"An intake takes mail at port {port}.")
    else:
        yield Finding(
            "warning",
            f"Nothing takes mail at port {port}.",
            "Run `callboard intake`, here or where CALLBOARD_INTAKE_HOST is.",
        )


async def _takes_mail(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(host, port)
            greeting = await reader.readline()
    except (OSError, ValueError, TimeoutError):
        return False
    writer.close()
    return greeting.startswith(b"220 ") and b"Callboard" in greeting


def _machine(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        directory = _existing(default_directory())
        free = shutil.disk_usage(directory).free
        if free < _BYTES_WANTED:
            yield Finding(
                "wrong",
                f"Only {free // 1_000_000} MB are free where `callboard dev` keeps its"
                f" data ({directory}).",
                "Free some space, or choose another directory with --data-dir.",
            )
    if os.geteuid() == 0:
        yield Finding(
            "warning",
            "This is root, and nothing here needs to be.",
            "Run the server as a user of its own.",
        )


def _existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.exists())
