"""The moderators' queue: what people reported, and what was decided."""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict

from api import reports, shapes
from api.deps import ANode, APaging, next_page, platform_with
from api.errors import refusals
from api.examples import (
    DECISION,
    QUEUED_REPORT,
    REPORT_IN_FULL,
    RESOLVED_REPORT,
    page_of,
    shown,
)
from api.idempotency import Once, once_with
from api.reports import ContentType, ReportStatus
from api.shapes import Page
from realtime.actions.moderation import get_report, resolve_report
from realtime.actor import Platform
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Instant, Note, Wire
from storage.unit_of_work import UnitOfWork

SCOPE = "moderation"

Action = Literal["take_down", "warn", "suspend", "dismiss"]

router = APIRouter(
    prefix="/v1/platform",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]


class QueuedReport(reports.Report):
    """A report as moderators see it in their queue."""

    reporter_id: UUID
    conversation_id: UUID | None
    resolution: Action | None
    note: str | None
    resolved_by: UUID | None


class ReportInFull(QueuedReport):
    """A report with what was reported, as it was when it was reported."""

    content: dict[str, Any]


class Resolution(shapes.Body):
    """What is decided about a report, and a note for other moderators."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"action": "take_down", "note": "Against rule 3."}]
        }
    )

    action: Action
    note: Note | None = None


class Decision(Wire):
    """One decision of the moderators, by whose API key."""

    id: UUID
    report_id: UUID | None
    api_key_id: UUID | None
    action: Action
    user_id: UUID | None
    conversation_id: UUID | None
    message_id: UUID | None
    note: str | None
    created_at: Instant


@router.get(
    "/reports",
    response_model=Page[QueuedReport],
    responses=shown(page_of(QUEUED_REPORT)),
)
async def list_reports(
    node: ANode,
    platform: APlatform,
    paging: APaging,
    status: Annotated[
        ReportStatus | None, Query(description="Only those at this stage.")
    ] = None,
    content_type: Annotated[
        ContentType | None, Query(description="Only of this kind of thing.")
    ] = None,
    reported_user_id: Annotated[
        UUID | None, Query(description="Only those about this person.")
    ] = None,
) -> Page[QueuedReport]:
    """
    List what people reported: first what is pending, then what was decided.

    Each part begins with the oldest. What was reported is in `GET` of one report.
    """
    position = paging.position(_is_decided, UUID)
    async with node.transaction(key=platform.key_id) as work:
        found = await work.reports.queue(
            status=status,
            content_type=content_type,
            reported_user=reported_user_id,
            after=(position[0], position[1]) if position else None,
            limit=paging.limit + 1,
        )
    here = found[: paging.limit]
    is_more = len(found) > paging.limit
    return Page(
        items=[QueuedReport.model_validate(report) for report in here],
        next=next_page(_part(here[-1].status), here[-1].id) if is_more else None,
    )


def _part(status: str) -> str:
    return "pending" if status == "pending" else "decided"


def _is_decided(text: str) -> bool:
    """
    Read which part of the queue a page ended in.

    Raises:
        ValueError: In neither.
    """
    return ("pending", "decided").index(text) == 1


@router.get(
    "/reports/{report_id}",
    response_model=ReportInFull,
    responses=shown(REPORT_IN_FULL) | refusals(NotFound),
)
async def show_report(
    node: ANode, platform: APlatform, report_id: UUID
) -> ReportInFull:
    """
    Give a report with what was reported, as it was at that moment.

    Of a message that is its text, its attachments and what it said before it was
    edited, whatever became of it since. No other message is shown.
    """
    async with node.transaction(key=platform.key_id) as work:
        report, content = await get_report(work, report_id)
    return ReportInFull.model_validate({**asdict(report), "content": content})


@router.post(
    "/reports/{report_id}/resolve",
    response_model=QueuedReport,
    responses=shown(RESOLVED_REPORT) | refusals(NotFound, Conflict),
)
async def resolve(
    once: Annotated[Once, Depends(once_with(SCOPE))],
    report_id: UUID,
    resolution: Resolution,
) -> Response:
    """
    Decide about a report: take down, warn, suspend or dismiss.

    A message that is taken down leaves a tombstone for everybody, live; anything else
    the platform takes down itself. `suspend` suspends the person reported, as `POST
    users/{id}/suspend` does; `warn` and `dismiss` are kept, and told as events.
    Deciding the same again changes nothing; something else is a `conflict`.
    """

    async def act(work: UnitOfWork) -> QueuedReport:
        decided = await resolve_report(
            work,
            once.platform,
            report_id,
            resolution.action,
            resolution.note,
            once.node.clock(),
        )
        return QueuedReport.model_validate(decided)

    return await once.answer(act)


@router.get(
    "/moderation-log",
    response_model=Page[Decision],
    responses=shown(page_of(DECISION)),
)
async def list_decisions(
    node: ANode,
    platform: APlatform,
    paging: APaging,
    user_id: Annotated[
        UUID | None, Query(description="Only those about this person.")
    ] = None,
    report_id: Annotated[
        UUID | None, Query(description="Only those about this report.")
    ] = None,
) -> Page[Decision]:
    """
    List what moderators decided, the newest first; nothing of it can be changed.
    """
    position = paging.position(UUID)
    async with node.transaction(key=platform.key_id) as work:
        found = await work.moderation.decisions(
            user=user_id,
            report=report_id,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    here = found[: paging.limit]
    return Page(
        items=[Decision.model_validate(decision) for decision in here],
        next=next_page(here[-1].id) if len(found) > paging.limit else None,
    )
