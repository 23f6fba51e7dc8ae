"""
Limits that several nodes keep together in Redis or Valkey.

Asking Redis for every message would cost more than the message, so a node borrows
tokens by the handful and counts them itself for some seconds; what is left then is
lost. A handful is small beside the bucket, and small beside what comes back meanwhile,
so nobody gets or loses much by it. Redis' clock is the only one that counts.

Where Redis is away or slow, every node counts alone, from full buckets, until it is
back: a limit that is too generous for a while hurts less than a chat that stands still.
"""

import asyncio
import contextlib
import logging
import random
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

from realtime.limits import (
    Kind,
    MemoryLimits,
    Rates,
    Refused,
    Ticks,
    nobody_counts,
    refuse,
    ticks,
)
from realtime.rates import Rate
from realtime.redis_link import FAULTS, Address, Command, Link, describe
from storage.records import UserId

log = logging.getLogger(__name__)

# The bucket is kept as the moment at which it will be full, in microseconds, as in
# `MemoryLimits`. Whole numbers of this size are exact in Lua.
_BORROW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = now + burst * interval - full_at
local given = math.min(wanted, math.floor(room / interval))
if given < 1 then return {0, interval - room} end
full_at = full_at + given * interval
redis.call('SET', KEYS[1], string.format('%.0f', full_at),
  'PX', math.ceil((full_at - now) / 1000))
return {given, 0}
"""

# How long borrowed tokens are good.
_LEASE = 5_000_000
# A handful is at most this many, and this part of the bucket.
_HANDFUL = 100
_PART = 50

# How long `open` waits for the first session.
_OPEN_SECONDS = 2.0
# Pauses between sessions that fail: doubled each time, and up to half of it by lot.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

# Below this many, leases are not looked through for those that have ended.
_FEW_LEASES = 1024

_Key = tuple[Kind, UserId]


@dataclass(slots=True)
class _Lease:
    """Tokens that are here until a moment; none is Redis' word until then."""

    tokens: int
    until: int


@dataclass(slots=True)
class _Ask:
    """Who waits for a bucket: the future of all of them, and how many they are."""

    answered: "asyncio.Future[None]"
    waiting: int = 0


class RedisLimits:
    """
    The limits of all nodes that share a Redis, alone or a cluster; see `Limits`.

    Nobody waits for Redis longer than `patience`.

    Raises:
        ValueError: The URL is not one of Redis; what it says is not repeated.
    """

    def __init__(
        self,
        url: str,
        rates: Rates,
        *,
        is_cluster: bool = False,
        patience: timedelta = timedelta(milliseconds=50),
        refused: Refused = nobody_counts,
        now: Ticks = ticks,
    ) -> None:
        self._address = Address.parse(url, is_cluster=is_cluster)
        self._rates = rates
        # Of so many left, more are fetched before anybody has to wait for them.
        self._low = {kind: handful(rate) // 2 for kind, rate in rates.items()}
        self._patience_seconds = patience.total_seconds()
        self._refused = refused
        self._now = now
        self._alone = MemoryLimits(rates, refused=refused, now=now)
        self._leases: dict[_Key, _Lease] = {}
        self._enough = _FEW_LEASES
        self._asked: dict[_Key, _Ask] = {}
        self._has_asked = asyncio.Event()
        self._has_tried = asyncio.Event()
        self._is_slow = False
        self._is_connected = False
        self._is_closing = False
        self._sessions: asyncio.Task[None] | None = None
        self._last_fault = ""

    @property
    def is_connected(self) -> bool:
        """Tell whether nodes count together now."""
        return self._is_connected

    async def open(self) -> None:
        """Begin; returns after the first attempt to connect, and keeps trying."""
        self._is_closing = False
        self._sessions = asyncio.create_task(self._run(), name="limits")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPEN_SECONDS):
                await self._has_tried.wait()

    async def check(self, kind: Kind, user: UserId) -> None:
        """Take a token that is here, borrow some, or count alone."""
        rate = self._rates.get(kind)
        if rate is None:
            return
        key = (kind, user)
        if self._take_here(key):
            return
        if await self._borrow(key):
            return
        await self._alone.check(kind, user)

    def give_back(self, kind: Kind, user: UserId) -> None:
        """Put a token back among those that are here."""
        if kind not in self._rates:
            return
        now = self._now()
        lease = self._leases.get((kind, user))
        if lease is None or lease.until <= now or not lease.tokens:
            self._keep((kind, user), _Lease(1, now + _LEASE))
        else:
            lease.tokens += 1

    async def close(self) -> None:
        """End; what was borrowed comes back in Redis by itself."""
        if self._sessions is not None:
            self._is_closing = True
            while not self._sessions.done():
                # Again, should a library have taken the cancelling for a time-out.
                self._sessions.cancel()
                await asyncio.wait([self._sessions], timeout=1)
            self._sessions = None
        self._leases.clear()

    def _take_here(self, key: _Key) -> bool:
        """
        Take a borrowed token; False where Redis has to be asked.

        Raises:
            RateLimited: Redis has said that there is none.
        """
        lease = self._leases.get(key)
        if lease is None:
            return False
        now = self._now()
        if lease.until <= now:
            return False
        if not lease.tokens:
            self._refused(key[0])
            raise refuse(lease.until - now)
        lease.tokens -= 1
        if not lease.tokens:
            # Used up is not refused: the next one asks.
            del self._leases[key]
        elif lease.tokens == self._low[key[0]] and self._is_connected:
            self._ask(key)
        return True

    async def _borrow(self, key: _Key) -> bool:
        """
        Borrow until a token is ours; False where Redis is away or too slow.

        Raises:
            RateLimited: Redis has said that there is none.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                while self._is_connected and not self._is_slow:
                    asked = self._ask(key)
                    asked.waiting += 1
                    # The answer is for all who wait, and of use when it comes late.
                    await asyncio.shield(asked.answered)
                    if self._take_here(key):
                        return True
        except TimeoutError:
            # Until the next answer nobody else waits.
            self._is_slow = True
        return False

    def _ask(self, key: _Key) -> _Ask:
        """Have the session borrow for a bucket, once for all who want it."""
        asked = self._asked.get(key)
        if asked is None:
            asked = _Ask(asyncio.get_running_loop().create_future())
            self._asked[key] = asked
            self._has_asked.set()
        return asked

    # --- the session ----------------------------------------------------------------

    async def _run(self) -> None:
        """Have one session after the other, for ever."""
        failures = 0
        while True:
            self._is_connected = False
            try:
                async with aclosing(await Link.open(self._address)) as link:
                    failures = 0
                    self._begin()
                    await self._answer(link)
            except FAULTS as fault:
                self._tell_fault(describe(fault))
            except Exception:
                log.exception("limits have failed")
            finally:
                self._is_connected = False
                self._release()
                self._has_tried.set()
            # A fault at the moment of our cancellation may have come through instead.
            if self._is_closing:
                return
            failures += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    def _begin(self) -> None:
        self._is_connected = True
        self._is_slow = False
        self._last_fault = ""
        self._has_tried.set()
        log.info("limits are counted together")

    async def _answer(self, link: Link) -> None:
        """Borrow what is asked for, everything that waits in one go."""
        while True:
            await self._has_asked.wait()
            self._has_asked.clear()
            asked = dict(self._asked)
            answers = await link.run(
                [self._borrowing(key, each.waiting) for key, each in asked.items()]
            )
            self._is_slow = False
            for (key, each), (given, wait) in zip(asked.items(), answers, strict=True):
                self._take_answer(key, given, wait)
                del self._asked[key]
                _settle(each)

    def _take_answer(self, key: _Key, given: int, wait: int) -> None:
        now = self._now()
        left = self._leases.get(key)
        if left is None or left.until <= now or not left.tokens:
            self._keep(key, _Lease(given, now + (_LEASE if given else wait)))
        elif given:
            left.tokens += given
            left.until = now + _LEASE

    def _borrowing(self, key: _Key, waiting: int) -> Command:
        kind, user = key
        rate = self._rates[kind]
        wanted = max(handful(rate), waiting)
        name = f"callboard:limit:{kind}:{{{user}}}"
        return ("EVAL", _BORROW, 1, name, rate.interval, rate.burst, wanted)

    def _release(self) -> None:
        """Have nobody wait for what will not come."""
        for asked in self._asked.values():
            _settle(asked)
        self._asked.clear()
        self._has_asked.clear()

    def _keep(self, key: _Key, lease: _Lease) -> None:
        self._leases[key] = lease
        if len(self._leases) > self._enough:
            now = self._now()
            self._leases = {
                k: one for k, one in self._leases.items() if one.until > now
            }
            self._enough = max(2 * len(self._leases), _FEW_LEASES)

    def _tell_fault(self, why: str) -> None:
        """Log a fault, once for as long as it stays the same."""
        if why != self._last_fault:
            log.warning("every node counts its limits alone", extra={"why": why})
        self._last_fault = why


def handful(rate: Rate) -> int:
    """Say how many tokens to borrow: a little of what there is and comes back."""
    return max(min(_HANDFUL, rate.burst // _PART, _LEASE // rate.interval // 4), 1)


def _settle(asked: _Ask) -> None:
    if not asked.answered.done():
        asked.answered.set_result(None)
