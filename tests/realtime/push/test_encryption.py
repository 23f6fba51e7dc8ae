"""Encryption for browsers, held to the example of RFC 8291, octet by octet."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from realtime.push.encryption import (
    LARGEST_PLAINTEXT,
    SubscriptionKeys,
    decode,
    encode,
    encrypt,
    point_of,
)
from tests.push_services import Browser

PLAINTEXT = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
AS_PUBLIC = (
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
    "u3jl7A8"
)
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkN"
    "toIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vC"
    "YLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXL"
    "WyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def octets(text: str) -> bytes:
    found = decode(text)
    assert found is not None
    return found


def test_the_example_of_the_rfc_comes_out_octet_by_octet() -> None:
    sender = derive_private_key(int.from_bytes(octets(AS_PRIVATE)), SECP256R1())
    assert encode(point_of(sender.public_key())) == AS_PUBLIC
    keys = SubscriptionKeys.read(UA_PUBLIC, AUTH)
    body = encrypt(PLAINTEXT, keys, sender=sender, salt=octets(SALT))
    assert encode(body) == BODY


def test_the_browser_of_these_tests_reads_the_example_too() -> None:
    browser = Browser(octets(UA_PRIVATE), octets(AUTH))
    assert browser.keys == {"p256dh": UA_PUBLIC, "auth": AUTH}
    assert browser.decrypt(octets(BODY)) == PLAINTEXT


def test_every_message_has_keys_of_its_own_and_fits_into_what_services_take() -> None:
    browser = Browser()
    keys = SubscriptionKeys.read(**browser.keys)
    bodies = [encrypt(b"x" * LARGEST_PLAINTEXT, keys) for _ in range(2)]
    assert len(bodies[0]) == 4096
    assert bodies[0][:86] != bodies[1][:86]
    assert browser.decrypt(bodies[1]) == b"x" * LARGEST_PLAINTEXT


@pytest.mark.parametrize(
    ("p256dh", "auth", "named"),
    [
        (UA_PUBLIC, AUTH[:-2], "auth"),
        (UA_PUBLIC, AUTH + "AA", "auth"),
        (UA_PUBLIC, "not base64!", "auth"),
        (UA_PUBLIC, "ä", "auth"),
        (UA_PUBLIC[:-4], AUTH, "p256dh"),
        ("", AUTH, "p256dh"),
        ("B" + "A" * 86, AUTH, "p256dh"),
        (UA_PUBLIC[:-3] + "AAA", AUTH, "p256dh"),
        # The other form of a point, and none at all.
        (encode(b"\x02" + octets(UA_PUBLIC)[1:33]), AUTH, "p256dh"),
        (encode(b"\x00" * 65), AUTH, "p256dh"),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must"):
        SubscriptionKeys.read(p256dh, auth)


def test_padding_is_no_matter() -> None:
    assert SubscriptionKeys.read(UA_PUBLIC + "=", AUTH + "==").auth == octets(AUTH)
