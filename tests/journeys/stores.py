"""One socket with a store that only events keep up to date, and the state beside it."""

from typing import Any

from callboard_client import Api, Conversations, Socket
from callboard_client.catching_up import fill_gaps

from tests.conftest import Served
from tests.factories import Person


async def fetch(server: Served, person: Person) -> Conversations:
    """Fetch a person's whole state over HTTP."""
    store = Conversations(str(person.id))
    async with Api(server.url, person.token) as api:
        store.reload(await api.conversations(), await api.connections())
        await fill_gaps(api, store)
    return store


class Follower:
    """Somebody's socket on one server, which can go and come back to another."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.store = Conversations(str(person.id))
        self.was_away = False
        self.socket: Socket | None = None
        self.events: list[dict[str, Any]] = []
        self._server: Served
        self._cursor: str | None = None

    async def come(self, server: Served) -> None:
        """Connect, with the newest cursor; reload where that is not enough."""
        if self.socket is not None:
            return
        self._server = server
        self.socket = await Socket.connect(
            server.socket_url, self.person.token, cursor=self._cursor
        )
        if self.socket.hello["resumed"] is not True:
            self.store = await fetch(server, self.person)

    async def go(self) -> None:
        """Lose the connection, after having seen what has come."""
        if self.socket is None:
            return
        await self.catch_up()
        self.was_away = True
        self._cursor = self.socket.cursor
        self.socket.abort()
        await self.socket.wait_closed()
        self.socket = None

    async def catch_up(self) -> None:
        """Apply what the server has sent by now, and fetch what it says is missing."""
        assert self.socket is not None
        await self.socket.request("ping")
        for event in self.socket.take_waiting():
            self.events.append(dict(event))
            self.store.apply(event)
        async with Api(self._server.url, self.person.token) as api:
            await fill_gaps(api, self.store)

    async def is_in_step(self) -> bool:
        """Compare the store with the state fetched now."""
        await self.catch_up()
        now = await fetch(self._server, self.person)
        return self.store.snapshot() == now.snapshot()
