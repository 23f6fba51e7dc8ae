"""
Prove who a JSON Web Token speaks for.

Three sources of keys can be configured together: a secret shared with the
platform (HS256), a public key as PEM, and a JWKS endpoint (both for RS256,
ES256 and EdDSA). A key works with the one algorithm that fits it and is never
tried with another, so that a token cannot choose how it is checked; keys that
a token brings along (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.

PyJWT checks the signature only. Times are checked here against the clock that
was given, and no message repeats anything that stood in a token.

Verified tokens are not cached: HS256 costs about 0.1 ms and EdDSA 0.3 ms, once
per socket or HTTP request, which is less than a cache would have to answer for.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from realtime.jwks import FAMILIES, Key, KeySet, fit_key

log = logging.getLogger(__name__)

# A token travels in a header; servers and proxies commonly allow 8 KiB for one.
TOKEN_CHARS = 8192
# RFC 7518, 3.2: an HS256 key is at least as long as the hash.
SECRET_BYTES = 32
PROFILE_CHARS = 200

_ALGORITHMS = frozenset({"HS256", *FAMILIES.values()})
_JWS = jwt.PyJWS(algorithms=list(_ALGORITHMS))

# Control characters, line separators, marks that turn the direction of writing,
# and halves of surrogate pairs, which cannot be stored as UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class InvalidToken(Exception):
    """The token proves nothing; the message says why, without quoting from it."""


@dataclass(frozen=True)
class Claims:
    """
    What a verified token says.

    `name` and `email` are fit for display and storage: trimmed, without control
    characters, at most 200 characters. The issuer vouches for them only as far
    as it does itself: `user_metadata` is often written by the user.
    """

    user_id: UUID
    expires_at: datetime
    issued_at: datetime | None
    name: str | None
    email: str | None


class TokenVerifier:
    """
    Decides whether a token is genuine and current.

    Belongs to one event loop. Raises `ValueError` at once when a key is unfit:
    an empty secret, a PEM that is not a public RSA (2048 bits or more), P-256 or
    Ed25519 key, or a JWKS address that is not plain HTTP or HTTPS. A secret under 32
    bytes works and is warned about: platforms have theirs already.
    """

    def __init__(
        self,
        *,
        secret: str | None,
        public_key: str | None,
        jwks_url: str | None,
        audience: str | None,
        issuer: str | None,
        leeway: timedelta = timedelta(seconds=10),
        clock: Callable[[], datetime],
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._keys: list[Key] = []
        if secret is not None:
            self._keys.append(Key("HS256", _read_secret(secret)))
        if public_key is not None:
            self._keys.append(_read_pem(public_key))
        self._key_set = (
            None if jwks_url is None else KeySet(jwks_url, clock=clock, http=http)
        )
        self._audience = audience
        self._issuer = issuer
        self._leeway = leeway
        self._clock = clock

    async def verify(self, token: str) -> Claims:
        """
        Tell whom a token speaks for.

        Raises:
            InvalidToken: It is malformed, not signed by a configured key, not
                valid at this time, or meant for somebody else.
            KeysUnavailable: Its key is not at hand and the JWKS endpoint fails.
        """
        payload = await self._signed_payload(token)
        self._check_addressee(payload)
        now = self._clock()
        expires_at = _instant(payload, "exp")
        if expires_at is None:
            raise InvalidToken("The token never expires.")
        if now - self._leeway >= expires_at:
            raise InvalidToken("The token has expired.")
        issued_at = _instant(payload, "iat")
        for starts_at in (issued_at, _instant(payload, "nbf")):
            if starts_at is not None and starts_at > now + self._leeway:
                raise InvalidToken("The token is not valid yet.")
        metadata = payload.get("user_metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return Claims(
            user_id=_user_id(payload.get("sub")),
            expires_at=expires_at,
            issued_at=issued_at,
            name=_first_text(
                payload.get("name"), metadata.get("name"), metadata.get("full_name")
            ),
            email=_first_text(payload.get("email"), metadata.get("email")),
        )

    async def close(self) -> None:
        """Stop fetching keys; a client handed in from outside stays open."""
        if self._key_set is not None:
            await self._key_set.close()

    async def _signed_payload(self, token: str) -> dict[str, Any]:
        algorithm, kid = _read_header(token)
        keys = [key for key in self._keys if key.algorithm == algorithm]
        payload = _payload_signed_by(token, keys)
        if payload is None and self._key_set is not None and algorithm != "HS256":
            payload = _payload_signed_by(
                token, await self._key_set.matching(algorithm, kid)
            )
        if payload is None:
            raise InvalidToken("The token is not signed by a key known here.")
        try:
            claims = json.loads(payload)
        except (ValueError, RecursionError):
            claims = None
        if not isinstance(claims, dict):
            raise InvalidToken("The token's claims are not a JSON object.")
        return claims

    def _check_addressee(self, payload: dict[str, Any]) -> None:
        if self._audience is not None:
            audience = payload.get("aud")
            listed = audience if isinstance(audience, list) else [audience]
            if self._audience not in listed:
                raise InvalidToken("The token is meant for another audience.")
        if self._issuer is not None and payload.get("iss") != self._issuer:
            raise InvalidToken("The token comes from another issuer.")


def mint(
    secret: str,
    user_id: UUID,
    expires_in: timedelta,
    *,
    now: datetime,
    name: str | None = None,
    email: str | None = None,
    audience: str | None = None,
    issuer: str | None = None,
) -> str:
    """
    Issue an HS256 token as the platform would, for development and backends.

    Raises:
        ValueError: The secret is unfit, as for `TokenVerifier`.
    """
    optional = {"name": name, "email": email, "aud": audience, "iss": issuer}
    claims = {
        "sub": str(user_id),
        "iat": int(now.timestamp()),
        "exp": int((now + expires_in).timestamp()),
    } | {claim: value for claim, value in optional.items() if value is not None}
    return jwt.encode(claims, _read_secret(secret), algorithm="HS256")


def _read_header(token: str) -> tuple[str, str | None]:
    if len(token) > TOKEN_CHARS:
        raise InvalidToken("The token is too long.")
    if not token.isascii():
        raise InvalidToken("The token is malformed.")
    try:
        header = _JWS.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise InvalidToken("The token is malformed.") from None
    # RFC 7515, 4.1.11: extensions that are not understood make a token invalid.
    if "crit" in header:
        raise InvalidToken("The token demands an extension not supported here.")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise InvalidToken("The token's algorithm is not accepted here.")
    return algorithm, header.get("kid")


def _payload_signed_by(token: str, keys: Iterable[Key]) -> bytes | None:
    for key in keys:
        try:
            payload: bytes = _JWS.decode(
                token, key.material, algorithms=[key.algorithm]
            )
        except jwt.InvalidTokenError:
            continue
        return payload
    return None


def _instant(payload: dict[str, Any], claim: str) -> datetime | None:
    if claim not in payload:
        return None
    seconds, instant = payload[claim], None
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        # Out of the calendar's range is refused below like any other nonsense.
        with suppress(ValueError, OverflowError, OSError):
            instant = datetime.fromtimestamp(seconds, UTC)
    if instant is None:
        raise InvalidToken(f"The token's `{claim}` is not a time.")
    return instant


def _user_id(subject: object) -> UUID:
    # UUID() alone would take braces, `urn:uuid:` and other spellings too.
    try:
        user_id = UUID(subject) if isinstance(subject, str) else None
    except ValueError:
        user_id = None
    if user_id is None or str(user_id) != str(subject).lower():
        raise InvalidToken("The token's `sub` is not a UUID.")
    return user_id


def _first_text(*candidates: object) -> str | None:
    for candidate in candidates:
        if isinstance(candidate, str):
            text = _UNPRINTABLE.sub("", candidate).strip()[:PROFILE_CHARS].rstrip()
            if text:
                return text
    return None


def _read_secret(secret: str) -> bytes:
    if not secret:
        raise ValueError("The JWT secret is empty.")
    if len(secret.encode()) < SECRET_BYTES:
        log.warning("The JWT secret is shorter than 32 bytes and can be guessed.")
    try:
        # Refuses keys meant for other algorithms: a public key as the shared
        # secret is the classic confusion.
        prepared: bytes = _JWS.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ValueError("The JWT secret is a key of another kind.") from None
    return prepared


def _read_pem(text: str) -> Key:
    try:
        key = fit_key(load_pem_public_key(text.strip().encode()))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("The JWT public key is not a public key in PEM.") from None
    if key is None:
        raise ValueError(
            "The JWT public key is neither RSA (2048 bits or more), P-256 nor Ed25519."
        )
    return key
