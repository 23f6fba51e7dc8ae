"""Nothing leaves that has become pointless since it was planned, and why is kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from realtime.node import Node
from storage.ids import uuid7
from storage.records import ConversationId
from tests.realtime.notifications.carrying import Desk, Someone

CHANNELS = ("push", "email", "digest")


@dataclass
class Case:
    """Somebody who is to be told something of somebody, and all that it is about."""

    desk: Desk
    reader: Someone
    actor: Someone
    channel: str
    talk: ConversationId
    connection: UUID
    gig: UUID
    application: UUID
    note: UUID | None = None

    async def set(self, table: str, values: str, where: str, **more: object) -> None:
        """Change what it is about, as somebody else would."""
        names = {
            "reader": self.reader.id,
            "actor": self.actor.id,
            "talk": self.talk,
            "connection": self.connection,
            "gig": self.gig,
            "application": self.application,
            "note": self.note,
            "now": self.desk.clock(),
        } | more
        used = {k: v for k, v in names.items() if f":{k}" in f"{values} {where}"}
        await self.desk.run(
            f"UPDATE callboard.{table} SET {values} WHERE {where}",
            **used,
        )

    async def block(self, blocker: Someone, blocked: Someone) -> None:
        """Have somebody block somebody."""
        await self.desk.run(
            "INSERT INTO callboard.blocks (blocker_id, blocked_id) VALUES (:a, :b)",
            a=blocker.id,
            b=blocked.id,
        )


Change = Callable[[Case], Awaitable[None]]


def marked(column: str) -> Change:
    return lambda case: case.set("notifications", f"{column} = :now", "id = :note")


def account(whose: str, status: str) -> Change:
    return lambda case: case.set(
        "users", f"account_status = '{status}'", f"id = :{whose}"
    )


def member(values: str) -> Change:
    return lambda case: case.set(
        "participants", values, "conversation_id = :talk AND user_id = :reader"
    )


def message(values: str) -> Change:
    return lambda case: case.set("messages", values, "conversation_id = :talk")


async def suppressed(case: Case) -> None:
    async with case.desk.node.transaction() as work:
        await work.emails.suppress(
            f"{case.reader.id}@example.org",
            "all",
            "hard_bounce",
            now=case.desk.clock() - timedelta(hours=1),
        )


async def complained(case: Case) -> None:
    async with case.desk.node.transaction() as work:
        await work.emails.suppress(
            f"{case.reader.id}@example.org",
            "commercial",
            "complaint",
            now=case.desk.clock(),
        )


async def switched_off(case: Case) -> None:
    await case.desk.choose(
        case.reader, "push" if case.channel == "push" else "email", "off"
    )


async def device_gone(case: Case) -> None:
    await case.desk.run(
        "DELETE FROM callboard.devices WHERE id = :id", id=case.reader.device
    )


DELETED = "deleted_at = now(), body = ''"
# What happens meanwhile, the reason that is kept, and the channels for which it counts.
OF_BOTH: list[tuple[str, Change, str, tuple[str, ...]]] = [
    ("deleted", message(DELETED), "deleted", CHANNELS),
    ("read by mark", member("read_seq = 1, delivered_seq = 1"), "read", CHANNELS),
    ("left", member("left_at = now(), left_reason = 'left'"), "left", CHANNELS),
    ("joined later", member("joined_seq = 1"), "left", CHANNELS),
    ("put away", member("archived_at = now()"), "archived", CHANNELS),
    ("muted", member("muted_until = now() + interval '1 day'"), "muted", CHANNELS),
    (
        "archived",
        lambda case: case.set("conversations", "status = 'archived'", "id = :talk"),
        "archived",
        CHANNELS,
    ),
    (
        "closed by a block",
        lambda case: case.set("conversations", "status = 'blocked'", "id = :talk"),
        "blocked",
        CHANNELS,
    ),
    ("blocked", lambda case: case.block(case.reader, case.actor), "blocked", CHANNELS),
    ("blocks", lambda case: case.block(case.actor, case.reader), "blocked", CHANNELS),
    ("actor suspended", account("actor", "suspended"), "actor_gone", CHANNELS),
    ("actor deleted", account("actor", "deleted"), "actor_gone", CHANNELS),
    ("suspended", account("reader", "suspended"), "recipient_suspended", CHANNELS),
    ("gone", account("reader", "deleted"), "recipient_deleted", CHANNELS),
    ("switched off", switched_off, "preference_off", CHANNELS),
    ("suppressed", suppressed, "suppressed", ("email", "digest")),
    (
        "no address",
        lambda case: case.set("users", "email = NULL", "id = :reader"),
        "no_address",
        ("email", "digest"),
    ),
    ("device gone", device_gone, "device_gone", ("push",)),
]
OF_NOTES: list[tuple[str, Change, str, tuple[str, ...]]] = [
    ("read", marked("read_at"), "read", CHANNELS),
    ("seen", marked("seen_at"), "seen", CHANNELS),
    ("archived in the app", marked("archived_at"), "archived", CHANNELS),
    ("expired", marked("expires_at"), "expired", CHANNELS),
    (
        "withdrawn",
        lambda case: case.set(
            "connections", "status = 'withdrawn'", "id = :connection"
        ),
        "connection_gone",
        CHANNELS,
    ),
    (
        "filled",
        lambda case: case.set("gigs", "status = 'filled'", "id = :gig"),
        "gig_closed",
        CHANNELS,
    ),
    (
        "offer taken back",
        lambda case: case.set(
            "applications", "status = 'rejected'", "id = :application"
        ),
        "application_changed",
        CHANNELS,
    ),
    ("complained", complained, "suppressed", ("email", "digest")),
]


async def _case(desk: Desk, channel: str) -> Case:
    reader, actor = await desk.people(2)
    talk = await desk.talk(reader, actor)
    connection, gig, application = uuid7(), uuid4(), uuid4()
    async with desk.node.transaction() as work:
        await work.connections.put(
            [
                {
                    "id": connection,
                    "requester_id": actor.id,
                    "recipient_id": reader.id,
                    "status": "pending",
                    "message": None,
                }
            ]
        )
    await desk.run(
        "INSERT INTO callboard.gigs (id, kind, owner_id, title, status)"
        " VALUES (:id, 'gig', :owner, 'Extras', 'published')",
        id=gig,
        owner=actor.id,
    )
    await desk.run(
        "INSERT INTO callboard.applications (id, gig_id, applicant_id, status)"
        " VALUES (:id, :gig, :applicant, 'offered')",
        id=application,
        gig=gig,
        applicant=reader.id,
    )
    return Case(desk, reader, actor, channel, talk, connection, gig, application)


async def _note(case: Case) -> None:
    """Plan a notification of a message, a connection, a gig and an application."""
    message_id = await case.desk.say(case.talk, case.actor, "Hello there", 1)
    case.note = await case.desk.note(
        case.reader,
        "push" if case.channel == "push" else "email",
        mode="daily" if case.channel == "digest" else "instant",
        message="Ada: Hello there",
        data={"text": "Hello there"},
        related_user_id=case.actor.id,
        related_connection_id=case.connection,
        conversation_id=case.talk,
        message_id=message_id,
        seq=1,
        gig_id=case.gig,
        application_id=case.application,
    )


async def _messages(case: Case) -> None:
    """Plan what tells of a message."""
    await case.desk.say(case.talk, case.actor, "Hello there", 1)
    await case.desk.expect(
        case.reader,
        case.talk,
        1,
        "push" if case.channel == "push" else "email",
        mode="daily" if case.channel == "digest" else "instant",
    )


async def _table(
    node: Node,
    plan: Callable[[Case], Awaitable[None]],
    reasons: list[tuple[str, Change, str, tuple[str, ...]]],
) -> None:
    desk = Desk(node)
    cases = []
    for name, change, reason, channels in reasons:
        for channel in CHANNELS:
            case = await _case(desk, channel)
            if channel == "digest":
                await desk.choose(case.reader, "email", "daily")
            await plan(case)
            expected = reason if channel in channels else "sent"
            cases.append((f"{name} × {channel}", case, change, expected))
    await desk.digest()
    desk.clock.move(minutes=3)
    for _, case, change, _ in cases:
        await change(case)

    parcels = await desk.release()

    told = {parcel.recipient.id for parcel in parcels}
    found = {name: (await desk.outcome(case.reader))[0] for name, case, _, _ in cases}
    assert found == {name: expected for name, _, _, expected in cases}
    assert told == {
        case.reader.id for _, case, _, expected in cases if expected == "sent"
    }
    # A digest of which nothing is left does not leave either.
    carriers = [
        (await desk.outcome(case.reader))[1]
        for _, case, _, expected in cases
        if case.channel == "digest" and expected not in {"sent"}
    ]
    assert set(carriers) <= {
        "empty",
        "recipient_suspended",
        "recipient_deleted",
        "suppressed",
        "no_address",
    }


async def test_no_notification_leaves_that_has_become_pointless(node: Node) -> None:
    await _table(node, _note, OF_BOTH + OF_NOTES)


async def test_no_message_is_told_that_has_become_pointless(node: Node) -> None:
    await _table(node, _messages, OF_BOTH)


async def test_what_leaves_says_what_was_last_written(node: Node) -> None:
    desk = Desk(node)
    for channel in CHANNELS:
        for plan in (_note, _messages):
            case = await _case(desk, channel)
            if channel == "digest":
                await desk.choose(case.reader, "email", "daily")
            await plan(case)
            await desk.digest()
            desk.clock.move(minutes=3)
            await message("body = 'Good bye', edited_at = now()")(case)

            (parcel,) = await desk.release()

            (item,) = parcel.items
            assert "Good bye" in item.text
            assert "Hello" not in item.text
            assert item.sender_name == "Ada"
            assert parcel.kind == {
                "digest": "digest",
            }.get(channel, "notification" if plan is _note else "conversation")
