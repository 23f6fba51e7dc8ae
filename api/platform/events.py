"""Everything that happened, for the platform to read in order."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.deps import LARGEST_PAGE, ANode, Paging, next_page, platform_with
from api.errors import refusals
from api.examples import DOMAIN_EVENT, shown
from realtime.actor import Platform
from realtime.errors import Conflict, Forbidden, Invalid, Unauthenticated, Unavailable
from realtime.protocol import Instant, Text, Wire
from storage.domain_events import BEGINNING, Position

SCOPE = "events"
KIND_CHARS = 100
_POSITION_CHARS = 500

router = APIRouter(
    prefix="/v1/platform/events",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)


class DomainEvent(Wire):
    """Something that happened; `subject` names whom and what it concerns by id."""

    id: str
    type: str
    subject: dict[str, str]
    data: dict[str, Any]
    occurred_at: Instant


class DomainEvents(Wire):
    """Events in order; `next` goes on behind them, also when there are none yet."""

    items: Sequence[DomainEvent]
    next: str


@router.get(
    "",
    response_model=DomainEvents,
    responses=shown({"items": [DOMAIN_EVENT], "next": "WyI3MzI…"}) | refusals(Conflict),
)
async def list_events(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(SCOPE))],
    after: Annotated[
        str | None,
        Query(max_length=_POSITION_CHARS, description="`next` of the answer before."),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=LARGEST_PAGE, description="Events at the most.")
    ] = 50,
    type: Annotated[  # noqa: A002 - the contract's word
        Text | None,
        Query(max_length=KIND_CHARS, description="Only these, as `user.blocked`."),
    ] = None,
) -> DomainEvents:
    """
    Give what happened after a position, the oldest first, in one order for ever.

    `next` is always there: keep it, ask again with it after a while, and every event
    is given exactly once. An event may come a moment late, while a transaction that
    began before it is still writing, but never behind a position. `conflict` says
    that another database has taken over since: begin again without `after`. How long
    events are kept is the operator's choice; `subject` and `data` never repeat what
    people wrote.
    """
    async with node.transaction(key=platform.key_id) as work:
        identity = await work.resume.identity()
        found, position = await work.domain_events.after(
            _position(after, identity), kind=type, limit=limit
        )
    return DomainEvents(
        items=[
            DomainEvent(
                id=str(event.id),
                type=event.type,
                subject=event.subject,
                data=event.data,
                occurred_at=event.occurred_at,
            )
            for event in found
        ],
        next=next_page(identity, position.xid, position.id),
    )


def _position(after: str | None, identity: str) -> Position:
    """
    Read where somebody has got to.

    Raises:
        Invalid: No answer ever gave this.
        Conflict: It is of another database, which counts otherwise.
    """
    try:
        parts = Paging(LARGEST_PAGE, after).position(str, _xid, _id)
    except Invalid:
        raise Invalid("after: this is no position that an answer has given.") from None
    if parts is None:
        return BEGINNING
    if parts[0] != identity:
        raise Conflict("Another database has taken over: begin again without `after`.")
    return Position(parts[1], parts[2])


def _xid(text: str) -> int:
    return _whole(text, 2**64 - 1)


def _id(text: str) -> int:
    return _whole(text, 2**63 - 1)


def _whole(text: str, largest: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > largest:
        raise ValueError("this is no number of the database")
    return int(text)
