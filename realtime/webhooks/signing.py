"""
Secrets and signatures of webhooks, as Standard Webhooks (version 1) has them.

While a secret is being replaced both sign: the header lists several signatures, and a
receiver takes any that fits.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from realtime.clock import instant

# Standard Webhooks wants 24 to 64 bytes.
_SECRET_BYTES = 32

# As long as an older secret signs too.
OVERLAP = timedelta(hours=24)

# However often it is replaced, the header stays short.
_SIGNATURES = 5

Secret = Mapping[str, Any]


def new_secret(now: datetime) -> dict[str, Any]:
    """Make a secret that signs until it is replaced."""
    value = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
    return {
        "secret": f"whsec_{value}",
        "created_at": now.isoformat(),
        "expires_at": None,
    }


def rotated(kept: Sequence[Secret], now: datetime) -> Sequence[Secret]:
    """Put a new secret before the others, which sign for another day."""
    until = (now + OVERLAP).isoformat()
    older = [
        {**each, "expires_at": each["expires_at"] or until}
        for each in kept
        if _signs(each, now)
    ]
    return [new_secret(now), *older][:_SIGNATURES]


def secret_of(kept: Sequence[Secret], made_at: datetime) -> str | None:
    """Give the secret that was made in a millisecond, if it is still kept."""
    for each in kept:
        if instant(datetime.fromisoformat(each["created_at"])) == instant(made_at):
            return str(each["secret"])
    return None


def headers_of(
    kept: Sequence[Secret], message_id: str, body: str, now: datetime
) -> dict[str, str]:
    """Sign a body with every secret that signs now."""
    # The library takes whatever zone for UTC.
    moment = now.astimezone(UTC)
    signatures = [
        Webhook(each["secret"]).sign(message_id, moment, body)
        for each in kept
        if _signs(each, now)
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _signs(secret: Secret, now: datetime) -> bool:
    until = secret["expires_at"]
    return until is None or datetime.fromisoformat(until) > now
