"""
How long to wait before the next attempt.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]

# Past this doubling every sensible `longest` has been reached; 2.0 ** 2000 overflows.
MOST_DOUBLINGS = 32


@dataclass(frozen=True)
class Backoff:
    """
    Exponential delays with full jitter, so that a thousand clients spread out.

    `chance` gives numbers in [0, 1); a test passes its own to know the delay.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    chance: Callable[[], float] = random.random

    def delay(self, attempt: int) -> float:
        """
        Give the seconds to wait before attempt number `attempt`, counted from 0.
        """
        most = self.first_s * 2.0 ** min(attempt, MOST_DOUBLINGS)
        return min(self.longest_s, most) * self.chance()
