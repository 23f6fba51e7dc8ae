"""People and their relations, made quickly and as the platform would."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert, text

from realtime.clock import system_clock
from realtime.node import Node
from realtime.tokens import mint
from storage.ids import uuid7
from storage.records import ConnectionId, ConversationId, UserId
from storage.tables import notifications
from tests.conftest import JWT_SECRET


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    id: UserId
    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What this person's HTTP requests carry."""
        return {"Authorization": f"Bearer {self.token}"}


def token_for(user: UUID, expires_in: timedelta = timedelta(hours=1)) -> str:
    """Make a token as the platform would."""
    return mint(JWT_SECRET, user, expires_in, now=system_clock())


async def make_people(node: Node, *names: str) -> list[Person]:
    """Make people, all active, none connected."""
    people = [Person(user := UserId(uuid4()), name, token_for(user)) for name in names]
    async with node.transaction() as work:
        await work.users.put(
            [{"id": person.id, "display_name": person.name} for person in people]
        )
    return people


async def connect_people(
    node: Node, one: Person, other: Person, status: str = "accepted"
) -> ConnectionId:
    """Give two people a relation; `one` has asked for it."""
    async with node.transaction() as work:
        (link,) = await work.connections.put(
            [
                {
                    "id": ConnectionId(uuid7()),
                    "requester_id": one.id,
                    "recipient_id": other.id,
                    "status": status,
                    "message": None,
                }
            ]
        )
    return link.id


async def open_direct(node: Node, one: Person, other: Person) -> ConversationId:
    """Open the direct conversation of two people who are connected."""
    async with node.transaction() as work:
        opened = await work.conversations.open_direct(
            ConversationId(uuid7()), one.id, other.id
        )
    assert not isinstance(opened, str), opened
    return opened[0]


async def make_pair(
    node: Node, names: Sequence[str] = ("Ada", "Grace")
) -> tuple[Person, Person, ConversationId]:
    """Make two connected people with a conversation."""
    one, other = await make_people(node, *names)
    await connect_people(node, one, other)
    return one, other, await open_direct(node, one, other)


async def set_account_status(node: Node, person: Person, status: str) -> None:
    """Change an account behind everybody's back, as a test of what is read may."""
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.users SET account_status = :status WHERE id = :id"),
            {"status": status, "id": person.id},
        )


async def until_somebody_waits(node: Node) -> None:
    """Wait until somebody waits for a lock in this test's PostgreSQL."""
    async with node.database.hot() as connection:
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
        ):
            continue


async def hide(node: Node, person: Person, setting: str) -> None:
    """Switch on a setting of somebody's privacy."""
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "UPDATE callboard.users"
                " SET privacy = jsonb_build_object(CAST(:setting AS text), true)"
                " WHERE id = :id"
            ),
            {"setting": setting, "id": person.id},
        )


async def make_group(
    node: Node, *people: Person, kind: str = "group"
) -> ConversationId:
    """Make a group of people, with nothing in it yet."""
    group = ConversationId(uuid7())
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "INSERT INTO callboard.conversations (id, kind, title, created_xid,"
                " changed_xid) VALUES (:id, :kind, 'Us', pg_current_xact_id(),"
                " pg_current_xact_id())"
            ),
            {"id": group, "kind": kind},
        )
        await work.connection.execute(
            text(
                "INSERT INTO callboard.participants (conversation_id, user_id,"
                " joined_xid, changed_xid, arranged_xid) VALUES (:id, :user,"
                " pg_current_xact_id(), pg_current_xact_id(), pg_current_xact_id())"
            ),
            [{"id": group, "user": person.id} for person in people],
        )
    return group


async def leave_group(node: Node, group: ConversationId, person: Person) -> None:
    """Have somebody leave a group behind everybody's back."""
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "UPDATE callboard.participants SET left_at = now(),"
                " left_reason = 'left' WHERE conversation_id = :id AND user_id = :user"
            ),
            {"id": group, "user": person.id},
        )


async def put_notification(node: Node, person: Person, **columns: object) -> UUID:
    """Show somebody something, as planning would, but told to nobody."""
    row: dict[str, object] = {
        "id": uuid7(),
        "user_id": person.id,
        "type": "project",
        "class_": "service",
        "title": "Something happened",
        "message": "It did.",
        "data": {},
    }
    async with node.transaction() as work:
        await work.connection.execute(insert(notifications).values(**row | columns))
    id_ = (row | columns)["id"]
    assert isinstance(id_, UUID)
    return id_
