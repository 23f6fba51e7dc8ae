"""
Addresses and links in mails that say by themselves whom and what they are for.

Each carries ids and an HMAC over them with the server's `links` key, so nobody can make
one up and nothing has to be kept for it; keys that were retired are still understood.
Local parts keep to RFC 5321's 64 octets and to lower case, because there are servers
that fold it.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Literal
from uuid import UUID

from realtime.settings import Settings
from storage.records import ConversationId, UserId
from storage.server_keys import NewKey
from storage.unit_of_work import UnitOfWork

Frequency = Literal["instant", "hourly", "daily", "weekly"]

_FREQUENCIES: tuple[Frequency, ...] = ("instant", "hourly", "daily", "weekly")
_UUID_BYTES = 16
_KEY_BYTES = 32
# Who guesses is heard each time: 80 bits suffice for who cannot try in private.
_MAC_BYTES = 10
# What two ids leave of 64 characters.
_SHORT_MAC_BYTES = 7
_LONGEST_TOKEN = 400

# What an address is for, as its first letter.
_BOUNCE, _REPLY, _UNSUBSCRIBE = "b", "r", "u"


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """
    What an unsubscribe link ends: mails of one purpose to one person.

    `purpose` is a type of the catalogue, `class:promotion`, or `digest` for all that
    comes gathered; `frequency` is how the mail came that had the link.
    """

    user_id: UserId
    purpose: str
    delivery_id: UUID
    frequency: Frequency = "instant"


@dataclass(frozen=True, slots=True)
class Replying:
    """Who answers by mail, and in which conversation."""

    user_id: UserId
    conversation_id: ConversationId


class Links:
    """
    Makes and reads signed addresses and links.

    Makers answer None where the server has no place of that kind (`public_url` for
    links, `mail_domain` for addresses); readers answer None for what is not ours.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        public_url: str | None = None,
        mail_domain: str | None = None,
    ) -> None:
        self._keys = keys
        self._public_url = public_url
        self._mail_domain = mail_domain

    def unsubscribe_link(
        self,
        user: UserId,
        purpose: str,
        delivery: UUID,
        frequency: Frequency = "instant",
    ) -> str | None:
        """Make the link that ends mails of one purpose (RFC 8058)."""
        if self._public_url is None:
            return None
        payload = (
            user.bytes
            + delivery.bytes
            + bytes([_FREQUENCIES.index(frequency)])
            + purpose.encode()
        )
        signed = payload + self._mac(self._keys[0], "unsubscribe", payload, _MAC_BYTES)
        token = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
        return f"{self._public_url}/v1/unsubscribe/{token}"

    def read_unsubscribe(self, token: str) -> Unsubscribing | None:
        """Read the token of such a link."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        try:
            padded = token + "=" * (-len(token) % 4)
            signed = base64.b64decode(padded, b"-_", validate=True)
        except ValueError:
            return None
        payload = self._verified("unsubscribe", signed, _MAC_BYTES)
        head = 2 * _UUID_BYTES + 1
        if payload is None or len(payload) <= head:
            return None
        return Unsubscribing(
            UserId(UUID(bytes=payload[:_UUID_BYTES])),
            payload[head:].decode(),
            UUID(bytes=payload[_UUID_BYTES : head - 1]),
            _FREQUENCIES[payload[head - 1]],
        )

    def unsubscribe_address(self, delivery: UUID) -> str | None:
        """Make the address at which any mail ends what that delivery was (RFC 2369)."""
        return self._address(_UNSUBSCRIBE, delivery.bytes, _MAC_BYTES)

    def read_unsubscribe_address(self, address: str) -> UUID | None:
        """Read which delivery somebody wants no more of."""
        payload = self._read(_UNSUBSCRIBE, address, _MAC_BYTES)
        return None if payload is None else UUID(bytes=payload)

    def reply_address(self, user: UserId, conversation: ConversationId) -> str | None:
        """
        Make the address at which this person answers in this conversation.

        It is the same in all mails of the two, and works as long as they may write.
        """
        return self._address(
            _REPLY, user.bytes + conversation.bytes, _SHORT_MAC_BYTES, ids=2
        )

    def read_reply(self, address: str) -> Replying | None:
        """Read who answers where."""
        payload = self._read(_REPLY, address, _SHORT_MAC_BYTES, ids=2)
        if payload is None:
            return None
        return Replying(
            UserId(UUID(bytes=payload[:_UUID_BYTES])),
            ConversationId(UUID(bytes=payload[_UUID_BYTES:])),
        )

    def bounce_address(self, delivery: UUID) -> str | None:
        """Make the envelope's sender: what bounces there is about this delivery."""
        return self._address(_BOUNCE, delivery.bytes, _MAC_BYTES)

    def read_bounce(self, address: str) -> UUID | None:
        """Read which delivery bounced."""
        payload = self._read(_BOUNCE, address, _MAC_BYTES)
        return None if payload is None else UUID(bytes=payload)

    def _address(
        self, kind: str, payload: bytes, mac_bytes: int, *, ids: int = 1
    ) -> str | None:
        assert len(payload) == ids * _UUID_BYTES  # noqa: S101 - callers are above
        if self._mail_domain is None:
            return None
        signed = payload + self._mac(self._keys[0], kind, payload, mac_bytes)
        local = base64.b32encode(signed).rstrip(b"=").decode().lower()
        return f"{kind}{local}@{self._mail_domain}"

    def _read(
        self, kind: str, address: str, mac_bytes: int, *, ids: int = 1
    ) -> bytes | None:
        local, _, domain = address.rpartition("@")
        if self._mail_domain is None or domain.lower() != self._mail_domain.lower():
            return None
        if not local.isascii() or local[:1].lower() != kind:
            return None
        encoded = local[1:].upper()
        try:
            signed = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
        except ValueError:
            return None
        if len(signed) != ids * _UUID_BYTES + mac_bytes:
            return None
        return self._verified(kind, signed, mac_bytes)

    def _verified(self, kind: str, signed: bytes, mac_bytes: int) -> bytes | None:
        payload, mac = signed[:-mac_bytes], signed[-mac_bytes:]
        for key in self._keys:
            if hmac.compare_digest(self._mac(key, kind, payload, mac_bytes), mac):
                return payload
        return None

    @staticmethod
    def _mac(key: bytes, kind: str, payload: bytes, size: int) -> bytes:
        # The kind is signed too: no address of one kind passes for another.
        return hmac.digest(key, kind.encode() + b"\0" + payload, sha256)[:size]


async def open_links(work: UnitOfWork, settings: Settings) -> Links:
    """Give the maker and reader of this server's links; the first one makes the key."""
    current = await work.server_keys.current("links", _new_key)
    keys = await work.server_keys.all("links")
    return Links(
        [current.secret, *(key.secret for key in keys if key.id != current.id)],
        public_url=settings.public_url,
        mail_domain=settings.mail_domain,
    )


def message_id(delivery: UUID, domain: str) -> str:
    """Name the mail of a delivery: sent again, it is the same mail."""
    return f"<{delivery}@{domain}>"


def read_message_id(text: str) -> UUID | None:
    """
    Read which delivery a Message-ID names; anybody can write one, so it proves nothing.
    """
    local = text.strip().removeprefix("<").partition("@")[0]
    try:
        return UUID(local)
    except ValueError:
        return None


def _new_key() -> NewKey:
    return NewKey(token_bytes(_KEY_BYTES))
