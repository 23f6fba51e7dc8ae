"""What a process that delivers can tell of its work, in Prometheus' terms."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

# Why nothing had to leave, because its person had come by themselves.
_AVOIDED = frozenset({"read", "seen"})


class DeliveryMetrics:
    """One registry a process; none of its labels names a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sent = Counter(
            "callboard_deliveries_sent",
            "Deliveries that the other side took.",
            ["channel", "class"],
            registry=self.registry,
        )
        self._skipped = Counter(
            "callboard_deliveries_skipped",
            "Deliveries that did not leave, by reason.",
            ["channel", "reason"],
            registry=self.registry,
        )
        self._avoided = Counter(
            "callboard_deliveries_avoided",
            "Deliveries that were read or seen before they left.",
            ["channel"],
            registry=self.registry,
        )
        self._retries = Counter(
            "callboard_deliveries_retried",
            "Attempts after which a delivery is tried again.",
            ["channel"],
            registry=self.registry,
        )
        self._failed = Counter(
            "callboard_deliveries_failed",
            "Deliveries that were given up.",
            ["channel"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "callboard_delivery_seconds",
            "How long notifiers take to carry something.",
            ["channel"],
            buckets=_SECONDS,
            registry=self.registry,
        )

        self._webhooks = Counter(
            "callboard_webhook_calls",
            "Calls of webhooks, by outcome.",
            ["outcome"],
            registry=self.registry,
        )

    def count_sent(self, channel: str, class_: str) -> None:
        """Count what the other side took."""
        self._sent.labels(channel, class_).inc()

    def count_skipped(self, channel: str, reason: str) -> None:
        """Count what did not leave; `reason` is one of the server's own words."""
        self._skipped.labels(channel, reason).inc()
        if reason in _AVOIDED:
            self._avoided.labels(channel).inc()

    def count_retry(self, channel: str) -> None:
        """Count an attempt after which there is another."""
        self._retries.labels(channel).inc()

    def count_failed(self, channel: str) -> None:
        """Count what was given up."""
        self._failed.labels(channel).inc()

    def observe_sending(self, channel: str, seconds: float) -> None:
        """Note how long a notifier took."""
        self._seconds.labels(channel).observe(seconds)

    def count_webhook(self, outcome: str) -> None:
        """Count a call of a webhook; `outcome` is one of the server's own words."""
        self._webhooks.labels(outcome).inc()

    def render(self) -> bytes:
        """
        Give all numbers in Prometheus' text form.

        Of a server with several workers `Metrics` gives these with its own.
        """
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            return b""
        return generate_latest(self.registry)
