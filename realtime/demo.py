"""
Six people for trying things out, in every relation that two people can have.

Their ids and those of their messages never change, so that doing it again changes
nothing. Everything is written the way people write it: through the actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from realtime.actions import connections, users
from realtime.actor import Actor
from realtime.node import Node
from realtime.protocol import SendMessage
from storage.records import ConnectionId, UserId
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
    await _talk(node)


async def _bring_in(node: Node, work: UnitOfWork) -> None:
    items = [
        {
            "id": person.id,
            "display_name": person.name,
            "handle": person.handle,
            "headline": person.headline,
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
        if known is not None:
            seen = await work.conversations.get(ADA.id, known)
            if seen is not None and seen.last_seq >= len(_DIALOGUE):
                return
        if await work.ledger.may_message(ADA.id, GRACE.id) is not None:
            return
    for number, (speaker, body) in enumerate(_DIALOGUE):
        listener = GRACE if speaker is ADA else ADA
        command = SendMessage(
            to_user_id=listener.id,
            client_id=uuid5(_NAMESPACE, f"message {number}"),
            body=body,
        )
        await node.sender.send(speaker.actor, command)
