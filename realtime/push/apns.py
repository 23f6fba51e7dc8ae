"""
Apple Push Notification service: HTTP/2, with a token that proves the team.

A token is made anew after less than an hour and not more often than Apple takes.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
)
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
from realtime.push.outgoing import Answer, Outgoing, open_service_client, usual_outcome
from realtime.push.payloads import (
    Words,
    data_of,
    fit,
    generic_words_of,
    kept_for,
    tag_of,
    words_of,
)

_LARGEST = 4096
# Apple takes tokens up to an hour old, and changes at most every twenty minutes.
_TOKEN_LASTS = timedelta(minutes=50)
_CHANGED_AFTER = timedelta(minutes=20)
# Ours for what is in `data_of`, beside Apple's `aps`.
_OURS = "callboard"

_REJECTED = {
    "BadDeviceToken": Rejected("gone", is_target_gone=True),
    "Unregistered": Rejected("gone", is_target_gone=True),
    "ExpiredToken": Rejected("gone", is_target_gone=True),
    "DeviceTokenNotForTopic": Rejected("wrong_topic"),
    "TopicDisallowed": Rejected("wrong_topic"),
    "BadTopic": Rejected("wrong_topic"),
    "MissingTopic": Rejected("wrong_topic"),
    "PayloadTooLarge": Rejected("too_large"),
}


class ProviderTokens:
    """The token of a team's key."""

    def __init__(self, key: Path, key_id: str, team_id: str, clock: Clock) -> None:
        self._key = _read_key(key)
        self._key_id = key_id
        self._team_id = team_id
        self._clock = clock
        self._token = ""
        self._made_at: datetime | None = None

    def current(self) -> str:
        """Give a token that is not too old."""
        if self._is_older_than(_TOKEN_LASTS):
            self._make()
        return self._token

    def renewed(self, refused: str) -> str:
        """Give another token than a refused one, unless that is quite new."""
        if self._token == refused and self._is_older_than(_CHANGED_AFTER):
            self._make()
        return self._token

    def _is_older_than(self, age: timedelta) -> bool:
        # Either direction: a clock that was set back makes no token eternal.
        return self._made_at is None or abs(self._clock() - self._made_at) >= age

    def _make(self) -> None:
        self._made_at = self._clock()
        self._token = jwt.encode(
            {"iss": self._team_id, "iat": int(self._made_at.timestamp())},
            self._key,
            algorithm="ES256",
            headers={"kid": self._key_id},
        )


class Apns:
    """The way to the tokens of Apple's devices."""

    kind = "apns"

    def __init__(
        self, tokens: ProviderTokens, base: str, topic: str | None, clock: Clock
    ) -> None:
        self._tokens = tokens
        self._base = base
        self._topic = topic
        self._clock = clock
        self._outgoing = Outgoing(open_service_client(is_http2=True))

    def can_retract(self, target: Target) -> bool:
        """An app is woken in the background."""
        return target.kind == self.kind

    async def carry(self, parcel: Parcel, target: Target) -> Outcome:
        """Have APNs take it; with another provider token where ours has expired."""
        topic = target.app or self._topic
        if topic is None:
            return Rejected("wrong_topic")
        is_full = target.payload == "full"
        token = self._tokens.current()
        answer = await self._post(parcel, target, topic, token, is_full=is_full)
        if _reason(answer) == "ExpiredProviderToken":
            renewed = self._tokens.renewed(token)
            if renewed != token:
                token = renewed
                answer = await self._post(parcel, target, topic, token, is_full=is_full)
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and is_full:
            answer = await self._post(parcel, target, topic, token, is_full=False)
        return _outcome(answer, self._clock())

    async def close(self) -> None:
        """Close connections."""
        await self._outgoing.close()

    async def _post(
        self, parcel: Parcel, target: Target, topic: str, token: str, *, is_full: bool
    ) -> Answer:
        now = self._clock()
        is_background = parcel.kind == "retract"
        is_urgent = parcel.priority in {"high", "urgent"} and not is_background
        headers = {
            "authorization": f"bearer {token}",
            "apns-topic": topic,
            "apns-push-type": "background" if is_background else "alert",
            "apns-priority": "10" if is_urgent else "5",
            "apns-expiration": str(int((now + kept_for(parcel, now)).timestamp())),
            "apns-collapse-id": tag_of(parcel),
        }
        # Hexadecimal, but people name it.
        url = f"{self._base}/3/device/{quote(target.token, safe='')}"
        return await self._outgoing.post(
            url, headers, payload_of(parcel, is_full=is_full)
        )


def payload_of(parcel: Parcel, *, is_full: bool) -> bytes:
    """
    Write `aps`, and ours beside it.

    Where only ids are wanted it says that there is something, in the recipient's
    language: Apple shows nothing without words, and the app's extension puts better
    ones in their place.
    """
    if parcel.kind == "retract":
        return orjson.dumps(
            {"aps": {"content-available": 1}, _OURS: data_of(parcel, is_full=False)}
        )

    def write(words: Words, *, is_full: bool = is_full) -> bytes:
        alert = {"title": words.title, "body": words.body}
        aps: dict[str, Any] = {
            "alert": {name: text for name, text in alert.items() if text},
            "badge": parcel.badge,
            "mutable-content": 1,
            "thread-id": tag_of(parcel),
        }
        return orjson.dumps({"aps": aps, _OURS: data_of(parcel, is_full=is_full)})

    without = write(generic_words_of(parcel), is_full=False)
    if not is_full:
        return without
    return fit(words_of(parcel), write, _LARGEST, lambda: without)


def _outcome(answer: Answer, now: datetime) -> Outcome:
    """Read what APNs means, by its reason."""
    status, reason = answer.status, _reason(answer)
    if status == HTTPStatus.OK:
        return Sent(answer.headers.get("apns-id"))
    if rejected := _REJECTED.get(reason):
        return rejected
    if status == HTTPStatus.GONE:
        return Rejected("gone", is_target_gone=True)
    if status == HTTPStatus.FORBIDDEN:
        return Retry("provider_auth")
    return usual_outcome(answer, now)


def _reason(answer: Answer) -> str:
    if answer.status == HTTPStatus.OK:
        return ""
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    match found:
        case {"reason": str(reason)}:
            return reason
    return ""


def _read_key(path: Path) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, TypeError):
        key = None
    match key:
        case EllipticCurvePrivateKey(curve=SECP256R1()):
            return key
    raise ValueError(f"{path} is no key for ES256 as PEM.")
