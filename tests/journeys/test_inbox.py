"""An inbox counted by hand: right on every device and in all totals, after anything."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from realtime.actions.notifications import mark, shown, tell_created
from realtime.actions.receipts import mark_read
from realtime.actor import Actor
from realtime.node import Node
from realtime.protocol import SendMessage
from storage.inbox import Mark
from storage.records import ConversationId
from tests.api.calling import Ear, ear_of
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_group, make_people, put_notification

PAST = datetime(2020, 1, 1, tzinfo=UTC)
MESSAGES = 3

State = dict[str, dict[str, Any]]
Step = tuple[str, int]

marks: tuple[Mark, ...] = ("seen", "read", "archived")
steps = st.one_of(
    st.tuples(
        st.sampled_from(["plain", "plain", "mention", "hidden", "over"]), st.just(0)
    ),
    st.tuples(st.sampled_from(marks), st.integers(-1, 5)),
    st.tuples(st.just("read conversation"), st.integers(1, MESSAGES)),
    st.tuples(st.sampled_from(["drop", "return"]), st.integers(0, 1)),
)


class Device:
    """What one device holds, by events alone."""

    def __init__(self, node: Node, person: Person) -> None:
        self._node = node
        self._actor = Actor(person.id)
        self._ear: Ear | None = None
        self._cursor: str | None = None
        self._state: State = {}

    async def come(self) -> None:
        """Connect, and take what was missed."""
        if self._ear is not None:
            return
        self._ear = await ear_of(self._node, self._actor.user_id)
        resumed = await self._node.resume(self._actor, self._cursor)
        for payload in resumed.payloads:
            self._apply(orjson.loads(payload))

    async def go(self) -> None:
        """Lose the connection."""
        if self._ear is None:
            return
        resumed = await self._node.resume(self._actor, None)
        self._cursor = self._node.cursor(resumed.snapshot)
        self.catch_up()
        self._node.detach(self._actor.user_id, self._ear)
        self._ear = None

    def catch_up(self) -> State:
        """Give what it holds now."""
        assert self._ear is not None
        for event in self._ear.heard:
            self._apply(event)
        self._ear.heard.clear()
        return self._state

    def _apply(self, event: dict[str, Any]) -> None:
        if event["type"].startswith("notification."):
            told = event["data"]["notification"]
            self._state[told["id"]] = told


class Inbox:
    """What is, and what ought to be: of each the moments at which it was marked."""

    def __init__(self, node: Node, person: Person, group: ConversationId) -> None:
        self._node = node
        self._person = person
        self._group = group
        self._seqs: dict[UUID, int | None] = {}
        self._marks: dict[UUID, set[Mark]] = {}

    async def show(self, kind: str) -> None:
        """Show something, or what is not there for anybody."""
        columns: dict[str, Any] = {}
        seq = len(self._seqs) % MESSAGES + 1 if kind == "mention" else None
        if kind == "mention":
            columns = {"conversation_id": self._group, "seq": seq}
        if kind in {"hidden", "over"}:
            columns = {"is_shown": False} if kind == "hidden" else {"expires_at": PAST}
        made = await put_notification(self._node, self._person, **columns)
        if kind in {"hidden", "over"}:
            return
        async with self._node.transaction() as work:
            tell_created(work, (await work.inbox.these([made]))[0])
        self._seqs[made], self._marks[made] = seq, set()

    async def mark(self, as_what: Mark, number: int) -> None:
        """Mark one, or all."""
        made = list(self._marks)
        chosen = made if number < 0 else made[number : number + 1]
        unread = await mark(
            self._node.transaction,
            Actor(self._person.id),
            as_what,
            None if number < 0 else chosen,
            self._node.clock,
        )
        for each in chosen:
            self._marks[each] |= {"seen", as_what}
        assert unread.notifications == self.unread

    async def read_conversation(self, seq: int) -> None:
        """Read a part of the group."""
        async with self._node.transaction(self._person.id) as work:
            actor, now = Actor(self._person.id), self._node.clock()
            markers = await mark_read(work, actor, self._group, seq, now=now)
        for made, about in self._seqs.items():
            if about is not None and about <= markers.read_seq:
                self._marks[made] |= {"seen", "read"}

    @property
    def unread(self) -> int:
        """Count by hand."""
        return sum(not {"read", "archived"} & each for each in self._marks.values())

    async def check(self, devices: list[Device]) -> None:
        """Compare the lists, the totals and every device with what ought to be."""
        me, now = self._person.id, self._node.clock()
        async with self._node.transaction(me) as work:
            here = await work.inbox.of(me, now, limit=200)
            away = await work.inbox.of(me, now, is_archived=True, limit=200)
            unread = await work.conversations.unread(me, now)
        assert unread.notifications == self.unread
        state = {str(row.id): shown(row).json_data() for row in (*here, *away)}
        assert state.keys() == {str(made) for made in self._marks}
        for made, own in self._marks.items():
            held = state[str(made)]
            moments = (held["seen_at"], held["read_at"], held["archived_at"])
            assert [moment is not None for moment in moments] == [
                each in own for each in marks
            ]
        for device in devices:
            await device.come()
            assert device.catch_up() == state


async def live_through(node: Node, plan: list[Step]) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    group = await make_group(node, ada, grace)
    for _ in range(MESSAGES):
        said = SendMessage(conversation_id=group, client_id=uuid4(), body="Hi")
        await node.sender.send(Actor(grace.id), said)
    inbox = Inbox(node, ada, group)
    devices = [Device(node, ada) for _ in range(2)]
    for device in devices:
        await device.come()
    for kind, number in plan:
        match kind:
            case "drop":
                await devices[number].go()
            case "return":
                await devices[number].come()
            case "read conversation":
                await inbox.read_conversation(number)
            case "seen" | "read" | "archived":
                await inbox.mark(kind, number)
            case _:
                await inbox.show(kind)
    await inbox.check(devices)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(steps, min_size=5, max_size=25))
def test_the_inbox_is_right_after_anything(
    database: TestDatabase, plan: list[Step]
) -> None:
    async def live() -> None:
        async with running_node(settings_for(database)) as node:
            await live_through(node, plan)

    asyncio.run(live())
