"""How an action tells people what it did: once its transaction has committed."""

from collections.abc import Iterable
from datetime import UTC, datetime

from realtime.clock import instant
from realtime.protocol import Event
from storage.records import UserId
from storage.unit_of_work import UnitOfWork


def tell(work: UnitOfWork, audience: Iterable[UserId], event: Event) -> None:
    """Have everybody of an audience told an event when this work has committed."""
    work.record(audience, event.kind, instant(datetime.now(UTC)), event.json_data())
