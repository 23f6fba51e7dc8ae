"""Signatures that any implementation of Standard Webhooks checks alike."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

from realtime.webhooks.signing import (
    OVERLAP,
    Secret,
    headers_of,
    new_secret,
    rotated,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, 999_000, tzinfo=UTC)


def test_the_examples_of_the_specification_come_out() -> None:
    # Standard Webhooks, test vector of its reference libraries.
    kept = [
        {
            "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "created_at": NOW.isoformat(),
            "expires_at": None,
        }
    ]
    moment = datetime.fromtimestamp(1614265330, UTC)
    message = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    headers = headers_of(kept, message, '{"test": 2432232314}', moment)
    assert headers == {
        "webhook-id": message,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_moment_is_the_same_in_every_zone() -> None:
    kept: list[Secret] = [new_secret(NOW)]
    there = NOW.astimezone(timezone(timedelta(hours=11)))
    assert headers_of(kept, "a", "{}", NOW) == headers_of(kept, "a", "{}", there)
    assert headers_of(kept, "a", "{}", NOW)["webhook-timestamp"] == "1795262400"


def test_older_secrets_sign_for_a_day_and_never_too_many() -> None:
    kept: list[Secret] = [new_secret(NOW)]
    secret = str(kept[0]["secret"])
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    assert len(key) == 32

    def signs(moment: datetime) -> bool:
        headers = headers_of(kept, "id", "{}", moment)
        signed = f"id.{headers['webhook-timestamp']}.{{}}".encode()
        made = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return f"v1,{made}" in headers["webhook-signature"].split(" ")

    kept = list(rotated(kept, NOW))
    assert signs(NOW)
    # A second change does not give the first one longer.
    kept = list(rotated(kept, NOW + timedelta(hours=20)))
    assert signs(NOW + OVERLAP - timedelta(seconds=1))
    assert not signs(NOW + OVERLAP)
    for _ in range(20):
        kept = list(rotated(kept, NOW))
    assert len(kept) == 5
