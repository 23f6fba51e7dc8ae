"""What tests of releasing share: a far side that keeps what it gets, and a ledger."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from realtime.node import Node
from realtime.notifications.catalogue import Catalogue, Entry
from realtime.notifications.digests import DigestLine
from realtime.notifications.notifier import Outcome, Parcel, Sent
from realtime.notifications.releasing import MOST_ITEMS, Releaser
from realtime.presence import Finder
from storage.deliveries import NewDelivery
from storage.ids import uuid7
from storage.notifications import NewNotification
from storage.preferences import PreferenceRow
from storage.records import ConversationId, UserId

KINDS = frozenset({"email", "webpush"})


def _entry(name: str, **values: object) -> Entry:
    return Entry.model_validate(
        {
            "name": name,
            "class": "alert",
            "push": "instant",
            "email": "instant",
            "title": {"en": "t"},
            "message": {"en": "m"},
        }
        | values
    )


CATALOGUE = Catalogue(
    {
        entry.name: entry
        for entry in (
            _entry(
                "note",
                while_connection=("pending",),
                while_gig=("published",),
                while_application=("offered",),
            ),
            _entry("reminder", every_channel=True),
            _entry("verdict", required=True, **{"class": "service"}),
            _entry(
                "message_received",
                in_app=False,
                link="/conversations/{{ conversation_id }}",
                email_waits={"delay": 120, "idle": 600, "cap": 3600, "items": 3},
                **{"class": "service"},
            ),
        )
    }
)


class Hands:
    """A clock that tests move."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


class FarSide:
    """Takes everything, unless told how to answer."""

    def __init__(self, answer: Callable[[Parcel], Outcome] | None = None) -> None:
        self.kinds = KINDS
        self.taken: list[Parcel] = []
        self._answer = answer or (lambda _: Sent())

    async def send(self, parcel: Parcel) -> Outcome:
        """Keep it."""
        await asyncio.sleep(0)
        self.taken.append(parcel)
        return self._answer(parcel)

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class Someone:
    """Somebody with an address and a device."""

    id: UserId
    device: UUID


@dataclass
class Desk:
    """Writes what is to leave straight into the ledger, and releases it."""

    node: Node
    clock: Hands = field(default_factory=Hands)
    presence: Finder | None = None
    most_items: int = MOST_ITEMS

    def releaser(self) -> Releaser:
        """Make one as a worker does."""
        return Releaser(
            self.node.transaction,
            (),
            self.clock,
            self.presence,
            self.node.settings,
            CATALOGUE,
            most_items=self.most_items,
        )

    async def run(self, statement: str, **values: object) -> Sequence[Any]:
        """Run SQL as the service."""
        async with self.node.transaction() as work:
            result = await work.connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

    async def people(self, count: int) -> list[Someone]:
        """Make people."""
        made = [Someone(UserId(uuid4()), uuid4()) for _ in range(count)]
        async with self.node.transaction() as work:
            await work.users.put(
                [
                    {
                        "id": each.id,
                        "display_name": "Ada",
                        "email": f"{each.id}@example.org",
                        "timezone": "UTC",
                    }
                    for each in made
                ]
            )
            await work.connection.execute(
                text(
                    "INSERT INTO callboard.devices (id, user_id, kind, token)"
                    " VALUES (:id, :user, 'webpush', :token)"
                ),
                [
                    {"id": each.device, "user": each.id, "token": str(each.device)}
                    for each in made
                ],
            )
        return made

    async def note(
        self,
        to: Someone,
        *channels: str,
        type_: str = "note",
        mode: str = "instant",
        due_in: float = 0,
        id_: UUID | None = None,
        **about: Any,  # noqa: ANN401 - columns of a notification
    ) -> UUID:
        """Make a notification with deliveries on these channels; gives its id."""
        entry = CATALOGUE.entries[type_]
        made = uuid7() if id_ is None else id_
        now = self.clock()
        async with self.node.transaction() as work:
            if id_ is None:
                await work.notifications.insert(
                    [
                        NewNotification(
                            id=made,
                            user_id=to.id,
                            type=type_,
                            class_=entry.class_,
                            title="A title",
                            message=about.pop("message", "A text"),
                            data=about.pop("data", {}),
                            priority=about.get("priority", "normal"),
                            decisions={},
                            **{k: v for k, v in about.items() if k != "priority"},
                        )
                    ],
                    now,
                )
            await work.deliveries.plan(
                [
                    NewDelivery(
                        user_id=to.id,
                        channel=channel,
                        type=type_,
                        class_=entry.class_,
                        mode=mode,
                        due_at=now + timedelta(seconds=due_in),
                        priority=about.get("priority", "normal"),
                        notification_id=made,
                        device_id=to.device if channel == "push" else None,
                        expires_at=about.get("expires_at"),
                    )
                    for channel in channels
                ],
                now,
            )
        return made

    async def talk(self, *people: Someone) -> ConversationId:
        """Open a conversation of these people."""
        talk = ConversationId(uuid7())
        await self.run(
            "INSERT INTO callboard.conversations (id, kind, title, created_xid,"
            " changed_xid) VALUES (:id, 'group', 'Us', pg_current_xact_id(),"
            " pg_current_xact_id())",
            id=talk,
        )
        for person in people:
            await self.run(
                "INSERT INTO callboard.participants (conversation_id, user_id,"
                " joined_xid, changed_xid, arranged_xid) VALUES (:id, :user,"
                " pg_current_xact_id(), pg_current_xact_id(), pg_current_xact_id())",
                id=talk,
                user=person.id,
            )
        return talk

    async def say(
        self, talk: ConversationId, sender: Someone, body: str, seq: int
    ) -> UUID:
        """Have a message in a conversation."""
        message = uuid7()
        await self.run(
            "INSERT INTO callboard.messages (conversation_id, seq, id, sender_id, body,"
            " sent_at) VALUES (:talk, :seq, :id, :sender, :body, :at)",
            talk=talk,
            seq=seq,
            id=message,
            sender=sender.id,
            body=body,
            at=self.clock(),
        )
        await self.run(
            "UPDATE callboard.conversations SET last_seq = :seq WHERE id = :talk",
            talk=talk,
            seq=seq,
        )
        return message

    async def expect(
        self,
        to: Someone,
        talk: ConversationId,
        first_seq: int,
        *channels: str,
        mode: str = "instant",
        due_in: float = 0,
    ) -> None:
        """Plan what tells somebody of messages."""
        async with self.node.transaction() as work:
            await work.deliveries.plan(
                [
                    NewDelivery(
                        user_id=to.id,
                        channel=channel,
                        type="message_received",
                        class_="service",
                        mode=mode,
                        due_at=self.clock() + timedelta(seconds=due_in),
                        conversation_id=talk,
                        first_seq=first_seq,
                        device_id=to.device if channel == "push" else None,
                    )
                    for channel in channels
                ],
                self.clock(),
            )

    async def choose(self, person: Someone, channel: str, mode: str) -> None:
        """Have somebody choose for a whole channel."""
        async with self.node.transaction() as work:
            await work.preferences.choose(
                person.id, [PreferenceRow("*", channel, mode, "user", self.clock())]
            )

    async def digest(self) -> None:
        """Make the digests that are due."""
        line = DigestLine(self.node.transaction, CATALOGUE, self.clock)
        while await line():
            pass

    async def release(self, *, limit: int = 1000) -> list[Parcel]:
        """Release and send all that leaves just now, one round after the other."""
        releaser = self.releaser()
        parcels: list[Parcel] = []
        while True:
            page = await releaser.release_page(KINDS, limit)
            if not page.decided:
                return parcels
            for parcel in page.parcels:
                assert await releaser.record(
                    parcel.delivery_id, Sent(), attempt=parcel.attempt
                )
            parcels += page.parcels

    async def rows(self, person: Someone) -> list[Mapping[str, Any]]:
        """Give what the ledger has of somebody, in the order it was planned."""
        rows = await self.run(
            "SELECT * FROM callboard.deliveries WHERE user_id = :user"
            " ORDER BY created_at, id",
            user=person.id,
        )
        return [row._mapping for row in rows]

    async def outcome(self, person: Someone, channel: str | None = None) -> list[str]:
        """Give the status of somebody's deliveries, or the reason where skipped."""
        return [
            row["reason"] if row["status"] in {"skipped", "pending"} else row["status"]
            for row in await self.rows(person)
            if channel in {None, row["channel"]}
        ]
