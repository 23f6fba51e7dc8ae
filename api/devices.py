"""The devices on which one is told what one has not seen, and the key to subscribe."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import page_of, shown
from api.shapes import Body, Locale, Page
from realtime.actions import devices
from realtime.actions.devices import MOST_DEVICES
from realtime.errors import (
    Conflict,
    Invalid,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Instant, Line, Wire
from realtime.push.addresses import ENDPOINT_CHARS
from realtime.push.vapid import current_key, public_of
from realtime.push.webpush import CAN_RETRACT
from storage.devices import REFUSALS_TAKEN, Device, NewDevice

router = APIRouter(
    prefix="/v1",
    tags=["notifications"],
    responses=refusals(Unauthenticated, Suspended, Unavailable),
)

_ID = "0191b1a2-0000-7000-8000-00000000d3f1"
_KEY = "0191b1a2-0000-7000-8000-00000000fa91"
_AT = "2026-11-21T01:20:00.000Z"
_SUBSCRIPTION: Mapping[str, Any] = {
    "kind": "webpush",
    "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABx7Qc2w",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7V"
        "d8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
    "vapid_key_id": _KEY,
    "name": "Firefox on Linux",
    "locale": "en-GB",
}
_DEVICE: Mapping[str, Any] = {
    "id": _ID,
    "kind": "webpush",
    "app": None,
    "name": "Firefox on Linux",
    "locale": "en-GB",
    "payload": "full",
    "token_end": "x7Qc2w",
    "vapid_key_id": _KEY,
    "is_refusing": False,
    "created_at": _AT,
    "seen_at": _AT,
}
# The end of a token tells devices apart, and is of no use to anybody else.
_SHOWN_CHARS = 6
_SHOWN_OF_CHARS = 24

_Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Token = Annotated[
    str, StringConstraints(min_length=8, max_length=4096, pattern=r"^[!-~]+$")
]
_App = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")
]


class _NewDevice(Body):
    """What every kind of device may say."""

    payload: Literal["full", "id_only"] = "full"
    name: Line | None = None
    locale: Locale | None = None


class _Keys(Body):
    """The keys of a browser's subscription, as it gives them."""

    p256dh: _Key
    auth: _Key


class WebPushDevice(_NewDevice):
    """A browser, or an app with UnifiedPush."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(_SUBSCRIPTION)]})

    kind: Literal["webpush"]
    endpoint: Annotated[str, StringConstraints(max_length=ENDPOINT_CHARS)]
    keys: _Keys
    # The id of the key that `GET /v1/push/vapid-key` gave; the current one if none.
    vapid_key_id: Annotated[UUID, Field(strict=False)] | None = None
    # It need not show something for every push, so it is told what to take back.
    retract: bool = False
    # So that what a browser's `subscription.toJSON()` gives can be sent as it is.
    expiration_time: Annotated[float | None, Field(alias="expirationTime")] = None


class FcmDevice(_NewDevice):
    """An app with a registration token of Firebase Cloud Messaging."""

    kind: Literal["fcm"]
    token: _Token


class ApnsDevice(_NewDevice):
    """An app on a device of Apple's; `app` is its bundle id, the topic."""

    kind: Literal["apns"]
    token: Annotated[
        str, StringConstraints(min_length=32, max_length=400, pattern="^[0-9A-Fa-f]+$")
    ]
    app: _App | None = None


class RelayDevice(_NewDevice):
    """Whatever a push relay of the operator's reaches; `app` is for the relay."""

    kind: Literal["relay"]
    token: _Token
    app: _App | None = None


AnyDevice = Annotated[
    WebPushDevice | FcmDevice | ApnsDevice | RelayDevice, Field(discriminator="kind")
]


class DeviceShown(Wire):
    """A device of one's own, without what others could push to it with."""

    id: UUID
    kind: Literal["webpush", "fcm", "apns", "relay"]
    app: str | None
    name: str | None
    locale: str | None
    payload: Literal["full", "id_only"]
    token_end: str | None
    vapid_key_id: UUID | None
    is_refusing: bool
    created_at: Instant
    seen_at: Instant


class VapidKey(Wire):
    """The key that a browser subscribes with."""

    id: UUID
    public_key: str


@router.get(
    "/push/vapid-key",
    response_model=VapidKey,
    responses=shown({"id": _KEY, "public_key": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"}),
)
async def get_vapid_key(node: ANode, _actor: AnActor) -> VapidKey:
    """
    Give the key to subscribe to Web Push with, as `applicationServerKey`.

    Send its `id` along when registering the subscription. When the id changes,
    subscribe again; until then the old subscription goes on to work.
    """
    async with node.transaction() as work:
        key = await current_key(work)
    return VapidKey(id=key.id, public_key=public_of(key))


@router.get(
    "/devices", response_model=Page[DeviceShown], responses=shown(page_of(_DEVICE))
)
async def list_devices(node: ANode, actor: AnActor) -> Page[DeviceShown]:
    """
    List one's devices, last seen first; there are never more than fit on a page.
    """
    async with node.transaction(actor.user_id) as work:
        found = await devices.list_devices(work, actor)
    return Page(items=[_shown(device) for device in found])


@router.get(
    "/devices/{device_id}",
    response_model=DeviceShown,
    responses=shown(_DEVICE) | refusals(NotFound, Invalid),
)
async def get_device(node: ANode, actor: AnActor, device_id: UUID) -> DeviceShown:
    """
    Look whether a device is still registered.

    It is not when its push service said that it is gone, when it was not seen for
    months, when its token was registered by somebody else, and after the account was
    signed out everywhere.
    """
    async with node.transaction(actor.user_id) as work:
        return _shown(await devices.get_device(work, actor, device_id))


@router.put(
    "/devices/{device_id}",
    response_model=DeviceShown,
    responses=shown(_DEVICE) | refusals(Conflict, Invalid),
    description=(
        "Register a device, or say that it is still there: do it at each start of the"
        " app, when its token changes, and after signing in. The id is the app's own,"
        " random and kept. A token moves to whoever registers it last. Of more than"
        f" {MOST_DEVICES} devices those go that were not seen for longest. What is left"
        " out is forgotten."
    ),
)
async def put_device(
    node: ANode, actor: AnActor, device_id: UUID, device: AnyDevice
) -> DeviceShown:
    """
    Register a device, or say that it is still there.
    """
    new = _read(device_id, device)
    async with node.transaction(actor.user_id) as work:
        kept = await devices.put_device(work, actor, new, node.push_hosts, node.clock())
    return _shown(kept)


@router.delete("/devices/{device_id}", status_code=204, responses=refusals(Invalid))
async def remove_device(node: ANode, actor: AnActor, device_id: UUID) -> None:
    """
    Send nothing to a device any more, as when signing out on it.
    """
    async with node.transaction(actor.user_id) as work:
        await devices.remove_device(work, actor, device_id, node.clock())


def _read(device_id: UUID, device: AnyDevice) -> NewDevice:
    keys: dict[str, str] = {}
    vapid_key_id = None
    app = None
    match device:
        case WebPushDevice():
            token = device.endpoint
            keys = device.keys.model_dump()
            vapid_key_id = device.vapid_key_id
            if device.retract:
                keys[CAN_RETRACT] = "true"
        case FcmDevice():
            token = device.token
        case ApnsDevice() | RelayDevice():
            token, app = device.token, device.app
    return NewDevice(
        id=device_id,
        kind=device.kind,
        token=token,
        keys=keys,
        vapid_key_id=vapid_key_id,
        app=app,
        name=device.name,
        locale=device.locale,
        payload=device.payload,
    )


def _shown(device: Device) -> DeviceShown:
    is_long = len(device.token) >= _SHOWN_OF_CHARS
    return DeviceShown(
        id=device.id,
        kind=device.kind,
        app=device.app,
        name=device.name,
        locale=device.locale,
        payload=device.payload,
        token_end=device.token[-_SHOWN_CHARS:] if is_long else None,
        vapid_key_id=device.vapid_key_id,
        is_refusing=device.failures >= REFUSALS_TAKEN,
        created_at=device.created_at,
        seen_at=device.seen_at,
    )
