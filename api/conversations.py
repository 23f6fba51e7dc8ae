"""Conversations as one takes part in them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from api import shapes
from api.deps import AnActor, ANode, APaging, moment, next_page
from api.errors import refusals
from api.examples import CONVERSATION, GRACE, PARTICIPANT, page_of, shown
from api.shapes import Moment, Page, ReadMarker, WritePermission
from realtime.actions.conversations import (
    arrange_conversation,
    conversation_of,
    explain_writing,
    get_conversation,
    open_direct,
    require_participant,
)
from realtime.actions.groups import (
    change_group,
    open_group,
    put_participant,
    remove_participant,
)
from realtime.actions.receipts import mark_read
from realtime.actions.threads import open_thread
from realtime.actor import Actor
from realtime.errors import (
    Blocked,
    Conflict,
    Forbidden,
    GigClosed,
    Invalid,
    NotAParticipant,
    NotConnected,
    NotFound,
    RateLimited,
    Suspended,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from realtime.node import Node
from realtime.protocol import Conversation, Id, Line, Participant, Seq
from storage.records import ApplicationId, ConversationId, GigId, UserId
from storage.unit_of_work import UnitOfWork

router = APIRouter(
    prefix="/v1/conversations",
    tags=["conversations"],
    responses=refusals(Unauthenticated, Suspended, NotFound, Invalid, Unavailable),
)

Kind = Literal["direct", "gig", "group", "assistant"]

# As many as a group has by default; the setting says how many it may.
_USER_IDS = 1000


class NewConversation(shapes.Body):
    """A conversation to open, and with whom."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "direct", "user_ids": [GRACE]}]}
    )

    kind: Kind
    user_ids: Annotated[list[Id], Field(max_length=_USER_IDS)] = Field(
        default_factory=list
    )
    gig_id: Id | None = None
    application_id: Id | None = None
    title: Line | None = None
    writers: Literal["members", "owners"] | None = None
    history: Literal["all", "joined"] | None = None


class Arrangement(shapes.Body):
    """What one changes about a conversation: only what is given."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"muted_until": "2026-11-22T08:00:00.000Z"}]}
    )

    muted_until: Moment | None = None
    status: Literal["active", "archived"] = "active"
    title: Line | None = None
    writers: Literal["members", "owners"] | None = None


class Part(shapes.Body):
    """What somebody is in a group; left out, a member, or as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "member"}]})

    role: Literal["owner", "member"] | None = None


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
    | refusals(Suspended, NotConnected, Blocked, Forbidden, NotAParticipant, GigClosed)
    | refusals(TooLarge, RateLimited),
)
async def open_conversation(
    node: ANode, actor: AnActor, wanted: NewConversation, response: Response
) -> Conversation:
    """
    Open a conversation; one that is there already is found.

    `direct`: with one other person to whom one is connected. `gig`: the thread of an
    application, named by `application_id` or found by who has applied; without one, of
    a gig and chosen people. `group`: with people to whom one is connected; with a
    `gig_id` and nobody named, the group of that gig's team.
    """
    async with node.transaction(actor.user_id) as work:
        conversation, is_new = await _open(node, work, actor, wanted)
        if is_new:
            # Refused, it is as if it had never been opened.
            await node.limits.check("conversations", actor.user_id)
        else:
            response.status_code = 200
        return await get_conversation(work, actor, conversation)


async def _open(
    node: Node, work: UnitOfWork, actor: Actor, wanted: NewConversation
) -> tuple[ConversationId, bool]:
    others = {UserId(user) for user in wanted.user_ids} - {actor.user_id}
    about = (wanted.gig_id, wanted.application_id)
    if wanted.kind == "group":
        if wanted.application_id is not None:
            raise Invalid("A group is about no application.")
        return await open_group(
            work,
            actor,
            others,
            node.settings,
            title=wanted.title,
            gig=GigId(wanted.gig_id) if wanted.gig_id else None,
            writers=wanted.writers or "members",
            history=wanted.history,
        )
    if wanted.title or wanted.writers or wanted.history:
        raise Invalid("Only a group is given a title, writers and history.")
    if wanted.kind == "gig":
        if wanted.gig_id is None:
            raise Invalid("gig_id: a gig's conversation needs its gig.")
        application = wanted.application_id
        return await open_thread(
            work,
            actor,
            GigId(wanted.gig_id),
            None if application is None else ApplicationId(application),
            others,
            node.settings,
        )
    if wanted.kind != "direct":
        raise NotFound(f"Conversations of the kind {wanted.kind} are not built yet.")
    if len(others) != 1 or about != (None, None):
        raise Invalid("A direct conversation has one other person, and no more.")
    (other,) = others
    was_open = await work.conversations.direct_with(actor.user_id, other) is not None
    return await open_direct(work, actor, other), not was_open


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
    Mute or archive a conversation for oneself, which the others do not notice.

    `title` and `writers` are changed for everybody, by an owner of a group.
    """
    changes: dict[str, datetime | None] = {}
    if "muted_until" in wanted.model_fields_set:
        changes["muted_until"] = wanted.muted_until
    if "status" in wanted.model_fields_set:
        is_archived = wanted.status == "archived"
        changes["archived_at"] = node.clock() if is_archived else None
    conversation = ConversationId(conversation_id)
    async with node.transaction(actor.user_id) as work:
        if wanted.title is not None or wanted.writers is not None:
            await change_group(
                work, actor, conversation, title=wanted.title, writers=wanted.writers
            )
        return await arrange_conversation(work, actor, conversation, changes)


@router.get(
    "/{conversation_id}/participants",
    response_model=Page[Participant],
    responses=shown(page_of(PARTICIPANT)) | refusals(NotAParticipant),
)
async def list_participants(
    node: ANode, actor: AnActor, conversation_id: UUID, paging: APaging
) -> Page[Participant]:
    """
    List who takes part, whoever joined first first.
    """
    position = paging.position(moment, UUID)
    conversation = ConversationId(conversation_id)
    async with node.transaction(actor.user_id) as work:
        await require_participant(work, actor, conversation)
        found = await work.conversations.participants_of(
            actor.user_id,
            conversation,
            after=(position[0], UserId(position[1])) if position else None,
            limit=paging.limit + 1,
        )
    page = found[: paging.limit]
    return Page(
        items=[Participant.model_validate(one) for one in page],
        next=next_page(page[-1].joined_at.isoformat(), page[-1].user_id)
        if len(found) > paging.limit
        else None,
    )


@router.put(
    "/{conversation_id}/participants/{user_id}",
    response_model=Conversation,
    responses=shown(CONVERSATION)
    | refusals(
        Suspended, NotAParticipant, NotConnected, Blocked, Forbidden, Conflict, TooLarge
    ),
)
async def put_one_participant(
    node: ANode,
    actor: AnActor,
    conversation_id: UUID,
    user_id: UUID,
    part: Part | None = None,
) -> Conversation:
    """
    Bring somebody into a group, or give them another role.

    Only an owner may, and only people to whom they are connected. To hand a group over,
    make somebody else `owner` and then oneself `member`. Into a gig's conversation only
    those of the gig's side can be brought back.
    """
    conversation = ConversationId(conversation_id)
    async with node.transaction(actor.user_id) as work:
        await put_participant(
            work,
            actor,
            conversation,
            UserId(user_id),
            None if part is None else part.role,
            node.settings,
        )
        return await get_conversation(work, actor, conversation)


@router.delete(
    "/{conversation_id}/participants/{user_id}",
    status_code=204,
    responses=refusals(Suspended, NotAParticipant, Forbidden),
)
async def delete_one_participant(
    node: ANode, actor: AnActor, conversation_id: UUID, user_id: UUID
) -> None:
    """
    Leave a conversation, or take somebody out of a group that one owns.

    They are told nothing of it from then on, within a second on every node.
    """
    async with node.transaction(actor.user_id) as work:
        await remove_participant(
            work, actor, ConversationId(conversation_id), UserId(user_id)
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
            work,
            actor,
            ConversationId(conversation_id),
            marker.seq,
            now=node.clock(),
        )
    return ReadMarker(read_seq=markers.read_seq, unread=markers.unread)


@router.get(
    "/{conversation_id}/permissions",
    response_model=WritePermission,
    responses=shown(
        {
            "write": False,
            "reason": "not_connected",
            "unlock": ["connection.request"],
            "closed_by": None,
            "read_only_at": None,
        }
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
        write=told.reason is None,
        reason=told.reason,
        unlock=told.unlock,
        closed_by=told.closed_by,
        read_only_at=told.read_only_at,
    )
