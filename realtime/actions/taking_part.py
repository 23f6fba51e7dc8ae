"""
Coming into a conversation, going, and what one is there: done, and told to everybody.

Who may do it is decided by the callers, which have locked the conversation.
"""

from collections.abc import Mapping, Sequence

from realtime.actions.threads import (
    tell_moved,
    tell_updated,
)
from realtime.errors import (
    Conflict,
    TooLarge,
)
from realtime.settings import Settings
from storage.records import ConversationId, UserId
from storage.threads import Locked, Moved
from storage.unit_of_work import UnitOfWork


def check_size(count: int, settings: Settings) -> None:
    """
    Refuse what would make a group larger than the operator lets it be.

    Raises:
        TooLarge: It would be.
    """
    if count > settings.group_members:
        raise TooLarge(f"A group has at most {settings.group_members} members.")


async def bring_in(
    work: UnitOfWork,
    conversation: ConversationId,
    locked: Locked,
    users: Sequence[UserId],
    role: str,
    settings: Settings,
) -> None:
    """
    Bring people into a locked group, and tell everybody; who is in it stays so.

    Raises:
        TooLarge: The group is full.
    """
    check_size(locked.participant_count + len(users), settings)
    came = await work.threads.bring_in(conversation, users, role=role)
    await tell_joined(work, conversation, came)


async def tell_joined(
    work: UnitOfWork, conversation: ConversationId, users: Sequence[UserId]
) -> None:
    """Tell everybody in a conversation who has come."""
    if users:
        moved = [Moved(conversation, user, "join") for user in users]
        await tell_moved(work, moved, "")


async def let_go(
    work: UnitOfWork,
    conversation: ConversationId,
    locked: Locked,
    user: UserId,
    reason: str,
) -> None:
    """
    Let somebody go from a locked conversation, and tell everybody.

    Who was not in it is nothing to tell. The last owner's group goes to whoever has
    been there longest; one of the platform waits for the platform.
    """
    if not await work.threads.let_go(conversation, user, reason):
        return
    await tell_moved(work, [Moved(conversation, user, "leave")], reason)
    heir = await work.threads.heir_of(conversation)
    if heir is not None and not locked.is_platforms:
        await give_roles(work, conversation, {heir: "owner"})


async def give_roles(
    work: UnitOfWork, conversation: ConversationId, roles: Mapping[UserId, str]
) -> None:
    """
    Give people in a locked group other roles, and tell everybody.

    Raises:
        Conflict: A group would be left without an owner.
    """
    if not roles:
        return
    for user, role in roles.items():
        await work.threads.set_role(conversation, user, role)
        subject = {"conversation_id": conversation, "user_id": user}
        work.happen("participant.role", subject, {"role": role})
    if await work.threads.heir_of(conversation) is not None:
        raise Conflict("A group needs an owner: make somebody else one first.")
    await tell_updated(work, [conversation])


async def set_up(
    work: UnitOfWork,
    conversation: ConversationId,
    locked: Locked,
    title: str | None,
    writers: str | None,
    history: str | None,
) -> None:
    """Change what a locked group is; None leaves it as it is. Tells everybody."""
    if await work.threads.set_up(
        conversation,
        title=title or locked.title,
        writers=writers or locked.writers,
        history=history or locked.history,
    ):
        await tell_updated(work, [conversation])
        work.happen("conversation.updated", {"conversation_id": conversation})
