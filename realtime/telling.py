"""How an action tells people what it did: once its transaction has committed."""

from collections.abc import Iterable
from datetime import UTC, datetime

from realtime.announcements import RELATIONS_CHANGED
from realtime.clock import instant
from realtime.protocol import Event
from storage.records import UserId
from storage.unit_of_work import UnitOfWork


def tell(work: UnitOfWork, audience: Iterable[UserId], event: Event) -> None:
    """Have everybody of an audience told an event when this work has committed."""
    work.record(audience, event.kind, instant(datetime.now(UTC)), event.json_data())


def doubt_relations(work: UnitOfWork, users: Iterable[UserId]) -> None:
    """
    Have every node ask again who may know of whom; no client is told.

    Of one user that is everybody whom they know or who knows them, of two each other.
    """
    work.record(users, RELATIONS_CHANGED, instant(datetime.now(UTC)), {})
