"""From a token or a key to whoever is acting; both doors ask here."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from realtime.actions.users import admit
from realtime.actor import Actor, Platform
from realtime.clock import Clock
from realtime.errors import Unauthenticated, Unavailable
from realtime.jwks import KeysUnavailable
from realtime.settings import Settings
from realtime.tokens import InvalidToken, TokenVerifier
from realtime.work import Transactions
from storage.ids import uuid7
from storage.records import ApiKeyId

KEY_PREFIX = "cbk_"
# What a listing shows of a key, so that people can tell theirs apart.
_SHOWN_CHARS = 8

FULL_SCOPE = "*"
SCOPES = (
    "*",
    "users",
    "organizations",
    "gigs",
    "applications",
    "groups",
    "connections",
    "tokens",
    "moderation",
    "audit",
    "events",
    "notifications",
    "deliveries",
    "metrics",
)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Somebody, until a moment."""

    actor: Actor
    expires_at: datetime


class Authenticator:
    """Checks credentials against keys and against what the database says now."""

    def __init__(
        self, settings: Settings, transactions: Transactions, clock: Clock
    ) -> None:
        secret = settings.jwt_secret
        self._transactions = transactions
        self._may_create = settings.create_users
        self._verifier = TokenVerifier(
            secret=secret.get_secret_value() if secret else None,
            public_key=settings.jwt_public_key,
            jwks_url=settings.jwt_jwks_url,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            clock=clock,
        )

    async def user(self, token: str) -> Authenticated:
        """
        Find out whom a JWT speaks for.

        Raises:
            Unauthenticated, Suspended: Not for anybody who may come in.
            Unavailable: The keys or the database cannot be reached now.
        """
        try:
            claims = await self._verifier.verify(token)
        except InvalidToken as error:
            raise Unauthenticated(str(error)) from None
        except KeysUnavailable as error:
            raise Unavailable(str(error)) from None
        async with self._transactions() as work:
            actor = await admit(work, claims, may_create=self._may_create)
        return Authenticated(actor, claims.expires_at)

    async def platform(self, key: str) -> Platform:
        """
        Find out whose API key this is.

        Raises:
            Unauthenticated: Nobody's, or it was revoked.
        """
        async with self._transactions() as work:
            found = await work.api_keys.with_hash(hash_key(key))
            if found is None:
                raise Unauthenticated("The API key is unknown or was revoked.")
            await work.api_keys.touch(found.id)
        return Platform(found.id, found.scopes)

    async def close(self) -> None:
        """Stop fetching keys."""
        await self._verifier.close()


def hash_key(key: str) -> bytes:
    """
    Give what is stored of an API key.

    A plain hash will do: a key has 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(key.encode()).digest()


async def create_key(
    transactions: Transactions, name: str, scopes: frozenset[str]
) -> tuple[ApiKeyId, str]:
    """Make an API key; this is the only moment at which anybody sees it."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return await keep_key(transactions, name, scopes, key), key


async def keep_key(
    transactions: Transactions, name: str, scopes: frozenset[str], key: str
) -> ApiKeyId:
    """Keep a key that the operator chose; safe to repeat."""
    key_id = ApiKeyId(uuid7())
    async with transactions() as work:
        is_new = await work.api_keys.add(
            key_id,
            name,
            key[: len(KEY_PREFIX) + _SHOWN_CHARS],
            hash_key(key),
            sorted(scopes),
        )
        if is_new:
            subject = {"api_key_id": key_id}
            work.happen("api_key.created", subject, {"scopes": sorted(scopes)})
    return key_id


async def revoke_key(transactions: Transactions, key: ApiKeyId) -> bool:
    """Revoke an API key for good; False if there is none that was valid."""
    async with transactions() as work:
        was_valid = await work.api_keys.revoke(key)
        if was_valid:
            work.happen("api_key.revoked", {"api_key_id": key})
    return was_valid
