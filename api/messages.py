"""Messages of a conversation: history, and sending."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict

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
    RateLimited,
    Suspended,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from realtime.plain_json import dumps
from realtime.protocol import LARGEST_SEQ, Content, Message, SendMessage
from storage.records import ConversationId

router = APIRouter(
    prefix="/v1/conversations/{conversation_id}/messages",
    tags=["messages"],
    responses=refusals(Unauthenticated, NotFound, Invalid, Unavailable),
)

_FORWARD, _BACKWARD = "after", "before"


class NewMessage(Content):
    """A message to send; the same `client_id` again is the same message."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(NEW_MESSAGE)]})


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
    | refusals(Conflict, TooLarge, RateLimited),
)
async def send_message(
    node: ANode, actor: AnActor, conversation_id: UUID, new: NewMessage
) -> Response:
    """
    Send a message; what is answered has been stored.

    Where no answer comes, send it again with the same `client_id`: it is stored once.
    """
    command = SendMessage(conversation_id=conversation_id, **dict(new))
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
