"""The market as a platform's backend says and sees it: the shapes of its nouns."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from api import shapes
from api.examples import APPLICATION, GIG, GRACE, ORGANIZATION
from api.shapes import DisplayName, Moment, Role
from realtime.protocol import Id, Instant, Metadata, Wire
from realtime.settings import OrganizationRole

GigKind = Literal["gig", "job", "project"]
GigStatus = Literal["draft", "published", "filled", "closed", "completed", "cancelled"]
ApplicationStatus = Literal[
    "pending",
    "shortlisted",
    "interviewing",
    "offered",
    "accepted",
    "rejected",
    "withdrawn",
]

# As many as an item of a batch can have without the whole growing beyond reading.
MEMBERS = 1000


def _has_each_once(members: Sequence["_Named"]) -> Sequence["_Named"]:
    if len({member.user_id for member in members}) < len(members):
        raise ValueError("must name each person once")
    return members


class _Named(shapes.Body):
    user_id: Id


# --- what is said -----------------------------------------------------------------


class OrganizationMemberFields(shapes.Body):
    """In what role somebody belongs to an organization."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "recruiter"}]})

    role: OrganizationRole


class OrganizationMemberItem(OrganizationMemberFields, _Named):
    """Somebody of an organization."""

    model_config = ConfigDict(json_schema_extra={})


class OrganizationFields(shapes.Body):
    """What the platform knows of an organization; `members` are then all of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": ORGANIZATION["name"]}]}
    )

    name: DisplayName
    members: Annotated[
        list[OrganizationMemberItem],
        Field(max_length=MEMBERS),
        AfterValidator(_has_each_once),
    ] = Field(default_factory=list)


class OrganizationItem(OrganizationFields):
    """An organization in a batch."""

    model_config = ConfigDict(json_schema_extra={})

    id: Id


class GigMemberFields(shapes.Body):
    """In what role somebody is in a gig's team, in the platform's words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "director"}]})

    role: Role = "member"


class GigMemberItem(GigMemberFields, _Named):
    """Somebody of a gig's team."""

    model_config = ConfigDict(json_schema_extra={})


class GigFields(shapes.Body):
    """
    What the platform knows of a gig, a job or a project.

    What is left out stays as it is; `members`, where given, are the whole team.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    name: GIG[name]
                    for name in ("kind", "owner_id", "title", "status", "deadline")
                }
            ]
        }
    )

    kind: GigKind
    owner_id: Id
    organization_id: Id | None = None
    title: DisplayName
    status: GigStatus
    deadline: Moment | None = None
    starts_at: Moment | None = None
    data: Metadata = Field(default_factory=dict)
    members: Annotated[
        list[GigMemberItem], Field(max_length=MEMBERS), AfterValidator(_has_each_once)
    ] = Field(default_factory=list)


class GigItem(GigFields):
    """A gig in a batch."""

    model_config = ConfigDict(json_schema_extra={})

    id: Id


class ApplicationFields(shapes.Body):
    """Who has applied, and how it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"applicant_id": GRACE, "status": APPLICATION["status"]},
            ]
        }
    )

    applicant_id: Id
    status: ApplicationStatus


class ApplicationItem(ApplicationFields):
    """An application in a batch."""

    model_config = ConfigDict(json_schema_extra={})

    id: Id
    gig_id: Id


# --- what is shown ----------------------------------------------------------------


class Organization(Wire):
    """A company, an agency: people who hire together."""

    id: UUID
    name: str
    created_at: Instant
    updated_at: Instant


class Gig(Wire):
    """A gig, a job or a project; `status_at` is when its status began."""

    id: UUID
    kind: GigKind
    owner_id: UUID
    organization_id: UUID | None
    title: str
    status: GigStatus
    status_at: Instant
    deadline: Instant | None
    starts_at: Instant | None
    data: Mapping[str, Any]
    created_at: Instant
    updated_at: Instant


class Application(Wire):
    """Somebody's application to a gig; `status_at` is when its status began."""

    id: UUID
    gig_id: UUID
    applicant_id: UUID
    status: ApplicationStatus
    status_at: Instant
    created_at: Instant
    updated_at: Instant


class Member(Wire):
    """Somebody of an organization or of a gig's team."""

    user_id: UUID
    role: str
    created_at: Instant
