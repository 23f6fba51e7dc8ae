"""The ledger of deliveries for a platform's support, and why it is as it is."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field

from api.deps import ANode, APaging, next_page, platform_with
from api.errors import refusals
from api.examples import (
    DELIVERY,
    GRACE,
    NOTIFICATION_WHY,
    PROSPECT,
    page_of,
    shown,
)
from api.platform.notifications import SCOPE as NOTIFICATIONS
from api.platform.notifications import Notification, Type
from api.shapes import Page
from realtime.actor import Platform
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from realtime.notifications.masking import masked_address
from realtime.notifications.why import Foreseen, Prospect, Standing, Support, Why
from realtime.protocol import Id, Instant, PresenceStatus, Priority, Wire
from storage.delivery_log import Entry
from storage.records import UserId

SCOPE = "deliveries"

# People of one dry run: each is decided about as if it were real.
_USER_IDS = 100

Status = Literal[
    "pending",
    "sending",
    "carried",
    "sent",
    "delivered",
    "bounced",
    "skipped",
    "failed",
]
Channel = Literal["push", "email"]
Class = Literal["service", "alert", "promotion"]

router = APIRouter(
    prefix="/v1/platform",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)


class Step(Wire):
    """What happened to a delivery, and why."""

    at: Instant
    what: str
    why: str | None = None


class Delivery(Wire):
    """
    Something that was to reach somebody on one channel, and what became of it.

    It carries a notification, what is unread in a conversation, or a digest; what that
    says is not shown, and of an address only enough to recognize it. `reason` says
    what holds it, why it was skipped, or why it failed. One that is `sending` with the
    reason `retry` is tried again at `due_at`.
    """

    id: UUID
    user_id: UUID
    channel: Channel
    type: str
    class_: Class = Field(serialization_alias="class")
    priority: Priority
    mode: str
    status: Status
    reason: str | None
    notification_id: UUID | None
    conversation_id: UUID | None
    digest_id: UUID | None
    carrier_id: UUID | None
    device_id: UUID | None
    device_kind: str | None
    address: str | None
    attempts: int
    error: str | None
    provider_id: str | None
    due_at: Instant
    expires_at: Instant | None
    created_at: Instant
    sent_at: Instant | None
    delivered_at: Instant | None
    trail: Sequence[Step]


class ChannelNow(Wire):
    """
    How a channel stands for this person just now.

    `source` is the preference that decides: `type`, `class`, `channel`, `default` (the
    catalogue's), or a rule: `required`, `service`, `consent`.
    """

    mode: str
    source: str
    quiet_until: Instant | None
    blocked_by: str | None
    daily_budget: int | None
    spent_today: int | None


class NotificationWhy(Wire):
    """What was decided about a notification, and what came of it on each channel."""

    notification_id: UUID
    user_id: UUID
    type: str
    class_: Class = Field(serialization_alias="class")
    priority: Priority
    count: int
    is_shown: bool
    created_at: Instant
    seen_at: Instant | None
    read_at: Instant | None
    archived_at: Instant | None
    expires_at: Instant | None
    decisions: Mapping[str, Any]
    deliveries: Sequence[Delivery]
    presence: PresenceStatus
    now: Mapping[str, ChannelNow]


class DryRun(Notification):
    """What would be told, as for `POST /v1/platform/notifications`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"type": "announcement", "user_ids": [GRACE], "title": "Hi"}]
        }
    )

    type: Type
    user_ids: Annotated[list[Id], Field(min_length=1, max_length=_USER_IDS)]
    topic: None = None


class WouldBe(Wire):
    """
    What would become of one delivery.

    `outcome`: `leaves` (at `at`), `waits` (is looked at again then), `digest` (leaves
    with the one of then), or `skipped`.
    """

    channel: Channel
    device_id: UUID | None
    outcome: Literal["leaves", "waits", "digest", "skipped"]
    at: Instant | None
    reason: str | None


class Told(Wire):
    """What one person would be told; `reason` where that is nothing at all."""

    user_id: UUID
    reason: str | None
    presence: PresenceStatus
    decisions: Mapping[str, Any]
    deliveries: Sequence[WouldBe]


class DryRunAnswer(Wire):
    """What would happen, for each person that was named."""

    items: Sequence[Told]


@router.get(
    "/deliveries",
    response_model=Page[Delivery],
    responses=shown(page_of(DELIVERY)),
)
async def list_deliveries(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(SCOPE))],
    paging: APaging,
    user_id: Annotated[UUID | None, Query(description="Only to this person.")] = None,
    status: Annotated[
        Status | None, Query(description="Only those that stand so.")
    ] = None,
    channel: Annotated[Channel | None, Query(description="Only by this one.")] = None,
    type: Annotated[  # noqa: A002 - the contract's word
        Type | None, Query(description="Only of this type of the catalogue.")
    ] = None,
) -> Page[Delivery]:
    """
    List what was to leave, the newest first, with what became of it and why.

    How long it is kept is the operator's choice.
    """
    position = paging.position(UUID)
    async with node.transaction(key=platform.key_id) as work:
        found = await work.delivery_log.page(
            user=UserId(user_id) if user_id else None,
            status=status,
            channel=channel,
            kind=type,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    items = [_delivery(entry) for entry in found[: paging.limit]]
    has_more = len(found) > paging.limit
    return Page(items=items, next=next_page(items[-1].id) if has_more else None)


@router.post(
    "/deliveries/{delivery_id}/retry",
    response_model=Delivery,
    responses=shown(DELIVERY) | refusals(NotFound, Conflict),
)
async def retry_delivery(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(SCOPE))],
    delivery_id: UUID,
) -> Delivery:
    """
    Try one that has failed again, from the beginning.

    It is looked at once more before it leaves, as everything is: what means nothing any
    more is skipped. `conflict` where it has not failed, or was part of a digest.
    """
    async with node.transaction(key=platform.key_id) as work:
        is_tried = await work.delivery_log.retry(delivery_id, node.clock())
        entry = await work.delivery_log.get(delivery_id)
    if entry is None:
        raise NotFound
    if not is_tried:
        raise Conflict("Only what has failed by itself can be tried again.")
    return _delivery(entry)


@router.get(
    "/notifications/{notification_id}/why",
    response_model=NotificationWhy,
    responses=shown(NOTIFICATION_WHY) | refusals(NotFound),
)
async def why(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(NOTIFICATIONS))],
    notification_id: UUID,
) -> NotificationWhy:
    """
    Tell why somebody was told of something on a channel, or was not.

    `decisions` is what was decided when it came, `deliveries` what became of that, and
    `now` how each channel stands for this person at this moment.
    """
    del platform
    return _why(await _support(node).why(notification_id))


@router.post(
    "/notifications/dry-run",
    response_model=DryRunAnswer,
    responses=shown({"items": [PROSPECT]}),
)
async def dry_run(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(NOTIFICATIONS))],
    notification: DryRun,
) -> DryRunAnswer:
    """
    Tell what people would be told if this were sent now, when, and why.

    Nothing changes: it is done as it would be done, and taken back.
    """
    del platform
    prospects = await _support(node).dry_run(
        notification.intent(), [UserId(user) for user in notification.user_ids]
    )
    return DryRunAnswer(items=[_told(each) for each in prospects])


def _support(node: ANode) -> Support:
    return Support(
        node.transaction, node.catalogue, node.settings, node.clock, node.presence
    )


def _delivery(entry: Entry) -> Delivery:
    values = {
        name: getattr(entry, name)
        for name in Entry.__slots__
        if name not in {"class_", "address", "trail", "leased_until"}
    }
    return Delivery.model_validate(
        values
        | {
            "class_": entry.class_,
            "address": masked_address(entry.address) if entry.address else None,
            "trail": [
                Step(at=step["at"], what=step["what"], why=step.get("why"))
                for step in entry.trail
            ],
        }
    )


def _why(found: Why) -> NotificationWhy:
    note = found.notification
    return NotificationWhy.model_validate(
        {
            "notification_id": note.id,
            "class_": note.class_,
            "deliveries": [_delivery(each) for each in found.deliveries],
            "presence": found.presence,
            "now": {name: _now(each) for name, each in found.now.items()},
        }
        | {
            name: getattr(note, name)
            for name in type(note).__slots__
            if name not in {"id", "class_"}
        }
    )


def _now(standing: Standing) -> ChannelNow:
    return ChannelNow(
        mode=standing.choice.mode,
        source=standing.choice.source,
        quiet_until=standing.quiet_until,
        blocked_by=standing.flaw,
        daily_budget=standing.budget,
        spent_today=standing.spent,
    )


def _told(prospect: Prospect) -> Told:
    return Told(
        user_id=prospect.user_id,
        reason=prospect.reason,
        presence=prospect.presence,
        decisions={
            channel: decision.frozen()
            for channel, decision in prospect.decisions.items()
        },
        deliveries=[_would_be(each) for each in prospect.deliveries],
    )


def _would_be(foreseen: Foreseen) -> WouldBe:
    return WouldBe.model_validate(
        {name: getattr(foreseen, name) for name in Foreseen.__slots__}
    )
