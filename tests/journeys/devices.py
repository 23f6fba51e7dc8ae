"""People with devices that go through faults, and count them."""

import random
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from uuid import NAMESPACE_URL, uuid5

from callboard_client import Backoff, Client, Message

from tests.factories import Person


class Device:
    """
    One client of somebody, on one server.

    `comebacks` counts how often it had to try again, `resent` the sends that such a
    fault met before their acknowledgement, and `repeated` those of them which turned
    out to have been committed before the fault.
    """

    def __init__(self, person: Person, url: str, chances: random.Random) -> None:
        self.person = person
        self.comebacks = self.resent = self.repeated = 0
        self._chances = chances
        self._fault_at = datetime.min.replace(tzinfo=UTC)
        backoff = Backoff(first_s=0.2, longest_s=1.0, chance=self._after_fault)
        self.client = Client(url, person.token, history=None, backoff=backoff)

    async def __aenter__(self) -> Self:
        await self.client.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.client.close()

    async def holds(self, conversation_id: str, seq: int) -> None:
        """Wait until the store has a conversation's messages up to `seq`."""
        store = self.client.store

        def is_there() -> bool:
            timeline = store.timeline(conversation_id)
            return (
                timeline is not None
                and timeline.last_seq >= seq
                and timeline.is_complete
            )

        await self.client.until(is_there)

    async def sees(self, connection_id: str, status: str) -> None:
        """Wait until the store knows that a connection has a status."""
        store = self.client.store

        def is_there() -> bool:
            connection = store.connections.get(connection_id)
            return connection is not None and connection["status"] == status

        await self.client.until(is_there)

    async def say(self, body: str, key: str, **where: str) -> Message:
        """Send a message, however often it takes; `key` is what makes it the same."""
        comebacks, was_online = self.comebacks, self.client.state == "online"
        client_id = str(uuid5(NAMESPACE_URL, key))
        message = await self.client.send(body, client_id=client_id, **where)
        if was_online and self.comebacks > comebacks:
            self.resent += 1
            sent_at = datetime.fromisoformat(message["sent_at"])
            self.repeated += sent_at < self._fault_at
        return message

    def _after_fault(self) -> float:
        self.comebacks += 1
        self._fault_at = datetime.now(UTC)
        return self._chances.random()
