"""Who follows which topic, as the platform says."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.deps import ANode, platform_with
from api.errors import refusals
from api.platform.notifications import SCOPE
from api.topics import ATopic
from realtime.actions.topics import follow_topic, leave_topic
from realtime.actor import Platform
from realtime.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from storage.records import UserId

router = APIRouter(
    prefix="/v1/platform/topics",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]


@router.put(
    "/{topic}/subscribers/{user_id}", status_code=204, responses=refusals(NotFound)
)
async def subscribe(
    node: ANode, platform: APlatform, topic: ATopic, user_id: UUID
) -> None:
    """
    Have somebody follow a topic; a second time changes nothing.
    """
    async with node.transaction(key=platform.key_id) as work:
        await follow_topic(work, UserId(user_id), topic, node.clock())


@router.delete("/{topic}/subscribers/{user_id}", status_code=204)
async def unsubscribe(
    node: ANode, platform: APlatform, topic: ATopic, user_id: UUID
) -> None:
    """
    Have somebody follow a topic no more; where they do not, nothing happens.
    """
    async with node.transaction(key=platform.key_id) as work:
        await leave_topic(work, UserId(user_id), topic)
