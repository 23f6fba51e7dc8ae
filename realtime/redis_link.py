"""
One session with Redis or Valkey: a single server or a cluster, alike from outside.

Nothing here retries or reconnects: a command sent twice could announce twice, and a
connection that comes back by itself hides that something was lost meanwhile. Whoever
holds a session ends it at the first fault and begins another.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import (
    AbstractConnection,
    ConnectionPool,
    SSLConnection,
    parse_url,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisClusterException, RedisError, ResponseError

Command = tuple[str | bytes | int, ...]

# What a session can end with; anything else is a bug.
FAULTS = (RedisError, RedisClusterException, OSError, TimeoutError)

# The longest a command may take; also how long a stalled server goes unnoticed.
_COMMAND_SECONDS = 2.0


@dataclass(frozen=True)
class Address:
    """Where Redis is and how to log in; the password never shows."""

    options: Mapping[str, Any] = field(repr=False)
    is_cluster: bool

    @classmethod
    def parse(cls, url: str, *, is_cluster: bool) -> Self:
        """
        Read a URL: redis://, rediss:// or unix://.

        Raises:
            ValueError: It is something else; its text is not repeated.
        """
        options = dict[str, Any](parse_url(url))
        if is_cluster and options.pop("connection_class", None) is SSLConnection:
            options["ssl"] = True
        return cls(options, is_cluster)


class Link:
    """
    Commands to the servers, several at once, and a subscription.

    `open` it, `aclose` it; every method but `aclose` may raise any of `FAULTS`.
    """

    def __init__(self, client: Redis | RedisCluster) -> None:
        self._client = client

    @classmethod
    async def open(cls, address: Address) -> Self:
        """Connect, within a bounded time."""
        # Ours win over what the query of the URL says: parsing relies on them.
        # RESP2, because redis-py makes a text for the log of each push of RESP3.
        options: dict[str, Any] = {
            **address.options,
            "protocol": 2,
            "decode_responses": False,
            "socket_timeout": _COMMAND_SECONDS,
            "socket_connect_timeout": _COMMAND_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        link = cls(
            RedisCluster(**options)
            if address.is_cluster
            else Redis(connection_pool=ConnectionPool(**options))
        )
        try:
            async with asyncio.timeout(_COMMAND_SECONDS):
                await link._client.initialize()
        except BaseException:
            await link.aclose()
            raise
        return link

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one go, in order for each server; give their answers."""
        if not commands:
            return []
        if isinstance(self._client, RedisCluster):
            pipeline: Any = self._client.pipeline()
        else:
            # A transaction would keep other clients waiting and promise nothing here.
            pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        async with asyncio.timeout(_COMMAND_SECONDS):
            # redis-py's own raising would put the command's text into the error.
            answers = cast("list[Any]", await pipeline.execute(raise_on_error=False))
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def publishing(self, channel: str, data: bytes) -> Command:
        """Make the command that sends data to who subscribed a channel."""
        sharded = isinstance(self._client, RedisCluster)
        return ("SPUBLISH" if sharded else "PUBLISH", channel, data)

    async def subscribe(self, channel: str) -> "Subscription":
        """Subscribe, on a cluster where the channel's slot lives; returns when done."""
        if isinstance(self._client, RedisCluster):
            node = self._client.get_node_from_key(channel)
            if node is None:
                raise ConnectionLost("no server has the slot of the channel")
            connection: AbstractConnection = node.connection_class(
                **node.connection_kwargs
            )
            command = "SSUBSCRIBE"
        else:
            connection = self._client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
            command = "SUBSCRIBE"
        subscription = Subscription(connection)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command(command, channel)
            await connection.read_response(push_request=True)
        except BaseException:
            await subscription.aclose()
            raise
        return subscription

    async def aclose(self) -> None:
        """Close all connections but those of subscriptions."""
        if isinstance(self._client, RedisCluster):
            await self._client.aclose()
        else:
            await self._client.aclose(close_connection_pool=True)


class Subscription:
    """
    A connection of its own that hears one channel.

    Not redis-py's `PubSub`, which subscribes again unasked after a lost connection:
    what was lost meanwhile would go unnoticed.
    """

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def next(self) -> bytes:
        """
        Wait for the next message, however long.

        Raises:
            RedisError: The connection or the subscription is gone.
        """
        while True:
            kind, _, data = await self._connection.read_response(
                timeout=math.inf, push_request=True
            )
            if kind in (b"message", b"smessage"):
                return bytes(data)
            if kind in (b"unsubscribe", b"sunsubscribe"):
                raise ConnectionLost("the channel has moved to another server")

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.disconnect(nowait=True)


def describe(error: BaseException) -> str:
    """
    Say in a line why a session ended, fit for a log.

    Servers repeat the arguments of a command they refuse, and ours carry messages:
    they follow the first comma.
    """
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(sorted({describe(inner) for inner in error.exceptions}))
    text = str(error)
    if isinstance(error, ResponseError):
        text = text.partition(",")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
