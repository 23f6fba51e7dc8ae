"""Time-ordered ids: UUID version 7, made here so that indexes grow at one end."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """
    Make a UUID that sorts by the millisecond in which it was made.

    RFC 9562, section 5.7: 48 bits of Unix milliseconds, then random bits.
    """
    stamp = time.time_ns() // 1_000_000
    value = (stamp & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
