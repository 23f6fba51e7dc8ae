"""Pairs of people on two servers, and what they have to say to each other."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from realtime.node import Node
from tests.factories import Person, make_people
from tests.journeys.corpus import Dialogue
from tests.journeys.devices import Device
from tests.journeys.processes import ServerProcess

# One pair in four has a second device each, on the other server.
SECOND_DEVICE_EVERY = 4
# So many arrive, and are looked at, at a time: all at once would wait for each other.
AT_ONCE = 40


@dataclass(frozen=True)
class Line:
    """What one of two people says; the last of a dialogue is acknowledged."""

    speaker: int
    body: str
    is_last: bool


@dataclass
class Pair:
    """Two people, one on each server, and what they have to say to each other."""

    people: tuple[Person, Person]
    lines: list[Line]
    devices: tuple[list[Device], list[Device]]
    conversation_id: str = ""

    def all_devices(self) -> list[Device]:
        """List the devices of both."""
        return [*self.devices[0], *self.devices[1]]

    def expected(self) -> list[tuple[int, str, str]]:
        """List seq, sender and body as history must have them."""
        return [
            (seq, str(self.people[line.speaker].id), line.body)
            for seq, line in enumerate(self.lines, 1)
        ]


def in_turns(dialogues: list[Dialogue]) -> Iterator[Line]:
    """Have the two begin by turns, and alternate within each dialogue."""
    for number, dialogue in enumerate(dialogues):
        last = len(dialogue.lines) - 1
        for turn, body in enumerate(dialogue.lines):
            yield Line((number + turn) % 2, body, turn == last)


async def make_pairs(
    node: Node, servers: list[ServerProcess], hands: list[list[Dialogue]], seed: int
) -> list[Pair]:
    """Make two people a hand, strangers yet, and devices that are not connected."""
    people = await make_people(node, *(f"Person {n}" for n in range(2 * len(hands))))
    pairs = []
    for number, hand in enumerate(hands):
        one, other = people[2 * number], people[2 * number + 1]
        devices: tuple[list[Device], list[Device]] = ([], [])
        for place, person in enumerate((one, other)):
            count = 1 if number % SECOND_DEVICE_EVERY else 2
            for which in range(count):
                url = servers[(place + which) % 2].url
                chances = random.Random(f"{seed}/{number}/{place}/{which}")
                devices[place].append(Device(person, url, chances))
        pairs.append(Pair((one, other), list(in_turns(hand)), devices))
    return pairs


@asynccontextmanager
async def connected(pairs: list[Pair]) -> AsyncIterator[None]:
    """Have every device connected, and close all of them afterwards."""
    places = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as leaving:

        async def arrive(device: Device) -> None:
            async with places:
                await leaving.enter_async_context(device)

        async with asyncio.TaskGroup() as arriving:
            for device in (each for pair in pairs for each in pair.all_devices()):
                arriving.create_task(arrive(device))
        yield


async def become_connected(pair: Pair) -> None:
    """Have one ask for a connection and the other accept it, seen on every device."""
    asking, accepting = pair.devices[0][-1], pair.devices[1][-1]
    answer = await asking.client.request(
        "connection.request", user_id=str(pair.people[1].id), message="Shall we talk?"
    )
    connection_id = answer["connection"]["id"]
    await accepting.sees(connection_id, "pending")
    await accepting.client.request("connection.accept", connection_id=connection_id)
    for device in pair.all_devices():
        await device.sees(connection_id, "accepted")
