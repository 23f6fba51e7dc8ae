"""Whoever joins is not told what was said just before, whatever brings it."""

import asyncio
from uuid import UUID

import httpx
import pytest

from realtime.node import Node
from storage.records import ConversationId
from tests.conftest import settings_for
from tests.databases import TestDatabase
from tests.factories import connect_people, make_people
from tests.journeys.servers import connect, history_of, say, two_servers


async def sweep_twice(node: Node) -> None:
    """Wait until a sweep that began after now has ended."""
    begun = node.sweeps_begun
    async with asyncio.timeout(10):
        while node.sweeps_begun < begun + 2:  # noqa: ASYNC110 - nobody is told of them
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("story", ["joins", "returns"])
async def test_the_sweep_brings_a_newcomer_nothing_from_before(
    database: TestDatabase, story: str
) -> None:
    async with two_servers(settings_for(database)) as (one, two):
        ada, grace, mei = await make_people(one.node, "Ada", "Grace", "Mei")
        for other in (grace, mei):
            await connect_people(one.node, ada, other)
        first = [grace, mei] if story == "returns" else [grace]
        async with await connect(one, ada) as adas, await connect(two, mei) as meis:
            async with httpx.AsyncClient(base_url=one.url, headers=ada.headers) as http:
                made = await http.post(
                    "/v1/conversations",
                    json={
                        "kind": "group",
                        "user_ids": [str(each.id) for each in first],
                    },
                )
                group = ConversationId(UUID(made.json()["id"]))
                part = f"/v1/conversations/{group}/participants/{mei.id}"
                if story == "returns":
                    await http.delete(part)
                await say(adas, group, "not for Mei")
                await http.put(part)
            await say(adas, group, "for Mei")
            told = await meis.expect(
                "message.created",
                where=lambda data: data["message"]["body"] == "for Mei",
            )
            await sweep_twice(two.node)
            await meis.request("ping")
        heard = [
            frame["data"]["message"]["body"]
            for frame in meis.received
            if frame["type"] == "message.created"
        ]
        assert heard == ["for Mei"]
        assert told["message"]["seq"] == 2
        kept = await history_of(two, mei, group)
        assert [message["body"] for message in kept] == ["for Mei"]
