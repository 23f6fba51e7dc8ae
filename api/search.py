"""Finding messages by their words."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, StringConstraints

from api.deps import AnActor, ANode, APaging, moment, next_page
from api.errors import refusals
from api.examples import MESSAGE, page_of, shown
from api.shapes import Page
from realtime.actions.messages import Place, search_messages
from realtime.errors import Invalid, Suspended, Unauthenticated, Unavailable
from realtime.protocol import Message, Wire
from storage.records import ConversationId, MessageId

router = APIRouter(
    prefix="/v1/messages/search",
    tags=["messages"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)

_ASKED_CHARS = 200

_EXAMPLE = {**MESSAGE, "highlight": [{"text": "Hi", "is_match": True}]}


def _is_storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    text.encode()
    return text


Asked = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_ASKED_CHARS),
    AfterValidator(_is_storable),
    Query(description='Words, "phrases", or, -not.'),
]


class Segment(Wire):
    """A piece of what a message says, plain text: it matches, or it does not."""

    text: str
    is_match: bool


class FoundMessage(Message):
    """A message, and what it says in pieces; of a long one, those around a match."""

    highlight: Sequence[Segment]


@router.get("", response_model=Page[FoundMessage], responses=shown(page_of(_EXAMPLE)))
async def search(
    node: ANode,
    actor: AnActor,
    q: Asked,
    paging: APaging,
    conversation_id: UUID | None = None,
) -> Page[FoundMessage]:
    """
    Find messages in one's conversations by their words, newest first.

    Words are found in every form that the languages of who asks and who wrote know.
    """
    position = paging.position(moment, UUID)
    before = Place(position[0], MessageId(position[1])) if position else None
    conversation = ConversationId(conversation_id) if conversation_id else None
    async with node.transaction(actor.user_id) as work:
        found = await search_messages(work, q, conversation, before, paging.limit + 1)
    page = found[: paging.limit]
    return Page(
        items=[
            FoundMessage(
                **dict(one.message),
                highlight=[
                    Segment(text=each.text, is_match=each.is_match)
                    for each in one.highlight
                ],
            )
            for one in page
        ],
        next=next_page(page[-1].message.sent_at, page[-1].message.id)
        if len(found) > paging.limit
        else None,
    )
