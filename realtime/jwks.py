"""
The public keys of an identity provider, fetched from its JWKS endpoint.

A key works with the one algorithm that fits it. What is fetched is bounded in time,
size and frequency, whatever tokens arrive.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = logging.getLogger(__name__)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

# NIST SP 800-131A sets the lower bound; above the upper one, checking a
# signature takes long enough to hold up everybody else.
RSA_BITS = range(2048, 8193)
FETCH_WITHIN = timedelta(seconds=5)
FETCH_BYTES = 1024 * 1024
# Real sets hold a handful of keys; each costs a check when a token names none.
KEYS_PER_SET = 64
FRESH_FOR = timedelta(minutes=10)
RETRY_AFTER = timedelta(seconds=10)
KEPT_FOR = timedelta(hours=24)

# Which algorithm a JWK's family is read with; `oct` is left out on purpose.
FAMILIES = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


class KeysUnavailable(Exception):
    """The key to check with cannot be fetched now; the token may pass later."""


@dataclass(frozen=True)
class Key:
    """A key together with the only algorithm it may verify."""

    algorithm: str
    material: bytes | PublicKey = field(repr=False)
    kid: str | None = None


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


def _read_jwk(jwk: dict[str, Any]) -> Key | None:
    algorithm, kid = FAMILIES.get(str(jwk.get("kty"))), jwk.get("kid")
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
        return fit_key(jwt.PyJWK(jwk, algorithm).key, kid) if algorithm else None
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return None


def fit_key(material: object, kid: str | None = None) -> Key | None:
    """Give a key its algorithm; None where no algorithm that we take fits it."""
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
