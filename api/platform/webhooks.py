"""Webhooks: where the platform wants to be told of domain events."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from api import shapes
from api.deps import ANode, APaging, next_page, platform_with
from api.errors import refusals
from api.examples import (
    NEW_WEBHOOK,
    REPLAYED_WEBHOOK,
    WEBHOOK,
    WEBHOOK_DELIVERY,
    page_of,
    shown,
)
from api.idempotency import Once, once_with
from api.shapes import Moment, Page
from realtime.actor import Platform
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Instant, Note, Text, Wire
from realtime.webhooks import endpoints
from realtime.webhooks.signing import secret_of
from storage.unit_of_work import UnitOfWork
from storage.webhooks import Endpoint

SCOPE = "webhooks"
_URL_CHARS = 2048
_TYPES = 100
_IDS = 1000

router = APIRouter(
    prefix="/v1/platform/webhooks",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]
AnOnce = Annotated[Once, Depends(once_with(SCOPE))]

Url = Annotated[Text, StringConstraints(max_length=_URL_CHARS)]
EventType = Annotated[
    str,
    StringConstraints(
        max_length=100, pattern=r"^(\*|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?)$"
    ),
]
EventId = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,17}$")]
DeliveryStatus = Literal["pending", "sending", "delivered", "failed"]


class WebhookFields(shapes.Body):
    """Where to call, and of what; without `events` of everything."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://hooks.example/callboard",
                    "events": ["application.*", "gig.published"],
                    "description": "Our search index",
                }
            ]
        }
    )

    url: Url
    events: Annotated[Sequence[EventType], Field(max_length=_TYPES)] = ()
    description: Note | None = None


class WebhookChanges(shapes.Body):
    """What is to be otherwise; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"events": ["application.*"]}]}
    )

    url: Url = Field(default="")
    events: Annotated[Sequence[EventType], Field(max_length=_TYPES)] = ()
    description: Note | None = None


class Webhook(Wire):
    """A webhook, without its secret."""

    id: UUID
    url: str
    events: Sequence[str]
    description: str | None
    status: Literal["active", "paused"]
    paused_reason: str | None = Field(
        description="`asked`, `gone` (it answered 410), `failing` (for days), or"
        " `backlog` (too much was waiting)."
    )
    failing_since: Instant | None = Field(
        description="Since when every attempt has failed."
    )
    created_at: Instant
    updated_at: Instant


class WebhookWithSecret(Webhook):
    """A webhook with the secret that was made for it just now."""

    secret: str | None = Field(
        description="Keep it: it is shown now and never again. Null only where a"
        " request is repeated under its Idempotency-Key after the secret has gone."
    )


class WebhookDelivery(Wire):
    """How far one event has come."""

    id: UUID
    event_id: str | None = Field(description="Null for a test.")
    type: str
    status: DeliveryStatus
    reason: str | None
    attempts: int
    response_status: int | None
    due_at: Instant
    created_at: Instant
    delivered_at: Instant | None


class Replay(shapes.Body):
    """What to send again: exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"since": "2026-11-20T00:00:00.000Z"}]}
    )

    since: Moment | None = None
    event_ids: (
        Annotated[Sequence[EventId], Field(min_length=1, max_length=_IDS)] | None
    ) = None
    failed: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = (self.since, self.event_ids, self.failed)
        if sum(each is not None for each in given) != 1:
            raise ValueError("give one of since, event_ids and failed")
        return self


class Replayed(Wire):
    """How many events are on their way again."""

    count: int
    is_more: bool = Field(description="Ask again for the rest.")
    more_since: Instant | None = Field(
        description="Where `since` goes on, if that was not all."
    )


class TestSent(Wire):
    """The delivery of a test, which `deliveries` lists."""

    delivery_id: UUID


def _shown(endpoint: Endpoint) -> Webhook:
    return Webhook.model_validate(endpoint)


@router.post(
    "",
    status_code=201,
    response_model=WebhookWithSecret,
    responses=shown(NEW_WEBHOOK, 201) | refusals(Conflict),
)
async def create_webhook(once: AnOnce, fields: WebhookFields) -> Response:
    """
    Have an address told of domain events from now on.

    `https` only, and no address of a private network. `events` are types, `gig.*` for
    all that begin so. Answers the secret that signs (Standard Webhooks), this once.
    """
    node = once.node
    values = {**fields.model_dump(), "events": list(fields.events)}

    async def act(work: UnitOfWork) -> Webhook:
        hosts = node.settings.webhook_hosts
        return _shown(await endpoints.create_webhook(work, values, hosts, node.clock()))

    return await _with_secret(once, await once.answer(act, status=201))


@router.get("", response_model=Page[Webhook], responses=shown(page_of(WEBHOOK)))
async def list_webhooks(
    node: ANode, platform: APlatform, paging: APaging
) -> Page[Webhook]:
    """List the webhooks, the oldest first."""
    position = paging.position(UUID)
    async with node.transaction(key=platform.key_id) as work:
        found = await work.webhooks.list(
            after=position[0] if position else None, limit=paging.limit + 1
        )
    here = found[: paging.limit]
    return Page(
        items=[_shown(endpoint) for endpoint in here],
        next=next_page(here[-1].id) if len(found) > paging.limit else None,
    )


@router.get(
    "/{webhook_id}",
    response_model=Webhook,
    responses=shown(WEBHOOK) | refusals(NotFound),
)
async def show_webhook(node: ANode, platform: APlatform, webhook_id: UUID) -> Webhook:
    """Show a webhook, and whether it fails or is paused."""
    async with node.transaction(key=platform.key_id) as work:
        return _shown(await endpoints.get_webhook(work, webhook_id))


@router.patch(
    "/{webhook_id}",
    response_model=Webhook,
    responses=shown(WEBHOOK) | refusals(NotFound),
)
async def patch_webhook(
    node: ANode, platform: APlatform, webhook_id: UUID, changes: WebhookChanges
) -> Webhook:
    """Change where a webhook leads, what it is told, or its description."""
    values = changes.model_dump(exclude_unset=True)
    if "events" in values:
        values["events"] = list(values["events"])
    async with node.transaction(key=platform.key_id) as work:
        hosts = node.settings.webhook_hosts
        return _shown(
            await endpoints.change_webhook(
                work, webhook_id, values, hosts, node.clock()
            )
        )


@router.delete("/{webhook_id}", status_code=204, responses=refusals(NotFound))
async def delete_webhook(node: ANode, platform: APlatform, webhook_id: UUID) -> None:
    """Remove a webhook, and what was on its way there."""
    async with node.transaction(key=platform.key_id) as work:
        await endpoints.remove_webhook(work, webhook_id)


@router.post(
    "/{webhook_id}/rotate",
    response_model=WebhookWithSecret,
    responses=shown(NEW_WEBHOOK) | refusals(NotFound),
)
async def rotate_webhook_secret(once: AnOnce, webhook_id: UUID) -> Response:
    """
    Make a new secret; for 24 hours the one before signs too.

    Each request carries a signature for each of them, so nothing is refused while the
    receiver changes over.
    """

    async def act(work: UnitOfWork) -> Webhook:
        return _shown(
            await endpoints.rotate_secret(work, webhook_id, once.node.clock())
        )

    return await _with_secret(once, await once.answer(act))


@router.post(
    "/{webhook_id}/pause",
    response_model=Webhook,
    responses=shown(WEBHOOK) | refusals(NotFound),
)
async def pause_webhook(once: AnOnce, webhook_id: UUID) -> Response:
    """Send nothing, and gather nothing, until it is resumed."""
    return await _act(once, webhook_id, endpoints.pause_webhook)


@router.post(
    "/{webhook_id}/resume",
    response_model=Webhook,
    responses=shown(WEBHOOK) | refusals(NotFound),
)
async def resume_webhook(once: AnOnce, webhook_id: UUID) -> Response:
    """
    Send again, from now on.

    What happened while it was paused comes with `replay`.
    """
    return await _act(once, webhook_id, endpoints.resume_webhook)


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    response_model=Replayed,
    responses=shown(REPLAYED_WEBHOOK, 202) | refusals(NotFound, Conflict),
)
async def replay_webhook(once: AnOnce, webhook_id: UUID, wanted: Replay) -> Response:
    """
    Send events again, or those that it has missed: up to 5,000 a call.

    `since` a moment, some `event_ids`, or all that have `failed` for good. An event
    that the receiver has had comes under the same `webhook-id`. Only events that are
    still kept, and of the types that it wants.
    """

    async def act(work: UnitOfWork) -> Replayed:
        now = once.node.clock()
        if wanted.since is not None:
            done = await endpoints.replay_since(work, webhook_id, wanted.since, now)
        elif wanted.event_ids is not None:
            ids = [int(each) for each in wanted.event_ids]
            done = await endpoints.replay_events(work, webhook_id, ids, now)
        else:
            done = await endpoints.replay_failed(work, webhook_id, now)
        return Replayed.model_validate(done)

    return await once.answer(act, status=202)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    response_model=TestSent,
    responses=shown({"delivery_id": WEBHOOK_DELIVERY["id"]}, 202)
    | refusals(NotFound, Conflict),
)
async def test_webhook(once: AnOnce, webhook_id: UUID) -> Response:
    """Send an event of the type `webhook.test`, signed as all others."""

    async def act(work: UnitOfWork) -> TestSent:
        sent = await endpoints.send_test(work, webhook_id, once.node.clock())
        return TestSent(delivery_id=sent)

    return await once.answer(act, status=202)


@router.get(
    "/{webhook_id}/deliveries",
    response_model=Page[WebhookDelivery],
    responses=shown(page_of(WEBHOOK_DELIVERY)) | refusals(NotFound),
)
async def list_webhook_deliveries(
    node: ANode,
    platform: APlatform,
    webhook_id: UUID,
    paging: APaging,
    status: Annotated[
        DeliveryStatus | None, Query(description="Only those at this stage.")
    ] = None,
) -> Page[WebhookDelivery]:
    """List what was sent to a webhook and what came of it, the newest first."""
    position = paging.position(UUID)
    async with node.transaction(key=platform.key_id) as work:
        await endpoints.get_webhook(work, webhook_id)
        found = await work.webhook_deliveries.list(
            webhook_id,
            status=status,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    here = found[: paging.limit]
    items = [
        WebhookDelivery(
            id=each.id,
            event_id=str(each.event_id) if each.event_id > 0 else None,
            type=each.type,
            status=each.status,
            reason=each.reason,
            attempts=each.attempts,
            response_status=each.response_status,
            due_at=each.due_at,
            created_at=each.created_at,
            delivered_at=each.delivered_at,
        )
        for each in here
    ]
    is_more = len(found) > paging.limit
    return Page(items=items, next=next_page(here[-1].id) if is_more else None)


async def _act(
    once: Once,
    webhook_id: UUID,
    action: Callable[..., Awaitable[Endpoint]],
) -> Response:
    async def act(work: UnitOfWork) -> Webhook:
        return _shown(await action(work, webhook_id, once.node.clock()))

    return await once.answer(act)


async def _with_secret(once: Once, answer: Response) -> Response:
    """
    Add the secret that a request has made to what is remembered of it.

    It is kept with the webhook only, not among the answers.
    """
    body = orjson.loads(answer.body)
    made = Webhook.model_validate(body, strict=False)
    async with once.node.transaction(key=once.platform.key_id) as work:
        endpoint = await work.webhooks.get(made.id)
    secret = None if endpoint is None else secret_of(endpoint.secrets, made.updated_at)
    answer.body = orjson.dumps({**body, "secret": secret})
    answer.headers["content-length"] = str(len(answer.body))
    return answer
