"""
Whether a call over HTTP is tried again, and when. No I/O.
"""

import logging
from dataclasses import dataclass
from typing import Any

import httpx

from callboard_client.backoff import Backoff
from callboard_client.calls import Call
from callboard_client.errors import Refused

__all__ = ["Attempts"]

log = logging.getLogger(__name__)

# Faults that come before a request is on its way: nobody has done anything.
NOT_BEGUN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# Refusals by the server itself; others of a gateway may hide that it was done.
NOT_DONE = frozenset({429, 503})


@dataclass(frozen=True)
class Attempts:
    """
    How often a call is tried, and how patiently.

    A server that asks to come back later than `longest_wait_s` is not waited for.
    """

    most: int = 5
    longest_wait_s: float = 30.0
    backoff: Backoff = Backoff()  # noqa: RUF009 - frozen as this is

    def pause_after(self, fault: Exception, call: Call[Any], tried: int) -> float:
        """
        Give how long to wait before the next attempt, after `tried` ones.

        Raises:
            Exception: The fault itself, where another attempt would help nobody, or
                might do something twice.
        """
        wait_s = 0.0
        match fault:
            case Refused(retry=True, status=status):
                is_harmless = call.can_repeat or status in NOT_DONE
                wait_s = (fault.retry_after_ms or 0) / 1000
            case httpx.TransportError():
                is_harmless = call.can_repeat or isinstance(fault, NOT_BEGUN)
            case _:
                is_harmless = False
        if not is_harmless or tried >= self.most or wait_s > self.longest_wait_s:
            raise fault
        log.info("trying again", extra={"call": call.method, "fault": repr(fault)})
        return max(wait_s, self.backoff.delay(tried - 1))
