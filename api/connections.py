"""Links between oneself and others."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query

from api.deps import AChangingActor, AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import CONNECTION, GRACE, page_of, shown
from api.shapes import Page
from realtime import connecting
from realtime.actions import connections
from realtime.actor import Actor
from realtime.errors import (
    AlreadyConnected,
    AlreadyRequested,
    Blocked,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.node import Node
from realtime.protocol import Connection, ConnectionStatus, RequestConnection
from storage.records import ConnectionId, UserId

router = APIRouter(
    prefix="/v1/connections",
    tags=["connections"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)

_STEP = (
    shown(CONNECTION)
    | refusals(NotFound, Conflict, RateLimited)
    | refusals(Suspended, Forbidden)
)


@router.post(
    "",
    status_code=201,
    response_model=Connection,
    responses=shown({**CONNECTION, "status": "pending"}, 201)
    | refusals(NotFound, AlreadyRequested, AlreadyConnected, RateLimited)
    | refusals(Suspended, Blocked, Forbidden),
)
async def request_connection(
    node: ANode,
    actor: AnActor,
    asked: Annotated[
        RequestConnection,
        Body(
            examples=[{"user_id": GRACE, "message": "We met at the casting."}],
        ),
    ],
) -> Connection:
    """
    Ask somebody for a connection, with a note.

    A pair has one relation: the second request, in either direction, is refused. One
    that has ended can be asked for again. People choose who may ask them; to everybody
    else they are `forbidden`.
    """
    return await connecting.request_connection(
        node, actor, UserId(asked.user_id), asked.message
    )


@router.get("", response_model=Page[Connection], responses=shown(page_of(CONNECTION)))
async def list_connections(
    node: ANode,
    actor: AnActor,
    paging: APaging,
    status: Annotated[
        ConnectionStatus | None, Query(description="Only those at this stage.")
    ] = None,
) -> Page[Connection]:
    """
    List one's connections, from either side, the newest first.
    """
    position = paging.position(UUID)
    async with node.transaction(actor.user_id) as work:
        found = await work.connections.of(
            actor.user_id,
            status=status,
            before=ConnectionId(position[0]) if position else None,
            limit=paging.limit + 1,
        )
    shown_here = found[: paging.limit]
    return Page(
        items=[Connection.model_validate(link) for link in shown_here],
        next=next_page(shown_here[-1].id) if len(found) > paging.limit else None,
    )


@router.post(
    "/{connection_id}/accept",
    response_model=Connection,
    responses=_STEP | refusals(Suspended, Forbidden, Blocked),
)
async def accept_connection(
    node: ANode, actor: AChangingActor, connection_id: UUID
) -> Connection:
    """
    Accept what was asked of one; a second time changes nothing.
    """
    return await _take(node, actor, connections.accept_connection, connection_id)


@router.post("/{connection_id}/reject", response_model=Connection, responses=_STEP)
async def reject_connection(
    node: ANode, actor: AChangingActor, connection_id: UUID
) -> Connection:
    """
    Turn down what was asked of one; a second time changes nothing.
    """
    return await _take(node, actor, connections.reject_connection, connection_id)


@router.post("/{connection_id}/withdraw", response_model=Connection, responses=_STEP)
async def withdraw_connection(
    node: ANode, actor: AChangingActor, connection_id: UUID
) -> Connection:
    """
    Take back what one has asked; a second time changes nothing.
    """
    return await _take(node, actor, connections.withdraw_connection, connection_id)


@router.delete("/{connection_id}", response_model=Connection, responses=_STEP)
async def remove_connection(
    node: ANode, actor: AnActor, connection_id: UUID
) -> Connection:
    """
    End a connection, from either side; a second time changes nothing.
    """
    return await _take(node, actor, connections.remove_connection, connection_id)


async def _take(
    node: Node, actor: Actor, step: connections.Step, connection_id: UUID
) -> Connection:
    async with node.transaction(actor.user_id) as work:
        return await step(work, actor, ConnectionId(connection_id))
