"""
Six people for trying things out, in every relation that two people can have.

One of them has a gig, to which another has applied, and a group.

Their ids and those of their messages never change, so that doing it again changes
nothing. Everything is written the way people write it: through the actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from realtime.actions import (
    applications,
    connections,
    conversations,
    gigs,
    platform_groups,
    threads,
    users,
)
from realtime.actions.items import Item
from realtime.actor import Actor
from realtime.errors import GigClosed, NotAParticipant
from realtime.node import Node
from realtime.protocol import SendMessage
from storage.records import (
    ApplicationId,
    ConnectionId,
    ConversationId,
    GigId,
    UserId,
)
from storage.unit_of_work import UnitOfWork

# Any UUID; everything here is named below it.
_NAMESPACE = UUID("6b0f1f0a-5a0e-4a53-9d0b-ca11b0a2d000")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    handle: str
    name: str
    headline: str

    @property
    def id(self) -> UserId:
        """The same on every machine."""
        return UserId(uuid5(_NAMESPACE, self.handle))

    @property
    def actor(self) -> Actor:
        """Whoever they are when they act."""
        return Actor(self.id)


ADA = Person("ada", "Ada Moreau", "Casting director")
GRACE = Person("grace", "Grace Okafor", "Camera operator")
TOMAS = Person("tomas", "Tomás Vidal", "Stunt performer")
MEI = Person("mei", "Mei Tanaka", "Sound designer")
IVAN = Person("ivan", "Ivan Petrov", "Talent agent")
NOOR = Person("noor", "نور حداد", "Voice actor")

PEOPLE = (ADA, GRACE, TOMAS, MEI, IVAN, NOOR)

# What Ada is casting: Grace has applied, and Mei is of the team.
GIG = GigId(uuid5(_NAMESPACE, "gig harbour"))
_APPLICATION = ApplicationId(uuid5(_NAMESPACE, "application of grace"))
CREW = ConversationId(uuid5(_NAMESPACE, "group crew"))

_APPLYING: Sequence[tuple[Person, str]] = (
    (GRACE, "I have shot at night on the water before. Shall I send my reel?"),
    (MEI, "Please do! Ada and I look at applications on Friday."),
)
_GREETING: Sequence[tuple[Person, str]] = (
    (ADA, "Welcome, crew. Call sheets come here."),
)

_DIALOGUE: Sequence[tuple[Person, str]] = (
    (ADA, "Hi Grace! Are you free for a two-day shoot in Lisbon, 4 and 5 March?"),
    (GRACE, "The 4th and 5th work. Is it your usual crew?"),
    (ADA, "Yes, seven people. I’ll put your name on the callboard. 🎬"),
)


async def seed(node: Node) -> None:
    """
    Make sure that the people of the demonstration are there.

    What visitors have done since, stays: only who is missing is brought in.

    Raises:
        Conflict: Somebody real has one of their handles.
        Unavailable: The database is away.
    """
    async with node.transaction() as work:
        ids = [person.id for person in PEOPLE]
        if len(await work.users.existing(ids)) < len(PEOPLE):
            await _bring_in(node, work)
            await _relate(work)
        if await work.gigs.get(GIG) is None:
            await _cast(node, work)
    await _talk(node)


async def _cast(node: Node, work: UnitOfWork) -> None:
    """Publish Ada's gig, have Grace apply to it, and gather a crew."""
    settings, now = node.settings, node.clock()
    gig: Item = {
        "id": GIG,
        "kind": "gig",
        "owner_id": ADA.id,
        "title": "Night shoot at the harbour",
        "status": "published",
        "members": [{"user_id": MEI.id, "role": "sound"}],
    }
    await gigs.put_gigs(work, [gig], settings, now)
    application: Item = {
        "id": _APPLICATION,
        "applicant_id": GRACE.id,
        "status": "pending",
    }
    await applications.put_application(work, GIG, application, settings, now)
    await platform_groups.put_group(
        work,
        CREW,
        title="Harbour crew",
        owner=ADA.id,
        writers=None,
        history="all",
        settings=settings,
    )
    crew = [(GRACE.id, None), (MEI.id, None), (TOMAS.id, None)]
    await platform_groups.put_members(work, CREW, crew, settings)


async def _bring_in(node: Node, work: UnitOfWork) -> None:
    items = [
        {
            "id": person.id,
            "display_name": person.name,
            "handle": person.handle,
            "headline": person.headline,
            # Nobody's: mails to them are looked at where they are kept.
            "email": f"{person.handle}@people.example",
        }
        for person in PEOPLE
    ]
    await users.put_users(work, items, node.clock())


async def _relate(work: UnitOfWork) -> None:
    """Relate everybody to Ada: hers is the account to look around with."""
    link = await _ask(work, ADA, GRACE, "We met on the harbour set.")
    if link is not None:
        await connections.accept_connection(work, GRACE.actor, link)
    await _ask(work, MEI, ADA, "I would love to design the sound of your next film.")
    await _ask(work, ADA, TOMAS, "Looking for someone who falls off horses well.")
    link = await _ask(work, IVAN, ADA, "I represent forty actors. Call me.")
    if link is not None:
        await connections.reject_connection(work, ADA.actor, link)
    await connections.block_user(work, ADA.actor, NOOR.id)


async def _ask(
    work: UnitOfWork, asking: Person, asked: Person, message: str
) -> ConnectionId | None:
    if await work.connections.between(asking.id, asked.id) is not None:
        return None
    link = await connections.request_connection(work, asking.actor, asked.id, message)
    return ConnectionId(link.id)


async def _talk(node: Node) -> None:
    """Say what has not been said; a start that was killed left it half."""
    async with node.transaction() as work:
        known = await work.conversations.direct_with(ADA.id, GRACE.id)
        if known is None and await work.ledger.may_message(ADA.id, GRACE.id) is None:
            known = await conversations.open_direct(work, ADA.actor, GRACE.id)
        thread = await _thread(node, work)
    for conversation, dialogue in (
        (known, _DIALOGUE),
        (thread, _APPLYING),
        (CREW, _GREETING),
    ):
        if conversation is not None:
            await _say(node, conversation, dialogue)


async def _thread(node: Node, work: UnitOfWork) -> ConversationId | None:
    """Find or open the thread of Grace's application, unless she has left it."""
    try:
        thread, _ = await threads.open_thread(
            work, GRACE.actor, GIG, _APPLICATION, [], node.settings
        )
    except (GigClosed, NotAParticipant):
        return None
    return thread


async def _say(
    node: Node, conversation: ConversationId, dialogue: Sequence[tuple[Person, str]]
) -> None:
    async with node.transaction() as work:
        first = dialogue[0][0]
        seen = await work.conversations.get(first.id, conversation)
        if seen is None or seen.last_seq >= len(dialogue):
            return
        for speaker, _ in dialogue:
            if await work.ledger.may_write(speaker.id, conversation) is not None:
                return
    for number, (speaker, body) in enumerate(dialogue):
        command = SendMessage(
            conversation_id=conversation,
            client_id=uuid5(_NAMESPACE, f"message {number} of {dialogue[0][1]}"),
            body=body,
        )
        await node.sender.send(speaker.actor, command)
