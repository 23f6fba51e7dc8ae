"""Asking for a connection, whichever door it came through."""

from realtime.actions import connections
from realtime.actor import Actor
from realtime.node import Node
from realtime.protocol import Connection
from storage.records import UserId


async def request_connection(
    node: Node, actor: Actor, other: UserId, message: str | None
) -> Connection:
    """
    Ask somebody for a connection, as often as the limits allow.

    Who asks pays for every try; who is asked only for requests that reach them, so
    that nobody is kept from asking them by those who may not.

    Raises:
        Problem: Why the action refuses it.
        RateLimited: The one asks, or the other is asked, too often.
    """
    await node.limits.check("connections", actor.user_id)
    async with node.transaction(actor.user_id) as work:
        link = await connections.request_connection(work, actor, other, message)
        await node.limits.check("connections_to", other)
    return link
