"""What people choose to show of themselves, and what they choose to see."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from realtime.actor import Actor
from realtime.errors import NotFound
from realtime.telling import doubt_relations
from storage.content_preferences import ContentPreference
from storage.privacy import Privacy
from storage.unit_of_work import UnitOfWork


async def get_privacy(work: UnitOfWork, actor: Actor) -> Privacy:
    """
    Give the actor's choices.

    Raises:
        NotFound: The account has just been erased.
    """
    found = await work.privacy.get(actor.user_id)
    if found is None:
        raise NotFound
    return found


async def change_privacy(
    work: UnitOfWork, actor: Actor, changes: Mapping[str, Any]
) -> Privacy:
    """
    Change what is given of the actor's choices, from now on.

    What others were told before stays told on their devices; asked again, the server
    shows them nothing of it. Only who is watched turns offline there, too.

    Raises:
        NotFound: The account has just been erased.
    """
    before = await work.privacy.lock(actor.user_id)
    if before is None:
        raise NotFound
    after = replace(before, **changes)
    if after != before:
        await work.privacy.set(after)
        changed = sorted(
            name for name in changes if getattr(before, name) != changes[name]
        )
        if after.hide_presence != before.hide_presence:
            doubt_relations(work, [actor.user_id])
        work.happen(
            "user.privacy_changed", {"user_id": actor.user_id}, {"changed": changed}
        )
    return after


async def change_content_preferences(
    work: UnitOfWork, actor: Actor, changes: Mapping[str, Any]
) -> ContentPreference:
    """Change what is given of the kind of content that the actor wants to see."""
    before = await work.content_preferences.get(actor.user_id)
    after = replace(before, **changes)
    await work.content_preferences.put(actor.user_id, after)
    return after
