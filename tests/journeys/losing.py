"""
Ways in which somebody loses a conversation, and the scenes in which they do.

Everything goes through HTTP, so that the servers may be in this process or not.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import uuid4

import httpx

from realtime.clock import system_clock
from realtime.node import Node
from realtime.tokens import mint
from tests.api.calling import KEY
from tests.conftest import JWT_SECRET
from tests.factories import Person, connect_people, make_people


@dataclass(frozen=True)
class Stage:
    """Two servers by their addresses, and a client for the first."""

    urls: Sequence[str]
    http: httpx.AsyncClient

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        who: Person | None = None,
    ) -> dict[str, Any]:
        """Call as somebody, or else as the platform; give the answer."""
        answer = await self.http.request(
            method, path, json=body, headers=who.headers if who else KEY
        )
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


@dataclass(frozen=True)
class Scene:
    """A conversation, who is about to lose it, and who go on talking in it."""

    stage: Stage
    conversation: str
    people: Mapping[str, Person]
    loser: Person
    speakers: Sequence[Person]
    ids: Mapping[str, str] = field(default_factory=dict)

    async def platform(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> None:
        """Have the platform say something; `{name}` stands for ids of the scene."""
        people = {name: str(person.id) for name, person in self.people.items()}
        filled = path.format(loser=self.loser.id, **people, **self.ids)
        await self.stage.call(method, f"/v1/platform/{filled}", body)

    @property
    def place_of_loser(self) -> str:
        """Where the loser's part in the conversation is."""
        return f"/v1/conversations/{self.conversation}/participants/{self.loser.id}"


Act = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Way:
    """
    One way: in which scene, who loses, by what, and what they are told afterwards.

    `ending`: they are out of the conversation, are shut out altogether, or it is closed
    for everybody and can still be read.
    """

    name: str
    scene: Literal["gig", "group", "direct"]
    loser: str
    act: Act
    reason: str
    ending: Literal["out", "shut", "closed"] = "out"


async def leave(scene: Scene) -> None:
    await scene.stage.call("DELETE", scene.place_of_loser, who=scene.loser)


async def be_removed(scene: Scene) -> None:
    await scene.stage.call("DELETE", scene.place_of_loser, who=scene.people["owner"])


async def leave_team(scene: Scene) -> None:
    await scene.platform("DELETE", "gigs/{gig}/members/{loser}")


async def leave_organization(scene: Scene) -> None:
    await scene.platform("DELETE", "organizations/{organization}/members/{loser}")


async def become_viewer(scene: Scene) -> None:
    path = "organizations/{organization}/members/{loser}"
    await scene.platform("PUT", path, {"role": "viewer"})


async def give_gig_away(scene: Scene) -> None:
    await scene.platform("PUT", "gigs/{gig}", _gig(scene.people["heir"]))


async def move_gig(scene: Scene) -> None:
    gig = _gig(scene.people["owner"]) | {"organization_id": None}
    await scene.platform("PUT", "gigs/{gig}", gig)


async def withdraw(scene: Scene) -> None:
    path = "gigs/{gig}/applications/{application}"
    applicant = str(scene.people["applicant"].id)
    withdrawn = {"applicant_id": applicant, "status": "withdrawn"}
    await scene.platform("PUT", path, withdrawn)


async def fill_gig(scene: Scene) -> None:
    gig = _gig(scene.people["owner"]) | {"status": "filled"}
    await scene.platform("PUT", "gigs/{gig}", gig)


async def be_suspended(scene: Scene) -> None:
    await scene.platform("POST", "users/{loser}/suspend")


async def be_revoked(scene: Scene) -> None:
    await scene.platform("POST", "users/{loser}/revoke")


async def be_blocked(scene: Scene) -> None:
    path = f"/v1/blocks/{scene.loser.id}"
    await scene.stage.call("PUT", path, who=scene.people["owner"])


async def be_disconnected(scene: Scene) -> None:
    path = f"/v1/connections/{scene.ids['connection']}"
    await scene.stage.call("DELETE", path, who=scene.people["owner"])


_GONE = "not_a_participant"

WAYS = [
    Way("left", "gig", "member", leave, _GONE),
    Way("left a group", "group", "member", leave, _GONE),
    Way("removed from a group", "group", "member", be_removed, _GONE),
    Way("taken out of a thread", "gig", "member", be_removed, _GONE),
    Way("out of the gig's team", "gig", "member", leave_team, _GONE),
    Way("out of the organization", "gig", "recruiter", leave_organization, _GONE),
    Way("a viewer from now on", "gig", "recruiter", become_viewer, _GONE),
    Way("the gig has another owner", "gig", "owner", give_gig_away, _GONE),
    Way("the gig has no organization", "gig", "recruiter", move_gig, _GONE),
    Way("suspended", "gig", "member", be_suspended, "suspended", "shut"),
    Way("token revoked", "group", "member", be_revoked, "unauthenticated", "shut"),
    Way("withdrawn", "gig", "applicant", withdraw, "gig_closed", "closed"),
    Way("gig filled", "gig", "applicant", fill_gig, "gig_closed", "closed"),
    Way("blocked", "direct", "member", be_blocked, "blocked", "closed"),
    Way("disconnected", "direct", "member", be_disconnected, "not_connected", "closed"),
]


async def set_scene(stage: Stage, node: Node, way: Way) -> Scene:
    """Make new people and have them in a conversation."""
    names = ("owner", "member", "applicant", "recruiter", "heir")
    made = await make_people(node, *names)
    people = {name: issued_earlier(one) for name, one in zip(names, made, strict=True)}
    loser = people[way.loser]
    if way.scene == "gig":
        conversation, ids = await _gig_thread(stage, people)
        talkative = ("applicant", "owner", "member")
    else:
        connection = await connect_people(node, people["owner"], people["member"])
        await connect_people(node, people["owner"], people["applicant"])
        ids = {"connection": str(connection)}
        others = ("member", "applicant")[: 2 if way.scene == "group" else 1]
        opened = await stage.call(
            "POST",
            "/v1/conversations",
            {
                "kind": way.scene,
                "user_ids": [str(people[name].id) for name in others],
            },
            people["owner"],
        )
        conversation = opened["id"]
        talkative = ("owner", "applicant" if way.scene == "group" else "owner", "")
    speakers = [people[name] for name in talkative if name and name != way.loser][:2]
    return Scene(stage, conversation, people, loser, speakers, ids)


async def _gig_thread(
    stage: Stage, people: Mapping[str, Person]
) -> tuple[str, dict[str, str]]:
    """Have a gig with a team, an organization and somebody who has applied."""
    ids = {name: str(uuid4()) for name in ("gig", "organization", "application")}
    id_of = {name: str(person.id) for name, person in people.items()}
    organization = f"/v1/platform/organizations/{ids['organization']}"
    members = [{"user_id": id_of["recruiter"], "role": "recruiter"}]
    company = {"name": "Harbour Casting", "members": members}
    await stage.call("PUT", organization, company)
    gig = _gig(people["owner"]) | {
        "organization_id": ids["organization"],
        "members": [{"user_id": id_of["member"]}],
    }
    path = f"/v1/platform/gigs/{ids['gig']}"
    await stage.call("PUT", path, gig)
    application = f"{path}/applications/{ids['application']}"
    applicant = {"applicant_id": id_of["applicant"], "status": "pending"}
    await stage.call("PUT", application, applicant)
    about = {"gig_id": ids["gig"], "application_id": ids["application"]}
    thread = await stage.call(
        "POST", "/v1/conversations", {"kind": "gig", **about}, people["owner"]
    )
    return thread["id"], ids


def _gig(owner: Person) -> dict[str, Any]:
    return {
        "kind": "gig",
        "owner_id": str(owner.id),
        "title": "Stunts in Lisbon",
        "status": "published",
    }


def issued_earlier(person: Person) -> Person:
    """Give somebody a token of a minute ago: revoking counts in whole seconds."""
    a_minute_ago = system_clock() - timedelta(minutes=1)
    token = mint(JWT_SECRET, person.id, timedelta(hours=1), now=a_minute_ago)
    return replace(person, token=token)
