"""What is pushed in these tests, to whom, and by whom."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from realtime.notifications.notifier import Item, Parcel, Recipient, Target
from realtime.push.addresses import PushHosts
from realtime.push.apns import Apns, ProviderTokens
from realtime.push.fcm import Fcm, ServiceAccount
from realtime.push.sending import SEND_WITHIN, Carrier, PushNotifier
from realtime.push.vapid import Vapid, current_key
from realtime.push.webpush import WebPush
from realtime.work import Transactions
from storage.devices import NewDevice
from storage.records import ConversationId, UserId
from tests.factories import Person
from tests.push_services import (
    Browser,
    Reply,
    Service,
    service_over_http,
    service_over_http2,
)

NOW = datetime(2026, 11, 21, 1, 20, tzinfo=UTC)
SUBJECT = "mailto:ops@example.org"
TOPIC = "com.example.talent"
PROJECT = "a-project"

_ITEM = Item(
    type="message_received",
    title="Grace",
    text="Can you come on Monday?",
    at=NOW,
    link="/chat/1",
    conversation_id=ConversationId(UUID(int=7)),
    message_id=UUID(int=8),
    seq=12,
    sender_id=UserId(UUID(int=9)),
    sender_name="Grace",
)


class AClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def move(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


def item(**changes: object) -> Item:
    """Make something that is told."""
    return replace(_ITEM, **changes)  # type: ignore[arg-type]


def parcel_for(**changes: object) -> Parcel:
    """Make a parcel with a message."""
    parcel = Parcel(
        delivery_id=UUID(int=1),
        channel="push",
        kind="conversation",
        type="message_received",
        class_="alert",
        priority="high",
        recipient=Recipient(UserId(UUID(int=3)), "Ada", None, "de", "Europe/Berlin"),
        items=[item()],
        created_at=NOW,
        badge=3,
    )
    return replace(parcel, **changes)  # type: ignore[arg-type]


@dataclass
class Rig:
    """A notifier, the service behind it, and a device that it pushes to."""

    notifier: PushNotifier
    service: Service
    target: Target
    clock: AClock
    browser: Browser

    def parcel(self, **changes: object) -> Parcel:
        """Make a parcel for the device."""
        return parcel_for(**{"target": self.target} | changes)


async def _register(
    transactions: Transactions, person: Person, device: NewDevice
) -> Target:
    async with transactions(person.id) as work:
        await work.devices.put(device, 20, NOW)
    return Target(
        id=device.id,
        kind=device.kind,
        token=device.token,
        keys=device.keys,
        vapid_key_id=device.vapid_key_id,
        app=device.app,
        payload=device.payload,
    )


@asynccontextmanager
async def a_rig(
    kind: str,
    transactions: Transactions,
    person: Person,
    folder: Path,
    within: timedelta = SEND_WITHIN,
) -> AsyncIterator[Rig]:
    """Set up one kind of push, to a service on this machine."""
    clock, browser = AClock(), Browser()
    run = service_over_http2 if kind == "apns" else service_over_http
    async with run() as service:
        carrier: Carrier
        if kind == "webpush":
            hosts = PushHosts.parse([service.url])
            carrier = WebPush(hosts, Vapid(transactions, clock, SUBJECT), clock)
            async with transactions() as work:
                key = await current_key(work)
            device = NewDevice(
                uuid4(), "webpush", f"{service.url}/push/1", browser.keys, key.id
            )
        elif kind == "fcm":
            service.usual = Reply(
                200, body=b'{"name": "projects/a-project/messages/1"}'
            )
            service.beside["/token"] = Reply(
                200, body=b'{"access_token": "an-access-token", "expires_in": 3600}'
            )
            account = ServiceAccount.read(service_account(folder, service))
            carrier = Fcm(account, service.url, clock)
            device = NewDevice(uuid4(), "fcm", "a-registration-token")
        else:
            service.usual = Reply(200, {"apns-id": "an-id-of-apple"})
            tokens = ProviderTokens(team_key(folder), "KEY1234567", "TEAM123456", clock)
            carrier = Apns(tokens, service.url, TOPIC, clock)
            device = NewDevice(uuid4(), "apns", "a1" * 32)
        target = await _register(transactions, person, device)
        notifier = PushNotifier(carrier, transactions, clock, within=within)
        try:
            yield Rig(notifier, service, target, clock, browser)
        finally:
            await notifier.close()


_RSA = rsa.generate_private_key(65537, 2048)
_EC = ec.generate_private_key(ec.SECP256R1())
ACCOUNT_KEY = _RSA.public_key()
TEAM_KEY = _EC.public_key()


def service_account(folder: Path, service: Service) -> Path:
    """Write the file of a service account."""
    path = folder / "account.json"
    path.write_text(
        json.dumps(
            {
                "project_id": PROJECT,
                "client_email": "push@a-project.example",
                "token_uri": f"{service.url}/token",
                "private_key": _pem(_RSA).decode(),
            }
        )
    )
    return path


def team_key(folder: Path) -> Path:
    """Write the key of a team."""
    path = folder / "key.p8"
    path.write_bytes(_pem(_EC))
    return path


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
