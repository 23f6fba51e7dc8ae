"""Who did what to whom, for the platform."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.deps import ANode, APaging, next_page, platform_with
from api.errors import refusals
from api.examples import ACT, page_of, shown
from api.shapes import Moment, Page
from realtime.actor import Platform
from realtime.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from realtime.protocol import Instant, Text, Wire

SCOPE = "audit"
KIND_CHARS = 100

router = APIRouter(
    prefix="/v1/platform/audit",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)


class Act(Wire):
    """Somebody did something; `actor_id` is a person's id or an API key's."""

    id: UUID
    at: Instant
    actor_kind: Literal["user", "platform", "system"]
    actor_id: UUID | None
    action: str
    subject: dict[str, str]
    data: dict[str, Any]


@router.get("", response_model=Page[Act], responses=shown(page_of(ACT)))
async def list_acts(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(SCOPE))],
    paging: APaging,
    actor_id: Annotated[
        UUID | None, Query(description="Only what this person or API key did.")
    ] = None,
    action: Annotated[
        Text | None,
        Query(max_length=KIND_CHARS, description="Only this, as `user.blocked`."),
    ] = None,
    subject: Annotated[
        UUID | None, Query(description="Only what concerns this id, whatever it is of.")
    ] = None,
    since: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> Page[Act]:
    """
    List who did what to whom, the newest first.

    Nothing that is in the log can be changed. It names people and things by id and
    never repeats what people wrote.
    """
    position = paging.position(UUID)
    async with node.transaction(key=platform.key_id) as work:
        found = await work.audit.acts(
            actor=actor_id,
            action=action,
            subject=subject,
            since=since,
            until=until,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    here = found[: paging.limit]
    return Page(
        items=[Act.model_validate(act) for act in here],
        next=next_page(here[-1].id) if len(found) > paging.limit else None,
    )
