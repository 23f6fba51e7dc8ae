"""Conversations as one takes part in them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, model_validator

from api import shapes
from api.deps import AnActor, ANode, APaging, moment, next_page
from api.errors import refusals
from api.examples import CONVERSATION, GRACE, page_of, shown
from api.shapes import Moment, Page, ReadMarker, WritePermission
from realtime.actions.conversations import (
    arrange_conversation,
    conversation_of,
    explain_writing,
    get_conversation,
    open_direct,
)
from realtime.actions.receipts import mark_read
from realtime.errors import (
    Blocked,
    Invalid,
    NotAParticipant,
    NotConnected,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Conversation, Id, Line, Seq
from storage.records import ConversationId, UserId

router = APIRouter(
    prefix="/v1/conversations",
    tags=["conversations"],
    responses=refusals(Unauthenticated, Suspended, NotFound, Invalid, Unavailable),
)

Kind = Literal["direct", "gig", "group", "assistant"]

# As many as a group will ever be opened with at once.
_USER_IDS = 200


class NewConversation(shapes.Body):
    """A conversation to open, and with whom."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "direct", "user_ids": [GRACE]}]}
    )

    kind: Kind
    user_ids: Annotated[list[Id], Field(max_length=_USER_IDS)]
    gig_id: Id | None = None
    application_id: Id | None = None
    title: Line | None = None


class Arrangement(shapes.Body):
    """What one changes about a conversation: only what is given."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"muted_until": "2026-11-22T08:00:00.000Z"}]}
    )

    muted_until: Moment | None = None
    status: Literal["active", "archived"] = "active"
    title: Line | None = None

    @model_validator(mode="after")
    def _has_no_title(self) -> Self:
        if "title" in self.model_fields_set:
            raise ValueError("a direct conversation has no title")
        return self


class ReadUpTo(shapes.Body):
    """How far one has read, inclusive."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"seq": 12}]})

    seq: Seq


@router.get(
    "", response_model=Page[Conversation], responses=shown(page_of(CONVERSATION))
)
async def list_conversations(
    node: ANode,
    actor: AnActor,
    paging: APaging,
    kind: Annotated[Kind | None, Query(description="Only of this kind.")] = None,
    status: Annotated[
        Literal["active", "blocked", "archived"] | None,
        Query(description="Only those which stand so for oneself."),
    ] = None,
    gig_id: Annotated[UUID | None, Query(description="Only about this gig.")] = None,
) -> Page[Conversation]:
    """
    List one's conversations, those with the newest activity first.
    """
    position = paging.position(moment, UUID)
    async with node.transaction(actor.user_id) as work:
        found, following = await work.conversations.of(
            actor.user_id,
            kind=kind,
            status=status,
            gig=gig_id,
            before=(position[0], ConversationId(position[1])) if position else None,
            limit=paging.limit,
        )
    return Page(
        items=[conversation_of(record) for record in found],
        next=next_page(following[0].isoformat(), following[1]) if following else None,
    )


_FOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "It was open already.", "model": Conversation}
}


@router.post(
    "",
    status_code=201,
    response_model=Conversation,
    responses=shown(CONVERSATION, 201)
    | _FOUND
    | refusals(Suspended, NotConnected, Blocked),
)
async def open_conversation(
    node: ANode, actor: AnActor, wanted: NewConversation, response: Response
) -> Conversation:
    """
    Open a conversation; a direct one that is open already is found.
    """
    if wanted.kind != "direct":
        raise NotFound(f"Conversations of the kind {wanted.kind} are not built yet.")
    others = {UserId(user) for user in wanted.user_ids} - {actor.user_id}
    if len(others) != 1 or wanted.gig_id or wanted.application_id or wanted.title:
        raise Invalid("A direct conversation has one other person, and no more.")
    (other,) = others
    async with node.transaction(actor.user_id) as work:
        if await work.conversations.direct_with(actor.user_id, other) is not None:
            response.status_code = 200
        conversation = await open_direct(work, actor, other)
        return await get_conversation(work, actor, conversation)


@router.get(
    "/{conversation_id}", response_model=Conversation, responses=shown(CONVERSATION)
)
async def get_one(node: ANode, actor: AnActor, conversation_id: UUID) -> Conversation:
    """
    Give one conversation.
    """
    async with node.transaction(actor.user_id) as work:
        return await get_conversation(work, actor, ConversationId(conversation_id))


@router.patch(
    "/{conversation_id}", response_model=Conversation, responses=shown(CONVERSATION)
)
async def arrange(
    node: ANode, actor: AnActor, conversation_id: UUID, wanted: Arrangement
) -> Conversation:
    """
    Mute or archive a conversation for oneself; the others do not notice.
    """
    changes: dict[str, datetime | None] = {}
    if "muted_until" in wanted.model_fields_set:
        changes["muted_until"] = wanted.muted_until
    if "status" in wanted.model_fields_set:
        is_archived = wanted.status == "archived"
        changes["archived_at"] = node.clock() if is_archived else None
    async with node.transaction(actor.user_id) as work:
        return await arrange_conversation(
            work, actor, ConversationId(conversation_id), changes
        )


@router.post(
    "/{conversation_id}/read",
    response_model=ReadMarker,
    responses=shown({"read_seq": 12, "unread": 0})
    | refusals(Suspended, NotAParticipant),
)
async def read(
    node: ANode, actor: AnActor, conversation_id: UUID, marker: ReadUpTo
) -> ReadMarker:
    """
    Say how far one has read; the marker never moves back.
    """
    async with node.transaction(actor.user_id) as work:
        markers = await mark_read(
            work, actor, ConversationId(conversation_id), marker.seq
        )
    return ReadMarker(read_seq=markers.read_seq, unread=markers.unread)


@router.get(
    "/{conversation_id}/permissions",
    response_model=WritePermission,
    responses=shown(
        {"write": False, "reason": "not_connected", "unlock": ["connection.request"]}
    ),
)
async def get_conversation_permissions(
    node: ANode, actor: AnActor, conversation_id: UUID
) -> WritePermission:
    """
    Tell whether one may write into a conversation, why not, and what would help.
    """
    async with node.transaction(actor.user_id) as work:
        told = await explain_writing(work, actor, ConversationId(conversation_id))
    return WritePermission(
        write=told.reason is None, reason=told.reason, unlock=told.unlock
    )
