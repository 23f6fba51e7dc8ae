"""The platform's applications of people to gigs, mirrored here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.deps import ANode, platform_with
from api.errors import refusals
from api.examples import APPLICATION, page_of, shown
from api.idempotency import Once, once_with
from api.platform.batches import Batch, items_of
from api.platform.market import Application, ApplicationFields, ApplicationItem
from api.shapes import Page
from realtime.actions.applications import (
    get_application,
    put_application,
    put_applications,
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
from storage.records import ApplicationId, GigId
from storage.unit_of_work import UnitOfWork

SCOPE = "applications"

router = APIRouter(
    prefix="/v1/platform",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]


@router.put(
    "/gigs/{gig_id}/applications/{application_id}",
    response_model=Application,
    responses=shown(APPLICATION) | refusals(NotFound, Conflict),
)
async def put_application_to_gig(
    node: ANode,
    platform: APlatform,
    gig_id: UUID,
    application_id: UUID,
    fields: ApplicationFields,
) -> Application:
    """
    Create or update an application; its conversation follows at once.

    Its gig and applicant never change, and a status that cannot follow the one before
    is a `conflict`.
    """
    item = {"id": application_id, **fields.model_dump(exclude_unset=True)}
    async with node.transaction(key=platform.key_id) as work:
        stored = await put_application(
            work, GigId(gig_id), item, node.settings, node.clock()
        )
    return Application.model_validate(stored)


@router.get(
    "/gigs/{gig_id}/applications/{application_id}",
    response_model=Application,
    responses=shown(APPLICATION) | refusals(NotFound),
)
async def read_application(
    node: ANode, platform: APlatform, gig_id: UUID, application_id: UUID
) -> Application:
    """Show an application as it is stored."""
    async with node.transaction(key=platform.key_id) as work:
        stored = await get_application(
            work, GigId(gig_id), ApplicationId(application_id)
        )
    return Application.model_validate(stored)


@router.post(
    "/applications/batch",
    response_model=Page[Application],
    responses=shown(page_of(APPLICATION)) | refusals(Conflict, TooLarge),
)
async def put_applications_batch(
    once: Annotated[Once, Depends(once_with(SCOPE))], batch: Batch[ApplicationItem]
) -> Response:
    """
    Create or update up to 1,000 applications, all or nothing.

    `details.index` of a refusal names the first bad item.
    """
    items = items_of(batch)

    async def act(work: UnitOfWork) -> Page[Application]:
        node = once.node
        stored = await put_applications(work, items, node.settings, node.clock())
        return Page(items=[Application.model_validate(one) for one in stored])

    return await once.answer(act)
