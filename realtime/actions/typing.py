"""Typing: told to who may read what is being typed, and kept nowhere."""

from collections.abc import Sequence

from realtime.actor import Actor
from realtime.errors import BY_CODE, Internal
from storage.records import ConversationId, UserId
from storage.unit_of_work import UnitOfWork

# In a larger conversation nobody is told: that somebody types there is no news.
MOST_TOLD = 100


async def find_typing_audience(
    work: UnitOfWork, actor: Actor, conversation: ConversationId
) -> Sequence[UserId]:
    """
    Tell who is to know that the actor types: the others who read the conversation.

    Nobody who has a block with the actor, and nobody at all where the actor hides it
    or more than a hundred others would have to be told.

    Raises:
        Problem: The ledger's reason why the actor may not write there.
    """
    reason, audience = await work.presences.typing_audience(conversation, MOST_TOLD)
    if reason is not None:
        raise BY_CODE.get(reason, Internal)()
    return audience
