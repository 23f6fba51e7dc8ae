"""
Groups that the platform keeps: communities, whose members need no connections.

What their owners may do themselves stands in `groups.py`.
"""

from collections.abc import Sequence

from realtime.actions.items import unknown
from realtime.actions.taking_part import (
    bring_in,
    check_size,
    give_roles,
    let_go,
    set_up,
)
from realtime.actions.threads import (
    tell_created,
)
from realtime.errors import (
    Conflict,
    NotFound,
)
from realtime.settings import Settings
from storage.records import ConversationId, UserId
from storage.threads import Locked
from storage.unit_of_work import UnitOfWork


async def put_group(
    work: UnitOfWork,
    conversation: ConversationId,
    *,
    title: str,
    owner: UserId,
    writers: str | None,
    history: str | None,
    settings: Settings,
) -> None:
    """
    Make or update a group as the platform says, with at least this owner.

    Raises:
        Invalid: The owner is nobody known here.
        Conflict: The id is that of another kind of conversation.
    """
    if not await work.users.existing([owner]):
        raise unknown(0, "owner_id")
    locked = await work.threads.lock(conversation)
    if locked is None:
        opened = await work.threads.open_group(
            conversation,
            owner,
            [],
            title=title,
            writers=writers or "members",
            history=history or settings.group_history,
            is_platforms=True,
        )
        if opened.is_new:
            await tell_created(work, conversation)
            work.happen("conversation.created", {"conversation_id": conversation})
            return
        # Made in the same instant by another call.
        locked = await work.threads.lock(conversation)
    if locked is None or not locked.is_platforms:
        raise Conflict("This conversation is no group of the platform's.")
    await set_up(work, conversation, locked, title, writers, history)
    parts = await work.conversations.parts([owner], [conversation])
    part = parts.get((conversation, owner))
    if part is None:
        await bring_in(work, conversation, locked, [owner], "owner", settings)
    elif part.role != "owner":
        await give_roles(work, conversation, {owner: "owner"})


async def get_group(work: UnitOfWork, conversation: ConversationId) -> Locked:
    """
    Give a group to the platform, locked.

    Raises:
        NotFound: There is no such group of the platform's.
    """
    return await _lock_for_platform(work, conversation)


async def put_members(
    work: UnitOfWork,
    conversation: ConversationId,
    roles: Sequence[tuple[UserId, str | None]],
    settings: Settings,
) -> None:
    """
    Bring people into a group as the platform says, or give them another role.

    Raises:
        NotFound: There is no such group of the platform's.
        Invalid: Somebody is nobody known here; `details` name the index.
        Conflict: The group would be left without an owner.
        TooLarge: The group is full.
    """
    locked = await _lock_for_platform(work, conversation)
    users = [user for user, _ in roles]
    known = await work.users.existing(users)
    for index, user in enumerate(users):
        if user not in known:
            raise unknown(index, "user_id")
    parts = await work.conversations.parts(users, [conversation])
    missing = [one for one in roles if (conversation, one[0]) not in parts]
    check_size(locked.participant_count + len(missing), settings)
    for wanted in ("owner", "member"):
        newcomers = [user for user, role in missing if (role or "member") == wanted]
        if newcomers:
            await bring_in(work, conversation, locked, newcomers, wanted, settings)
    changed = {
        user: role
        for user, role in roles
        if role and (part := parts.get((conversation, user))) and role != part.role
    }
    await give_roles(work, conversation, changed)


async def remove_member(
    work: UnitOfWork, conversation: ConversationId, user: UserId
) -> None:
    """
    Take somebody out of a group as the platform says; who is not in it stays out.

    Raises:
        NotFound: There is no such group of the platform's.
    """
    locked = await _lock_for_platform(work, conversation)
    await let_go(work, conversation, locked, user, "removed")


async def _lock_for_platform(work: UnitOfWork, conversation: ConversationId) -> Locked:
    locked = await work.threads.lock(conversation)
    if locked is None or not locked.is_platforms:
        raise NotFound
    return locked
