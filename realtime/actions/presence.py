"""Whether people are there: who may know it, and how it is said."""

from collections.abc import Sequence
from datetime import datetime

from realtime.actor import Actor
from realtime.protocol import PresenceEntry, PresenceStatus
from storage.presence import LastSeen
from storage.records import UserId
from storage.unit_of_work import UnitOfWork


async def find_known(
    work: UnitOfWork, actor: Actor, users: Sequence[UserId]
) -> LastSeen:
    """
    Name those of whom the actor may know, in the order asked, with when last seen.

    These are accepted connections and who shares a thread or a group with the actor,
    where neither has blocked the other and who is looked at does not hide. All others
    are left out, as nobody would be.
    """
    seen = await work.presences.known(users)
    return {user: seen[user] for user in users if user in seen}


def presence_of(
    user: UserId, status: PresenceStatus, last_seen_at: datetime | None
) -> PresenceEntry:
    """Say how somebody stands; who is there has no last time."""
    return PresenceEntry(
        user_id=user,
        status=status,
        last_seen_at=last_seen_at if status == "offline" else None,
    )
