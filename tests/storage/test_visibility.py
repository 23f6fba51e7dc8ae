"""
What a bare `SELECT *` on each table shows to each sort of person, in one small world.

A gig with its team, organization, applicants and threads, a group in which somebody is
late, and the same once more between other people, of which nobody here sees anything.
"""

from collections.abc import Mapping
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from realtime.node import Node
from tests.api.calling import KEY
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_people
from tests.storage.test_policies import READABLE, as_user

NAMES = (
    "owner",
    "member",
    "applicant",
    "rival",
    "viewer",
    "former",
    "late",
    "outsider",
)

Seen = Mapping[str, set[str]]

# What makes a row of a table recognizable; ids are shown by the name of what they are.
ROWS = {
    "users": ("id",),
    "organizations": ("id",),
    "organization_members": ("organization_id", "user_id"),
    "connections": ("requester_id", "recipient_id"),
    "blocks": ("blocker_id", "blocked_id"),
    "conversations": ("id",),
    "participants": ("conversation_id", "user_id"),
    "messages": ("conversation_id", "seq"),
    "message_keys": ("conversation_id", "sender_id"),
    "receipts": ("conversation_id", "user_id", "seq"),
    "message_edits": ("conversation_id", "seq"),
    "reactions": ("conversation_id", "seq"),
    "uploads": ("conversation_id", "name"),
    "gigs": ("id",),
    "gig_members": ("gig_id", "user_id"),
    "applications": ("gig_id", "applicant_id"),
    "reports": ("reporter_id", "content_type"),
    "user_content_preferences": ("user_id",),
    "notifications": ("user_id", "type"),
    "notification_preferences": ("user_id", "type"),
    "notification_settings": ("user_id",),
    "topic_subscriptions": ("user_id", "topic"),
    "devices": ("user_id", "kind"),
    "job_alerts": ("user_id", "frequency"),
    "job_alert_matches": ("alert_id", "content_hash"),
}


class World:
    """Makes it, and looks at it with somebody's eyes."""

    def __init__(self, node: Node, http: httpx.AsyncClient) -> None:
        self._node = node
        self._http = http
        self._names: dict[object, str] = {}
        self.people: dict[str, Person] = {}

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        who: str | None = None,
    ) -> dict[str, str]:
        """Call as somebody, or as the platform."""
        answer = await self._http.request(
            method,
            f"/v1/{path}",
            json=body,
            headers=self.people[who].headers if who else KEY,
        )
        assert answer.is_success, answer.text
        found: dict[str, str] = answer.json() if answer.content else {}
        return found

    def id(self, name: str) -> str:
        """Give the id of a person, or make one for a thing."""
        if name in self.people:
            return str(self.people[name].id)
        made = uuid4()
        self._names[made] = name
        return str(made)

    async def make(self, where: str) -> None:
        """Have a gig, a thread of it and a group, all with `where` in their names."""
        people = await make_people(self._node, *NAMES)
        self.people = dict(zip(NAMES, people, strict=True))
        self._names |= {
            person.id: name if where == "here" else f"{name} {where}"
            for name, person in self.people.items()
        }
        await connect_people(self._node, self.people["owner"], self.people["member"])
        await connect_people(self._node, self.people["owner"], self.people["late"])
        company, gig = self.id(f"company {where}"), self.id(f"gig {where}")
        viewer = {"user_id": self.id("viewer"), "role": "viewer"}
        await self.call(
            "PUT",
            f"platform/organizations/{company}",
            {"name": "Harbour", "members": [viewer]},
        )
        fields = {
            "kind": "gig",
            "owner_id": self.id("owner"),
            "organization_id": company,
            "title": "Stunts",
            "status": "published",
        }
        team = [{"user_id": self.id(name)} for name in ("member", "former")]
        await self.call("PUT", f"platform/gigs/{gig}", fields | {"members": team})
        for name in ("applicant", "rival"):
            await self.call(
                "PUT",
                f"platform/gigs/{gig}/applications/{uuid4()}",
                {"applicant_id": self.id(name), "status": "pending"},
            )
        await self._talk(where, gig)
        await self.call("DELETE", f"platform/gigs/{gig}/members/{self.id('former')}")
        await self.call("PUT", f"blocks/{self.id('outsider')}", who="owner")
        await self.call("PUT", f"blocks/{self.id('owner')}", who="rival")
        await self._keep("user_content_preferences (user_id)", "(:owner), (:late)")
        await self._keep(
            "reports (id, reporter_id, content_type, content_id, reason)",
            "(gen_random_uuid(), :owner, 'user', :late, 'spam'),"
            " (gen_random_uuid(), :late, 'user', :owner, 'spam')",
        )
        for name in ("owner", "late"):
            await self._inform(where, name)

    async def _inform(self, where: str, name: str) -> None:
        """Show somebody something, with all that they may choose about it."""
        await self._keep(
            "notifications (id, user_id, type, class, title, message)",
            f"(gen_random_uuid(), :{name}, 'mention', 'service', 'Hi', 'Hi')",
        )
        await self._keep(
            "notification_preferences (user_id, type, channel, mode)",
            f"(:{name}, 'mention', 'push', 'off')",
        )
        await self._keep("notification_settings (user_id)", f"(:{name})")
        await self._keep("topic_subscriptions (user_id, topic)", f"(:{name}, 'news')")
        await self._keep(
            "devices (id, user_id, kind, token)",
            f"(gen_random_uuid(), :{name}, 'relay', gen_random_uuid())",
        )
        alert = self.id(f"alert {where} of {name}")
        await self._keep(
            "job_alerts (id, user_id, criteria, anchors)",
            f"('{alert}', :{name}, '{{}}', '{{}}')",
        )
        await self._keep(
            "job_alert_matches (alert_id, gig_id, content_hash, due_at)",
            f"('{alert}', gen_random_uuid(), 'dance', now())",
        )

    async def _talk(self, where: str, gig: str) -> None:
        about = {"kind": "gig", "gig_id": gig, "user_ids": [self.id("applicant")]}
        thread = await self._open(about, f"thread {where}")
        await self._say(thread, 1, "owner")
        await self._say(thread, 2, "former")
        joined = {"user_ids": [self.id("member")], "history": "joined"}
        group = await self._open({"kind": "group", **joined}, f"group {where}")
        await self._say(group, 1, "owner")
        late = f"conversations/{group}/participants/{self.id('late')}"
        await self.call("PUT", late, who="owner")
        await self._say(group, 2, "owner")
        await self.call("POST", f"conversations/{group}/read", {"seq": 2}, "late")
        await self._say(group, 3, "late")

    async def _open(self, wanted: Mapping[str, object], name: str) -> str:
        conversation = (await self.call("POST", "conversations", wanted, "owner"))["id"]
        self._names[UUID(conversation)] = name
        return conversation

    async def _say(self, conversation: str, seq: int, who: str) -> None:
        """Send, edit, react, have it read by the owner, and carry a file."""
        message = (
            await self.call(
                "POST",
                f"conversations/{conversation}/messages",
                {"client_id": str(uuid4()), "body": "Hello"},
                who,
            )
        )["id"]
        await self.call("PATCH", f"messages/{message}", {"body": "Hello again"}, who)
        await self.call("PUT", f"messages/{message}/reactions/👍", who=who)
        await self.call(
            "POST", f"conversations/{conversation}/read", {"seq": seq}, "owner"
        )
        await self._keep(
            "uploads (id, conversation_id, uploader_id, name, mime_type, size, seq)",
            f"(gen_random_uuid(), '{conversation}', :{who}, '{seq}', 'a/b', 1, {seq})",
        )

    async def _keep(self, into: str, values: str) -> None:
        ids = {name: person.id for name, person in self.people.items()}
        asked = text(f"INSERT INTO callboard.{into} VALUES {values}")
        async with self._node.transaction() as work:
            await work.connection.execute(
                asked, {name: ids[name] for name in asked.compile().params}
            )

    async def seen_by(self, connection: asyncpg.Connection, name: str) -> Seen:
        """Give what somebody sees of each table, row by row in words."""
        seen = {}
        for table, columns in ROWS.items():
            query = f"SELECT * FROM callboard.{table}"
            rows = await as_user(connection, self.people[name], query)
            seen[table] = {
                " ".join(str(self._names.get(row[one], row[one])) for one in columns)
                for row in rows
            }
        return seen


IN_BOTH = {
    "thread here 1",
    "thread here 2",
    "group here 1",
    "group here 2",
    "group here 3",
}
SINCE_LATE = {"group here 2", "group here 3"}
IN_THREAD = {
    f"thread here {name}" for name in ("owner", "member", "applicant", "former")
}
IN_GROUP = {f"group here {name}" for name in ("owner", "member", "late")}
# Nobody has to read what they have said, and who answers has read what was before.
READ_THREAD = {"thread here owner 2", "thread here former 1"}
READ_GROUP = {"group here owner 3", "group here late 2"}


def informed(name: str) -> Seen:
    """What somebody sees of what they are shown, and of their choices about it."""
    return {
        "notifications": {f"{name} mention"},
        "notification_preferences": {f"{name} mention"},
        "notification_settings": {name},
        "topic_subscriptions": {f"{name} news"},
        "devices": {f"{name} relay"},
        "job_alerts": {f"{name} daily"},
        "job_alert_matches": {f"alert here of {name} dance"},
    }


EXPECTED: Mapping[str, Seen] = {
    "owner": {
        "connections": {"owner member", "owner late"},
        "blocks": {"owner outsider"},
        "conversations": {"thread here", "group here"},
        "participants": IN_THREAD | IN_GROUP,
        "messages": IN_BOTH,
        "message_keys": {"thread here owner", "group here owner"},
        "receipts": READ_THREAD | READ_GROUP,
        "message_edits": IN_BOTH,
        "reactions": IN_BOTH,
        "uploads": IN_BOTH,
        "gigs": {"gig here"},
        "gig_members": {"gig here member"},
        "applications": {"gig here applicant", "gig here rival"},
        "reports": {"owner user"},
        "user_content_preferences": {"owner"},
        **informed("owner"),
    },
    "member": {
        "connections": {"owner member"},
        "conversations": {"thread here", "group here"},
        "participants": IN_THREAD | IN_GROUP,
        "messages": IN_BOTH,
        "receipts": READ_THREAD | READ_GROUP,
        "message_edits": IN_BOTH,
        "reactions": IN_BOTH,
        "uploads": IN_BOTH,
        "gigs": {"gig here"},
        "gig_members": {"gig here member"},
        "applications": {"gig here applicant", "gig here rival"},
    },
    "applicant": {
        "conversations": {"thread here"},
        "participants": IN_THREAD,
        "messages": {"thread here 1", "thread here 2"},
        "receipts": READ_THREAD,
        "message_edits": {"thread here 1", "thread here 2"},
        "reactions": {"thread here 1", "thread here 2"},
        "uploads": {"thread here 1", "thread here 2"},
        "gigs": {"gig here"},
        "applications": {"gig here applicant"},
    },
    "rival": {
        "blocks": {"rival owner"},
        "gigs": {"gig here"},
        "applications": {"gig here rival"},
    },
    "viewer": {
        "organizations": {"company here"},
        "organization_members": {"company here viewer"},
    },
    # What is left is one's own: where one was, what one sent, read and uploaded.
    "former": {
        "participants": {"thread here former"},
        "message_keys": {"thread here former"},
        "receipts": {"thread here former 1"},
        "uploads": {"thread here 2"},
    },
    # Nothing of what was said before.
    "late": {
        "connections": {"owner late"},
        "conversations": {"group here"},
        "participants": IN_GROUP,
        "messages": SINCE_LATE,
        "message_keys": {"group here late"},
        "receipts": READ_GROUP,
        "message_edits": SINCE_LATE,
        "reactions": SINCE_LATE,
        "uploads": SINCE_LATE,
        "reports": {"late user"},
        "user_content_preferences": {"late"},
        **informed("late"),
    },
    "outsider": {},
}


@pytest.fixture
async def world(node: Node, http: httpx.AsyncClient) -> World:
    """Both worlds, with the eyes of the people here."""
    there = World(node, http)
    await there.make("there")
    here = World(node, http)
    await here.make("here")
    return here


async def test_everybody_sees_only_what_concerns_them(
    world: World, database: TestDatabase
) -> None:
    assert set(ROWS) == READABLE
    connection = await asyncpg.connect(database.url)
    try:
        seen = {name: await world.seen_by(connection, name) for name in NAMES}
    finally:
        await connection.close()
    nothing: Seen = {table: set() for table in READABLE}
    for name in NAMES:
        assert seen[name] == {**nothing, "users": {name}, **EXPECTED[name]}, name
