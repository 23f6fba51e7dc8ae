"""
How often people may do what costs others something.

A bucket of tokens for each kind and person: what is done takes one, and they come back
at a steady rate until the bucket is full. `RateLimited` says when the next one will be
there. One process counts for itself (`MemoryLimits`), several together over Redis
(`redis_limits.py`).
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, get_args

from realtime.errors import RateLimited
from realtime.rates import Rate
from realtime.settings import Settings
from storage.records import UserId

# What is limited: messages of a sender; messages to the recipient of direct
# conversations; conversations begun; connections asked for, and asked of somebody;
# changes to what is there, which others are told of as of a message; searches.
Kind = Literal[
    "messages",
    "messages_to",
    "conversations",
    "connections",
    "connections_to",
    "changes",
    "searches",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Rates = Mapping[Kind, Rate]
# Microseconds that pass evenly, from whatever beginning.
Ticks = Callable[[], int]
# Is told the kind of everything that is refused.
Refused = Callable[[Kind], None]

# Below this many, buckets are not looked through for full ones.
_FEW_BUCKETS = 1024


class Limits(Protocol):
    """
    Counts what people do; a kind without a rate is not limited.

    Nothing raises because of a fault: who cannot count together counts alone.
    """

    async def open(self) -> None:
        """Begin, within two seconds, whether others can be reached or not."""

    async def check(self, kind: Kind, user: UserId) -> None:
        """
        Take a token of somebody, or refuse; waits for at most some 50 ms.

        Raises:
            RateLimited: There is none; says when there will be one.
        """

    def give_back(self, kind: Kind, user: UserId) -> None:
        """Put back what was taken for something that then was refused."""

    async def close(self) -> None:
        """End."""


def rates_of(settings: Settings) -> Rates:
    """Give the rates that an operator has chosen, without what is off."""
    written = {kind: getattr(settings, f"limit_{kind}") for kind in KINDS}
    read = {kind: Rate.parse(text) for kind, text in written.items()}
    return {kind: rate for kind, rate in read.items() if rate is not None}


def refuse(microseconds: float) -> RateLimited:
    """Make the refusal which says that a token comes in so many microseconds."""
    return RateLimited(retry_after_ms=max(-int(-microseconds // 1000), 1))


def ticks() -> int:
    """Tell this process' own time."""
    return time.monotonic_ns() // 1000


def nobody_counts(kind: Kind) -> None:
    """Take no notice of a refusal."""


class MemoryLimits:
    """
    The limits of one process; see `Limits`.

    A bucket is kept as the moment at which it will be full, which is all there is to
    know of it, and forgotten some time after that moment.
    """

    def __init__(
        self, rates: Rates, *, refused: Refused = nobody_counts, now: Ticks = ticks
    ) -> None:
        self._rates = rates
        self._refused = refused
        self._now = now
        self._full_at: dict[tuple[Kind, UserId], int] = {}
        self._enough = _FEW_BUCKETS

    def __len__(self) -> int:
        return len(self._full_at)

    async def open(self) -> None:
        """Need nothing."""

    async def check(self, kind: Kind, user: UserId) -> None:
        """Take a token of somebody, or refuse; never waits."""
        rate = self._rates.get(kind)
        if rate is None:
            return
        key = (kind, user)
        now = self._now()
        full_at = max(self._full_at.get(key, 0), now) + rate.interval
        excess = full_at - now - rate.burst * rate.interval
        if excess > 0:
            self._refused(kind)
            raise refuse(excess)
        self._full_at[key] = full_at
        if len(self._full_at) > self._enough:
            self._forget(now)

    def give_back(self, kind: Kind, user: UserId) -> None:
        """Put a token back; a full bucket stays full."""
        key = (kind, user)
        if key in self._full_at:
            self._full_at[key] -= self._rates[kind].interval

    async def close(self) -> None:
        """Forget everything."""
        self._full_at.clear()

    def _forget(self, now: int) -> None:
        """Drop full buckets, and look again when there are twice as many as stay."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        self._enough = max(2 * len(self._full_at), _FEW_BUCKETS)
