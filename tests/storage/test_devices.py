"""Devices: a token is one device's, a person has few, and the gone are gone."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from realtime.clock import system_clock
from realtime.node import Node
from storage.deliveries import NewDelivery
from storage.devices import REFUSALS_TAKEN, NewDevice
from storage.ids import uuid7
from storage.records import ConversationId, UserId
from tests.factories import Person, make_people

NOW = system_clock()


async def put(
    node: Node, person: Person, token: str, device: UUID | None = None, **more: object
) -> UUID:
    chosen = device or uuid4()
    at = more.pop("at", NOW)
    assert isinstance(at, datetime)
    new = NewDevice(chosen, "relay", token, **more)  # type: ignore[arg-type]
    async with node.transaction(person.id) as work:
        assert await work.devices.put(new, 3, at) is not None
    return chosen


async def of(node: Node, *people: Person) -> dict[UserId, list[UUID]]:
    async with node.transaction() as work:
        found = await work.devices.of([person.id for person in people])
    return {user: [device.id for device in theirs] for user, theirs in found.items()}


async def waiting(node: Node, person: Person, device: UUID) -> UUID:
    """Have a push wait for a device, and give the conversation that it is about."""
    conversation = uuid7()
    async with node.transaction() as work:
        await work.deliveries.plan(
            [
                NewDelivery(
                    person.id,
                    "push",
                    "message_received",
                    "alert",
                    "instant",
                    NOW,
                    conversation_id=ConversationId(conversation),
                    first_seq=1,
                    device_id=device,
                )
            ],
            NOW,
        )
    return conversation


async def became_of(node: Node, conversation: UUID) -> tuple[str, str | None]:
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text(
                "SELECT status, reason FROM callboard.deliveries"
                " WHERE conversation_id = :id"
            ),
            {"id": conversation},
        )
        row = rows.one()
    return row.status, row.reason


async def test_a_token_moves_with_whoever_registers_it(node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    old = await put(node, ada, "a-token")
    conversation = await waiting(node, ada, old)
    new = await put(node, grace, "a-token")
    assert await of(node, ada, grace) == {grace.id: [new]}
    assert await became_of(node, conversation) == ("skipped", "device_moved")
    # Another id on the same phone, or the same phone back under its id.
    newer = await put(node, grace, "a-token")
    assert await of(node, grace) == {grace.id: [newer]}
    await put(node, ada, "a-token", newer)
    assert await of(node, ada, grace) == {ada.id: [newer]}
    # The id alone takes nothing from anybody.
    async with node.transaction(grace.id) as work:
        taken = await work.devices.put(NewDevice(newer, "relay", "mine"), 3, NOW)
        assert taken is None
        assert await work.devices.get(grace.id, newer) is None
        assert not await work.devices.remove(newer, NOW)
    assert await of(node, ada, grace) == {ada.id: [newer]}


async def test_a_device_is_seen_again_and_keeps_what_waits(node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    device = await put(node, ada, "first", name="Phone")
    conversation = await waiting(node, ada, device)
    later = NOW + timedelta(days=3)
    new = NewDevice(device, "fcm", "second", payload="id_only", locale="de")
    async with node.transaction(ada.id) as work:
        assert await work.devices.put(new, 3, later) is False
        (kept,) = await work.devices.list(ada.id)
    assert (kept.kind, kept.token, kept.name) == ("fcm", "second", None)
    assert (kept.payload, kept.seen_at, kept.created_at) == ("id_only", later, NOW)
    assert "second" not in repr(kept)
    assert (await became_of(node, conversation))[0] == "pending"


async def test_of_too_many_devices_the_one_not_seen_for_longest_goes(
    node: Node,
) -> None:
    (ada,) = await make_people(node, "Ada")
    ids = [
        await put(node, ada, f"token {n}", at=NOW + timedelta(minutes=n))
        for n in (2, 0, 1)
    ]
    newest = await put(node, ada, "one more", at=NOW + timedelta(minutes=3))
    assert set((await of(node, ada))[ada.id]) == {ids[0], ids[2], newest}
    async with node.transaction() as work:
        before = NOW + timedelta(minutes=2)
        assert await work.devices.forget_unseen(before, 10, NOW) == 1
    assert set((await of(node, ada))[ada.id]) == {ids[0], newest}


async def test_a_gone_device_goes_unless_it_has_registered_anew(node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    device = await put(node, ada, "old")
    conversation = await waiting(node, ada, device)
    await put(node, ada, "new", device)
    async with node.transaction() as work:
        assert not await work.devices.gone(device, NOW, token="old")
        assert await work.devices.gone(device, NOW, token="new")
        assert not await work.devices.gone(device, NOW)
    assert await became_of(node, conversation) == ("skipped", "device_gone")
    assert await of(node, ada) == {}


async def test_a_device_that_only_refuses_is_left_alone_until_it_registers(
    node: Node,
) -> None:
    (ada,) = await make_people(node, "Ada")
    device = await put(node, ada, "token")
    async with node.transaction() as work:
        for _ in range(REFUSALS_TAKEN + 1):
            await work.devices.refused(device, "token")
    assert await of(node, ada) == {}
    await put(node, ada, "token", device)
    assert await of(node, ada) == {ada.id: [device]}


async def test_registering_one_token_at_the_same_time_leaves_one_device(
    node: Node,
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await asyncio.gather(
        *(put(node, person, "token") for person in (ada, grace) for _ in range(4))
    )
    async with node.transaction() as work:
        assert await work.devices.forget_of([ada.id, grace.id], NOW) == 1


async def test_a_person_cannot_forget_devices_of_others(node: Node) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    device = await put(node, ada, "token")
    with pytest.raises(Exception, match="permission denied"):
        async with node.transaction(grace.id) as work:
            await work.devices.gone(device, NOW)
    async with node.transaction(grace.id) as work:
        assert not await work.devices.list(ada.id)
