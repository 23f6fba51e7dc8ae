"""The platform's links between people, mirrored here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict

from api import shapes
from api.deps import ANode, platform_with
from api.errors import refusals
from api.examples import ADA, CONNECTION, GRACE, page_of, shown
from api.idempotency import Once, once_with
from api.platform.batches import Batch, items_of
from api.shapes import Page
from realtime.actions.connections import put_connections
from realtime.actor import Platform
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Connection, ConnectionStatus, Id, Note
from storage.unit_of_work import UnitOfWork

SCOPE = "connections"

router = APIRouter(
    prefix="/v1/platform/connections",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Conflict, Unavailable),
)


class ConnectionFields(shapes.Body):
    """Who asked whom, and how it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"requester_id": ADA, "recipient_id": GRACE, "status": "accepted"}
            ]
        }
    )

    requester_id: Id
    recipient_id: Id
    status: ConnectionStatus
    message: Note | None = None


class ConnectionItem(ConnectionFields):
    """A link in a batch."""

    model_config = ConfigDict(json_schema_extra={})

    id: Id


@router.put("/{connection_id}", response_model=Connection, responses=shown(CONNECTION))
async def put_connection(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(SCOPE))],
    connection_id: UUID,
    fields: ConnectionFields,
) -> Connection:
    """
    Create or update a link; both people hear of it where it changed.

    A pair has one link: another id for it is a `conflict`, which names the first.
    """
    item = {"id": connection_id, **fields.model_dump(exclude_unset=True)}
    async with node.transaction(key=platform.key_id) as work:
        (link,) = await put_connections(work, [item])
    return link


@router.post(
    "/batch",
    response_model=Page[Connection],
    responses=shown(page_of(CONNECTION)) | refusals(TooLarge),
)
async def put_connections_batch(
    once: Annotated[Once, Depends(once_with(SCOPE))], batch: Batch[ConnectionItem]
) -> Response:
    """
    Create or update up to 1,000 links, all or nothing.

    `details.index` of a refusal names the first bad item.
    """
    items = items_of(batch)

    async def act(work: UnitOfWork) -> Page[Connection]:
        return Page(items=await put_connections(work, items))

    return await once.answer(act)
