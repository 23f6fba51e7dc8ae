"""The platform's gigs, jobs and projects with their teams, mirrored here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.deps import ANode, APaging, platform_with
from api.errors import refusals
from api.examples import GIG, MEMBER, page_of, shown
from api.idempotency import Once, once_with
from api.platform.batches import Batch, items_of
from api.platform.market import Gig, GigFields, GigItem, GigMemberFields, Member
from api.platform.members import page_of_members
from api.shapes import Page
from realtime.actions.gigs import (
    get_gig,
    put_gig_member,
    put_gigs,
    remove_gig_member,
)
from realtime.actor import Platform
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from storage.records import GigId, UserId
from storage.unit_of_work import UnitOfWork

SCOPE = "gigs"

router = APIRouter(
    prefix="/v1/platform/gigs",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]

_DIRECTOR = {**MEMBER, "role": "director"}


@router.put("/{gig_id}", response_model=Gig, responses=shown(GIG) | refusals(Conflict))
async def put_gig(
    node: ANode, platform: APlatform, gig_id: UUID, fields: GigFields
) -> Gig:
    """
    Create or update a gig, a job or a project; its conversations follow at once.

    A status that cannot follow the one before is a `conflict`.
    """
    item = {"id": gig_id, **fields.model_dump(exclude_unset=True)}
    async with node.transaction(key=platform.key_id) as work:
        (stored,) = await put_gigs(work, [item], node.settings, node.clock())
    return Gig.model_validate(stored)


@router.get("/{gig_id}", response_model=Gig, responses=shown(GIG) | refusals(NotFound))
async def read_gig(node: ANode, platform: APlatform, gig_id: UUID) -> Gig:
    """Show a gig as it is stored."""
    async with node.transaction(key=platform.key_id) as work:
        return Gig.model_validate(await get_gig(work, GigId(gig_id)))


@router.post(
    "/batch",
    response_model=Page[Gig],
    responses=shown(page_of(GIG)) | refusals(Conflict, TooLarge),
)
async def put_gigs_batch(
    once: Annotated[Once, Depends(once_with(SCOPE))], batch: Batch[GigItem]
) -> Response:
    """
    Create or update up to 1,000 gigs, all or nothing.

    `details.index` of a refusal names the first bad item.
    """
    items = items_of(batch)

    async def act(work: UnitOfWork) -> Page[Gig]:
        node = once.node
        stored = await put_gigs(work, items, node.settings, node.clock())
        return Page(items=[Gig.model_validate(one) for one in stored])

    return await once.answer(act)


@router.get(
    "/{gig_id}/members",
    response_model=Page[Member],
    responses=shown(page_of(_DIRECTOR)) | refusals(NotFound),
)
async def read_team_of_gig(
    node: ANode, platform: APlatform, gig_id: UUID, paging: APaging
) -> Page[Member]:
    """List a gig's team, by user id; its owner is in it only if put there."""
    async with node.transaction(key=platform.key_id) as work:
        found = await get_gig(work, GigId(gig_id))
        return await page_of_members(work.gigs.members, found.id, paging)


@router.put(
    "/{gig_id}/members/{user_id}",
    response_model=Member,
    responses=shown(_DIRECTOR) | refusals(NotFound),
)
async def put_member_of_gig(
    node: ANode,
    platform: APlatform,
    gig_id: UUID,
    user_id: UUID,
    fields: GigMemberFields | None = None,
) -> Member:
    """Have somebody in a gig's team: they see its threads from now on."""
    async with node.transaction(key=platform.key_id) as work:
        member = await put_gig_member(
            work,
            GigId(gig_id),
            UserId(user_id),
            (fields or GigMemberFields()).role,
            node.settings,
        )
    return Member.model_validate(member)


@router.delete(
    "/{gig_id}/members/{user_id}", status_code=204, responses=refusals(NotFound)
)
async def delete_member_of_gig(
    node: ANode, platform: APlatform, gig_id: UUID, user_id: UUID
) -> None:
    """Take somebody out of a gig's team, and at once out of its threads."""
    async with node.transaction(key=platform.key_id) as work:
        await remove_gig_member(work, GigId(gig_id), UserId(user_id), node.settings)
