"""Rows by id: taken in id order, whatever order they are given in."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from realtime.node import Node
from storage.records import OrganizationId, UserId
from tests.factories import until_somebody_waits

_NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _row(one: UUID, name: str = "Bright") -> dict[str, Any]:
    return {"id": one, "name": name, "created_at": _NOW, "updated_at": _NOW}


@pytest.mark.parametrize("are_known", [True, False])
async def test_who_waits_for_the_first_row_keeps_nobody_from_the_others(
    node: Node, *, are_known: bool
) -> None:
    ids = sorted(uuid4() for _ in range(20))
    if are_known:
        async with node.transaction() as work:
            assert await work.organizations.insert_or_lock([*map(_row, ids)]) == {}

    async def take_backwards() -> set[UUID]:
        rows = [_row(one, "Later") for one in reversed(ids)]
        async with node.transaction() as work:
            return set(await work.organizations.insert_or_lock(rows))

    async with node.transaction() as work:
        await work.organizations.insert_or_lock([_row(ids[0])])
        other = asyncio.create_task(take_backwards())
        await until_somebody_waits(node)
        async with asyncio.timeout(10):
            await work.organizations.insert_or_lock([*map(_row, ids)])
    # They are the first one's, however new.
    assert await other == set(ids)
    async with node.transaction() as work:
        stored = await work.organizations.named(ids)
    assert {one.name for one in stored.values()} == {"Bright"}


async def test_what_is_locked_is_left_as_it_was(node: Node) -> None:
    one, other = uuid4(), uuid4()
    async with node.transaction() as work:
        await work.organizations.insert_or_lock([_row(one)])
    async with node.transaction() as work:
        before = await work.organizations.insert_or_lock(
            [_row(other, "New"), _row(one, "Not this")]
        )
        assert before.keys() == {one}
        assert before[one].name == "Bright"
        await work.organizations.overwrite([_row(one, "But this")])
    async with node.transaction() as work:
        stored = await work.organizations.named([one, other])
    assert (stored[one].name, stored[other].name) == ("But this", "New")


async def test_more_ids_than_a_statement_has_parameters_can_be_asked_for(
    node: Node,
) -> None:
    ids = [uuid4() for _ in range(40_000)]
    async with node.transaction() as work:
        await work.organizations.insert_or_lock([_row(ids[0])])
        assert await work.organizations.existing(ids) == {ids[0]}
        assert await work.users.existing([*map(UserId, ids)]) == set()
        assert await work.gigs.with_threads_of([*map(OrganizationId, ids)]) == []
