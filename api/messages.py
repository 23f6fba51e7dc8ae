"""Messages of a conversation: history, and sending."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, model_validator

from api import shapes
from api.deps import AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import MESSAGE, NEW_MESSAGE, page_of, shown
from api.shapes import Page
from realtime.actions.conversations import require_participant
from realtime.errors import (
    Blocked,
    Conflict,
    ConversationArchived,
    ConversationBlocked,
    Invalid,
    NotAParticipant,
    NotConnected,
    NotFound,
    Suspended,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from realtime.plain_json import dumps
from realtime.protocol import (
    ATTACHMENTS,
    LARGEST_SEQ,
    Attachment,
    Body,
    Id,
    Message,
    Metadata,
    SendMessage,
)
from storage.records import ConversationId

router = APIRouter(
    prefix="/v1/conversations/{conversation_id}/messages",
    tags=["messages"],
    responses=refusals(Unauthenticated, NotFound, Invalid, Unavailable),
)

_FORWARD, _BACKWARD = "after", "before"


class NewMessage(shapes.Body):
    """A message to send; the same `client_id` again is the same message."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(NEW_MESSAGE)]})

    client_id: Id
    body: Body = ""
    attachments: Annotated[tuple[Attachment, ...], Field(strict=False)] = Field(
        default=(), max_length=ATTACHMENTS
    )
    reply_to_id: Id | None = None
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if not self.body and not self.attachments:
            raise ValueError("a message has a body or attachments")
        return self


@router.get(
    "",
    response_model=Page[Message],
    responses=shown(page_of(MESSAGE)) | refusals(Suspended, NotAParticipant),
)
async def list_messages(
    node: ANode,
    actor: AnActor,
    conversation_id: UUID,
    paging: APaging,
    before: Annotated[
        int | None, Query(ge=0, le=LARGEST_SEQ, description="Newest first, from here.")
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST_SEQ, description="Oldest first, from here.")
    ] = None,
) -> Page[Message]:
    """
    Give history by `seq`: from the end backwards, unless `after` asks for forwards.

    `next` goes on in the same direction and comes before `before` and `after`.
    """
    direction, seq = _begin(paging, before, after)
    conversation = ConversationId(conversation_id)
    async with node.transaction(actor.user_id) as work:
        await require_participant(work, actor, conversation)
        look = work.messages.after if direction == _FORWARD else work.messages.before
        found = await look(conversation, seq, paging.limit + 1)
    shown_here = found[: paging.limit]
    return Page(
        items=[Message.model_validate(message) for message in shown_here],
        next=next_page(direction, shown_here[-1].seq)
        if len(found) > paging.limit
        else None,
    )


@router.post(
    "",
    status_code=201,
    response_model=Message,
    responses=shown(MESSAGE, 201)
    | refusals(
        Suspended,
        NotConnected,
        Blocked,
        NotAParticipant,
        ConversationArchived,
        ConversationBlocked,
    )
    | refusals(Conflict, TooLarge),
)
async def send_message(
    node: ANode, actor: AnActor, conversation_id: UUID, new: NewMessage
) -> Response:
    """
    Send a message; what is answered has been stored.

    Where no answer comes, send it again with the same `client_id`: it is stored once.
    """
    command = SendMessage(
        conversation_id=conversation_id,
        client_id=new.client_id,
        body=new.body,
        attachments=new.attachments,
        reply_to_id=new.reply_to_id,
        metadata=new.metadata,
    )
    message = await node.sender.send(actor, command)
    return Response(dumps(message), status_code=201, media_type="application/json")


def _begin(paging: APaging, before: int | None, after: int | None) -> tuple[str, int]:
    """Say in which direction to read, and from which `seq`."""
    position = paging.position(_direction, _seq)
    if position is not None:
        return position[0], position[1]
    if before is not None and after is not None:
        raise Invalid("Give either before or after.")
    if after is not None:
        return _FORWARD, after
    return _BACKWARD, LARGEST_SEQ if before is None else before


def _direction(text: str) -> str:
    if text not in {_FORWARD, _BACKWARD}:
        raise ValueError("neither forwards nor backwards")
    return text


def _seq(text: str) -> int:
    seq = int(text)
    if not 0 <= seq <= LARGEST_SEQ:
        raise ValueError("no seq")
    return seq
