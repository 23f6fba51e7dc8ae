"""`callboard token` and `callboard keys`: credentials made on the command line."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from api.readiness import wait_for_database
from api.refusals import CannotRun, Misused
from api.server import build_node
from realtime import auth
from realtime.auth import SCOPES, create_key
from realtime.clock import system_clock
from realtime.node import Node
from realtime.push import vapid
from realtime.settings import Settings
from realtime.tokens import mint
from storage.records import ApiKeyId

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PATIENCE_SECONDS = 3.0


def print_token(settings: Settings, user_id: str, expires_in: str) -> None:
    """
    Print a token as the platform would sign it.

    Raises:
        CannotRun: There is no shared secret to sign with.
        Misused: The id or the time is not one.
    """
    if settings.jwt_secret is None:
        raise CannotRun(
            "CALLBOARD_JWT_SECRET is not set, so there is nothing to sign with: with"
            " a public key or JWKS only the identity provider can make tokens."
        )
    try:
        token = mint(
            settings.jwt_secret.get_secret_value(),
            _uuid(user_id, "user"),
            read_span(expires_in),
            now=system_clock(),
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
        )
    except ValueError as error:
        raise CannotRun(f"{error} Correct CALLBOARD_JWT_SECRET.") from None
    sys.stdout.write(f"{token}\n")


def read_span(text: str) -> timedelta:
    """
    Read `90s`, `15m`, `1h` or `30d`.

    Raises:
        Misused: It is something else, or longer than ten years.
    """
    found = re.fullmatch(r"(\d{1,9})([smhd])", text)
    span = timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else None
    if span is None or not timedelta(0) < span <= timedelta(days=3660):
        raise Misused(f"{text!r} is not a length of time such as 90s, 15m, 1h or 30d.")
    return span


async def add_key(settings: Settings, name: str, scopes: list[str]) -> None:
    """Make an API key and print it, this once."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise Misused(
            f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}."
        )
    if not name.strip():
        raise Misused("The key needs a name, so that it can be told from others.")
    async with _transactions(settings) as node:
        key_id, key = await create_key(node.transaction, name, frozenset(scopes))
    sys.stderr.write(f"Key {key_id}; it is shown this once, so keep it safe:\n")
    sys.stdout.write(f"{key}\n")


async def list_keys(settings: Settings) -> None:
    """Print what is known of the keys, which is not the keys."""
    async with _transactions(settings) as node, node.transaction() as work:
        keys = await work.api_keys.all()
    rows = [("id", "name", "key", "scopes", "created", "last used", "revoked")] + [
        (
            str(key.id),
            key.name,
            f"{key.prefix}…",
            ",".join(sorted(key.scopes)),
            _moment(key.created_at),
            _moment(key.last_used_at),
            _moment(key.revoked_at),
        )
        for key in keys
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


async def revoke_key(settings: Settings, key_id: str) -> None:
    """
    Revoke a key for good.

    Raises:
        CannotRun: There is none that was valid.
    """
    key = ApiKeyId(_uuid(key_id, "key"))
    async with _transactions(settings) as node:
        was_valid = await auth.revoke_key(node.transaction, key)
    if not was_valid:
        raise CannotRun(
            f"No valid key has the id {key}: `callboard keys list` shows all."
        )
    sys.stdout.write(f"Key {key} is revoked.\n")


async def rotate_vapid(settings: Settings) -> None:
    """
    Make a new key for Web Push, and print its public half.

    Those who have subscribed are pushed to with the key that they subscribed with.
    """
    async with _transactions(settings) as node:
        key = await vapid.rotate_key(node.transaction, node.clock())
    sys.stderr.write(f"Key {key.id}; browsers that subscribe from now on use it:\n")
    sys.stdout.write(f"{vapid.public_of(key)}\n")


@asynccontextmanager
async def _transactions(settings: Settings) -> AsyncIterator[Node]:
    """Lend a node that was not opened: it has transactions and announces nothing."""
    await wait_for_database(settings, patience=_PATIENCE_SECONDS)
    try:
        node = build_node(settings)
    except ValueError as error:
        raise CannotRun(f"{error} Correct the settings.") from None
    try:
        yield node
    finally:
        await node.authenticator.close()
        await node.database.close()


def _uuid(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Misused(f"{text!r} is not the id of a {what}: ids are UUIDs.") from None


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"
