"""What one is shown."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import StringConstraints

from api.deps import AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import NOTIFICATION, UNREAD, page_of, shown
from api.shapes import Page, UnreadAnswer
from realtime.actions import notifications
from realtime.actor import Actor
from realtime.errors import (
    Invalid,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.node import Node
from realtime.protocol import (
    ArchiveNotifications,
    Notification,
    ReadNotifications,
    SeeNotifications,
    Text,
)
from storage.inbox import Mark

router = APIRouter(
    prefix="/v1/notifications",
    tags=["notifications"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)

_MARKED = shown({"unread": UNREAD}) | refusals(Suspended)
_THESE = Body(examples=[{"ids": [NOTIFICATION["id"]]}, {"all": True}])


@router.get(
    "", response_model=Page[Notification], responses=shown(page_of(NOTIFICATION))
)
async def list_notifications(
    node: ANode,
    actor: AnActor,
    paging: APaging,
    *,
    unread: Annotated[
        bool | None, Query(description="Only what is unread, or only what is read.")
    ] = None,
    type: Annotated[  # noqa: A002 - the contract's word
        Annotated[Text, StringConstraints(max_length=64)] | None,
        Query(description="Only those of this type."),
    ] = None,
    archived: Annotated[
        bool, Query(description="What was put away, instead of the inbox.")
    ] = False,
) -> Page[Notification]:
    """
    List what one is shown, the newest first; what has expired is gone.
    """
    position = paging.position(UUID)
    async with node.transaction(actor.user_id) as work:
        found = await work.inbox.of(
            actor.user_id,
            node.clock(),
            is_unread=unread,
            is_archived=archived,
            kind=type,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    on_page = found[: paging.limit]
    return Page(
        items=[notifications.shown(row) for row in on_page],
        next=next_page(on_page[-1].id) if len(found) > paging.limit else None,
    )


@router.post("/seen", response_model=UnreadAnswer, responses=_MARKED)
async def see_notifications(
    node: ANode,
    actor: AnActor,
    these: Annotated[SeeNotifications, _THESE],
) -> UnreadAnswer:
    """
    Say that notifications have been seen: by id, or all; others are passed over.
    """
    return await _mark(node, actor, "seen", these.ids)


@router.post("/read", response_model=UnreadAnswer, responses=_MARKED)
async def read_notifications(
    node: ANode,
    actor: AnActor,
    these: Annotated[ReadNotifications, _THESE],
) -> UnreadAnswer:
    """
    Say that notifications have been read, and so seen; others are passed over.
    """
    return await _mark(node, actor, "read", these.ids)


@router.post("/archive", response_model=UnreadAnswer, responses=_MARKED)
async def archive_notifications(
    node: ANode,
    actor: AnActor,
    these: Annotated[ArchiveNotifications, _THESE],
) -> UnreadAnswer:
    """
    Put notifications away, read or not; they wait no longer.
    """
    return await _mark(node, actor, "archived", these.ids)


async def _mark(
    node: Node, actor: Actor, mark: Mark, ids: list[UUID] | None
) -> UnreadAnswer:
    return UnreadAnswer(
        unread=await notifications.mark(node.transaction, actor, mark, ids, node.clock)
    )
