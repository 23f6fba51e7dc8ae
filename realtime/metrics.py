"""What can be measured of a process, in Prometheus' terms."""

import os
from collections.abc import Mapping
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_BATCH = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_MINUTES = (0.5, 1, 2, 5, 10, 30, 60, 180, 720, 1440, 10080)


class Metrics:
    """One registry a node; with several workers the numbers of all are summed."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self.connections = Gauge(
            "callboard_connections",
            "Authenticated sockets.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.opened = Counter(
            "callboard_sockets_opened", "Sockets that said hello.", registry=registry
        )
        self.closed = Counter(
            "callboard_sockets_closed", "Closed sockets.", ["code"], registry=registry
        )
        self.resumed = Counter(
            "callboard_resumes", "Hellos by outcome.", ["outcome"], registry=registry
        )
        self.commands = Counter(
            "callboard_commands",
            "Commands by type and outcome.",
            ["type", "outcome"],
            registry=registry,
        )
        # Both labels are from closed sets; finding a child by them is what costs.
        self._counted: dict[tuple[str, str], Counter] = {}
        self.deliveries = Counter(
            "callboard_deliveries", "Event frames given to sockets.", registry=registry
        )
        self.rate_limited = Counter(
            "callboard_rate_limited",
            "What was refused because it was too much, by the kind of limit.",
            ["kind"],
            registry=registry,
        )
        self.presence_watches = Gauge(
            "callboard_presence_watches",
            "People whose presence sockets watch, one by one.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.batch_size = Histogram(
            "callboard_batch_size",
            "Messages committed together.",
            buckets=_BATCH,
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "callboard_commit_seconds",
            "Time to commit a batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.sweeps = Counter(
            "callboard_sweeps", "Sweeps of the feed.", ["outcome"], registry=registry
        )
        self.repaired = Counter(
            "callboard_repaired",
            "Events that no announcement brought, by what brought them.",
            ["by"],
            registry=registry,
        )
        self.bus_connected = Gauge(
            "callboard_bus_connected",
            "1 while announcements travel.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.bus_lag_seconds = Gauge(
            "callboard_bus_lag_seconds",
            "How long the bus takes from this node to itself.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.bus_dropped = Gauge(
            "callboard_bus_dropped",
            "Announcements left to the sweep since the start.",
            registry=registry,
            multiprocess_mode="livesum",
        )

        self.count_drift = Gauge(
            "callboard_count_drift",
            "Counts that were wrong when they were last counted again, by kind.",
            ["kind"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        )

        self.deliveries_due = Gauge(
            "callboard_deliveries_due",
            "Mails and pushes that are due and have not left; no more are counted than"
            " ten thousand.",
            ["channel"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.deliveries_late_seconds = Gauge(
            "callboard_deliveries_late_seconds",
            "How long the oldest of them has been due.",
            ["channel"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        )

        self.minutes_to_read = Histogram(
            "callboard_minutes_to_read",
            "How long after it was shown a notification was read.",
            ["class"],
            buckets=_MINUTES,
            registry=registry,
        )
        self.mails_in = Counter(
            "callboard_mails_in",
            "Mails that came in, by what their address is for and by outcome.",
            ["kind", "outcome"],
            registry=registry,
        )

    def observe_reading(self, class_: str, after: timedelta) -> None:
        """Note how long it took somebody to read a notification."""
        self.minutes_to_read.labels(class_).observe(after / timedelta(minutes=1))

    def count_mail(self, kind: str, outcome: str) -> None:
        """Count a mail that came in; both are words of the server's own."""
        self.mails_in.labels(kind, outcome).inc()

    def show_backlog(self, backlog: Mapping[str, tuple[int, float]]) -> None:
        """Show what is due by channel: how much, and for how many seconds."""
        for channel in ("push", "email"):
            due, seconds = backlog.get(channel, (0, 0.0))
            self.deliveries_due.labels(channel).set(due)
            self.deliveries_late_seconds.labels(channel).set(seconds)

    def show_drift(self, drift: Mapping[str, int]) -> None:
        """Show how many counts are wrong, by kind."""
        for kind, count in drift.items():
            self.count_drift.labels(kind).set(count)

    def count_rate_limited(self, kind: str) -> None:
        """Count what was refused because it was too much."""
        self.rate_limited.labels(kind).inc()

    def count_command(self, kind: str, outcome: str) -> None:
        """Count a command that was done or refused."""
        counter = self._counted.get((kind, outcome))
        if counter is None:
            counter = self.commands.labels(kind, outcome)
            self._counted[kind, outcome] = counter
        counter.inc()

    def render(self) -> bytes:
        """Give all numbers in Prometheus' text form."""
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            shared = CollectorRegistry()
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
            return generate_latest(shared)
        return generate_latest(self._registry)
