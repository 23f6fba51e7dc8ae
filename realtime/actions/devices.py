"""The devices on which people are told: registering, listing and removing them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from realtime.actor import Actor
from realtime.errors import Conflict, Invalid, NotFound
from realtime.push.addresses import PushHosts
from realtime.push.encryption import SubscriptionKeys
from realtime.push.vapid import current_key
from storage.devices import Device, NewDevice
from storage.unit_of_work import UnitOfWork

# More than anybody uses; browsers leave old subscriptions behind.
MOST_DEVICES = 20


async def put_device(
    work: UnitOfWork, actor: Actor, device: NewDevice, hosts: PushHosts, now: datetime
) -> Device:
    """
    Register a device of the actor, or note that it is still there.

    A token leaves whichever device had it, the actor's or another person's, and what
    was waiting for that one is not sent. Of more than twenty devices those go that
    were not seen for longest.

    Raises:
        Invalid: A Web Push subscription is none, is at no push service that is known,
            or was made with a key that is not this server's.
        Conflict: Another device has the id.
    """
    if device.kind == "webpush":
        _check_subscription(device, hosts)
        device = replace(device, vapid_key_id=await _key_of(work, device.vapid_key_id))
    is_new = await work.devices.put(device, MOST_DEVICES, now)
    if is_new is None:
        raise Conflict("Another device has this id: choose a random one.")
    if is_new:
        subject = {"user_id": actor.user_id, "device_id": device.id}
        work.happen("device.registered", subject, {"kind": device.kind})
    return await get_device(work, actor, device.id)


async def get_device(work: UnitOfWork, actor: Actor, device: UUID) -> Device:
    """
    Give one of the actor's devices.

    Raises:
        NotFound: The actor has no such device (any more).
    """
    found = await work.devices.get(actor.user_id, device)
    if found is None:
        raise NotFound
    return found


async def list_devices(work: UnitOfWork, actor: Actor) -> Sequence[Device]:
    """Give the actor's devices, last seen first."""
    return await work.devices.list(actor.user_id)


async def remove_device(
    work: UnitOfWork, actor: Actor, device: UUID, now: datetime
) -> None:
    """Send nothing to a device of the actor any more; where there is none, it is so."""
    if await work.devices.remove(device, now):
        subject = {"user_id": actor.user_id, "device_id": device}
        work.happen("device.removed", subject)


def _check_subscription(device: NewDevice, hosts: PushHosts) -> None:
    try:
        SubscriptionKeys.read(device.keys["p256dh"], device.keys["auth"])
    except ValueError as error:
        raise Invalid(f"keys: {error}.") from None
    try:
        hosts.check(device.token)
    except ValueError as error:
        raise Invalid(f"endpoint: {error}.") from None


async def _key_of(work: UnitOfWork, named: UUID | None) -> UUID:
    """Find the key with which a browser has subscribed; by default the current one."""
    async with work.as_the_server():
        if named is None:
            return (await current_key(work)).id
        known = {key.id for key in await work.server_keys.all("vapid")}
    if named not in known:
        raise Invalid("vapid_key_id: this server has no such key.")
    return named
