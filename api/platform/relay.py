"""The pull feed for relays: lease what is due, say what came of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import ConfigDict, Field

from api import shapes
from api.deps import ANode, platform_with
from api.errors import refusals
from api.examples import RELAY_ITEM, shown
from realtime.actor import Platform
from realtime.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from realtime.notifications.notifier import Item, Parcel
from realtime.notifications.relay import Result
from realtime.protocol import Id, Instant, Wire

SCOPE = "relay"
MOST = 200
LONGEST_WAIT_SECONDS = 30

router = APIRouter(
    prefix="/v1/platform/relay",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]


class LeaseRequest(shapes.Body):
    """What a relay comes for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"channel": "push", "max": 50, "lease_s": 60, "wait_s": 20}]
        }
    )

    channel: Literal["push", "email"]
    max: Annotated[int, Field(ge=1, le=MOST)] = 50
    lease_s: Annotated[int, Field(ge=5, le=600)] = 60
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS, strict=False)] = 0


class RelayRecipient(Wire):
    """Who is told, in their language and time."""

    id: UUID
    name: str | None = Field(description="Null where the device wants ids only.")
    email: str | None = Field(description="Of mails only.")
    locale: str
    timezone: str


class RelayTarget(Wire):
    """The device that a push goes to."""

    device_id: UUID
    kind: Literal["webpush", "fcm", "apns", "relay"]
    token: str
    keys: dict[str, str]
    app: str | None
    payload: Literal["full", "id_only"]


class RelayPart(Wire):
    """One thing that is told; what it says is null where the device wants ids only."""

    type: str
    title: str | None
    text: str | None
    at: Instant
    link: str | None
    notification_id: UUID | None
    conversation_id: UUID | None
    conversation_title: str | None
    message_id: UUID | None
    seq: int | None
    sender_id: UUID | None
    sender_name: str | None
    gig_id: UUID | None
    count: int
    data: dict[str, Any]


class RelayItem(Wire):
    """One delivery: a push to one device, or a mail."""

    id: UUID
    channel: Literal["push", "email"]
    kind: Literal["notification", "conversation", "digest", "retract"]
    type: str
    priority: Literal["low", "normal", "high", "urgent"]
    collapse_key: str | None = Field(
        description="What this replaces, if it is still shown."
    )
    frequency: str | None = Field(description="Of a digest.")
    recipient: RelayRecipient
    target: RelayTarget | None
    items: Sequence[RelayPart]
    more: int = Field(description="How much is left out of `items`.")
    badge: int = Field(description="What is unread, for the app's icon.")
    expires_at: Instant | None
    attempt: int = Field(description="1, and one more each time it is leased again.")
    created_at: Instant


class Leased(Wire):
    """What is leased now; what is not acknowledged by then is leased again."""

    items: Sequence[RelayItem]
    lease_expires_at: Instant


class AckResult(shapes.Body):
    """What came of one delivery."""

    id: Id
    status: Literal["delivered", "rejected", "retry"]
    retry_after_s: Annotated[int, Field(ge=0, le=86_400)] | None = None


class Ack(shapes.Body):
    """What came of some deliveries."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {"id": RELAY_ITEM["id"], "status": "delivered"},
                    ]
                }
            ]
        }
    )

    results: Annotated[Sequence[AckResult], Field(min_length=1, max_length=MOST)]


class Acked(Wire):
    """What became of one result."""

    id: UUID
    outcome: Literal["recorded", "unchanged", "unknown"] = Field(
        description="`unchanged`: said before, or ended otherwise meanwhile;"
        " `unknown`: not leased to this key, or to another since."
    )
    status: str | None = Field(description="The delivery's, as the ledger has it.")


class AckAnswer(Wire):
    """What became of each result, in order."""

    results: Sequence[Acked]


@router.post(
    "/lease",
    response_model=Leased,
    responses=shown(
        {"items": [RELAY_ITEM], "lease_expires_at": "2026-11-21T01:21:00.000Z"}
    ),
)
async def lease(
    request: Request, node: ANode, platform: APlatform, wanted: LeaseRequest
) -> Leased:
    """
    Take what is due and no notifier of the server carries, for `lease_s` seconds.

    Each is looked at once more in this moment: what was read, deleted, muted or
    blocked meanwhile is not given. At least once: what is not acknowledged comes
    again with the next `attempt`. Of one device (one address) there is one at a time,
    in order. With `wait_s` an empty answer waits for something to be due. There is
    nothing to keep but the key, and no two relays are given the same at once; so an
    `Idempotency-Key` has no effect here.
    """

    async def is_gone() -> bool:
        return node.is_draining or await request.is_disconnected()

    given = await node.relay.lease(
        platform.key_id,
        wanted.channel,
        wanted.max,
        timedelta(seconds=wanted.lease_s),
        wait=timedelta(seconds=wanted.wait_s),
        is_gone=is_gone,
    )
    return Leased(
        items=[_item(parcel) for parcel in given.parcels],
        lease_expires_at=given.expires_at,
    )


@router.post(
    "/ack",
    response_model=AckAnswer,
    responses=shown(
        {
            "results": [
                {
                    "id": RELAY_ITEM["id"],
                    "outcome": "recorded",
                    "status": "delivered",
                }
            ]
        }
    ),
)
async def acknowledge(node: ANode, platform: APlatform, ack: Ack) -> AckAnswer:
    """
    Say what came of leased deliveries: `delivered`, `rejected` or `retry`.

    `rejected` means that the token (the address) is dead: the device is removed, and
    nothing more goes there. `retry` has it leased again later, after `retry_after_s`
    if given. Saying the same again changes nothing, and a lease that has lapsed still
    counts until another relay has been given the delivery.
    """
    settled = await node.relay.acknowledge(
        platform.key_id,
        [
            Result(
                each.id,
                each.status,
                None
                if each.retry_after_s is None
                else timedelta(seconds=each.retry_after_s),
            )
            for each in ack.results
        ],
    )
    return AckAnswer(results=[Acked.model_validate(each) for each in settled])


def _item(parcel: Parcel) -> RelayItem:
    target = parcel.target
    is_full = target is None or target.payload == "full"
    return RelayItem(
        id=parcel.delivery_id,
        channel=parcel.channel,
        kind=parcel.kind,
        type=parcel.type,
        priority=parcel.priority,
        collapse_key=parcel.collapse_key,
        frequency=parcel.frequency,
        recipient=RelayRecipient(
            id=parcel.recipient.id,
            name=parcel.recipient.name if is_full else None,
            email=parcel.recipient.email if parcel.channel == "email" else None,
            locale=parcel.recipient.locale,
            timezone=parcel.recipient.timezone,
        ),
        target=None
        if target is None
        else RelayTarget(
            device_id=target.id,
            kind=target.kind,
            token=target.token,
            keys=dict(target.keys),
            app=target.app,
            payload=target.payload,
        ),
        items=[_part(item, is_full=is_full) for item in parcel.items],
        more=parcel.more,
        badge=parcel.badge,
        expires_at=parcel.expires_at,
        attempt=parcel.attempt,
        created_at=parcel.created_at,
    )


def _part(item: Item, *, is_full: bool) -> RelayPart:
    """Write what is told; without anything that people wrote where ids will do."""
    return RelayPart(
        type=item.type,
        title=item.title if is_full else None,
        text=item.text if is_full else None,
        at=item.at,
        link=item.link,
        notification_id=item.notification_id,
        conversation_id=item.conversation_id,
        conversation_title=item.conversation_title if is_full else None,
        message_id=item.message_id,
        seq=item.seq,
        sender_id=item.sender_id,
        sender_name=item.sender_name if is_full else None,
        gig_id=item.gig_id,
        count=item.count,
        data=dict(item.data) if is_full else {},
    )
