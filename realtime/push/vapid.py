"""
VAPID: the server says to push services who it is (RFC 8292).

The key is made once and kept (`storage/server_keys.py`). A browser subscribes with the
public half, so what it subscribed with signs for it as long as it stays: after a
rotation the old key goes on for old subscriptions.
"""

from datetime import datetime, timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)

from realtime.clock import Clock
from realtime.push.encryption import encode, point_of
from realtime.work import Transactions
from storage.server_keys import NewKey, ServerKey
from storage.unit_of_work import UnitOfWork

# RFC 8292, section 2 allows 24 hours; half of it leaves room for wrong clocks.
_TOKENS_LAST = timedelta(hours=12)
_RENEWED_BEFORE = timedelta(hours=1)
# Origins that are remembered; there are a handful of push services.
_TOKENS_KEPT = 1000
_SECRET_BYTES = 32


class UnknownKey(Exception):
    """The subscription names a key that the server does not have."""


def make_key() -> NewKey:
    """Make a key pair; the public half as browsers want it."""
    private = generate_private_key(SECP256R1())
    secret = private.private_numbers().private_value.to_bytes(_SECRET_BYTES)
    return NewKey(secret, point_of(private.public_key()))


async def current_key(work: UnitOfWork) -> ServerKey:
    """Give the key that browsers subscribe with now; for the service."""
    return await work.server_keys.current("vapid", make_key)


async def rotate_key(transactions: Transactions, now: datetime) -> ServerKey:
    """Have new subscriptions use a new key; those before keep theirs."""
    async with transactions() as work:
        key = await work.server_keys.rotate("vapid", make_key, now)
        work.happen("vapid.rotated", {"key_id": key.id})
    return key


def public_of(key: ServerKey) -> str:
    """Write the public half as `applicationServerKey` takes it."""
    return encode(key.public or b"")


class Vapid:
    """Signs for push services; a signature serves for hours."""

    def __init__(
        self, transactions: Transactions, clock: Clock, subject: str | None
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._subject = subject
        self._keys: dict[UUID, tuple[EllipticCurvePrivateKey, str]] = {}
        self._tokens: dict[tuple[UUID, str], tuple[str, datetime]] = {}

    async def authorization(self, key_id: UUID | None, origin: str) -> str:
        """
        Write the header that proves to a service who sends.

        Raises:
            UnknownKey: There is no such key.
            Unavailable: The database is away.
        """
        if key_id is None:
            raise UnknownKey
        private, public = await self._key(key_id)
        now = self._clock()
        token, until = self._tokens.get((key_id, origin), ("", now))
        if until - now < _RENEWED_BEFORE:
            until = now + _TOKENS_LAST
            claims = {"aud": origin, "exp": int(until.timestamp())}
            if self._subject:
                claims["sub"] = self._subject
            token = jwt.encode(claims, private, algorithm="ES256")
            if len(self._tokens) >= _TOKENS_KEPT:
                self._tokens.clear()
            self._tokens[key_id, origin] = token, until
        return f"vapid t={token}, k={public}"

    async def _key(self, key_id: UUID) -> tuple[EllipticCurvePrivateKey, str]:
        if key_id not in self._keys:
            async with self._transactions() as work:
                kept = await work.server_keys.all("vapid")
            self._keys = {key.id: _pair(key) for key in kept}
        try:
            return self._keys[key_id]
        except KeyError:
            raise UnknownKey from None


def _pair(key: ServerKey) -> tuple[EllipticCurvePrivateKey, str]:
    private = derive_private_key(int.from_bytes(key.secret), SECP256R1())
    return private, public_of(key)
