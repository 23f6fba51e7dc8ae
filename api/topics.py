"""Topics that one follows: what is told to them one is told."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import page_of, shown
from api.shapes import Page
from realtime.actions.topics import join_topic, leave_topic, topics_of
from realtime.errors import (
    Forbidden,
    Invalid,
    RateLimited,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Instant, Wire

router = APIRouter(
    prefix="/v1/topics",
    tags=["notifications"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)

ATopic = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$",
        description="A name of the platform's choice, as `industry_news`.",
    ),
]


class Topic(Wire):
    """A topic that one follows, and since when."""

    topic: str
    created_at: Instant


@router.get(
    "",
    response_model=Page[Topic],
    responses=shown(
        page_of({"topic": "industry_news", "created_at": "2026-11-21T01:20:00.000Z"})
    ),
)
async def list_topics(node: ANode, actor: AnActor) -> Page[Topic]:
    """
    List what one follows, by name: all of it, 200 at the most.
    """
    async with node.transaction(actor.user_id) as work:
        found = await topics_of(work, actor.user_id)
    return Page(
        items=[Topic(topic=topic, created_at=created_at) for topic, created_at in found]
    )


@router.put("/{topic}", status_code=204, responses=refusals(Forbidden, RateLimited))
async def follow(node: ANode, actor: AnActor, topic: ATopic) -> None:
    """
    Follow a topic; a second time changes nothing. `everyone` is not one to follow.

    Topics are open to all: whoever knows the name is told what is told to it. Those
    whose names begin with `private.` have only people whom the platform put there.
    """
    async with node.transaction(actor.user_id) as work:
        await join_topic(work, actor.user_id, topic, node.clock())


@router.delete("/{topic}", status_code=204, responses=refusals(RateLimited))
async def leave(node: ANode, actor: AnActor, topic: ATopic) -> None:
    """
    Follow a topic no more; where one does not, nothing happens.
    """
    async with node.transaction(actor.user_id) as work:
        await leave_topic(work, actor.user_id, topic)
