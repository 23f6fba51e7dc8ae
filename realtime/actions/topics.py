"""Topics: what people follow, of their own accord or because their platform says so."""

from collections.abc import Sequence
from datetime import datetime

from realtime.errors import Invalid, NotFound
from realtime.notifications.broadcasts import EVERYONE
from storage.errors import Missing
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

# Topics that one person follows at the most.
TOPICS = 200


async def follow_topic(
    work: UnitOfWork, user: UserId, topic: str, now: datetime
) -> None:
    """
    Have somebody told what is told to a topic; a second time changes nothing.

    Raises:
        Invalid: Nobody follows `everyone`, or they follow too many.
        NotFound: There is no such person.
    """
    if topic == EVERYONE:
        raise Invalid("topic: everyone is told what is for everyone.")
    try:
        await work.topics.follow(topic, user, now, most=TOPICS)
    except Missing:
        raise NotFound("There is no such person.") from None
    if not await work.topics.is_followed(topic, user):
        raise Invalid(f"topic: nobody follows more than {TOPICS}.")


async def leave_topic(work: UnitOfWork, user: UserId, topic: str) -> None:
    """Have somebody told it no more; where they are not, nothing happens."""
    await work.topics.leave(topic, user)


async def topics_of(work: UnitOfWork, user: UserId) -> Sequence[tuple[str, datetime]]:
    """List what somebody follows, and since when."""
    return await work.topics.of(user)
