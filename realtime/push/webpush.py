"""
Web Push (RFC 8030): to browsers, and to apps by way of UnifiedPush.

What is said is encrypted for the browser, so the service in between reads nothing.
"""

import logging
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from realtime.clock import Clock
from realtime.notifications.notifier import Outcome, Parcel, Rejected, Sent, Target
from realtime.outgoing import NotPublic
from realtime.push.addresses import PushHosts
from realtime.push.encryption import LARGEST_PLAINTEXT, SubscriptionKeys, encrypt
from realtime.push.outgoing import (
    Answer,
    Outgoing,
    open_client,
    retry,
    usual_outcome,
)
from realtime.push.payloads import kept_for, payload_of, tag_of
from realtime.push.vapid import UnknownKey, Vapid

log = logging.getLogger(__name__)

_URGENCY = {"low": "low", "normal": "normal", "high": "high", "urgent": "high"}

_REJECTED: dict[int, Rejected] = {
    HTTPStatus.NOT_FOUND: Rejected("gone", is_target_gone=True),
    HTTPStatus.GONE: Rejected("gone", is_target_gone=True),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Rejected("too_large"),
}
_MISMATCH = Rejected("vapid_mismatch")
_FORBIDDEN = Rejected("forbidden_address")
# How Apple says that our signature is wrong, not the subscription.
_BAD_SIGNATURES = (b"BadJwtToken", b"ExpiredJwtToken", b"BadAuthorizationHeader")
_ID_CHARS = 500

# A browser must show something for each push; an app may say that it need not.
CAN_RETRACT = "retract"


class WebPush:
    """The way to Web Push subscriptions."""

    kind = "webpush"

    def __init__(self, hosts: PushHosts, vapid: Vapid, clock: Clock) -> None:
        self._hosts = hosts
        self._vapid = vapid
        self._clock = clock
        self._outgoing = Outgoing(open_client(hosts))

    def can_retract(self, target: Target) -> bool:
        """Believe what the device says of itself."""
        return CAN_RETRACT in target.keys

    async def carry(self, parcel: Parcel, target: Target) -> Outcome:
        """Encrypt it for the subscription, and have its service take it."""
        try:
            # Again: what is allowed may have changed since the device registered.
            self._hosts.check(target.token)
            keys = SubscriptionKeys.read(
                target.keys.get("p256dh", ""), target.keys.get("auth", "")
            )
        except ValueError:
            return _FORBIDDEN
        is_full = target.payload == "full"
        try:
            answer = await self._post(parcel, target, keys, is_full=is_full)
            if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and is_full:
                answer = await self._post(parcel, target, keys, is_full=False)
        except NotPublic:
            return _FORBIDDEN
        except UnknownKey:
            return _MISMATCH
        return _outcome(answer, self._clock())

    async def close(self) -> None:
        """Close connections."""
        await self._outgoing.close()

    async def _post(
        self, parcel: Parcel, target: Target, keys: SubscriptionKeys, *, is_full: bool
    ) -> Answer:
        parts = urlsplit(target.token)
        authorization = await self._vapid.authorization(
            target.vapid_key_id, f"{parts.scheme}://{parts.netloc}".lower()
        )
        seconds = int(kept_for(parcel, self._clock()).total_seconds())
        payload = payload_of(parcel, LARGEST_PLAINTEXT, is_full=is_full)
        headers = {
            "Authorization": authorization,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(seconds),
            "Urgency": _URGENCY[parcel.priority],
            "Topic": tag_of(parcel),
        }
        return await self._outgoing.post(target.token, headers, encrypt(payload, keys))


def _outcome(answer: Answer, now: datetime) -> Outcome:
    """Read what a service means (RFC 8030, sections 5 and 8.4; RFC 8292, 4.2)."""
    status = answer.status
    if httpx.codes.is_success(status):
        return Sent(answer.headers.get("location", "")[:_ID_CHARS] or None)
    if rejected := _REJECTED.get(status):
        return rejected
    if any(reason in answer.body for reason in _BAD_SIGNATURES):
        log.warning("a push service refuses our signature: are the clocks right?")
        return retry(answer, "bad_signature", now)
    is_mismatch = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if is_mismatch or b"VapidPkHashMismatch" in answer.body:
        return _MISMATCH
    return usual_outcome(answer, now)
