"""How much of something is taken at once, and how fast more is taken after that."""

import re
from dataclasses import dataclass
from typing import Self

OFF = "off"

_WRITTEN = re.compile(r"(?P<burst>\d{1,9})/(?P<refill>\d{1,9})(?P<unit>[smhd]?)")
_PER_SECOND = 1_000_000
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Rate:
    """
    The size of a bucket of tokens, and the microseconds in which one comes back.

    Whole numbers, so that this process and Redis agree to the last one.
    """

    burst: int
    interval: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """
        Read `burst/refill`: `2000/50` is 2,000 at once and then 50 a second.

        A unit may follow: `60/1m` is one a minute, `h` and `d` are longer still. None
        is what `off` means.

        Raises:
            ValueError: It is something else.
        """
        if text == OFF:
            return None
        found = _WRITTEN.fullmatch(text)
        if found is None or not int(found["burst"]) or not int(found["refill"]):
            raise ValueError("must be off, or burst/refill such as 2000/50 or 60/1m")
        period = _PER_SECOND * _UNITS[found["unit"]]
        return cls(int(found["burst"]), max(period // int(found["refill"]), 1))
