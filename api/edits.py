"""Messages after they were sent: editing, deleting, what they said, reactions."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import ConfigDict

from api import shapes
from api.deps import AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import GRACE, MESSAGE, page_of, shown
from api.shapes import Page
from realtime.actions.messages import (
    VERSIONS,
    add_reaction,
    delete_message,
    edit_message,
    list_edits,
    oldest_editable,
    remove_reaction,
)
from realtime.errors import (
    Blocked,
    Conflict,
    ConversationArchived,
    ConversationBlocked,
    Forbidden,
    GigClosed,
    Invalid,
    NotAParticipant,
    NotConnected,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Body, Emoji, Instant, Message, Wire
from storage.records import MessageId

router = APIRouter(
    prefix="/v1/messages/{message_id}",
    tags=["messages"],
    responses=refusals(Unauthenticated, NotFound, Invalid, Unavailable),
)

_WRITING = refusals(
    Forbidden,
    Suspended,
    NotConnected,
    Blocked,
    NotAParticipant,
    ConversationArchived,
    ConversationBlocked,
    GigClosed,
) | refusals(Conflict)

_LATER = "2026-11-21T01:25:00.000Z"
_EDITED = {**MESSAGE, "body": "Hi there", "edited_at": _LATER}
_TOMBSTONE = {**MESSAGE, "body": "", "deleted_at": _LATER}
_EDIT = {"version": 1, "body": "Hi", "edited_at": _LATER}
_REACTIONS = {"reactions": {"👍": [GRACE]}}

AnEmoji = Annotated[Emoji, Path(description="An emoji, percent-encoded.")]


class NewBody(shapes.Body):
    """What a message is to say from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "Hi there"}]})

    body: Body


class Edit(Wire):
    """What a message said until it was edited."""

    version: int
    body: str
    edited_at: Instant


class Reactions(Wire):
    """Who has reacted with what, in the order in which that came to be."""

    reactions: Mapping[str, Sequence[UUID]]


@router.patch("", response_model=Message, responses=shown(_EDITED) | _WRITING)
async def edit_a_message(
    node: ANode, actor: AnActor, message_id: UUID, new: NewBody
) -> Message:
    """Let one's own message say something else; what it said is its history."""
    since = oldest_editable(node.settings, node.clock())
    async with node.transaction(actor.user_id) as work:
        return await edit_message(
            work, actor, MessageId(message_id), new.body, since=since
        )


@router.delete(
    "",
    response_model=Message,
    responses=shown(_TOMBSTONE) | refusals(Forbidden, Suspended, NotAParticipant),
)
async def delete_a_message(node: ANode, actor: AnActor, message_id: UUID) -> Message:
    """Take a message back: one's own, or as an owner of a group anybody's."""
    async with node.transaction(actor.user_id) as work:
        return await delete_message(work, actor, MessageId(message_id))


@router.get(
    "/history",
    response_model=Page[Edit],
    responses=shown(page_of(_EDIT)) | refusals(Suspended),
)
async def list_message_edits(
    node: ANode, actor: AnActor, message_id: UUID, paging: APaging
) -> Page[Edit]:
    """Give what a message said before it was edited, the first version first."""
    (after,) = paging.position(_version) or (0,)
    async with node.transaction(actor.user_id) as work:
        found = await list_edits(work, MessageId(message_id), after, paging.limit + 1)
    edits = found[: paging.limit]
    return Page(
        items=[Edit.model_validate(edit) for edit in edits],
        next=next_page(edits[-1].version) if len(found) > paging.limit else None,
    )


@router.put(
    "/reactions/{emoji}",
    response_model=Reactions,
    responses=shown(_REACTIONS) | _WRITING,
)
async def put_reaction(
    node: ANode, actor: AnActor, message_id: UUID, emoji: AnEmoji
) -> Reactions:
    """React to a message; a second time changes nothing."""
    async with node.transaction(actor.user_id) as work:
        found = await add_reaction(work, actor, MessageId(message_id), emoji)
    return Reactions(reactions=found)


@router.delete(
    "/reactions/{emoji}",
    response_model=Reactions,
    responses=shown({"reactions": {}}) | refusals(Suspended, NotAParticipant),
)
async def delete_reaction(
    node: ANode, actor: AnActor, message_id: UUID, emoji: AnEmoji
) -> Reactions:
    """Take a reaction of one's own back; where there is none, nothing happens."""
    async with node.transaction(actor.user_id) as work:
        found = await remove_reaction(work, actor, MessageId(message_id), emoji)
    return Reactions(reactions=found)


def _version(text: str) -> int:
    version = int(text)
    if not 0 <= version <= VERSIONS:
        raise ValueError("no version")
    return version
