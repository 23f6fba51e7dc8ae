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

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import httpx
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

log = logging.getLogger(__name__)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

# A token travels in a header; servers and proxies commonly allow 8 KiB for one.
TOKEN_CHARS = 8192
# RFC 7518, 3.2: an HS256 key is at least as long as the hash.
SECRET_BYTES = 32
# NIST SP 800-131A sets the lower bound; above the upper one, checking a
# signature takes long enough to hold up everybody else.
RSA_BITS = range(2048, 8193)
PROFILE_CHARS = 200

FETCH_WITHIN = timedelta(seconds=5)
FETCH_BYTES = 1024 * 1024
# Real sets hold a handful of keys; each costs a check when a token names none.
KEYS_PER_SET = 64
FRESH_FOR = timedelta(minutes=10)
RETRY_AFTER = timedelta(seconds=10)
KEPT_FOR = timedelta(hours=24)

# Which algorithm a JWK's family is read with; `oct` is left out on purpose.
_FAMILIES = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
_ALGORITHMS = frozenset({"HS256", *_FAMILIES.values()})
_JWS = jwt.PyJWS(algorithms=list(_ALGORITHMS))

# Control characters, line separators, marks that turn the direction of writing,
# and halves of surrogate pairs, which cannot be stored as UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class InvalidToken(Exception):
    """The token proves nothing; the message says why, without quoting from it."""


class KeysUnavailable(Exception):
    """The key to check with cannot be fetched now; the token may pass later."""


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


@dataclass(frozen=True)
class Key:
    """A key together with the only algorithm it may verify."""

    algorithm: str
    material: bytes | PublicKey = field(repr=False)
    kid: str | None = None


class TokenVerifier:
    """
    Decides whether a token is genuine and current.

    Belongs to one event loop. Raises `ValueError` at once when a key is unfit:
    a secret under 32 bytes, a PEM that is not a public RSA (2048 bits or more),
    P-256 or Ed25519 key, or a JWKS address that is not plain HTTP or HTTPS.
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


class KeySet:
    """
    The public keys a JWKS endpoint publishes, kept up to date.

    A set older than ten minutes is renewed in the background; a key not in it
    makes it be fetched again at once. Never more than one request runs, and
    none starts within ten seconds of the last, whatever tokens arrive. While
    the endpoint fails the last set serves on, for at most 24 hours.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime],
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._url = _read_address(url)
        self._clock = clock
        self._owns_http = http is None
        self._http = http or httpx.AsyncClient(timeout=FETCH_WITHIN.total_seconds())
        self._keys: tuple[Key, ...] = ()
        self._is_failing = True
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def matching(self, algorithm: str, kid: str | None) -> list[Key]:
        """
        List the keys that may have signed a token with this header.

        Raises:
            KeysUnavailable: There is none, and the endpoint could not be asked.
        """
        if not self._is_within(KEPT_FOR, self._fetched_at):
            self._keys = ()
        elif not self._is_within(FRESH_FOR, self._fetched_at):
            self._begin_fetch()
        found = self._select(algorithm, kid)
        if not found:
            await self._finish_fetch()
            found = self._select(algorithm, kid)
        if not found and self._is_failing:
            raise KeysUnavailable("The platform's signing keys cannot be read now.")
        return found

    async def close(self) -> None:
        """Give up a running fetch, and close the HTTP client if it is ours."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        if self._owns_http:
            await self._http.aclose()

    def _select(self, algorithm: str, kid: str | None) -> list[Key]:
        return [
            key
            for key in self._keys
            if key.algorithm == algorithm and kid in (None, key.kid)
        ]

    def _is_within(self, span: timedelta, instant: datetime | None) -> bool:
        # Either direction: a clock that was set back must not make keys eternal.
        return instant is not None and abs(self._clock() - instant) < span

    def _begin_fetch(self) -> None:
        is_running = self._fetching is not None and not self._fetching.done()
        if not is_running and not self._is_within(RETRY_AFTER, self._tried_at):
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch(), name="fetch-jwks")

    async def _finish_fetch(self) -> None:
        self._begin_fetch()
        fetching = self._fetching
        if fetching is not None:
            # Waiting instead of awaiting: a caller who gives up must not cancel
            # the fetch that others wait for too.
            await asyncio.wait({fetching})
            if not fetching.cancelled():
                fetching.result()

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_WITHIN.total_seconds()):
                keys = read_key_set(await self._download())
        except (httpx.HTTPError, httpx.StreamError, TimeoutError, ValueError) as error:
            self._is_failing = True
            # Only the kind: the text of an HTTP error may hold the address.
            log.warning(
                "JWKS endpoint unusable, cached keys kept",
                extra={"cause": type(error).__name__, "cached_keys": len(self._keys)},
            )
        else:
            self._keys = keys
            self._is_failing = False
            self._fetched_at = self._clock()
            log.info("JWKS read", extra={"usable_keys": len(keys)})

    async def _download(self) -> bytes:
        # A compressed body could unfold past the limit in one step, so none is
        # asked for, and the bytes are counted as they come off the wire.
        async with self._http.stream(
            "GET",
            self._url,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            follow_redirects=False,
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError("The JWKS endpoint did not answer 200.")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > FETCH_BYTES:
                    raise ValueError("The JWKS endpoint answered too much.")
        return bytes(body)


def read_key_set(body: bytes) -> tuple[Key, ...]:
    """
    Pick the keys out of a JWKS document that are fit to verify tokens.

    Left out: symmetric and private keys, keys for encryption, other algorithms
    and curves, RSA under 2048 bits, and whatever cannot be read. An empty set
    is an answer, a document of another shape is not.

    Raises:
        ValueError: The document is not a JWKS.
    """
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("The JWKS document is nested too deeply.") from None
    match document:
        case {"keys": [*listed]}:
            keys = (_read_jwk(jwk) for jwk in listed if isinstance(jwk, dict))
            return tuple(islice((key for key in keys if key), KEYS_PER_SET))
        case _:
            raise ValueError("The JWKS document has no list of keys.")


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
        key = _fit(load_pem_public_key(text.strip().encode()))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("The JWT public key is not a public key in PEM.") from None
    if key is None:
        raise ValueError(
            "The JWT public key is neither RSA (2048 bits or more), P-256 nor Ed25519."
        )
    return key


def _read_jwk(jwk: dict[str, Any]) -> Key | None:
    algorithm, kid = _FAMILIES.get(str(jwk.get("kty"))), jwk.get("kid")
    operations = jwk.get("key_ops", ["verify"])
    is_for_signatures = (
        jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and jwk.get("alg", algorithm) == algorithm
    )
    # A private key that anybody can read proves nothing any more.
    is_secret = "d" in jwk
    if not is_for_signatures or is_secret or not isinstance(kid, str | None):
        return None
    try:
        return _fit(jwt.PyJWK(jwk, algorithm).key, kid) if algorithm else None
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return None


def _fit(material: object, kid: str | None = None) -> Key | None:
    match material:
        case RSAPublicKey(key_size=bits) if bits in RSA_BITS:
            return Key("RS256", material, kid)
        case EllipticCurvePublicKey(curve=SECP256R1()):
            return Key("ES256", material, kid)
        case Ed25519PublicKey():
            return Key("EdDSA", material, kid)
    return None


def _read_address(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise ValueError("The JWKS address is not a URL.") from None
    # Credentials in the address would end up in the logs of every HTTP library.
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ValueError("The JWKS address is not a plain HTTP or HTTPS URL.")
    return url
