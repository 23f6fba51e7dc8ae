"""
Three people in a direct conversation, a group and a gig's thread, counted by hand.

Whatever one of them does goes through the doors, and into lists of what was said and
who had read what. `check` then compares every number that any door gives with what the
lists say, by going through the messages one by one.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from callboard_client import Socket

from realtime.node import Node
from storage.records import ConversationId
from tests.api.calling import KEY
from tests.conftest import Served
from tests.factories import Person, connect_people, make_people, open_direct

ADA, GRACE, LINUS = 0, 1, 2
DIRECT, GROUP, THREAD = 0, 1, 2


@dataclass
class Said:
    """A message; one without a sender is the server's."""

    id: str
    sender: int | None
    is_deleted: bool = False


@dataclass
class Part:
    """Somebody's part in a conversation."""

    is_in: bool = True
    is_archived: bool = False
    read: int = 0


@dataclass
class Place:
    """A conversation as it ought to be."""

    id: str
    parts: dict[int, Part]
    said: list[Said] = field(default_factory=list)
    status: str = "active"

    def unread(self, who: int) -> int:
        """Count what somebody has still to read."""
        part = self.parts[who]
        return sum(
            not message.is_deleted and message.sender != who
            for message in self.said[part.read :]
        )


class World:
    """What is, what ought to be, and what people can do."""

    def __init__(
        self, server: Served, database_url: str, people: list[Person], gig: str
    ) -> None:
        self.places: list[Place] = []
        self._server = server
        self._database_url = database_url
        self._people = people
        self._gig = gig
        self._http = httpx.AsyncClient(base_url=server.url)
        self._blocks: set[int] = set()

    @classmethod
    async def begin(cls, server: Served, database_url: str) -> "World":
        """Make the people and their conversations; the URL is the owner's."""
        people = await make_people(server.node, "Ada", "Grace", "Linus")
        for one in range(3):
            for other in range(one):
                await connect_people(server.node, people[one], people[other])
        world = cls(server, database_url, people, str(uuid4()))
        direct = await open_direct(server.node, people[ADA], people[GRACE])
        await world.set_gig("published")
        await world.platform(f"gigs/{world._gig}/members/{people[GRACE].id}")
        await world.platform(
            f"gigs/{world._gig}/applications/{uuid4()}",
            applicant_id=str(people[LINUS].id),
            status="pending",
        )
        others = [str(people[who].id) for who in (GRACE, LINUS)]
        group = await world.ask(
            ADA, "POST", "/v1/conversations", kind="group", user_ids=others
        )
        thread = await world.ask(
            LINUS, "POST", "/v1/conversations", kind="gig", gig_id=world._gig
        )
        ids = (str(direct), group.json()["id"], thread.json()["id"])
        world.places = [
            Place(id_, {who: Part() for who in who_is_in})
            for id_, who_is_in in zip(ids, ((0, 1), (0, 1, 2), (0, 1, 2)), strict=True)
        ]
        return world

    async def end(self) -> None:
        """Let go."""
        await self._http.aclose()

    async def ask(
        self, who: int, method: str, path: str, **body: object
    ) -> httpx.Response:
        """Call as somebody; a refusal is an answer, a fault is none."""
        answer = await self._http.request(
            method, path, json=body or None, headers=self._people[who].headers
        )
        assert answer.status_code < 500, answer.text
        return answer

    async def platform(self, path: str, **body: object) -> None:
        """Say something as the platform."""
        answer = await self._http.put(
            f"/v1/platform/{path}", json=body or {"role": "casting"}, headers=KEY
        )
        assert answer.is_success, answer.text

    # --- what people do -------------------------------------------------------------

    async def send(self, who: int, where: int) -> None:
        """Say something; sending reads everything up to it."""
        place = self.places[where]
        path = f"/v1/conversations/{place.id}/messages"
        answer = await self.ask(
            who, "POST", path, client_id=str(uuid4()), body="Hi @nobody"
        )
        if answer.status_code == 201:
            place.said.append(Said(answer.json()["id"], who))
            place.parts[who].read = len(place.said)

    async def change(self, who: int, where: int, seq: int, verb: str) -> bool:
        """Delete, edit or react to a message; only the first changes a count."""
        said = self.places[where].said
        if not said:
            return False
        message = said[seq % len(said)]
        path = f"/v1/messages/{message.id}"
        if verb == "delete":
            answer = await self.ask(who, "DELETE", path)
            message.is_deleted = message.is_deleted or answer.is_success
        elif verb == "edit":
            answer = await self.ask(who, "PATCH", path, body="Hello")
        else:
            answer = await self.ask(who, "PUT", f"{path}/reactions/%F0%9F%91%8D")
        return answer.is_success

    async def read(self, who: int, where: int, seq: int) -> None:
        """Mark read up to somewhere."""
        place = self.places[where]
        path = f"/v1/conversations/{place.id}/read"
        answer = await self.ask(who, "POST", path, seq=seq)
        if answer.is_success:
            part = place.parts[who]
            part.read = max(part.read, min(seq, len(place.said)))
            assert answer.json() == {"read_seq": part.read, "unread": place.unread(who)}

    async def let_go(self, who: int, where: int, whom: int) -> None:
        """Leave, or take somebody out."""
        place = self.places[where]
        path = f"/v1/conversations/{place.id}/participants/{self._people[whom].id}"
        answer = await self.ask(who, "DELETE", path)
        if answer.is_success:
            place.parts[whom].is_in = False

    async def bring(self, who: int, where: int, whom: int) -> None:
        """Bring somebody back, to whom nothing of the past is unread."""
        place = self.places[where]
        path = f"/v1/conversations/{place.id}/participants/{self._people[whom].id}"
        answer = await self.ask(who, "PUT", path)
        if answer.is_success and not place.parts[whom].is_in:
            place.parts[whom] = Part(read=len(place.said))

    async def archive(self, who: int, where: int, status: str) -> None:
        """Archive a conversation for oneself, or take it back."""
        place = self.places[where]
        path = f"/v1/conversations/{place.id}"
        answer = await self.ask(who, "PATCH", path, status=status)
        if answer.is_success:
            place.parts[who].is_archived = status == "archived"

    async def block(self, who: int, *, is_wanted: bool) -> None:
        """Have Ada or Grace block the other, or no longer."""
        other = self._people[GRACE if who == ADA else ADA]
        method = "PUT" if is_wanted else "DELETE"
        answer = await self.ask(who, method, f"/v1/blocks/{other.id}")
        assert answer.status_code == 204
        (self._blocks.add if is_wanted else self._blocks.discard)(who)
        self.places[DIRECT].status = "blocked" if self._blocks else "active"

    async def hide(self, who: int, *, is_wanted: bool) -> None:
        """Hide one's receipts, which changes no count."""
        answer = await self.ask(who, "PUT", "/v1/privacy", hide_receipts=is_wanted)
        assert answer.is_success

    async def set_gig(self, status: str) -> None:
        """Have the gig end or begin again; the server says so in its thread."""
        body = {"kind": "gig", "owner_id": str(self._people[ADA].id)}
        await self.platform(f"gigs/{self._gig}", **body, title="Stunts", status=status)
        if self.places:
            place = self.places[THREAD]
            place.status = "archived" if status == "cancelled" else "active"
            place.said += await self._system_messages(place)

    async def _system_messages(self, place: Place) -> list[Said]:
        """Fetch what only the server can have added, whoever has left meanwhile."""
        owner = await asyncpg.connect(self._database_url)
        try:
            added = await owner.fetch(
                "SELECT id, kind FROM callboard.messages "
                "WHERE conversation_id = $1 AND seq > $2 ORDER BY seq",
                UUID(place.id),
                len(place.said),
            )
        finally:
            await owner.close()
        assert all(row["kind"] == "system" for row in added)
        return [Said(str(row["id"]), None) for row in added]

    # --- what the doors say ---------------------------------------------------------

    async def check(self) -> None:
        """Compare every count that every door gives with the lists."""
        for who, person in enumerate(self._people):
            mine = {
                place.id: (place, place.parts[who])
                for place in self.places
                if who in place.parts and place.parts[who].is_in
            }
            due = {id_: place.unread(who) for id_, (place, _) in mine.items()}
            listed = await self.ask(who, "GET", "/v1/conversations")
            assert {one["id"]: one["unread"] for one in listed.json()["items"]} == due
            for id_, unread in due.items():
                path = f"/v1/conversations/{id_}"
                assert (await self.ask(who, "GET", path)).json()["unread"] == unread
                answer = await self.ask(who, "POST", f"{path}/read", seq=0)
                assert answer.json()["unread"] == unread
            counted = [
                due[id_]
                for id_, (place, part) in mine.items()
                if place.status == "active" and not part.is_archived
            ]
            totals: dict[str, Any] = {
                "conversations": sum(unread > 0 for unread in counted),
                "messages": sum(counted),
                "notifications": 0,
            }
            assert (await self.ask(who, "GET", "/v1/me")).json()["unread"] == totals
            async with await Socket.connect(
                self._server.socket_url, person.token
            ) as socket:
                assert socket.hello["unread"] == totals
        assert await drift_of(self._server.node, self.places) == []


async def drift_of(node: Node, places: list[Place]) -> list[Any]:
    """Ask `callboard recount` about these conversations."""
    async with node.transaction() as work:
        ids = [ConversationId(UUID(place.id)) for place in places]
        return list(await work.recount.drift(ids))
