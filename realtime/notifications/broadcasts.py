"""
Telling many: some people in a transaction, at a pace at which nobody else waits.

A broadcast is a row that workers take in turns. How far it has got commits with those
who were told, so that everybody is told once, however many workers die over it; and one
that is cancelled or has expired tells nobody more.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.actions.notifications import tell_updated
from realtime.clock import Clock
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.planning import Intent, notify
from realtime.work import Transactions
from storage.broadcasts import Broadcast
from storage.errors import Busy
from storage.ids import uuid7
from storage.records import ApiKeyId, UserId
from storage.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

# Told at once: by the call that asks for it, or by one transaction of a broadcast.
AT_ONCE = 200

EVERYONE = "everyone"

# In place of content: the cancelled broadcast whose notifications are to end.
TAKES_BACK = "takes_back"

NOBODY = UserId(UUID(int=0))

_IDS = {
    "actor_id",
    "related_user_id",
    "related_connection_id",
    "conversation_id",
    "message_id",
    "gig_id",
    "application_id",
}
_OF_ONE = {"type", "user_id", "broadcast_id"}

Pause = Callable[[float], Awaitable[None]]


def to(intent: Intent, person: UserId) -> Intent:
    """Make an intent somebody's own; nobody does to themselves what it is about."""
    is_own = intent.related_user_id == person and intent.event_id is None
    return replace(intent, user_id=person, actor_id=None if is_own else intent.actor_id)


async def begin(
    work: UnitOfWork,
    intent: Intent,
    now: datetime,
    *,
    people: Sequence[UserId] | None = None,
    topic: str | None = None,
    key: ApiKeyId | None = None,
    broadcast: UUID | None = None,
) -> UUID:
    """Have some people told, or who follows a topic (`everyone`: everyone)."""
    broadcast = broadcast or uuid7()
    await work.broadcasts.add(
        broadcast,
        intent.type,
        stored(intent),
        now,
        user_ids=None if people is None else sorted(people),
        topic=None if topic == EVERYONE else topic,
        key=key,
        expires_at=intent.expires_at,
    )
    return broadcast


async def take_back(work: UnitOfWork, broadcast: UUID, now: datetime) -> bool:
    """
    Have some notifications of a cancelled broadcast end; tells whether more are left.

    Who has one in front of them is told; what was to leave of it is skipped.
    """
    ended = await work.broadcasts.take_back(broadcast, now, AT_ONCE)
    for row in await work.inbox.these(
        [id_ for id_, is_shown in ended.items() if is_shown]
    ):
        tell_updated(work, row)
    return len(ended) == AT_ONCE


async def take_back_later(
    work: UnitOfWork, broadcast: UUID, kind: str, now: datetime
) -> None:
    """Have workers end the notifications of a cancelled broadcast."""
    content = {TAKES_BACK: str(broadcast)}
    await work.broadcasts.add(uuid7(), kind, content, now)


def stored(intent: Intent) -> Mapping[str, Any]:
    """Give an intent as it is kept: JSON, without whom it is for."""
    said = {
        name: str(value) if name in _IDS and value is not None else value
        for name, value in asdict(intent).items()
        if name not in _OF_ONE
    }
    if intent.expires_at is not None:
        said["expires_at"] = intent.expires_at.isoformat()
    return {name: value for name, value in said.items() if value is not None}


def restored(type_: str, content: Mapping[str, Any], broadcast: UUID | None) -> Intent:
    """Make an intent of what is kept."""
    known = {field.name for field in fields(Intent)} - _OF_ONE
    said: dict[str, Any] = {
        name: UUID(value) if name in _IDS else value
        for name, value in content.items()
        if name in known
    }
    if "expires_at" in said:
        said["expires_at"] = datetime.fromisoformat(said["expires_at"])
    return Intent(type_, NOBODY, broadcast_id=broadcast, **said)


class BroadcastLine:
    """
    A line of the worker: tells the next people of a broadcast.

    After each piece it rests as long as that took, so that half of the database's time
    is always somebody else's.
    """

    def __init__(
        self,
        transactions: Transactions,
        catalogue: Catalogue,
        clock: Clock,
        *,
        at_once: int = AT_ONCE,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._transactions = transactions
        self._catalogue = catalogue
        self._clock = clock
        self._at_once = at_once
        self._pause = pause

    async def __call__(self) -> bool:
        """
        Tell the next; tells whether there is more to do.

        Raises:
            Busy: The database is away or busy.
        """
        began = time.monotonic()
        async with self._transactions() as work:
            is_more = await self._tell(work, self._clock())
        if is_more:
            await self._pause(time.monotonic() - began)
        return is_more

    async def _tell(self, work: UnitOfWork, now: datetime) -> bool:
        broadcast = await work.broadcasts.take()
        if broadcast is None:
            return False
        try:
            async with work.savepoint():
                await self._tell_next(work, broadcast, now)
        except Busy:
            raise
        except Exception:
            # Those behind it are not to wait for what fails every time.
            log.exception("broadcast failed", extra={"broadcast": str(broadcast.id)})
            about = {"broadcast_id": str(broadcast.id)}
            await work.audit.add("broadcast.failed", about, {"type": broadcast.type})
            await work.broadcasts.move(broadcast.id, None, 0, now, is_done=True)
        return True

    async def _tell_next(
        self, work: UnitOfWork, broadcast: Broadcast, now: datetime
    ) -> None:
        if TAKES_BACK in broadcast.content:
            cancelled = UUID(broadcast.content[TAKES_BACK])
            is_over = not await take_back(work, cancelled, now)
            await work.broadcasts.move(broadcast.id, None, 0, now, is_done=is_over)
            return
        is_past = broadcast.expires_at is not None and broadcast.expires_at <= now
        # A type that the operator has taken out of the catalogue tells nobody.
        if is_past or self._catalogue.get(broadcast.type) is None:
            await work.broadcasts.move(broadcast.id, None, 0, now, is_done=True)
            return
        people = await work.broadcasts.next_people(broadcast, self._at_once)
        intent = restored(broadcast.type, broadcast.content, broadcast.id)
        told = await notify(
            work, self._catalogue, [to(intent, person) for person in people], now
        )
        await work.broadcasts.move(
            broadcast.id,
            people[-1] if people else None,
            len(told),
            now,
            is_done=len(people) < self._at_once,
        )
