"""Which events go to which webhooks, and as what."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from realtime.clock import instant
from storage.domain_events import DomainEvent
from storage.ids import uuid7
from storage.unit_of_work import UnitOfWork
from storage.webhook_deliveries import NewWebhookDelivery
from storage.webhooks import Endpoint

# Under this name webhooks follow the domain events.
CONSUMER = "webhooks"


def types_of(endpoint: Endpoint) -> tuple[list[str], list[str]]:
    """Give the types that an endpoint wants, and how others begin that it wants."""
    if not endpoint.events or "*" in endpoint.events:
        return [], [""]
    prefixes = [each[:-1] for each in endpoint.events if each.endswith(".*")]
    return [each for each in endpoint.events if not each.endswith(".*")], prefixes


def wants(endpoint: Endpoint, type_: str) -> bool:
    """Tell whether an endpoint is to be told of events of a type."""
    types, prefixes = types_of(endpoint)
    return type_ in types or type_.startswith(tuple(prefixes))


def payload_of(event: DomainEvent) -> Mapping[str, Any]:
    """Write an event as receivers get it; it never holds what people wrote."""
    at = instant(event.occurred_at)
    return {
        "type": event.type,
        "timestamp": at,
        "data": {
            "id": str(event.id),
            "subject": event.subject,
            "data": event.data,
            "occurred_at": at,
        },
    }


def delivery_of(endpoint: Endpoint, event: DomainEvent) -> NewWebhookDelivery:
    """Make the one delivery of an event to an endpoint."""
    return NewWebhookDelivery(
        uuid7(), endpoint.id, event.id, event.xid, event.type, payload_of(event)
    )


async def fan_out(
    work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
) -> None:
    """
    Write a delivery for every endpoint that wants one of these events.

    An endpoint that is paused gathers nothing; it can have events replayed.
    """
    endpoints = await work.webhooks.active()
    await work.webhook_deliveries.gather(
        [
            delivery_of(endpoint, event)
            for event in events
            for endpoint in endpoints
            if wants(endpoint, event.type)
        ],
        now,
    )
