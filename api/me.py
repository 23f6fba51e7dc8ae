"""Oneself."""

from fastapi import APIRouter

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import (
    CONTENT_PREFERENCES,
    NOTIFICATIONS_IN_SHORT,
    PRIVACY,
    UNREAD,
    USER,
    shown,
)
from api.shapes import Me, NotificationsInShort, Preferences, User
from realtime.actions.preferences import get_settings
from realtime.errors import NotFound, Suspended, Unauthenticated, Unavailable
from realtime.notifications.preferences import switches
from realtime.protocol import Unread

router = APIRouter(prefix="/v1/me", tags=["people"])


@router.get(
    "",
    response_model=Me,
    responses=shown(
        {
            "profile": USER,
            "preferences": {
                "privacy": PRIVACY,
                "content": CONTENT_PREFERENCES,
                "notifications": NOTIFICATIONS_IN_SHORT,
            },
            "unread": UNREAD,
        }
    )
    | refusals(Unauthenticated, Suspended, Unavailable),
)
async def get_me(node: ANode, actor: AnActor) -> Me:
    """
    Give one's own profile, preferences and what waits to be read.
    """
    async with node.transaction(actor.user_id) as work:
        user = await work.users.get(actor.user_id)
        privacy = await work.privacy.get(actor.user_id)
        content = await work.content_preferences.get(actor.user_id)
        chosen = (await work.preferences.of([actor.user_id]))[actor.user_id]
        settings = await get_settings(work, actor.user_id)
        unread = await work.conversations.unread(actor.user_id, node.clock())
    if user is None or privacy is None:
        # Erased between the check of the token and now.
        raise NotFound
    told = NotificationsInShort.model_validate(
        {
            **switches(chosen),
            "timezone": settings.timezone,
            "do_not_disturb_until": settings.do_not_disturb_until,
        }
    )
    return Me(
        profile=User.model_validate(user),
        preferences=Preferences.model_validate(
            {"privacy": privacy, "content": content, "notifications": told}
        ),
        unread=Unread.model_validate(unread),
    )
