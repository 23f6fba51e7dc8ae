"""Finding messages by their words."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, StringConstraints

from api.deps import AnActor, ANode, APaging, moment, next_page
from api.errors import refusals
from api.examples import MESSAGE, page_of, shown
from api.shapes import Page
from realtime.actions.messages import Place, search_messages
from realtime.errors import (
    Invalid,
    RateLimited,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.highlight import highlight
from realtime.protocol import Message, Wire
from storage.records import ConversationId, MessageId
from storage.records import FoundMessage as Hit

router = APIRouter(
    prefix="/v1/messages/search",
    tags=["messages"],
    responses=refusals(Unauthenticated, Suspended, Invalid, RateLimited, Unavailable),
)

_ASKED_CHARS = 200

# A page has no more than this, whatever is asked for: each hit costs as much as reading
# a long message.
_MOST_HITS = 50

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
) -> Response:
    """
    Find messages in one's conversations by their words, newest first.

    Words are found in every form that the languages of who asks and who wrote know; a
    sign within a word joins two. A page has at most 50 items, whatever `limit` says.
    One search of a person runs at a time.
    """
    position = paging.position(moment, UUID)
    before = Place(position[0], MessageId(position[1])) if position else None
    conversation = ConversationId(conversation_id) if conversation_id else None
    limit = min(paging.limit, _MOST_HITS)
    await node.limits.check("searches", actor.user_id)
    async with node.searches.turn(actor.user_id):
        async with node.transaction(actor.user_id) as work:
            found = await search_messages(work, q, conversation, before, limit + 1)
        # Elsewhere: fifty long messages would keep everybody's frames waiting.
        page = await asyncio.to_thread(_written, found, limit)
    return Response(page, media_type="application/json")


def _written(found: Sequence[Hit], limit: int) -> str:
    """Write a page as JSON, where what was found goes on after `limit` items."""
    page = Page[FoundMessage](
        items=[_shown(hit) for hit in found[:limit]],
        next=next_page(found[limit - 1].message.sent_at, found[limit - 1].message.id)
        if len(found) > limit
        else None,
    )
    return page.model_dump_json()


def _shown(hit: Hit) -> FoundMessage:
    message = Message.model_validate(hit.message)
    pieces = [
        Segment(text=each.text, is_match=each.is_match) for each in highlight(hit)
    ]
    return FoundMessage(**dict(message), highlight=pieces)
