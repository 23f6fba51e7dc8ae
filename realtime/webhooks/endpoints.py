"""What a platform does with its webhooks: make, change, pause, replay, remove."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.clock import instant
from realtime.errors import Conflict, Invalid, NotFound
from realtime.outgoing import Hosts
from realtime.webhooks.fanning import CONSUMER, delivery_of, types_of
from realtime.webhooks.signing import new_secret, rotated
from storage.ids import uuid7
from storage.unit_of_work import UnitOfWork
from storage.webhook_deliveries import NewWebhookDelivery
from storage.webhooks import Endpoint

# Each event is looked at for each of them.
MOST_ENDPOINTS = 100

# What one call replays; the next goes on where it ended.
MOST_REPLAYED = 5000

TEST_TYPE = "webhook.test"


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries were put back, and from when on there may be more."""

    count: int
    # Where `since` goes on; None: that was all.
    more_since: datetime | None = None
    is_more: bool = False


async def create_webhook(
    work: UnitOfWork, values: Mapping[str, Any], hosts: Collection[str], now: datetime
) -> Endpoint:
    """
    Have an address told of what happens from now on.

    Raises:
        Invalid: The address is none that may be called.
        Conflict: There are as many as there may be.
    """
    _check_url(values["url"], hosts)
    if await work.webhooks.count() >= MOST_ENDPOINTS:
        raise Conflict(f"There are {MOST_ENDPOINTS} webhooks; remove one first.")
    # Whoever follows the events from the first webhook on must have begun before it.
    await work.consumers.claim(CONSUMER)
    endpoint = await work.webhooks.add(
        {
            **values,
            "id": uuid7(),
            "secrets": [new_secret(now)],
            "created_at": now,
            "updated_at": now,
        }
    )
    work.happen("webhook.created", {"webhook_id": endpoint.id})
    return endpoint


async def get_webhook(work: UnitOfWork, endpoint: UUID) -> Endpoint:
    """
    Give a webhook.

    Raises:
        NotFound: There is none.
    """
    found = await work.webhooks.get(endpoint)
    if found is None:
        raise NotFound
    return found


async def change_webhook(
    work: UnitOfWork,
    endpoint: UUID,
    values: Mapping[str, Any],
    hosts: Collection[str],
    now: datetime,
) -> Endpoint:
    """
    Change where a webhook leads, what it is told, or its description.

    Raises:
        NotFound: There is none.
        Invalid: The address is none that may be called.
    """
    before = await get_webhook(work, endpoint)
    if "url" in values:
        _check_url(values["url"], hosts)
    if all(getattr(before, name) == value for name, value in values.items()):
        return before
    if values.get("url", before.url) != before.url:
        # The failures were another address's.
        values = {**values, "failing_since": None}
    changed = await work.webhooks.change(endpoint, values, now)
    work.happen("webhook.changed", {"webhook_id": endpoint})
    return changed


async def remove_webhook(work: UnitOfWork, endpoint: UUID) -> None:
    """
    Remove a webhook, and what was on its way there.

    Raises:
        NotFound: There is none.
    """
    await get_webhook(work, endpoint)
    await work.webhooks.remove(endpoint)
    work.happen("webhook.removed", {"webhook_id": endpoint})


async def rotate_secret(work: UnitOfWork, endpoint: UUID, now: datetime) -> Endpoint:
    """
    Give a webhook a new secret; the one before signs too for a day.

    Raises:
        NotFound: There is none.
    """
    found = await get_webhook(work, endpoint)
    kept = list(rotated(found.secrets, now))
    changed = await work.webhooks.change(endpoint, {"secrets": kept}, now)
    work.happen("webhook.rotated", {"webhook_id": endpoint})
    return changed


async def pause_webhook(work: UnitOfWork, endpoint: UUID, now: datetime) -> Endpoint:
    """
    Send a webhook nothing, and gather nothing for it, until it is resumed.

    Raises:
        NotFound: There is none.
    """
    found = await get_webhook(work, endpoint)
    if found.status == "paused":
        return found
    values = {"status": "paused", "paused_reason": "asked"}
    changed = await work.webhooks.change(endpoint, values, now)
    work.happen("webhook.paused", {"webhook_id": endpoint}, {"reason": "asked"})
    return changed


async def resume_webhook(work: UnitOfWork, endpoint: UUID, now: datetime) -> Endpoint:
    """
    Have a webhook told again; what was on its way when it was paused goes on.

    Raises:
        NotFound: There is none.
    """
    found = await get_webhook(work, endpoint)
    if found.status == "active":
        return found
    values = {"status": "active", "paused_reason": None, "failing_since": None}
    changed = await work.webhooks.change(endpoint, values, now)
    work.happen("webhook.resumed", {"webhook_id": endpoint})
    return changed


async def send_test(work: UnitOfWork, endpoint: UUID, now: datetime) -> UUID:
    """
    Have a webhook sent an event that means nothing; gives its delivery.

    Raises:
        NotFound: There is none.
        Conflict: It is paused.
    """
    found = await _active(work, endpoint)
    at = instant(now)
    # Events count upwards from one, so tests are below.
    number = 1 + secrets.randbelow(2**62)
    data = {"id": f"test-{number}", "subject": {"webhook_id": str(endpoint)}}
    delivery = NewWebhookDelivery(
        uuid7(),
        found.id,
        -number,
        0,
        TEST_TYPE,
        {
            "type": TEST_TYPE,
            "timestamp": at,
            "data": {**data, "data": {}, "occurred_at": at},
        },
    )
    await work.webhook_deliveries.gather([delivery], now)
    return delivery.id


async def replay_failed(work: UnitOfWork, endpoint: UUID, now: datetime) -> Replayed:
    """
    Send again what has failed for good.

    Raises:
        NotFound: There is none.
        Conflict: It is paused.
    """
    await _active(work, endpoint)
    count = await work.webhook_deliveries.replay_failed(endpoint, MOST_REPLAYED, now)
    return Replayed(count, is_more=count == MOST_REPLAYED)


async def replay_events(
    work: UnitOfWork, endpoint: UUID, events: Sequence[int], now: datetime
) -> Replayed:
    """
    Send some events again, or for the first time: those that are kept and wanted.

    Raises:
        NotFound: There is none.
        Conflict: It is paused.
    """
    found = await _active(work, endpoint)
    these = await work.domain_events.these(events, *types_of(found))
    await work.webhook_deliveries.replay(
        [delivery_of(found, event) for event in these], now
    )
    return Replayed(len(these))


async def replay_since(
    work: UnitOfWork, endpoint: UUID, since: datetime, now: datetime
) -> Replayed:
    """
    Send everything again that it wants of what has happened since a moment.

    Raises:
        NotFound: There is none.
        Conflict: It is paused.
    """
    found = await _active(work, endpoint)
    events = await work.domain_events.since(
        since, *types_of(found), limit=MOST_REPLAYED
    )
    await work.webhook_deliveries.replay(
        [delivery_of(found, event) for event in events], now
    )
    if len(events) < MOST_REPLAYED:
        return Replayed(len(events))
    return Replayed(len(events), events[-1].occurred_at, is_more=True)


async def _active(work: UnitOfWork, endpoint: UUID) -> Endpoint:
    found = await get_webhook(work, endpoint)
    if found.status != "active":
        raise Conflict("The webhook is paused; resume it first.")
    return found


def _check_url(url: str, hosts: Collection[str]) -> None:
    try:
        Hosts(hosts).check(url)
    except ValueError as error:
        message = str(error)
        details = {"fields": [{"field": "url", "message": message}]}
        raise Invalid(f"url: {message}.", details=details) from None
