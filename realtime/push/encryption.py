"""
Encryption of what a browser is told, so that its push service cannot read it.

RFC 8291 on top of RFC 8188 (`aes128gcm`), in one record.
"""

import base64
import binascii
import os
import struct
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# RFC 8291, section 4: services need not take more than 4,096 octets, of which 86 are
# the header, 16 the tag and one the delimiter.
LARGEST_PLAINTEXT = 3993

_RECORD_SIZE = 4096
_POINT_BYTES = 65
_AUTH_BYTES = 16
_SALT_BYTES = 16
_LAST_RECORD = b"\x02"


@dataclass(frozen=True, slots=True)
class SubscriptionKeys:
    """What a browser makes for its subscription."""

    public: EllipticCurvePublicKey
    auth: bytes = field(repr=False)

    @classmethod
    def read(cls, p256dh: str, auth: str) -> Self:
        """
        Read both from base64url, padded or not.

        Raises:
            ValueError: It is no point of the curve, or not 16 octets; says which.
        """
        point = decode(p256dh)
        if point is None or len(point) != _POINT_BYTES:
            raise ValueError("p256dh must be 65 octets as base64url")
        try:
            public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        except ValueError:
            raise ValueError("p256dh must be a point of the curve P-256") from None
        secret = decode(auth)
        if secret is None or len(secret) != _AUTH_BYTES:
            raise ValueError("auth must be 16 octets as base64url")
        return cls(public, secret)


def encrypt(
    plaintext: bytes,
    keys: SubscriptionKeys,
    *,
    sender: EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """
    Encrypt for one subscription; the body of the request.

    `sender` and `salt` are made anew for every message; only an example names them.
    """
    sender = sender or generate_private_key(SECP256R1())
    salt = salt or os.urandom(_SALT_BYTES)
    ours, theirs = point_of(sender.public_key()), point_of(keys.public)
    shared = sender.exchange(ECDH(), keys.public)
    info = b"WebPush: info\x00" + theirs + ours
    secret = _hkdf(keys.auth, shared, info, 32)
    key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\x00", 12)
    sealed = AESGCM(key).encrypt(nonce, plaintext + _LAST_RECORD, None)
    return salt + struct.pack("!IB", _RECORD_SIZE, len(ours)) + ours + sealed


def point_of(key: EllipticCurvePublicKey) -> bytes:
    """Give a public key as an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encode(octets: bytes) -> str:
    """Write base64url without padding, as everything around Web Push does."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """Read base64url, padded or not; None where it is none."""
    stripped = text.rstrip("=")
    try:
        return base64.b64decode(
            stripped + "=" * (-len(stripped) % 4), b"-_", validate=True
        )
    except (binascii.Error, ValueError):
        return None


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)
