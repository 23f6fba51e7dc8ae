"""Other people, as far as they are one's business."""

from uuid import UUID

from fastapi import APIRouter

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import PROFILE, shown
from api.shapes import Profile, UserPermission
from realtime.actions.conversations import explain_messaging
from realtime.actions.users import get_profile
from realtime.errors import (
    Invalid,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from storage import records
from storage.records import UserId

router = APIRouter(prefix="/v1/users", tags=["people"])

_ASK = "connection.request"


@router.get(
    "/{user_id}",
    response_model=Profile,
    responses=shown(PROFILE)
    | refusals(Unauthenticated, Suspended, NotFound, Invalid, Unavailable),
)
async def get_user(node: ANode, actor: AnActor, user_id: UUID) -> records.Profile:
    """
    Give the public profile of an active person.
    """
    async with node.transaction(actor.user_id) as work:
        return await get_profile(work, UserId(user_id))


@router.get(
    "/{user_id}/permissions",
    response_model=UserPermission,
    responses=shown(
        {
            "message": False,
            "connect": True,
            "reason": "not_connected",
            "unlock": [_ASK],
        }
    )
    | refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)
async def get_user_permissions(
    node: ANode, actor: AnActor, user_id: UUID
) -> UserPermission:
    """
    Tell whether one may message somebody, or ask them for a connection.

    `unlock` names the commands that would help. Whoever does not exist gets the
    answer of a stranger.
    """
    async with node.transaction(actor.user_id) as work:
        told = await explain_messaging(work, actor, UserId(user_id))
    return UserPermission(
        message=told.reason is None,
        # A request is taken exactly where it is what would help.
        connect=_ASK in told.unlock,
        reason=told.reason,
        unlock=told.unlock,
    )
