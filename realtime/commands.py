"""The table from command to action."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from realtime.actions import connections, messages, notifications, receipts
from realtime.actions.typing import find_typing_audience
from realtime.actor import Actor
from realtime.clock import instant
from realtime.connecting import request_connection
from realtime.hub import Listener
from realtime.node import Node
from realtime.protocol import (
    AcceptConnection,
    AddReaction,
    ArchiveNotifications,
    BlockUser,
    Command,
    DeleteMessage,
    EditMessage,
    MarkDelivered,
    MarkRead,
    Ping,
    ReadNotifications,
    RejectConnection,
    RemoveConnection,
    RemoveReaction,
    RequestConnection,
    SeeNotifications,
    SetPresence,
    Type,
    Typing,
    UnblockUser,
    UnwatchPresence,
    WatchPresence,
    WithdrawConnection,
)
from storage.inbox import Mark
from storage.records import ConnectionId, ConversationId, MessageId, UserId

Data = Mapping[str, Any]
Handler = Callable[[Node, Actor, Any], Awaitable[Data]]
SessionHandler = Callable[[Node, Actor, Listener, Any], Awaitable[Data]]


async def _ping(node: Node, actor: Actor, command: Ping) -> Data:
    return {"at": instant(node.clock())}


async def _edit(node: Node, actor: Actor, command: EditMessage) -> Data:
    since = messages.oldest_editable(node.settings, node.clock())
    async with node.transaction(actor.user_id) as work:
        message = await messages.edit_message(
            work, actor, MessageId(command.message_id), command.body, since=since
        )
    return {"message": message.json_data()}


async def _delete(node: Node, actor: Actor, command: DeleteMessage) -> Data:
    async with node.transaction(actor.user_id) as work:
        message = await messages.delete_message(
            work, actor, MessageId(command.message_id)
        )
    return {"message": message.json_data()}


async def _add_reaction(node: Node, actor: Actor, command: AddReaction) -> Data:
    async with node.transaction(actor.user_id) as work:
        reactions = await messages.add_reaction(
            work, actor, MessageId(command.message_id), command.emoji
        )
    return {"reactions": reactions}


async def _remove_reaction(node: Node, actor: Actor, command: RemoveReaction) -> Data:
    async with node.transaction(actor.user_id) as work:
        reactions = await messages.remove_reaction(
            work, actor, MessageId(command.message_id), command.emoji
        )
    return {"reactions": reactions}


async def _read(node: Node, actor: Actor, command: MarkRead) -> Data:
    async with node.transaction(actor.user_id) as work:
        markers = await receipts.mark_read(
            work,
            actor,
            ConversationId(command.conversation_id),
            command.seq,
            now=node.clock(),
        )
    return {"read_seq": markers.read_seq, "unread": markers.unread}


async def _delivered(node: Node, actor: Actor, command: MarkDelivered) -> Data:
    async with node.transaction(actor.user_id) as work:
        markers = await receipts.mark_delivered(
            work, actor, ConversationId(command.conversation_id), command.seq
        )
    return {"delivered_seq": markers.delivered_seq}


def _mark(mark: Mark) -> Handler:
    """Make a handler that marks notifications."""

    async def handle(node: Node, actor: Actor, command: ReadNotifications) -> Data:
        unread = await notifications.mark(
            node.transaction, actor, mark, command.ids, node.clock
        )
        return {"unread": unread.json_data()}

    return handle


async def _request(node: Node, actor: Actor, command: RequestConnection) -> Data:
    link = await request_connection(
        node, actor, UserId(command.user_id), command.message
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


async def _type(node: Node, actor: Actor, listener: Listener, command: Type) -> Data:
    conversation = ConversationId(command.conversation_id)
    async with node.transaction(actor.user_id) as work:
        audience = await find_typing_audience(work, actor, conversation)
    if node.typists.is_worth_telling(listener, conversation, active=command.active):
        event = Typing(
            conversation_id=conversation, user_id=actor.user_id, active=command.active
        )
        node.whisper(audience, event)
    return {}


async def _watch(
    node: Node, actor: Actor, listener: Listener, command: WatchPresence
) -> Data:
    users = [UserId(user) for user in command.user_ids]
    entries = await node.watching.watch(actor, listener, users)
    return {"presence": [entry.json_data() for entry in entries]}


async def _unwatch(
    node: Node, actor: Actor, listener: Listener, command: UnwatchPresence
) -> Data:
    users = [UserId(user) for user in command.user_ids]
    node.watching.unwatch(actor.user_id, listener, users)
    return {"presence": []}


async def _set_presence(
    node: Node, actor: Actor, listener: Listener, command: SetPresence
) -> Data:
    await node.presence.set(actor.user_id, listener.session_id, command.status)
    return {}


# `auth` and `message.send` stand in `client.py`: the one changes the session itself,
# the other is answered when its batch has committed.
HANDLERS: Mapping[type[Command], Handler] = {
    Ping: _ping,
    EditMessage: _edit,
    DeleteMessage: _delete,
    AddReaction: _add_reaction,
    RemoveReaction: _remove_reaction,
    MarkRead: _read,
    MarkDelivered: _delivered,
    SeeNotifications: _mark("seen"),
    ReadNotifications: _mark("read"),
    ArchiveNotifications: _mark("archived"),
    RequestConnection: _request,
    AcceptConnection: _step(connections.accept_connection),
    RejectConnection: _step(connections.reject_connection),
    WithdrawConnection: _step(connections.withdraw_connection),
    RemoveConnection: _step(connections.remove_connection),
    BlockUser: _block,
    UnblockUser: _unblock,
}

# What changes something that others are told of, or that costs as much: limited
# together, because each is a way around the limits of the others.
CHANGES: frozenset[type[Command]] = frozenset(
    {
        EditMessage,
        DeleteMessage,
        AddReaction,
        RemoveReaction,
        AcceptConnection,
        RejectConnection,
        WithdrawConnection,
        RemoveConnection,
        BlockUser,
        UnblockUser,
    }
)

# What concerns one session of a person, and not the person.
SESSION_HANDLERS: Mapping[type[Command], SessionHandler] = {
    Type: _type,
    WatchPresence: _watch,
    UnwatchPresence: _unwatch,
    SetPresence: _set_presence,
}
