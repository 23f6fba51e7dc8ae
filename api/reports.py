"""Telling the platform's moderators what is wrong."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ConfigDict, StringConstraints

from api import shapes
from api.deps import AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import MESSAGE, REPORT, page_of, shown
from api.shapes import Page
from realtime.actions.reports import make_report
from realtime.errors import (
    Invalid,
    NotFound,
    RateLimited,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Id, Instant, Line, Text, Wire
from storage.records import UserId

ContentType = Literal["user", "gig", "message", "showcase", "review"]
ReportStatus = Literal["pending", "resolved", "dismissed"]

DESCRIPTION_CHARS = 2000

router = APIRouter(
    prefix="/v1/reports",
    tags=["safety"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)


class NewReport(shapes.Body):
    """
    What is wrong with what.

    `reported_user_id` matters for showcases and reviews, which only the platform
    knows; for everything else it is found, and must be right if it is given.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "content_type": "message",
                    "content_id": MESSAGE["id"],
                    "reason": "harassment",
                }
            ]
        }
    )

    content_type: ContentType
    content_id: Id
    reason: Line
    description: (
        Annotated[
            Text,
            StringConstraints(strip_whitespace=True, max_length=DESCRIPTION_CHARS),
        ]
        | None
    ) = None
    reported_user_id: Id | None = None


class Report(Wire):
    """A report of one's own; what is decided about others is not told."""

    id: UUID
    content_type: ContentType
    content_id: UUID
    reported_user_id: UUID | None
    reason: str
    description: str | None
    status: ReportStatus
    created_at: Instant
    resolved_at: Instant | None


@router.post(
    "",
    status_code=201,
    response_model=Report,
    responses=shown(REPORT, 201)
    | {
        200: {
            "description": "The same is reported and pending.",
            "model": Report,
            **shown(REPORT)[200],
        }
    }
    | refusals(NotFound, RateLimited),
)
async def create_report(
    node: ANode, actor: AnActor, asked: NewReport, response: Response
) -> Report:
    """
    Report a person, a message, a gig, a showcase or a review.

    What is reported is kept as it is now, whatever becomes of it. One can report what
    one may see: a message that one reads, an active person, a gig that is published
    or concerns one. The same report again, while the first is pending, answers that.
    """
    named = asked.reported_user_id
    async with node.transaction(actor.user_id) as work:
        report, is_new = await make_report(
            work,
            actor,
            asked.content_type,
            asked.content_id,
            reason=asked.reason,
            description=asked.description,
            reported_user=None if named is None else UserId(named),
        )
    if not is_new:
        response.status_code = 200
    return Report.model_validate(report)


@router.get("", response_model=Page[Report], responses=shown(page_of(REPORT)))
async def list_reports(node: ANode, actor: AnActor, paging: APaging) -> Page[Report]:
    """
    List one's own reports, the newest first.
    """
    position = paging.position(UUID)
    async with node.transaction(actor.user_id) as work:
        found = await work.reports.of(
            actor.user_id,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    here = found[: paging.limit]
    return Page(
        items=[Report.model_validate(report) for report in here],
        next=next_page(here[-1].id) if len(found) > paging.limit else None,
    )
