"""
What a platform's backend has people told, and asks about what they were told.
"""

from collections.abc import Iterable
from typing import Unpack

from callboard_client.calls import Asked, Call, Listed, Listing, get, part, post, send
from callboard_client.contract import (
    Accepted,
    AckAnswer,
    AckResult,
    Delivery,
    DomainEvents,
    DryRun,
    DryRunAnswer,
    Leased,
    LeaseRequest,
    NewNotification,
    NewSuppression,
    NotificationWhy,
    Replay,
    Replayed,
    Reported,
    ReportedEvent,
    Suppression,
    TestSent,
    Webhook,
    WebhookChanges,
    WebhookDelivery,
    WebhookFields,
    WebhookWithSecret,
)
from callboard_client.platform_people import PLATFORM

__all__ = ["TellingCalls"]


class TellingCalls:
    """
    Notifications, events, deliveries, topics, relays, suppressions and webhooks.
    """

    @Asked
    def notify(
        self, *, idempotency_key: str | None = None, **what: Unpack[NewNotification]
    ) -> Call[Accepted]:
        """
        Tell people (`user_ids`) or a topic something.
        """
        return post(f"{PLATFORM}/notifications", what, idempotency_key)

    @Asked
    def cancel_notification(self, notification_id: str) -> Call[None]:
        """
        Take back what `notify` told, by the id that it gave.
        """
        return send("DELETE", f"{PLATFORM}/notifications/{part(notification_id)}")

    @Asked
    def why(self, notification_id: str) -> Call[NotificationWhy]:
        """
        Tell why somebody was told something as they were, or was not.
        """
        return get(f"{PLATFORM}/notifications/{part(notification_id)}/why")

    @Asked
    def dry_run(self, **what: Unpack[DryRun]) -> Call[DryRunAnswer]:
        """
        Tell what `notify` would do.
        """
        return send("POST", f"{PLATFORM}/notifications/dry-run", what)

    @Asked
    def tell_event(
        self, *, idempotency_key: str | None = None, **event: Unpack[ReportedEvent]
    ) -> Call[Reported]:
        """
        Say what happened on the platform, and learn whom that notifies.
        """
        return post(f"{PLATFORM}/events", event, idempotency_key)

    @Asked
    def events(
        self,
        *,
        after: str | None = None,
        type: str | None = None,  # noqa: A002 - the contract's word
        limit: int = 200,
    ) -> Call[DomainEvents]:
        """
        Give the next domain events; `next` of the answer is the `after` to go on with.

        It is there also when there are none yet: save it with what was done with them.
        """
        return get(f"{PLATFORM}/events", after=after, type=type, limit=limit)

    @Listed
    def deliveries(
        self,
        *,
        user_id: str | None = None,
        status: str | None = None,
        channel: str | None = None,
        type: str | None = None,  # noqa: A002 - the contract's word
    ) -> Listing[Delivery]:
        """
        Walk the ledger of deliveries, the newest first.
        """
        query = {"user_id": user_id, "status": status, "channel": channel, "type": type}
        return Listing(f"{PLATFORM}/deliveries", query)

    @Asked
    def retry_delivery(self, delivery_id: str) -> Call[Delivery]:
        """
        Have a delivery that failed tried again.
        """
        path = f"{PLATFORM}/deliveries/{part(delivery_id)}/retry"
        return Call("POST", path, can_repeat=False)

    @Asked
    def subscribe(self, topic: str, user_id: str) -> Call[None]:
        """
        Have somebody told what is told to a topic.
        """
        return send(
            "PUT", f"{PLATFORM}/topics/{part(topic)}/subscribers/{part(user_id)}"
        )

    @Asked
    def unsubscribe(self, topic: str, user_id: str) -> Call[None]:
        """
        Have somebody no longer told what is told to a topic.
        """
        return send(
            "DELETE", f"{PLATFORM}/topics/{part(topic)}/subscribers/{part(user_id)}"
        )

    @Listed
    def suppressions(self) -> Listing[Suppression]:
        """
        Walk the addresses that are not written to.
        """
        return Listing(f"{PLATFORM}/suppressions")

    @Asked
    def suppress(self, address: str, **how: Unpack[NewSuppression]) -> Call[None]:
        """
        Have an address not written to.
        """
        return send("PUT", f"{PLATFORM}/suppressions/{part(address)}", how)

    @Asked
    def unsuppress(self, address: str, *, scope: str | None = None) -> Call[None]:
        """
        Have an address written to again.
        """
        path = f"{PLATFORM}/suppressions/{part(address)}"
        return Call("DELETE", path, {"scope": scope})

    @Asked
    def lease(self, **what: Unpack[LeaseRequest]) -> Call[Leased]:
        """
        Take deliveries to carry, waiting up to `wait_s` for some.

        Never asked twice by itself: what a lost answer had leased comes again when
        that lease has ended.
        """
        return Call(
            "POST",
            f"{PLATFORM}/relay/lease",
            body=dict(what),
            can_repeat=False,
            patience_s=what.get("wait_s", 0),
        )

    @Asked
    def acknowledge(self, results: Iterable[AckResult]) -> Call[AckAnswer]:
        """
        Say what came of deliveries that were leased.
        """
        return send("POST", f"{PLATFORM}/relay/ack", {"results": list(results)})

    @Asked
    def create_webhook(
        self, *, idempotency_key: str | None = None, **fields: Unpack[WebhookFields]
    ) -> Call[WebhookWithSecret]:
        """
        Have an address told of domain events; the answer has the secret.
        """
        return post(f"{PLATFORM}/webhooks", fields, idempotency_key)

    @Listed
    def webhooks(self) -> Listing[Webhook]:
        """
        Walk the webhooks there are.
        """
        return Listing(f"{PLATFORM}/webhooks")

    @Asked
    def webhook(self, webhook_id: str) -> Call[Webhook]:
        """
        Give a webhook.
        """
        return get(f"{PLATFORM}/webhooks/{part(webhook_id)}")

    @Asked
    def change_webhook(
        self, webhook_id: str, **changes: Unpack[WebhookChanges]
    ) -> Call[Webhook]:
        """
        Change where a webhook leads, or of what it tells.
        """
        return send("PATCH", f"{PLATFORM}/webhooks/{part(webhook_id)}", changes)

    @Asked
    def delete_webhook(self, webhook_id: str) -> Call[None]:
        """
        Have an address told nothing any more.
        """
        return send("DELETE", f"{PLATFORM}/webhooks/{part(webhook_id)}")

    @Asked
    def rotate_webhook_secret(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> Call[WebhookWithSecret]:
        """
        Make a new secret; for a while both sign.
        """
        path = f"{PLATFORM}/webhooks/{part(webhook_id)}/rotate"
        return post(path, None, idempotency_key)

    @Asked
    def pause_webhook(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> Call[Webhook]:
        """
        Hold a webhook back.
        """
        return post(
            f"{PLATFORM}/webhooks/{part(webhook_id)}/pause", None, idempotency_key
        )

    @Asked
    def resume_webhook(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> Call[Webhook]:
        """
        Let a webhook go on.
        """
        return post(
            f"{PLATFORM}/webhooks/{part(webhook_id)}/resume", None, idempotency_key
        )

    @Asked
    def replay_webhook(
        self,
        webhook_id: str,
        *,
        idempotency_key: str | None = None,
        **which: Unpack[Replay],
    ) -> Call[Replayed]:
        """
        Tell events again.
        """
        return post(
            f"{PLATFORM}/webhooks/{part(webhook_id)}/replay", which, idempotency_key
        )

    @Asked
    def test_webhook(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> Call[TestSent]:
        """
        Send a webhook something to try it by.
        """
        return post(
            f"{PLATFORM}/webhooks/{part(webhook_id)}/test", None, idempotency_key
        )

    @Listed
    def webhook_deliveries(
        self, webhook_id: str, *, status: str | None = None
    ) -> Listing[WebhookDelivery]:
        """
        Walk what a webhook was told, the newest first.
        """
        path = f"{PLATFORM}/webhooks/{part(webhook_id)}/deliveries"
        return Listing(path, {"status": status})
