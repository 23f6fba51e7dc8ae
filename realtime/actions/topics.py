"""Topics: what people follow, of their own accord or because their platform says so."""

from collections.abc import Sequence
from datetime import datetime

from realtime.errors import Forbidden, Invalid, NotFound
from realtime.notifications.broadcasts import EVERYONE
from storage.errors import Missing
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

# Topics that one person follows at the most.
TOPICS = 200

# Topics of these names have only those whom the platform has put there.
PRIVATE = "private."


async def join_topic(work: UnitOfWork, user: UserId, topic: str, now: datetime) -> None:
    """
    Follow a topic of one's own accord.

    Raises:
        Forbidden: Who follows it is for the platform to say.
        Invalid, NotFound: As `follow_topic` has it.
    """
    if topic.startswith(PRIVATE):
        raise Forbidden("Who follows this topic is for the platform to say.")
    await follow_topic(work, user, topic, now)


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
