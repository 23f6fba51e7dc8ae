"""Everything that happened: read in order, and told by the platform, too."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field, StringConstraints

from api import shapes
from api.deps import LARGEST_PAGE, ANode, Paging, next_page, platform_with
from api.errors import refusals
from api.examples import DOMAIN_EVENT, GRACE, shown
from api.idempotency import Once, once_with
from api.shapes import Moment
from realtime.actions.reported_events import report_event
from realtime.actor import Platform
from realtime.errors import Conflict, Forbidden, Invalid, Unauthenticated, Unavailable
from realtime.protocol import Id, Instant, Metadata, Text, Wire
from storage.domain_events import BEGINNING, Position
from storage.unit_of_work import UnitOfWork

SCOPE = "events"
KIND_CHARS = 100
_POSITION_CHARS = 500

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

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


class ReportedEvent(shapes.Body):
    """Something that happened on the platform, with whom and what it concerns by id."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "interview.scheduled",
                    "subject": {"applicant_id": GRACE},
                    "data": {
                        "title": "Second lead",
                        "starts_at": "2026-11-28T09:00:00.000Z",
                    },
                }
            ]
        }
    )

    type: Annotated[
        str,
        StringConstraints(
            max_length=KIND_CHARS, pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$"
        ),
    ]
    subject: Annotated[dict[Name, Id], Field(max_length=20)] = Field(
        default_factory=dict
    )
    data: Metadata = Field(default_factory=dict)
    occurred_at: Moment | None = None


class WillTell(Wire):
    """Somebody will be told, and on which channels."""

    type: str
    user_id: UUID
    channels: Sequence[str]


class WillTellMany(Wire):
    """So many will be told, some at a time: they, or who follows a topic."""

    type: str
    topic: str | None
    recipients: int


class Reported(Wire):
    """The event's id, and what it will notify as things are now."""

    id: str
    notifications: Sequence[WillTell]
    broadcasts: Sequence[WillTellMany]


@router.post(
    "",
    status_code=202,
    response_model=Reported,
    responses=shown(
        {
            "id": "7321",
            "notifications": [
                {
                    "type": "interview_scheduled",
                    "user_id": GRACE,
                    "channels": ["in_app", "email"],
                }
            ],
            "broadcasts": [],
        },
        202,
    ),
)
async def tell_event(
    once: Annotated[Once, Depends(once_with(SCOPE))], event: ReportedEvent
) -> Response:
    """
    Tell what happened on the platform: the catalogue says whom that concerns.

    It is kept with all other events, so webhooks and job alerts hear of it. What this
    server itself knows (`message.…`, `connection.…`, `user.…` and their like) nobody
    else may tell. `subject` and `data` are shown to those who are told.
    """

    async def act(work: UnitOfWork) -> Reported:
        event_id, few, many = await report_event(
            work,
            once.platform,
            once.node.catalogue,
            event.type,
            event.subject,
            event.data,
            event.occurred_at,
            once.node.clock(),
        )
        return Reported(
            id=str(event_id),
            notifications=[WillTell.model_validate(each) for each in few],
            broadcasts=[WillTellMany.model_validate(each) for each in many],
        )

    return await once.answer(act, status=202)


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
