"""Time-ordered ids: UUID version 7, made here so that indexes grow at one end."""

import os
import time
from uuid import UUID

_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62
_STEP_BITS = 32

_last = 0


def uuid7() -> UUID:
    """
    Make a UUID that sorts behind all that this process has made before.

    RFC 9562, section 5.7: 48 bits of Unix milliseconds, then random bits; within a
    millisecond, and while the clock goes back, the one before it and a random step
    (section 6.2, method 2). Not a secret: whoever knows one may guess its neighbour.
    """
    global _last  # noqa: PLW0603 - the order is the process's
    stamp = time.time_ns() // 1_000_000
    if stamp > _last >> 80:
        # Bit 61 stays free, so that no steps ever reach the variant.
        random = int.from_bytes(os.urandom(10)) & ~(0xF << 76) & ~(0x7 << 61)
        _last = (stamp & (2**48 - 1)) << 80 | _VERSION_AND_VARIANT | random
    else:
        _last += 1 + int.from_bytes(os.urandom(_STEP_BITS // 8))
    return UUID(int=_last)
