"""
A marketplace at work: a company, its gigs in every status, and who belongs to them.

What the ledger ought to say is worked out here a second time, from the words of the
contract and in another way than the server does: by one table and one function.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from realtime.node import Node
from realtime.worker import Worker
from tests.api.calling import KEY
from tests.factories import Person, make_people

GIG_STATUSES = ("draft", "published", "filled", "closed", "completed", "cancelled")
APPLICATION_STATUSES = (
    "pending",
    "shortlisted",
    "interviewing",
    "offered",
    "accepted",
    "rejected",
    "withdrawn",
)

# After how many days nobody may write any more, and after how many it is archived.
_ENDS: Mapping[str, tuple[int, int]] = {
    "gig filled": (0, 90),
    "gig closed": (0, 90),
    "gig cancelled": (0, 30),
    "gig completed": (30, 180),
    "application rejected": (0, 30),
    "application withdrawn": (0, 30),
}

# Days on which the rules above have come to say something else.
DAYS = (0, 30, 90, 180)


def closed_as(
    gig: str, application: str | None, days: int, *, is_chosen: bool = False
) -> str | None:
    """
    Say why nobody may write, so many days after both got their status.

    `is_chosen`: it is the group of a team, which goes on while the gig is filled.
    """
    ends = [_ENDS.get(f"application {application}")]
    if gig not in {"filled", "closed"} or not (is_chosen or application == "accepted"):
        ends.append(_ENDS.get(f"gig {gig}"))
    known = [end for end in ends if end is not None]
    if any(days >= archived for _, archived in known):
        return "conversation_archived"
    return "gig_closed" if any(days >= closed for closed, _ in known) else None


class Platform:
    """The platform's backend, which says many things at once."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def put(self, noun: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Put many things of one noun."""
        body = {"items": list(items)}
        answer = await self._http.post(
            f"/v1/platform/{noun}/batch", json=body, headers=KEY
        )
        assert answer.status_code == 200, answer.text


@dataclass(frozen=True)
class Gig:
    """A gig and, where somebody has applied, the application to it."""

    id: str
    application_id: str
    status: str
    application_status: str

    def before(self) -> "Gig":
        """Give the gig in its youth, when every status can still be reached."""
        status = "draft" if self.status == "draft" else "published"
        return replace(self, status=status, application_status="pending")


class Company:
    """A company with an owner of gigs, a team, an organization and an applicant."""

    ROLES = ("admin", "recruiter", "account_manager", "viewer")

    def __init__(self, platform: Platform, people: Mapping[str, Person]) -> None:
        self.people = people
        self._platform = platform
        self._organization = str(uuid4())

    @classmethod
    async def found(cls, node: Node, platform: Platform, *more: str) -> "Company":
        """Make people of every role, and more, and the organization."""
        names = ["owner", "member", *cls.ROLES, "applicant", "outsider", *more]
        people = await make_people(node, *names)
        company = cls(platform, dict(zip(names, people, strict=True)))
        await company.hire(cls.ROLES)
        return company

    def id(self, name: str) -> str:
        """Name somebody as the API does."""
        return str(self.people[name].id)

    async def hire(self, names: Collection[str]) -> None:
        """Have the organization consist of these, each in the role of their name."""
        members = [
            {"user_id": self.id(name), "role": name if name in self.ROLES else "admin"}
            for name in names
        ]
        organization = {"id": self._organization, "name": "Harbour Casting"}
        await self._platform.put("organizations", [organization | {"members": members}])

    async def put_gigs(
        self, gigs: Sequence[Gig], team: Collection[str] = ("member",), **more: str
    ) -> None:
        """Put gigs as they say they stand, with this team; `more` overrides."""
        members = [{"user_id": self.id(name)} for name in team]
        await self._platform.put(
            "gigs",
            [
                {
                    "id": gig.id,
                    "kind": "gig",
                    "owner_id": self.id("owner"),
                    "organization_id": self._organization,
                    "title": "Stunts in Lisbon",
                    "status": gig.status,
                    "members": members,
                }
                | more
                for gig in gigs
            ],
        )

    async def put_applications(self, gigs: Sequence[Gig], **more: str) -> None:
        """Put an application to each gig, standing as it says; `more` overrides."""
        await self._platform.put(
            "applications",
            [
                {
                    "id": gig.application_id,
                    "gig_id": gig.id,
                    "applicant_id": self.id("applicant"),
                    "status": gig.application_status,
                }
                | more
                for gig in gigs
            ],
        )


def new_gig(status: str, application_status: str = "pending") -> Gig:
    """Think of a gig that is still to be put."""
    return Gig(str(uuid4()), str(uuid4()), status, application_status)


def gigs_of_all_statuses() -> list[Gig]:
    """Think of a gig for each status of its own and of the application to it."""
    return [
        new_gig(gig, application)
        for gig in GIG_STATUSES
        for application in APPLICATION_STATUSES
    ]


async def days_pass(node: Node, days: int) -> None:
    """Let everything that the life-cycle rules have in store come nearer, and act."""
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "UPDATE callboard.conversations SET"
                " read_only_at = read_only_at - make_interval(days => :days),"
                " archive_at = archive_at - make_interval(days => :days)"
            ),
            {"days": days},
        )
    worker = Worker(node.settings, node.database)
    await worker.go_round()
