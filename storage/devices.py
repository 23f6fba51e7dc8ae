"""
Devices: where pushes go, until they are gone.

A person's transaction sees and changes one's own (storage/sql/3_devices.sql); the
service finds those of whom it tells something. Tokens show in no `repr`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import UserId
from storage.rows import is_one_of
from storage.tables import devices

Kind = Literal["webpush", "fcm", "apns", "relay"]
Payload = Literal["full", "id_only"]

# A device that refused so many pushes is not tried again until it registers anew.
REFUSALS_TAKEN = 3


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What a device says of itself when it registers."""

    id: UUID
    kind: Kind
    token: str = field(repr=False)
    keys: Mapping[str, str] = field(repr=False, default_factory=dict)
    vapid_key_id: UUID | None = None
    app: str | None = None
    name: str | None = None
    locale: str | None = None
    payload: Payload = "full"


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it is kept."""

    id: UUID
    user_id: UserId
    kind: Kind
    token: str = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)
    vapid_key_id: UUID | None
    app: str | None
    name: str | None
    locale: str | None
    payload: Payload
    created_at: datetime
    seen_at: datetime
    failures: int


_COLUMNS = [devices.c[name] for name in Device.__slots__]

_PUT = text("""
SELECT callboard.put_device(:id, :kind, :token, :keys, :vapid_key_id, :app, :name,
  :locale, :payload, :most, :now)
""").bindparams(bindparam("keys", type_=JSONB))

_REMOVE = text("SELECT callboard.remove_device(:id, :now)")

# Whoever is at work with one of them has it a little longer: nobody waits in a circle.
_GONE = text("""
SELECT callboard.forget_devices(COALESCE(array_agg(id), '{}'), 'device_gone', :now)
FROM (SELECT id FROM callboard.devices
  WHERE id = :id AND token = COALESCE(:token, token) FOR UPDATE SKIP LOCKED) gone
""")

_FORGET_UNSEEN = text("""
SELECT callboard.forget_devices(COALESCE(array_agg(id), '{}'), 'device_gone', :now)
FROM (SELECT id FROM callboard.devices WHERE seen_at < :before
  ORDER BY seen_at LIMIT :most FOR UPDATE SKIP LOCKED) unseen
""")

_FORGET_OF = text("""
SELECT callboard.forget_devices(COALESCE(array_agg(id), '{}'), 'device_gone', :now)
FROM callboard.devices WHERE user_id = ANY (:users)
""")


class Devices:
    """The devices that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(self, user: UserId) -> Sequence[Device]:
        """Give a person's devices, last seen first."""
        rows = await self._connection.execute(
            select(*_COLUMNS)
            .where(devices.c.user_id == user)
            .order_by(devices.c.seen_at.desc(), devices.c.id.desc())
        )
        return [_device(row) for row in rows]

    async def get(self, user: UserId, device: UUID) -> Device | None:
        """Give a device of this person."""
        rows = await self._connection.execute(
            select(*_COLUMNS).where(devices.c.user_id == user, devices.c.id == device)
        )
        row = rows.one_or_none()
        return _device(row) if row else None

    async def with_ids(self, ids: Collection[UUID]) -> Mapping[UUID, Device]:
        """Give those of these devices that there still are, whoever has them."""
        rows = await self._connection.execute(
            select(*_COLUMNS).where(is_one_of(devices.c.id, ids))
        )
        return {row.id: _device(row) for row in rows}

    async def of(self, users: Collection[UserId]) -> Mapping[UserId, Sequence[Device]]:
        """
        Give the devices to which pushes to these people go; for the service.

        They stay until this transaction ends, so deliveries may name them. Left out
        are devices that have only refused pushes since they registered.
        """
        found: dict[UserId, list[Device]] = {}
        rows = await self._connection.execute(
            select(*_COLUMNS)
            .where(is_one_of(devices.c.user_id, users))
            .where(devices.c.failures < REFUSALS_TAKEN)
            .order_by(devices.c.id)
            .with_for_update(read=True, key_share=True)
        )
        for row in rows:
            found.setdefault(row.user_id, []).append(_device(row))
        return found

    async def put(self, device: NewDevice, most: int, now: datetime) -> bool | None:
        """
        Register a device of the person whose transaction this is, or see it again.

        Its token leaves whichever device had it, with all that waits for that one.
        Of more than `most` devices, those go that were not seen for longest. Gives
        whether it is new; None where the id is another person's.
        """
        values: dict[str, Any] = {
            name: getattr(device, name) for name in NewDevice.__slots__
        }
        rows = await self._connection.execute(_PUT, values | {"most": most, "now": now})
        is_new: bool | None = rows.scalar_one()
        return is_new

    async def remove(self, device: UUID, now: datetime) -> bool:
        """Remove a device of the person whose transaction this is, if it is there."""
        rows = await self._connection.execute(_REMOVE, {"id": device, "now": now})
        return bool(rows.scalar_one())

    async def gone(
        self, device: UUID, now: datetime, *, token: str | None = None
    ) -> bool:
        """
        Forget a device whose service says that it is no more; for the service.

        With `token` only if that is still the device's: it may have registered anew
        since. What waits for it is skipped as `device_gone`.
        """
        rows = await self._connection.execute(
            _GONE, {"id": device, "token": token, "now": now}
        )
        return bool(rows.scalar_one())

    async def refused(self, device: UUID, token: str) -> None:
        """Count that a push was refused for what the device registered with."""
        await self._connection.execute(
            update(devices)
            .where(devices.c.id == device, devices.c.token == token)
            .values(failures=func.least(devices.c.failures + 1, REFUSALS_TAKEN))
        )

    async def forget_of(self, users: Collection[UserId], now: datetime) -> int:
        """Forget all devices of people who are signed out everywhere, or deleted."""
        rows = await self._connection.execute(
            _FORGET_OF, {"users": list(users), "now": now}
        )
        return int(rows.scalar_one())

    async def forget_unseen(self, before: datetime, most: int, now: datetime) -> int:
        """Forget devices that have not shown up since a moment, no more than these."""
        rows = await self._connection.execute(
            _FORGET_UNSEEN, {"before": before, "most": most, "now": now}
        )
        return int(rows.scalar_one())


def _device(row: Any) -> Device:  # noqa: ANN401 - a row of any query over `_COLUMNS`
    return Device(**row._mapping)  # noqa: SLF001 - a row's way to a mapping
