"""What all push services have in common: patience, refusals, things that are over."""

import asyncio
from datetime import timedelta
from typing import Protocol

from realtime.clock import Clock
from realtime.notifications.notifier import (
    Outcome,
    Parcel,
    Rejected,
    Retry,
    Skipped,
    Target,
)
from realtime.push.outgoing import Unreachable
from realtime.push.payloads import has_expired
from realtime.work import Transactions

# `Notifier.send` promises a minute; two attempts fit into this.
SEND_WITHIN = timedelta(seconds=30)

# The device registered with something that does not belong together: a key, an app.
OF_THE_DEVICE = frozenset(
    {"forbidden_address", "vapid_mismatch", "sender_mismatch", "wrong_topic"}
)


class Carrier(Protocol):
    """The way to one push service."""

    @property
    def kind(self) -> str:
        """Name the kind of device that it serves."""

    def can_retract(self, target: Target) -> bool:
        """Tell whether the device can take back what it shows, and show nothing."""

    async def carry(self, parcel: Parcel, target: Target) -> Outcome:
        """
        Have the service take it.

        Raises:
            Unreachable: The service does not answer.
        """

    async def close(self) -> None:
        """Let go of connections."""


class PushNotifier:
    """
    Sends by one carrier, within bounds.

    Refusals that are due to how a device registered are counted; after a few it is
    left alone until it registers anew (`storage/devices.py`). What the operator has
    set up wrongly is no device's fault, is tried again and not counted.
    """

    def __init__(
        self,
        carrier: Carrier,
        transactions: Transactions,
        clock: Clock,
        *,
        within: timedelta = SEND_WITHIN,
    ) -> None:
        self._carrier = carrier
        self._transactions = transactions
        self._clock = clock
        self._within = within

    @property
    def kinds(self) -> frozenset[str]:
        """Name the one kind of device."""
        return frozenset({self._carrier.kind})

    async def send(self, parcel: Parcel) -> Outcome:
        """
        Have the service take it, unless it has become pointless.

        Raises:
            Unavailable: The database is away.
        """
        target = parcel.target
        if target is None:
            return Rejected("device_gone")
        if has_expired(parcel, self._clock()):
            return Skipped("expired")
        if parcel.kind == "retract" and not self._carrier.can_retract(target):
            return Skipped("cannot_retract")
        outcome = await self._carried(parcel, target)
        if isinstance(outcome, Rejected):
            return await self._rejected(outcome, target)
        return outcome

    async def _carried(self, parcel: Parcel, target: Target) -> Outcome:
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                return await self._carrier.carry(parcel, target)
        except TimeoutError:
            return Retry("timeout")
        except Unreachable as failure:
            return Retry(failure.reason)

    async def _rejected(self, outcome: Rejected, target: Target) -> Outcome:
        """Count a refusal, and tell a dead token from one that was replaced since."""
        async with self._transactions() as work:
            if outcome.reason in OF_THE_DEVICE:
                await work.devices.refused(target.id, target.token)
            if outcome.is_target_gone:
                device = (await work.devices.with_ids([target.id])).get(target.id)
                if device is not None and device.token != target.token:
                    return Retry("registered_anew")
        return outcome

    async def close(self) -> None:
        """Close connections."""
        await self._carrier.close()
