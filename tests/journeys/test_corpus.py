"""
Hundreds of people talk through two servers while things break.

The dialogues are real ones, in many languages and scripts. In mid-run one server is
killed and started again, and Valkey is taken away and given back, empty. Afterwards
history, and what every device holds, is the corpus.
"""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from callboard_client import Api, Conversation, Conversations, Json, Message

from tests.conftest import JWT_SECRET, running_node, settings_for
from tests.databases import TestDatabase
from tests.journeys.corpus import deal, load_dialogues
from tests.journeys.devices import Device
from tests.journeys.pairs import (
    AT_ONCE,
    Pair,
    become_connected,
    connected,
    make_pairs,
)
from tests.journeys.processes import ServerProcess
from tests.services import ValkeyServer, free_ports

SEED = 20261121
PAIRS = 240
LINES = 8_000


@dataclass
class Progress:
    """Counts acknowledged messages, and lets faults happen at a share of them."""

    total: int
    done: int = 0
    _milestones: dict[int, asyncio.Event] = field(default_factory=dict)

    def step(self) -> None:
        """Count one more."""
        self.done += 1
        if self.done in self._milestones:
            self._milestones[self.done].set()

    async def reaches(self, share: float) -> None:
        """Wait until this share of all messages has been acknowledged."""
        reached = self._milestones.setdefault(int(self.total * share), asyncio.Event())
        await reached.wait()


async def talk(pair: Pair, progress: Progress) -> None:
    """Say every line as soon as the one before has arrived at who says it."""
    await become_connected(pair)
    for seq, line in enumerate(pair.lines, 1):
        mine, theirs = pair.devices[line.speaker], pair.devices[1 - line.speaker]
        speaker, reader = mine[seq % len(mine)], theirs[seq % len(theirs)]
        key = f"{pair.people[0].id}/{seq}"
        if seq == 1:
            # The direct conversation opens with the first message.
            other = str(pair.people[1 - line.speaker].id)
            message = await speaker.say(line.body, key, to_user_id=other)
            pair.conversation_id = message["conversation_id"]
        else:
            await speaker.holds(pair.conversation_id, seq - 1)
            message = await speaker.say(
                line.body, key, conversation_id=pair.conversation_id
            )
        assert message["seq"] == seq
        progress.step()
        if line.is_last:
            await reader.holds(pair.conversation_id, seq)
            acknowledge = reader.client.read if seq % 3 else reader.client.delivered
            await acknowledge(pair.conversation_id, seq)


async def break_things(
    progress: Progress, server: ServerProcess, valkey: ValkeyServer
) -> None:
    await progress.reaches(0.30)
    server.kill()
    await server.start()
    await progress.reaches(0.60)
    valkey.kill()
    await progress.reaches(0.65)
    valkey.start()


async def check_history(api: Api, pair: Pair) -> list[Message]:
    """Fetch a conversation's history, which has to be what was to be said."""
    history = [each async for each in api.history(pair.conversation_id)]
    said = [(each["seq"], each["sender_id"], each["body"]) for each in history]
    assert said == pair.expected()
    assert len({each["id"] for each in history}) == len(history)
    times = [each["sent_at"] for each in history]
    assert all(earlier <= later for earlier, later in pairwise(times))
    return history


def by_id(conversations: list[Conversation]) -> dict[str, Json]:
    """Order by id, with participants by id: what stores and lists agree on."""
    return {
        each["id"]: {
            **each,
            "participants": sorted(
                each["participants"], key=lambda one: one["user_id"]
            ),
        }
        for each in conversations
    }


async def check_person(api: Api, devices: list[Device]) -> None:
    """Compare what the devices of a person know with what the server says now."""
    listed = by_id(await api.conversations())
    links = {each["id"]: each for each in await api.connections()}
    for device in devices:
        client, store = device.client, device.client.store

        def is_in_step(store: Conversations = store) -> bool:
            return by_id(store.listing()) == listed and store.connections == links

        # Nobody says anything any more, but the last receipts may be on their way.
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await client.until(is_in_step)
        assert by_id(store.listing()) == listed
        assert store.connections == links


async def check(pair: Pair, places: asyncio.Semaphore) -> None:
    """Compare history with the corpus, and every device with history."""
    async with places:
        # Which of the two servers is asked must not matter.
        for devices in pair.devices:
            api = devices[0].client.api
            history = await check_history(api, pair)
            await check_person(api, devices)
            for device in devices:
                assert device.client.store.messages(pair.conversation_id) == history


@pytest.mark.timeout(240)
async def test_the_corpus_survives_a_killed_server_and_a_lost_valkey(
    database: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogues = load_dialogues()
    hands = deal(dialogues, PAIRS, LINES, random.Random(SEED))
    assert {each.language for hand in hands for each in hand} == {
        each.language for each in dialogues
    }
    ports = free_ports(2)
    with ValkeyServer() as valkey:
        settings = {
            "CALLBOARD_DATABASE_URL": database.url,
            "CALLBOARD_REDIS_URL": valkey.url,
            "CALLBOARD_JWT_SECRET": JWT_SECRET,
        }
        async with (
            ServerProcess(ports[0], settings) as first,
            ServerProcess(ports[1], settings) as second,
        ):
            async with running_node(settings_for(database)) as node:
                pairs = await make_pairs(node, [first, second], hands, SEED)
            progress = Progress(sum(len(pair.lines) for pair in pairs))
            async with connected(pairs):
                began = time.monotonic()
                async with asyncio.TaskGroup() as talking:
                    talking.create_task(break_things(progress, second, valkey))
                    for pair in pairs:
                        talking.create_task(talk(pair, progress))
                took = time.monotonic() - began
                places = asyncio.Semaphore(AT_ONCE)
                async with asyncio.TaskGroup() as checking:
                    for pair in pairs:
                        checking.create_task(check(pair, places))
            # Each server has noticed that Valkey was away.
            for server in (first, second):
                assert "the bus is not connected" in server.log()
    devices = [device for pair in pairs for device in pair.all_devices()]
    comebacks = sum(device.comebacks for device in devices)
    resent = sum(device.resent for device in devices)
    repeated = sum(device.repeated for device in devices)
    with capsys.disabled():
        print(  # noqa: T201 - what a run was worth cannot be seen otherwise
            f"\n{progress.done} messages of {len(pairs)} pairs with {len(devices)}"
            f" devices in {took:.0f} s, {comebacks} attempts to come back,"
            f" {resent} sends repeated, {repeated} of them committed at the first try"
        )
    assert progress.done == progress.total
    assert comebacks > 0
    assert resent > 0
