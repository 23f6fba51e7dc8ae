"""The table from command to action."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from realtime.actions import connections, receipts
from realtime.actor import Actor
from realtime.clock import instant
from realtime.node import Node
from realtime.protocol import (
    AcceptConnection,
    BlockUser,
    Command,
    MarkDelivered,
    MarkRead,
    Ping,
    RejectConnection,
    RemoveConnection,
    RequestConnection,
    UnblockUser,
    WithdrawConnection,
)
from storage.records import ConnectionId, ConversationId, UserId

Data = Mapping[str, Any]
Handler = Callable[[Node, Actor, Any], Awaitable[Data]]


async def _ping(node: Node, actor: Actor, command: Ping) -> Data:
    return {"at": instant(node.clock())}


async def _read(node: Node, actor: Actor, command: MarkRead) -> Data:
    async with node.transaction(actor.user_id) as work:
        markers = await receipts.mark_read(
            work, actor, ConversationId(command.conversation_id), command.seq
        )
    return {"read_seq": markers.read_seq, "unread": markers.unread}


async def _delivered(node: Node, actor: Actor, command: MarkDelivered) -> Data:
    async with node.transaction(actor.user_id) as work:
        markers = await receipts.mark_delivered(
            work, actor, ConversationId(command.conversation_id), command.seq
        )
    return {"delivered_seq": markers.delivered_seq}


async def _request(node: Node, actor: Actor, command: RequestConnection) -> Data:
    async with node.transaction(actor.user_id) as work:
        link = await connections.request_connection(
            work, actor, UserId(command.user_id), command.message
        )
    return {"connection": link.json_data()}


def _step(step: connections.Step) -> Handler:
    """Make a handler of a step that a connection takes."""

    async def handle(node: Node, actor: Actor, command: AcceptConnection) -> Data:
        async with node.transaction(actor.user_id) as work:
            link = await step(work, actor, ConnectionId(command.connection_id))
        return {"connection": link.json_data()}

    return handle


async def _block(node: Node, actor: Actor, command: BlockUser) -> Data:
    async with node.transaction(actor.user_id) as work:
        await connections.block_user(work, actor, UserId(command.user_id))
    return {}


async def _unblock(node: Node, actor: Actor, command: UnblockUser) -> Data:
    async with node.transaction(actor.user_id) as work:
        await connections.unblock_user(work, actor, UserId(command.user_id))
    return {}


# `auth` and `message.send` stand in `client.py`: the one changes the session itself,
# the other is answered when its batch has committed.
HANDLERS: Mapping[type[Command], Handler] = {
    Ping: _ping,
    MarkRead: _read,
    MarkDelivered: _delivered,
    RequestConnection: _request,
    AcceptConnection: _step(connections.accept_connection),
    RejectConnection: _step(connections.reject_connection),
    WithdrawConnection: _step(connections.withdraw_connection),
    RemoveConnection: _step(connections.remove_connection),
    BlockUser: _block,
    UnblockUser: _unblock,
}
