"""
Tokens are believed only when a configured key signed them, and only in time.

Keys are real ones, the JWKS endpoint is a real HTTP server on a free port, and
time is a clock that the tests move.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import (
    generate_private_key as generate_ec,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    generate_private_key as generate_rsa,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import jwks
from realtime.jwks import KeysUnavailable, read_key_set
from realtime.tokens import (
    Claims,
    InvalidToken,
    TokenVerifier,
    mint,
)

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

NOW = datetime(2026, 11, 21, 1, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
USER = UUID("0b5f4c6e-6f0a-4a53-9d0e-3b1f6a2c7d18")
RSA, OTHER_RSA = generate_rsa(65537, 2048), generate_rsa(65537, 2048)
EC, ED = generate_ec(SECP256R1()), Ed25519PrivateKey.generate()
FAMILIES: list[tuple[PrivateKey, str]] = [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def move(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


class Endpoint:
    """A JWKS endpoint that can rotate, fail, dawdle and misbehave."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.body = b""
        self.status = "200 OK"
        self.headers = ""
        self.is_endless = False
        self.sent = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.url = ""
        self.arrived = asyncio.Condition()

    def publish(self, *keys: dict[str, Any]) -> None:
        """Replace the set of keys."""
        self.body = json.dumps({"keys": keys}).encode()

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one request."""
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        async with self.arrived:
            self.arrived.notify_all()
        try:
            await self.may_answer.wait()
            head = f"HTTP/1.1 {self.status}\r\nConnection: close\r\n{self.headers}\r\n"
            writer.write(head.encode() + self.body)
            while self.is_endless:
                writer.write(b" " * 65536)
                await writer.drain()
                self.sent += 65536
            await writer.drain()
        except ConnectionError:
            pass  # The verifier hung up, as it should when it has had enough.
        finally:
            writer.close()

    async def asked(self, times: int) -> None:
        """Wait until so many requests have come in."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.requests) >= times)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    served = Endpoint()
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    yield served
    served.may_answer.set()
    served.is_endless = False
    server.close()
    await server.wait_closed()


@pytest.fixture
async def verifier(endpoint: Endpoint, clock: Clock) -> AsyncIterator[TokenVerifier]:
    opened = verifier_with(jwks_url=endpoint.url, clock=clock)
    yield opened
    await opened.close()


def verifier_with(
    *,
    secret: str | None = None,
    public_key: str | None = None,
    jwks_url: str | None = None,
    audience: str | None = None,
    issuer: str | None = None,
    clock: Clock | None = None,
    http: httpx.AsyncClient | None = None,
) -> TokenVerifier:
    return TokenVerifier(
        secret=secret,
        public_key=public_key,
        jwks_url=jwks_url,
        audience=audience,
        issuer=issuer,
        clock=clock or Clock(),
        http=http,
    )


def pem(key: PrivateKey) -> str:
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key: PrivateKey, kid: str | None = None, **more: object) -> dict[str, Any]:
    published: dict[str, Any]
    match key.public_key():
        case RSAPublicKey() as public:
            published = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
        case EllipticCurvePublicKey() as public:
            published = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
        case public:
            published = jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True)
    return published | ({} if kid is None else {"kid": kid}) | more


def claims(**more: object) -> dict[str, Any]:
    # The marker `...` takes a claim away.
    given = {"sub": str(USER), "exp": int((NOW + HOUR).timestamp())} | more
    return {claim: value for claim, value in given.items() if value is not ...}


def signed(
    key: PrivateKey | str = SECRET,
    algorithm: str = "HS256",
    *,
    kid: str | None = None,
    header: dict[str, Any] | None = None,
    **more: object,
) -> str:
    headers = (header or {}) | ({} if kid is None else {"kid": kid})
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers=headers)


def segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: dict[str, Any], payload: object, secret: bytes) -> str:
    # By hand, for what PyJWT refuses to sign.
    head = f"{segment(header)}.{segment(payload)}"
    return f"{head}.{segment(hmac.digest(secret, head.encode(), hashlib.sha256))}"


async def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(InvalidToken) as refused:
        await verifier.verify(token)
    return str(refused.value)


# What a token says


async def test_a_minted_token_says_whom_it_speaks_for() -> None:
    token = mint(SECRET, USER, HOUR, now=NOW, name="Ada", email="ada@example.org")
    said = await verifier_with(secret=SECRET).verify(token)
    assert said == Claims(USER, NOW + HOUR, NOW, "Ada", "ada@example.org")


async def test_a_token_of_supabase_auth_works_as_is() -> None:
    token = signed(
        iss="https://example.supabase.co/auth/v1",
        aud="authenticated",
        iat=int(NOW.timestamp()),
        email="ada@example.org",
        phone="",
        role="authenticated",
        aal="aal1",
        app_metadata={"provider": "email", "providers": ["email"]},
        user_metadata={"full_name": "Ada Lovelace", "email": "other@example.org"},
        session_id=str(uuid4()),
        is_anonymous=False,
    )
    said = await verifier_with(secret=SECRET).verify(token)
    assert (said.name, said.email) == ("Ada Lovelace", "ada@example.org")


@pytest.mark.parametrize(
    ("given_claims", "name", "email"),
    [
        ({}, None, None),
        ({"name": 7, "email": ["a"], "user_metadata": "x"}, None, None),
        ({"user_metadata": {"name": "A", "full_name": "B"}}, "A", None),
        ({"name": " \n ", "user_metadata": {"full_name": "B"}}, "B", None),
        ({"name": "x" * 500}, "x" * 200, None),
        ({"name": "A\x00d\u202ea\ud83d 👩\u200d🚀"}, "Ada 👩\u200d🚀", None),
        ({"email": "a@b.c\r\nBcc: d@e.f"}, None, "a@b.cBcc: d@e.f"),
        ({"user_metadata": {"email": " a@b.c "}}, None, "a@b.c"),
    ],
)
async def test_name_and_email_are_cleaned(
    given_claims: dict[str, Any], name: str | None, email: str | None
) -> None:
    said = await verifier_with(secret=SECRET).verify(signed(**given_claims))
    assert (said.name, said.email) == (name, email)


@pytest.mark.parametrize(
    "subject",
    [..., None, "", 5, "ada", USER.hex, f"{{{USER}}}", f"urn:uuid:{USER}", f"{USER} "],
)
async def test_the_subject_must_be_a_uuid(subject: object) -> None:
    token = forged({"alg": "HS256"}, claims(sub=subject), SECRET.encode())
    assert "`sub`" in await refusal(verifier_with(secret=SECRET), token)


@pytest.mark.parametrize("payload", [[], "text", 5, None, b"\xff", b"[" * 3000])
async def test_claims_that_are_no_object_are_refused(payload: object) -> None:
    token = forged({"alg": "HS256"}, payload, SECRET.encode())
    assert "JSON object" in await refusal(verifier_with(secret=SECRET), token)


# Time


async def test_a_token_lasts_until_its_end_and_ten_seconds_more(clock: Clock) -> None:
    verifier = verifier_with(secret=SECRET, clock=clock)
    token = mint(SECRET, USER, HOUR, now=NOW)
    clock.move(hours=1, seconds=9.9)
    assert (await verifier.verify(token)).expires_at == NOW + HOUR
    clock.move(seconds=0.1)
    assert "expired" in await refusal(verifier, token)


async def test_a_token_must_expire() -> None:
    assert "never expires" in await refusal(
        verifier_with(secret=SECRET), signed(exp=...)
    )


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_token_from_the_future_is_refused(claim: str, clock: Clock) -> None:
    verifier = verifier_with(secret=SECRET, clock=clock)
    token = forged(
        {"alg": "HS256"}, claims(**{claim: NOW.timestamp() + 11}), SECRET.encode()
    )
    assert "not valid yet" in await refusal(verifier, token)
    clock.move(seconds=1)
    await verifier.verify(token)


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "time", [None, True, "1800000000", [1], 1e30, -1e30, 10**300, float("inf"), {}]
)
async def test_a_time_must_be_a_time(claim: str, time: object) -> None:
    token = forged({"alg": "HS256"}, claims(**{claim: time}), SECRET.encode())
    assert f"`{claim}`" in await refusal(verifier_with(secret=SECRET), token)


async def test_the_last_second_of_the_calendar_is_a_time() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    said = await verifier_with(secret=SECRET).verify(signed(exp=int(last.timestamp())))
    assert said.expires_at == last


# Addressee


@pytest.mark.parametrize("audience", ["callboard", ["x", "callboard"]])
async def test_the_configured_audience_and_issuer_pass(audience: object) -> None:
    verifier = verifier_with(secret=SECRET, audience="callboard", issuer="platform")
    await verifier.verify(signed(aud=audience, iss="platform"))


@pytest.mark.parametrize("audience", [..., None, "callboardx", [], ["x"], {}, 5])
async def test_another_audience_is_refused(audience: object) -> None:
    verifier = verifier_with(secret=SECRET, audience="callboard")
    assert "audience" in await refusal(verifier, signed(aud=audience))


@pytest.mark.parametrize("issuer", [..., "platform/", ["platform"], None])
async def test_another_issuer_is_refused(issuer: object) -> None:
    verifier = verifier_with(secret=SECRET, issuer="platform")
    token = forged({"alg": "HS256"}, claims(iss=issuer), SECRET.encode())
    assert "issuer" in await refusal(verifier, token)


# Signatures


@pytest.mark.parametrize(("key", "algorithm"), FAMILIES)
async def test_a_pem_key_verifies_its_own_kind(key: PrivateKey, algorithm: str) -> None:
    verifier = verifier_with(public_key=pem(key))
    assert (await verifier.verify(signed(key, algorithm))).user_id == USER
    for other, other_algorithm in FAMILIES:
        if other is not key:
            await refusal(verifier, signed(other, other_algorithm))


async def test_a_signature_by_a_stranger_is_refused() -> None:
    assert "signed" in await refusal(
        verifier_with(secret=SECRET), signed("another secret that is long enough, too")
    )
    assert "signed" in await refusal(
        verifier_with(public_key=pem(RSA)), signed(OTHER_RSA, "RS256")
    )


async def test_secret_pem_and_key_set_work_together(
    endpoint: Endpoint, clock: Clock
) -> None:
    endpoint.publish(jwk(OTHER_RSA, "two"), jwk(EC, "three"))
    verifier = verifier_with(
        secret=SECRET, public_key=pem(RSA), jwks_url=endpoint.url, clock=clock
    )
    await verifier.verify(signed())
    await verifier.verify(signed(RSA, "RS256"))
    assert endpoint.requests == []
    await verifier.verify(signed(OTHER_RSA, "RS256", kid="two"))
    await verifier.verify(signed(EC, "ES256", kid="three"))
    assert len(endpoint.requests) == 1
    await verifier.close()


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", None, 5, ["HS256"]])
async def test_a_token_without_a_signature_is_refused(name: object) -> None:
    verifier = verifier_with(secret=SECRET, public_key=pem(RSA))
    unsigned = f"{segment({'alg': name})}.{segment(claims())}."
    assert "algorithm" in await refusal(verifier, unsigned)
    assert "algorithm" in await refusal(
        verifier, forged({"alg": name}, claims(), SECRET.encode())
    )


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_other_algorithms_with_the_right_key_are_refused(algorithm: str) -> None:
    token = signed(SECRET * 2, algorithm)
    assert "algorithm" in await refusal(verifier_with(secret=SECRET * 2), token)


@pytest.mark.parametrize("key", [RSA, EC, ED])
async def test_the_text_of_a_public_key_is_no_secret(key: PrivateKey) -> None:
    text = pem(key)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for secret in (text.encode(), text.strip().encode(), der):
        token = forged({"alg": "HS256"}, claims(), secret)
        await refusal(verifier_with(public_key=text), token)
        await refusal(verifier_with(public_key=text, secret=SECRET), token)
    with pytest.raises(ValueError, match="another kind"):
        verifier_with(secret=text)


async def test_a_symmetric_key_in_a_key_set_is_ignored(
    endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    oct_key = {"kty": "oct", "kid": "one", "k": segment(SECRET.encode())}
    endpoint.publish(oct_key, jwk(RSA, "two"))
    await refusal(verifier, signed(SECRET, kid="one"))
    assert endpoint.requests == []
    await refusal(verifier, signed(RSA, "RS256", kid="one"))
    confused = forged({"alg": "HS256", "kid": "two"}, claims(), pem(RSA).encode())
    await refusal(verifier, confused)


@pytest.mark.parametrize("header", ["jwk", "jku", "x5u", "x5c"])
async def test_keys_that_a_token_brings_along_are_not_looked_at(
    header: str, endpoint: Endpoint
) -> None:
    endpoint.publish(jwk(OTHER_RSA))
    brought = {"jwk": jwk(OTHER_RSA), "x5c": ["MII="]}.get(header, endpoint.url)
    verifier = verifier_with(public_key=pem(RSA))
    await refusal(verifier, signed(OTHER_RSA, "RS256", header={header: brought}))
    await verifier.verify(signed(RSA, "RS256", header={header: brought}))
    assert endpoint.requests == []


@pytest.mark.parametrize("critical", [["b64"], ["exp"], [], "b64", None])
async def test_critical_extensions_are_refused(critical: object) -> None:
    header = {"alg": "HS256", "crit": critical, "b64": True, "exp": 1}
    await refusal(
        verifier_with(secret=SECRET), forged(header, claims(), SECRET.encode())
    )


async def test_a_long_token_is_refused_unread() -> None:
    verifier = verifier_with(secret=SECRET)
    fits = signed(padding="x" * 5800)
    assert len(fits) <= 8192
    await verifier.verify(fits)
    assert "too long" in await refusal(verifier, signed(padding="x" * 6100))


# Keys of the operator


def test_an_empty_secret_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="empty"):
        verifier_with(secret="")
    with pytest.raises(ValueError, match="empty"):
        mint("", USER, HOUR, now=NOW)


def test_a_short_secret_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    verifier_with(secret="x" * 31)
    assert "shorter than 32 bytes" in caplog.text


@pytest.mark.parametrize(
    "key", [generate_rsa(65537, 1024), generate_ec(SECP384R1())], ids=["rsa", "ec"]
)
def test_a_public_key_that_is_unfit_is_refused_at_once(key: PrivateKey) -> None:
    with pytest.raises(ValueError, match="neither RSA"):
        verifier_with(public_key=pem(key))


def test_a_private_key_in_place_of_a_public_one_is_refused_unquoted() -> None:
    private = RSA.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()
    for text in ("", "nonsense", private):
        with pytest.raises(ValueError, match="not a public key in PEM") as refused:
            verifier_with(public_key=text)
        assert refused.value.__cause__ is None
        assert "BEGIN" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["", "keys", "file:///keys", "https://a:b@host/keys", "http://host:x/", "http://"],
)
def test_an_address_of_keys_must_be_plain(url: str) -> None:
    with pytest.raises(ValueError, match="JWKS address"):
        verifier_with(jwks_url=url)


# Key sets


@pytest.mark.parametrize(("key", "algorithm"), FAMILIES)
async def test_a_key_set_verifies_every_kind(
    key: PrivateKey, algorithm: str, endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.publish(*(jwk(other, name) for other, name in FAMILIES))
    token = signed(key, algorithm, kid=algorithm)
    assert (await verifier.verify(token)).user_id == USER
    await verifier.verify(token)
    assert len(endpoint.requests) == 1


async def test_a_token_without_kid_is_tried_with_the_keys_of_its_kind(
    endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.publish(jwk(EC, "a"), jwk(OTHER_RSA, "b"), jwk(RSA, "c"))
    await verifier.verify(signed(RSA, "RS256"))
    await verifier.verify(signed(EC, "ES256"))
    await refusal(verifier, signed(RSA, "RS256", kid="b"))


@pytest.mark.parametrize(
    "published",
    [
        jwk(RSA, "one", use="enc"),
        jwk(RSA, "one", key_ops=["encrypt"]),
        jwk(RSA, "one", key_ops=7),
        jwk(RSA, "one", alg="RS512"),
        jwk(RSA, "one", alg=["RS256"]),
        jwt.algorithms.RSAAlgorithm.to_jwk(RSA, as_dict=True)
        | {"kid": "one", "key_ops": ["verify"]},
        jwk(RSA, "one") | {"kty": ["RSA"]},
        jwk(RSA, "one") | {"kty": "EC"},
        jwk(RSA, "one") | {"n": 5},
        jwk(RSA, "one") | {"n": "AQAB"},
        jwk(RSA, "one") | {"e": ""},
        jwk(RSA) | {"kid": ["one"]},
    ],
)
async def test_an_unfit_key_of_a_set_is_ignored(
    published: dict[str, Any], endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.publish(published, jwk(EC, "two", alg="ES256", use="sig"))
    await refusal(verifier, signed(RSA, "RS256", kid="one"))
    await verifier.verify(signed(EC, "ES256", kid="two"))


def test_a_weak_rsa_key_of_a_set_is_ignored() -> None:
    weak = jwk(generate_rsa(65537, 1024), "one")
    assert read_key_set(json.dumps({"keys": [weak]}).encode()) == ()


async def test_a_rotated_key_is_fetched_at_once_and_the_old_one_stops(
    endpoint: Endpoint, verifier: TokenVerifier, clock: Clock
) -> None:
    endpoint.publish(jwk(RSA, "old"))
    old, new = signed(RSA, "RS256", kid="old"), signed(OTHER_RSA, "RS256", kid="new")
    await verifier.verify(old)
    clock.move(seconds=10)
    endpoint.publish(jwk(OTHER_RSA, "new"))
    await verifier.verify(new)
    await refusal(verifier, old)
    assert len(endpoint.requests) == 2


async def test_a_crowd_with_an_unknown_key_makes_one_request(
    endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.publish(jwk(RSA, "one"))
    endpoint.may_answer.clear()
    token = signed(RSA, "RS256", kid="one")
    crowd = [asyncio.create_task(verifier.verify(token)) for _ in range(200)]
    await endpoint.asked(1)
    crowd[0].cancel()
    endpoint.may_answer.set()
    said = await asyncio.gather(*crowd, return_exceptions=True)
    assert isinstance(said[0], asyncio.CancelledError)
    assert all(isinstance(claim, Claims) for claim in said[1:])
    assert len(endpoint.requests) == 1


async def test_a_slow_request_is_waited_for_and_not_repeated(
    endpoint: Endpoint, verifier: TokenVerifier, clock: Clock
) -> None:
    endpoint.publish(jwk(RSA, "one"))
    endpoint.may_answer.clear()
    token = signed(RSA, "RS256", kid="one")
    early = asyncio.create_task(verifier.verify(token))
    await endpoint.asked(1)
    clock.move(minutes=1)
    late = asyncio.create_task(verifier.verify(token))
    await asyncio.wait({late}, timeout=0)
    endpoint.may_answer.set()
    assert await early == await late
    assert len(endpoint.requests) == 1


async def test_a_flood_of_unknown_keys_asks_once_in_ten_seconds(
    endpoint: Endpoint, verifier: TokenVerifier, clock: Clock
) -> None:
    endpoint.publish(jwk(RSA, "one"))
    flood = [signed(ED, "EdDSA", kid=str(number)) for number in range(100)]
    for token in flood:
        await refusal(verifier, token)
    assert len(endpoint.requests) == 1
    clock.move(seconds=9)
    await refusal(verifier, flood[0])
    assert len(endpoint.requests) == 1
    clock.move(seconds=1)
    await asyncio.gather(*(refusal(verifier, token) for token in flood))
    assert len(endpoint.requests) == 2


async def test_an_aged_set_is_renewed_behind_the_caller(
    endpoint: Endpoint, verifier: TokenVerifier, clock: Clock
) -> None:
    endpoint.publish(jwk(RSA, "one"))
    token = signed(RSA, "RS256", kid="one")
    await verifier.verify(token)
    clock.move(minutes=9, seconds=59)
    await verifier.verify(token)
    assert len(endpoint.requests) == 1

    endpoint.may_answer.clear()
    endpoint.publish(jwk(OTHER_RSA, "two"))
    clock.move(seconds=1)
    await verifier.verify(token)
    await endpoint.asked(2)
    await verifier.verify(token)
    endpoint.may_answer.set()
    await verifier.verify(signed(OTHER_RSA, "RS256", kid="two"))
    await refusal(verifier, token)
    assert len(endpoint.requests) == 2


# Outage


async def test_without_any_key_an_outage_is_temporary(
    endpoint: Endpoint, verifier: TokenVerifier, clock: Clock
) -> None:
    endpoint.status = "503 Service Unavailable"
    token = signed(RSA, "RS256", kid="one")
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await verifier.verify(token)
    assert len(endpoint.requests) == 1
    endpoint.status = "200 OK"
    endpoint.publish(jwk(RSA, "one"))
    clock.move(seconds=10)
    await verifier.verify(token)


async def test_cached_keys_outlive_an_outage_by_a_day(
    endpoint: Endpoint, verifier: TokenVerifier, clock: Clock
) -> None:
    endpoint.publish(jwk(RSA, "one"))
    token = signed(RSA, "RS256", kid="one", exp=int((NOW + 48 * HOUR).timestamp()))
    await verifier.verify(token)
    endpoint.status = "500 Internal Server Error"
    clock.move(hours=23, minutes=59)
    await verifier.verify(token)
    with pytest.raises(KeysUnavailable):
        await verifier.verify(signed(ED, "EdDSA", kid="two"))
    clock.move(minutes=1)
    with pytest.raises(KeysUnavailable):
        await verifier.verify(token)


async def test_a_refused_connection_is_an_outage(clock: Clock) -> None:
    # Port 9 (discard) of this host: nobody listens.
    verifier = verifier_with(jwks_url="http://127.0.0.1:9/keys", clock=clock)
    with pytest.raises(KeysUnavailable):
        await verifier.verify(signed(RSA, "RS256"))
    await verifier.close()


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"\xff", b"[]", b"{}", b'{"keys": {}}', b"[" * 100_000]
)
async def test_a_document_that_is_no_key_set_is_an_outage(
    body: bytes, endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.body = body
    with pytest.raises(KeysUnavailable):
        await verifier.verify(signed(RSA, "RS256"))


async def test_an_empty_key_set_is_an_answer(
    endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.publish()
    await refusal(verifier, signed(RSA, "RS256"))


async def test_a_redirect_is_not_followed(endpoint: Endpoint, clock: Clock) -> None:
    endpoint.publish(jwk(RSA, "one"))
    endpoint.status = "302 Found"
    endpoint.headers = f"Location: {endpoint.url}/elsewhere\r\n"
    async with httpx.AsyncClient(follow_redirects=True) as http:
        verifier = verifier_with(jwks_url=endpoint.url, clock=clock, http=http)
        with pytest.raises(KeysUnavailable):
            await verifier.verify(signed(RSA, "RS256", kid="one"))
        await verifier.close()
        assert not http.is_closed
    assert len(endpoint.requests) == 1


async def test_an_endless_answer_is_cut_off(
    endpoint: Endpoint, verifier: TokenVerifier
) -> None:
    endpoint.is_endless = True
    with pytest.raises(KeysUnavailable):
        await verifier.verify(signed(RSA, "RS256"))
    # One MiB was read; the rest is what the buffers of two sockets swallowed.
    assert endpoint.sent < 32 * 1024 * 1024
    assert b"accept-encoding: identity" in endpoint.requests[0].lower()


async def test_an_endpoint_that_hangs_is_given_up(
    endpoint: Endpoint, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "FETCH_WITHIN", timedelta(milliseconds=50))
    endpoint.may_answer.clear()
    with pytest.raises(KeysUnavailable):
        await verifier.verify(signed(RSA, "RS256"))


async def test_closing_ends_a_fetch_and_those_who_wait_for_it(
    endpoint: Endpoint, clock: Clock
) -> None:
    verifier = verifier_with(jwks_url=endpoint.url, clock=clock)
    endpoint.may_answer.clear()
    waiting = asyncio.create_task(verifier.verify(signed(RSA, "RS256")))
    await endpoint.asked(1)
    await verifier.close()
    with pytest.raises(KeysUnavailable):
        await waiting
    assert verifier._key_set is not None
    assert verifier._key_set._http.is_closed


# Silence


async def test_neither_messages_nor_logs_nor_reprs_tell_a_secret(
    endpoint: Endpoint, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="realtime")
    endpoint.status = "500 Internal Server Error"
    verifier = verifier_with(secret=SECRET, jwks_url=endpoint.url, clock=clock)
    said = [repr(verifier), repr(vars(verifier))]
    header = {"crit": ["marker"], "marker": 1}
    said.append(await refusal(verifier, signed(header=header, sub="marker")))
    said.append(await refusal(verifier, signed(sub="marker")))
    said.append(await refusal(verifier, "marker.marker.marker"))
    with pytest.raises(KeysUnavailable) as unavailable:
        await verifier.verify(signed(RSA, "RS256", kid="marker"))
    said.append(str(unavailable.value))
    said.extend(str(vars(record)) for record in caplog.records)
    await verifier.close()
    assert caplog.records
    for text in said:
        assert "marker" not in text
        assert SECRET not in text


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
EVERY_KEY = TokenVerifier(
    secret=SECRET,
    public_key=pem(RSA),
    jwks_url=None,
    audience=None,
    issuer=None,
    clock=Clock(),
)
GENUINE = [signed(), signed(RSA, "RS256"), signed(RSA, "RS256", kid="one")]


async def passes_or_is_invalid(token: str) -> None:
    with suppress(InvalidToken):
        said = await EVERY_KEY.verify(token)
        assert said.expires_at > NOW - timedelta(seconds=10)


@pytest.mark.parametrize("token", ["", ".", "..", "...", "\ud800.a.b", "a.b.é"])
async def test_text_that_is_no_token_is_malformed(token: str) -> None:
    assert "malformed" in await refusal(EVERY_KEY, token)


@given(token=st.text() | st.from_regex(r"\A[\w-]*\.[\w-]*\.[\w-]*\Z"))
async def test_garbage_is_only_ever_invalid(token: str) -> None:
    await refusal(EVERY_KEY, token)


@given(
    token=st.sampled_from(GENUINE),
    at=st.integers(0),
    cut=st.integers(0, 3),
    new=st.text(),
)
async def test_a_mutated_token_never_says_anything_else(
    token: str, at: int, cut: int, new: str
) -> None:
    at %= len(token)
    mutated = token[:at] + new + token[at + cut :]
    try:
        said = await EVERY_KEY.verify(mutated)
    except InvalidToken:
        assert mutated != token
    else:
        # Only padding (`=`), which says nothing, may differ.
        assert mutated.replace("=", "") == token
        assert said.user_id == USER


@given(header=st.dictionaries(st.sampled_from(["kid", "typ", "b64", "x5c"]), JSON))
async def test_any_signed_header_passes_or_is_invalid(header: dict[str, Any]) -> None:
    await passes_or_is_invalid(
        forged(header | {"alg": "HS256"}, claims(), SECRET.encode())
    )


@given(
    payload=st.dictionaries(st.sampled_from([*claims(), "iat", "nbf", "name"]), JSON)
)
async def test_any_signed_claims_pass_or_are_invalid(payload: dict[str, Any]) -> None:
    for said in (payload, claims() | payload):
        await passes_or_is_invalid(forged({"alg": "HS256"}, said, SECRET.encode()))


MEMBERS = sorted(jwk(RSA) | jwk(EC) | {"use": 1, "alg": 1, "kid": 1, "d": 1})


@settings(deadline=None)
@given(
    genuine=st.sampled_from([{}, jwk(RSA), jwk(EC), jwk(ED)]),
    changed=st.dictionaries(st.sampled_from(MEMBERS), JSON),
)
def test_any_key_of_a_set_is_read_or_ignored(
    genuine: dict[str, Any], changed: dict[str, Any]
) -> None:
    document = {"keys": [genuine | changed, changed.get("n"), jwk(ED, "good")]}
    assert read_key_set(json.dumps(document).encode())[-1].kid == "good"
