"""Whom one has blocked; nobody else is told."""

from uuid import UUID

from fastapi import APIRouter

from api.deps import AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import GRACE, page_of, shown
from api.shapes import Block, Page
from realtime.actions.connections import block_user, unblock_user
from realtime.errors import (
    Invalid,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from storage.records import UserId

router = APIRouter(
    prefix="/v1/blocks",
    tags=["connections"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)


@router.get(
    "",
    response_model=Page[Block],
    responses=shown(
        page_of({"user_id": GRACE, "created_at": "2026-11-21T01:20:00.000Z"})
    ),
)
async def list_blocks(node: ANode, actor: AnActor, paging: APaging) -> Page[Block]:
    """
    List whom one has blocked.
    """
    position = paging.position(UUID)
    async with node.transaction(actor.user_id) as work:
        found = await work.blocks.by(
            actor.user_id,
            after=UserId(position[0]) if position else None,
            limit=paging.limit + 1,
        )
    shown_here = found[: paging.limit]
    return Page(
        items=[
            Block(user_id=row.blocked_id, created_at=row.created_at)
            for row in shown_here
        ],
        next=next_page(shown_here[-1].blocked_id)
        if len(found) > paging.limit
        else None,
    )


@router.put("/{user_id}", status_code=204, responses=refusals(NotFound))
async def block(node: ANode, actor: AnActor, user_id: UUID) -> None:
    """
    Block somebody: neither can write to the other. A second time changes nothing.
    """
    async with node.transaction(actor.user_id) as work:
        await block_user(work, actor, UserId(user_id))


@router.delete("/{user_id}", status_code=204)
async def unblock(node: ANode, actor: AnActor, user_id: UUID) -> None:
    """
    Take one's own block away; where there is none, nothing happens.
    """
    async with node.transaction(actor.user_id) as work:
        await unblock_user(work, actor, UserId(user_id))
