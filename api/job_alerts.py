"""Saved searches: what is published that fits is told, once."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from api import shapes
from api.deps import AChangingActor, AnActor, ANode, APaging, next_page
from api.errors import refusals
from api.examples import JOB_ALERT, page_of, shown
from api.platform.market import GigKind
from api.shapes import DisplayName, Page
from realtime.actions import job_alerts
from realtime.errors import (
    Conflict,
    Invalid,
    NotFound,
    RateLimited,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.notifications.finding import words
from realtime.protocol import Id, Instant, Line, Wire
from storage import job_alerts as stored

KEYWORDS = 20
ORGANIZATIONS = 50

router = APIRouter(
    prefix="/v1/job-alerts",
    tags=["notifications"],
    responses=refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)

Frequency = Literal["instant", "daily", "weekly"]
AlertStatus = Literal["active", "paused"]
# A draft is nobody's but its team's.
OpenStatus = Literal["published", "filled", "closed", "completed", "cancelled"]


def _published() -> list[OpenStatus]:
    return ["published"]


def _has_words(text: str) -> str:
    if not words(text).strip():
        raise ValueError("must have a letter or digit")
    return text


Keyword = Annotated[Line, Field(max_length=100), AfterValidator(_has_words)]


class CriteriaFields(shapes.Body):
    """
    What to look for; what is left out is not looked at.

    Keywords are whole words or phrases of the title and of what `data` says
    (description, summary, requirements, responsibilities, skills, tags, category),
    whatever their case and accents: `any` of them, or `all`. The words of `location`
    are looked for in `data`'s location, city, region, state and country.
    """

    kinds: Annotated[list[GigKind], Field(max_length=3)] = Field(default_factory=list)
    keywords: Annotated[list[Keyword], Field(max_length=KEYWORDS)] = Field(
        default_factory=list
    )
    match: Literal["any", "all"] = "any"
    location: Annotated[Line, AfterValidator(_has_words)] | None = None
    organization_ids: Annotated[list[Id], Field(max_length=ORGANIZATIONS)] = Field(
        default_factory=list
    )
    statuses: Annotated[list[OpenStatus], Field(min_length=1, max_length=5)] = Field(
        default_factory=_published
    )

    def as_kept(self) -> dict[str, Any]:
        """Give it as it is kept: what is not looked at is not there."""
        said = self.model_dump(mode="json")
        return {name: value for name, value in said.items() if value}


class JobAlertFields(shapes.Body):
    """A search to be kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    name: JOB_ALERT[name]
                    for name in ("name", "criteria", "frequency", "status")
                }
            ]
        }
    )

    criteria: CriteriaFields
    name: DisplayName | None = None
    frequency: Frequency = "daily"
    status: AlertStatus = "active"


class JobAlertChanges(shapes.Body):
    """What is to be otherwise; `criteria` as a whole."""

    name: DisplayName | None = None
    criteria: CriteriaFields | None = None
    frequency: Frequency | None = None
    status: AlertStatus | None = None

    @model_validator(mode="after")
    def _says_what(self) -> "JobAlertChanges":
        for field in self.model_fields_set - {"name"}:
            if getattr(self, field) is None:
                raise ValueError(f"{field} cannot be taken away")
        return self


class Criteria(Wire):
    """What is looked for."""

    kinds: list[GigKind] = Field(default_factory=list)
    keywords: list[str] = Field(default_factory=list)
    match: Literal["any", "all"] = "any"
    location: str | None = None
    organization_ids: list[UUID] = Field(default_factory=list)
    statuses: list[OpenStatus]


class JobAlert(Wire):
    """A saved search."""

    id: UUID
    name: str | None
    criteria: Criteria
    frequency: Frequency
    status: AlertStatus
    last_sent_at: Instant | None
    created_at: Instant
    updated_at: Instant


def _shown(alert: stored.JobAlert) -> JobAlert:
    return JobAlert.model_validate(alert)


@router.get("", response_model=Page[JobAlert], responses=shown(page_of(JOB_ALERT)))
async def list_job_alerts(
    node: ANode, actor: AnActor, paging: APaging
) -> Page[JobAlert]:
    """
    List one's saved searches, the newest first.
    """
    position = paging.position(UUID)
    async with node.transaction(actor.user_id) as work:
        found = await work.job_alerts.of(
            actor.user_id,
            before=position[0] if position else None,
            limit=paging.limit + 1,
        )
    on_page = found[: paging.limit]
    return Page(
        items=[_shown(alert) for alert in on_page],
        next=next_page(on_page[-1].id) if len(found) > paging.limit else None,
    )


@router.post(
    "",
    status_code=201,
    response_model=JobAlert,
    responses=shown(JOB_ALERT, 201) | refusals(Suspended, Conflict, RateLimited),
)
async def make_job_alert(
    node: ANode, actor: AChangingActor, fields: JobAlertFields
) -> JobAlert:
    """
    Keep a search: what is published from now on and fits is told, at once or together.

    Each gig is told once, for ever, even where it is posted again. One may have 50.
    """
    async with node.transaction(actor.user_id) as work:
        alert = await job_alerts.make_job_alert(
            work,
            actor,
            name=fields.name,
            criteria=fields.criteria.as_kept(),
            frequency=fields.frequency,
            status=fields.status,
            now=node.clock(),
        )
    return _shown(alert)


@router.patch(
    "/{alert_id}",
    response_model=JobAlert,
    responses=shown(JOB_ALERT) | refusals(Suspended, NotFound),
)
async def change_job_alert(
    node: ANode,
    actor: AnActor,
    alert_id: UUID,
    changes: Annotated[JobAlertChanges, Body(examples=[{"status": "paused"}])],
) -> JobAlert:
    """
    Change a search; what is paused tells nothing, and finds nothing meanwhile.
    """
    values = changes.model_dump(exclude_unset=True, exclude={"criteria"})
    if changes.criteria is not None:
        values["criteria"] = changes.criteria.as_kept()
    async with node.transaction(actor.user_id) as work:
        alert = await job_alerts.change_job_alert(
            work, actor, alert_id, values, node.clock()
        )
    return _shown(alert)


@router.delete("/{alert_id}", status_code=204, responses=refusals(Suspended, NotFound))
async def forget_job_alert(node: ANode, actor: AnActor, alert_id: UUID) -> None:
    """
    Forget a search, with what it has found.
    """
    async with node.transaction(actor.user_id) as work:
        await job_alerts.forget_job_alert(work, actor, alert_id)
