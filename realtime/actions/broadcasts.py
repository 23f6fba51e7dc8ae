"""What a platform has its people told: some, who follows a topic, everyone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from realtime.actor import Platform
from realtime.errors import Invalid, NotFound
from realtime.notifications.broadcasts import (
    AT_ONCE,
    EVERYONE,
    begin,
    stored,
    take_back,
    take_back_later,
    to,
)
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.planning import Intent, notify
from realtime.notifications.wording import Reader, Wording
from storage.ids import uuid7
from storage.records import UserId
from storage.unit_of_work import UnitOfWork


async def tell_people(
    work: UnitOfWork,
    platform: Platform,
    catalogue: Catalogue,
    intent: Intent,
    now: datetime,
    *,
    user_ids: Sequence[UserId] | None = None,
    topic: str | None = None,
) -> tuple[UUID, int]:
    """
    Have people told something, or who follows a topic (`everyone`: everyone).

    Few are told with this transaction, many by the workers afterwards. Gives the id by
    which it can be cancelled, and how many people that are here it is for.

    Raises:
        Invalid: The catalogue has no such type, there is nothing to say, or it has
            expired.
    """
    _check(catalogue, intent, now)
    broadcast = uuid7()
    if user_ids is None:
        recipients = await work.broadcasts.count(None if topic == EVERYONE else topic)
        await begin(
            work, intent, now, topic=topic, key=platform.key_id, broadcast=broadcast
        )
    else:
        people = sorted(await work.users.existing(set(user_ids)))
        recipients = len(people)
        if recipients > AT_ONCE:
            await begin(
                work,
                intent,
                now,
                people=people,
                key=platform.key_id,
                broadcast=broadcast,
            )
        else:
            await _tell_now(work, platform, catalogue, intent, people, broadcast, now)
    await work.audit.add(
        "notification.sent",
        {"broadcast_id": str(broadcast)},
        {"type": intent.type, "topic": topic, "recipients": recipients},
        key=platform.key_id,
    )
    return broadcast, recipients


async def _tell_now(
    work: UnitOfWork,
    platform: Platform,
    catalogue: Catalogue,
    intent: Intent,
    people: Sequence[UserId],
    broadcast: UUID,
    now: datetime,
) -> None:
    await work.broadcasts.add(
        broadcast,
        intent.type,
        stored(intent),
        now,
        user_ids=people,
        key=platform.key_id,
        expires_at=intent.expires_at,
        is_done=True,
        recipients=len(people),
    )
    told = replace(intent, broadcast_id=broadcast)
    await notify(work, catalogue, [to(told, person) for person in people], now)


def _check(catalogue: Catalogue, intent: Intent, now: datetime) -> None:
    entry = catalogue.get(intent.type)
    if entry is None:
        raise Invalid(
            f"type: there is no {intent.type}; `announcement` is for anything.",
            details={"field": "type", "types": sorted(catalogue.entries)},
        )
    wording = Wording(Reader(), {"data": intent.data, "count": 1})
    if intent.title is None and not wording.title(entry.title):
        raise Invalid("title: the catalogue has none for this.")
    if intent.expires_at is not None and intent.expires_at <= now:
        raise Invalid("expires_at: this is over.")


async def cancel_notification(
    work: UnitOfWork, platform: Platform, broadcast: UUID, now: datetime
) -> None:
    """
    Have nobody told any more, and nothing leave; who was told sees it no longer.

    What is left of very many is ended by the workers. A second time changes nothing.

    Raises:
        NotFound: Nothing was told under this id.
    """
    before = await work.broadcasts.cancel(broadcast, now)
    if before is None:
        raise NotFound
    if before == "cancelled":
        return
    if await take_back(work, broadcast, now):
        await take_back_later(work, broadcast, "takes_back", now)
    about = {"broadcast_id": str(broadcast)}
    await work.audit.add("notification.cancelled", about, {}, key=platform.key_id)
