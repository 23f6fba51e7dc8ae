"""What the other tests rely on when they ask for a real service."""

import asyncio
import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis.asyncio
from redis.asyncio.client import PubSub

from tests.services import ValkeyServer

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


async def next_message(pubsub: PubSub) -> bytes:
    async with asyncio.timeout(5):
        while True:
            message = await pubsub.get_message(
                ignore_subscribe_messages=True, timeout=1
            )
            if message is not None:
                return bytes(message["data"])


async def test_what_is_published_arrives(valkey: ValkeyServer) -> None:
    async with redis.asyncio.from_url(valkey.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("topic")
        await pubsub.get_message(timeout=5)  # the confirmation
        assert await client.publish("topic", b"hello") == 1
        assert await next_message(pubsub) == b"hello"


async def test_a_restarted_server_is_empty_and_at_the_same_address(
    valkey: ValkeyServer,
) -> None:
    before = valkey.url
    async with redis.asyncio.from_url(valkey.url) as client:
        await client.set("kept", "no")
    valkey.restart()
    assert valkey.url == before
    async with redis.asyncio.from_url(valkey.url) as client:
        assert await client.dbsize() == 0


async def test_a_killed_server_breaks_its_connections(valkey: ValkeyServer) -> None:
    async with redis.asyncio.from_url(valkey.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("topic")
        await pubsub.get_message(timeout=5)
        valkey.kill()
        with pytest.raises(redis.ConnectionError):
            await next_message(pubsub)


async def test_a_cluster_of_one_delivers_sharded_messages() -> None:
    with ValkeyServer(cluster=True) as server:
        client = redis.asyncio.RedisCluster.from_url(server.url)
        async with client:
            pubsub = client.pubsub()
            async with contextlib.aclosing(pubsub):
                await pubsub.ssubscribe("topic")
                await client.spublish("topic", "hello")
                async with asyncio.timeout(5):
                    message = None
                    while message is None or message["type"] != "smessage":
                        message = await pubsub.get_sharded_message(timeout=1)
                assert message["data"] == b"hello"


async def test_two_servers_live_side_by_side(valkey: ValkeyServer) -> None:
    with ValkeyServer() as other:
        assert other.port != valkey.port


def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "from tests.services import ValkeyServer\n"
        "print(ValkeyServer().start().pid, flush=True)\n"
        "input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # where its files remain
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        server = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    with os.fdopen(server, "rb"):
        readable, _, _ = select.select([server], [], [], 10)
        assert readable == [server]  # which is how a pidfd says that it ended
