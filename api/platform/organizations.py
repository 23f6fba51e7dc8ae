"""The platform's organizations and their members, mirrored here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.deps import ANode, APaging, platform_with
from api.errors import refusals
from api.examples import MEMBER, ORGANIZATION, page_of, shown
from api.idempotency import Once, once_with
from api.platform.batches import Batch, items_of
from api.platform.market import (
    Member,
    Organization,
    OrganizationFields,
    OrganizationItem,
    OrganizationMemberFields,
)
from api.platform.members import page_of_members
from api.shapes import Page
from realtime.actions.organizations import (
    get_organization,
    put_organization_member,
    put_organizations,
    remove_organization_member,
)
from realtime.actor import Platform
from realtime.errors import (
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from storage.records import OrganizationId, UserId
from storage.unit_of_work import UnitOfWork

SCOPE = "organizations"

router = APIRouter(
    prefix="/v1/platform/organizations",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]


@router.put(
    "/{organization_id}", response_model=Organization, responses=shown(ORGANIZATION)
)
async def put_organization(
    node: ANode,
    platform: APlatform,
    organization_id: UUID,
    fields: OrganizationFields,
) -> Organization:
    """Create or update an organization; `members`, if given, are then all of them."""
    item = {"id": organization_id, **fields.model_dump(exclude_unset=True)}
    async with node.transaction(key=platform.key_id) as work:
        (stored,) = await put_organizations(work, [item], node.settings, node.clock())
    return Organization.model_validate(stored)


@router.get(
    "/{organization_id}",
    response_model=Organization,
    responses=shown(ORGANIZATION) | refusals(NotFound),
)
async def read_organization(
    node: ANode, platform: APlatform, organization_id: UUID
) -> Organization:
    """Show an organization as it is stored."""
    async with node.transaction(key=platform.key_id) as work:
        stored = await get_organization(work, OrganizationId(organization_id))
    return Organization.model_validate(stored)


@router.post(
    "/batch",
    response_model=Page[Organization],
    responses=shown(page_of(ORGANIZATION)) | refusals(TooLarge),
)
async def put_organizations_batch(
    once: Annotated[Once, Depends(once_with(SCOPE))], batch: Batch[OrganizationItem]
) -> Response:
    """
    Create or update up to 1,000 organizations, all or nothing.

    `details.index` of a refusal names the first bad item.
    """
    items = items_of(batch)

    async def act(work: UnitOfWork) -> Page[Organization]:
        node = once.node
        stored = await put_organizations(work, items, node.settings, node.clock())
        return Page(items=[Organization.model_validate(one) for one in stored])

    return await once.answer(act)


@router.get(
    "/{organization_id}/members",
    response_model=Page[Member],
    responses=shown(page_of(MEMBER)) | refusals(NotFound),
)
async def read_organization_members(
    node: ANode, platform: APlatform, organization_id: UUID, paging: APaging
) -> Page[Member]:
    """List who belongs to an organization, by user id."""
    async with node.transaction(key=platform.key_id) as work:
        found = await get_organization(work, OrganizationId(organization_id))
        return await page_of_members(work.organizations.members, found.id, paging)


@router.put(
    "/{organization_id}/members/{user_id}",
    response_model=Member,
    responses=shown(MEMBER) | refusals(NotFound),
)
async def put_member_of_organization(
    node: ANode,
    platform: APlatform,
    organization_id: UUID,
    user_id: UUID,
    fields: OrganizationMemberFields,
) -> Member:
    """Have somebody belong to an organization: they see its threads from now on."""
    async with node.transaction(key=platform.key_id) as work:
        member = await put_organization_member(
            work,
            OrganizationId(organization_id),
            UserId(user_id),
            fields.role,
            node.settings,
        )
    return Member.model_validate(member)


@router.delete(
    "/{organization_id}/members/{user_id}",
    status_code=204,
    responses=refusals(NotFound),
)
async def delete_member_of_organization(
    node: ANode, platform: APlatform, organization_id: UUID, user_id: UUID
) -> None:
    """Take somebody out of an organization, and at once out of its threads."""
    async with node.transaction(key=platform.key_id) as work:
        await remove_organization_member(
            work,
            OrganizationId(organization_id),
            UserId(user_id),
            node.settings,
        )
