"""
Firebase Cloud Messaging, HTTP v1: to Android, and to whatever else has its SDK.

The service account's key signs for an access token (RFC 7523), which serves for an
hour.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from realtime.clock import Clock
from realtime.notifications.notifier import (
    Outcome,
    Parcel,
    Rejected,
    Retry,
    Sent,
    Target,
)
from realtime.push.outgoing import (
    Answer,
    Outgoing,
    Unreachable,
    open_service_client,
    retry,
    usual_outcome,
)
from realtime.push.payloads import Words, data_of, fit, kept_for, tag_of, words_of

# Of all keys and values together; notification and data.
_LARGEST = 4000
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LASTS = timedelta(minutes=30)
_RENEWED_BEFORE = timedelta(minutes=2)
# The documentation asks for this where the quota is used up and no time is given.
_QUOTA_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Who sends, as the file from the Firebase console says it."""

    project: str
    email: str
    token_url: str
    key: RSAPrivateKey = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """
        Read the file.

        Raises:
            ValueError: It cannot be read, or is no service account.
        """
        try:
            found = orjson.loads(path.read_bytes())
            key = load_pem_private_key(found["private_key"].encode(), None)
            names = [
                found[name] for name in ("project_id", "client_email", "token_uri")
            ]
        except OSError as error:
            raise ValueError(f"{path} cannot be read ({error.strerror}).") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            key, names = None, []
        match key, names:
            case RSAPrivateKey(), [str(project), str(email), str(token_url)]:
                return cls(project, email, token_url, key)
        raise ValueError(f"{path} is no service account's key as JSON.")


class _Refused(Exception):
    """No access token is given for this service account."""


class _AccessTokens:
    """The access token, renewed before it ends; one request at a time."""

    def __init__(
        self, account: ServiceAccount, outgoing: Outgoing, clock: Clock
    ) -> None:
        self._account = account
        self._outgoing = outgoing
        self._clock = clock
        self._token = ""
        self._until: datetime | None = None
        self._renewing = asyncio.Lock()

    async def current(self, refused: str | None = None) -> str:
        """
        Give the token; another than one that was refused.

        Raises:
            Unreachable: The token's endpoint does not answer.
            _Refused: It does not give one.
        """
        async with self._renewing:
            now = self._clock()
            is_good = self._until is not None and now < self._until - _RENEWED_BEFORE
            if not is_good or self._token == refused:
                self._token, seconds = await self._ask(now)
                self._until = now + timedelta(seconds=seconds)
            return self._token

    async def _ask(self, now: datetime) -> tuple[str, int]:
        claims = {
            "iss": self._account.email,
            "scope": _SCOPE,
            "aud": self._account.token_url,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LASTS).timestamp()),
        }
        assertion = jwt.encode(claims, self._account.key, algorithm="RS256")
        answer = await self._outgoing.post(
            self._account.token_url,
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode({"grant_type": _GRANT, "assertion": assertion}).encode(),
        )
        if httpx.codes.is_server_error(answer.status):
            raise Unreachable("unreachable")
        match _json(answer):
            case {"access_token": str(token), "expires_in": int(seconds)}:
                return token, seconds
        raise _Refused


class Fcm:
    """The way to FCM's registration tokens."""

    kind = "fcm"

    def __init__(self, account: ServiceAccount, base: str, clock: Clock) -> None:
        self._clock = clock
        self._outgoing = Outgoing(open_service_client())
        self._tokens = _AccessTokens(account, self._outgoing, clock)
        self._url = (
            f"{base}/v1/projects/{quote(account.project, safe='')}/messages:send"
        )

    def can_retract(self, target: Target) -> bool:
        """Data without a notification shows nothing."""
        return target.kind == self.kind

    async def carry(self, parcel: Parcel, target: Target) -> Outcome:
        """Have FCM take it; with another access token where it does not like ours."""
        content = message_of(parcel, target, self._clock())
        try:
            token = await self._tokens.current()
            answer = await self._post(token, content)
            if answer.status == HTTPStatus.UNAUTHORIZED:
                token = await self._tokens.current(refused=token)
                answer = await self._post(token, content)
        except _Refused:
            return Retry("provider_auth")
        return _outcome(answer, self._clock())

    async def close(self) -> None:
        """Close connections."""
        await self._outgoing.close()

    async def _post(self, token: str, content: bytes) -> Answer:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        return await self._outgoing.post(self._url, headers, content)


def message_of(parcel: Parcel, target: Target, now: datetime) -> bytes:
    """
    Write the message: what the system shows, and data for the app.

    Where only ids are wanted, and to take back, it is data alone.
    """
    is_full = target.payload == "full"
    is_silent = not is_full or parcel.kind == "retract"

    def write(words: Words | None, *, is_full: bool = is_full) -> bytes:
        data = {
            name: str(value) for name, value in data_of(parcel, is_full=is_full).items()
        }
        message: dict[str, Any] = {"token": target.token, "data": data}
        message |= _platforms(parcel, now, is_silent=words is None)
        if words is not None:
            message["notification"] = {"title": words.title, "body": words.body}
        return orjson.dumps({"message": message})

    if is_silent:
        return write(None)
    # What counts is what the device gets, not where it goes.
    at_most = _LARGEST + len(target.token)
    return fit(words_of(parcel), write, at_most, lambda: write(None, is_full=False))


def _platforms(parcel: Parcel, now: datetime, *, is_silent: bool) -> dict[str, Any]:
    tag = tag_of(parcel)
    is_urgent = parcel.priority in {"high", "urgent"} and parcel.kind != "retract"
    seconds = int(kept_for(parcel, now).total_seconds())
    android: dict[str, Any] = {
        "priority": "HIGH" if is_urgent else "NORMAL",
        "collapse_key": tag,
        "ttl": f"{seconds}s",
    }
    aps: dict[str, Any] = {"content-available": 1}
    if not is_silent:
        android["notification"] = {"tag": tag}
        aps = {"badge": parcel.badge, "mutable-content": 1}
    headers = {
        "apns-collapse-id": tag,
        "apns-expiration": str(int(now.timestamp()) + seconds),
        "apns-priority": "5" if is_silent or not is_urgent else "10",
    }
    return {"android": android, "apns": {"headers": headers, "payload": {"aps": aps}}}


def _outcome(answer: Answer, now: datetime) -> Outcome:
    """Read what FCM means: the code is in the details, the status is only its kind."""
    status, error = answer.status, _error_of(answer)
    if httpx.codes.is_success(status):
        name = _json(answer).get("name")
        return Sent(name if isinstance(name, str) else None)
    if status == HTTPStatus.NOT_FOUND or _is_of_the_token(answer, error):
        return Rejected("gone", is_target_gone=True)
    if error == "SENDER_ID_MISMATCH":
        return Rejected("sender_mismatch")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return retry(answer, "provider_auth", now)
    usual = usual_outcome(answer, now)
    if isinstance(usual, Retry) and error == "QUOTA_EXCEEDED" and usual.after is None:
        return Retry(usual.reason, _QUOTA_PAUSE)
    return usual


def _is_of_the_token(answer: Answer, error: str | None) -> bool:
    """Tell a dead or malformed token from a message that FCM does not like."""
    is_malformed = error == "INVALID_ARGUMENT" and (
        b"registration token" in answer.body or b"message.token" in answer.body
    )
    return error == "UNREGISTERED" or is_malformed


def _error_of(answer: Answer) -> str | None:
    match _json(answer):
        case {"error": {"details": [*details]}}:
            for detail in details:
                match detail:
                    case {"errorCode": str(code)}:
                        return code
    return None


def _json(answer: Answer) -> Mapping[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
