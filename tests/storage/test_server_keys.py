"""The server's own keys: one at a time, whoever asks first."""

import asyncio
import secrets
from datetime import timedelta

import pytest

from realtime.clock import system_clock
from realtime.node import Node
from storage.server_keys import NewKey, ServerKey
from tests.factories import make_people


def _make() -> NewKey:
    return NewKey(secrets.token_bytes(32))


async def _current(node: Node) -> ServerKey:
    async with node.transaction() as work:
        return await work.server_keys.current("links", _make)


async def test_whoever_asks_at_the_same_time_is_given_the_same_key(node: Node) -> None:
    found = await asyncio.gather(*(_current(node) for _ in range(8)))
    assert len({key.id for key in found}) == 1
    assert len({key.secret for key in found}) == 1
    assert found[0].secret.hex() not in repr(found[0])
    async with node.transaction() as work:
        assert len(await work.server_keys.all("links")) == 1
        assert not await work.server_keys.all("vapid")


async def test_rotating_retires_the_key_and_keeps_it(node: Node) -> None:
    first = await _current(node)
    now = system_clock() + timedelta(days=1)

    async def rotate() -> ServerKey:
        async with node.transaction() as work:
            return await work.server_keys.rotate("links", _make, now)

    one, other = await asyncio.gather(rotate(), rotate())
    assert (await _current(node)).id in {one.id, other.id}
    async with node.transaction() as work:
        kept = await work.server_keys.all("links")
    assert {key.id for key in kept} == {first.id, one.id, other.id}
    assert kept[-1].id == first.id
    assert kept[-1].retired_at == now
    assert [key.retired_at is None for key in kept] == [True] + [False] * (
        len(kept) - 1
    )


async def test_a_person_cannot_read_keys(node: Node) -> None:
    await _current(node)
    (ada,) = await make_people(node, "Ada")
    with pytest.raises(Exception, match="permission denied"):
        async with node.transaction(ada.id) as work:
            await work.server_keys.all("links")
