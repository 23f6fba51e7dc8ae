"""Other people, as far as they are one's business."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.deps import ID_CHARS, AnActor, ANode, read_ids
from api.errors import refusals
from api.examples import GRACE, PROFILE, shown
from api.shapes import Profile, Profiles, UserPermission
from realtime.actions.conversations import explain_messaging
from realtime.actions.users import get_profile, get_profiles
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
_MOST = 100


@router.get(
    "",
    response_model=Profiles,
    responses=shown({"items": [PROFILE]})
    | refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)
async def get_users(
    node: ANode,
    actor: AnActor,
    ids: Annotated[
        list[Annotated[str, Query(max_length=_MOST * ID_CHARS)]],
        Query(
            max_length=_MOST,
            description=f"At most {_MOST} ids, between commas.",
            examples=[GRACE],
        ),
    ],
) -> Profiles:
    """
    Give the public profiles of people, in the order in which they are named.

    Who is unknown, suspended or deleted is left out.
    """
    wanted = [UserId(user) for user in read_ids("ids", ids, _MOST)]
    async with node.transaction(actor.user_id) as work:
        found = await get_profiles(work, wanted)
    return Profiles(items=[Profile.model_validate(one) for one in found])


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
