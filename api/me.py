"""Oneself."""

from fastapi import APIRouter

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import UNREAD, USER, shown
from api.shapes import Me, User
from realtime.errors import NotFound, Suspended, Unauthenticated, Unavailable
from realtime.protocol import Unread

router = APIRouter(prefix="/v1/me", tags=["people"])


@router.get(
    "",
    response_model=Me,
    responses=shown({"profile": USER, "preferences": {}, "unread": UNREAD})
    | refusals(Unauthenticated, Suspended, Unavailable),
)
async def get_me(node: ANode, actor: AnActor) -> Me:
    """
    Give one's own profile, preferences and what waits to be read.
    """
    async with node.transaction(actor.user_id) as work:
        user = await work.users.get(actor.user_id)
        unread = await work.conversations.unread(actor.user_id)
    if user is None:
        # Erased between the check of the token and now.
        raise NotFound
    return Me(
        profile=User.model_validate(user),
        preferences={},
        unread=Unread.model_validate(unread),
    )
