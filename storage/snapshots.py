"""
What a PostgreSQL snapshot saw: the arithmetic behind cursors and repair.

A snapshot `xmin:xmax:xip,…` sees a transaction that committed before it was taken.
The same rule stands in PostgreSQL as `pg_visible_in_snapshot`; here it saves asking.
"""

import re
from dataclasses import dataclass
from typing import Self

_FORM = re.compile(r"(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)")

# PostgreSQL refuses larger transaction ids.
_LARGEST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the database: which transactions it sees."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read the text form of `pg_snapshot`.

        Raises:
            ValueError: It is none.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError("not a snapshot")
        xmin, xmax = int(found[1]), int(found[2])
        running = [int(xid) for xid in found[3].split(",") if xid]
        in_order = sorted(set(running)) == running
        if not (0 < xmin <= xmax <= _LARGEST and in_order):
            raise ValueError("not a snapshot")
        if running and not (xmin <= running[0] and running[-1] < xmax):
            raise ValueError("not a snapshot")
        return cls(xmin, xmax, frozenset(running))

    def sees(self, xid: int) -> bool:
        """Had this transaction committed when the snapshot was taken?"""
        if xid < self.xmin:
            return True
        return xid < self.xmax and xid not in self.running

    def __str__(self) -> str:
        running = ",".join(str(xid) for xid in sorted(self.running))
        return f"{self.xmin}:{self.xmax}:{running}"
