"""Links between two people: asking, answering, ending, and blocking."""

from collections.abc import Awaitable, Callable

from realtime.actor import Actor
from realtime.errors import (
    AlreadyConnected,
    AlreadyRequested,
    Blocked,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)
from realtime.ids import uuid7
from realtime.protocol import CONNECTION_EVENTS, Connection, ConversationUpdated
from realtime.telling import tell
from storage import records
from storage.errors import Missing
from storage.records import ConnectionId, UserId
from storage.unit_of_work import UnitOfWork

Step = Callable[[UnitOfWork, Actor, ConnectionId], Awaitable[Connection]]


async def request_connection(
    work: UnitOfWork, actor: Actor, other: UserId, message: str | None
) -> Connection:
    """
    Ask somebody for a connection, with one readable note.

    There is one relation for each pair: of two requests, in whatever direction and
    however close, the second is refused. One that ended can be asked for again.

    Raises:
        AlreadyConnected, AlreadyRequested: There is one.
        Blocked: Either has blocked the other.
        NotFound: There is no such person.
    """
    if other == actor.user_id:
        raise Invalid("One cannot connect with oneself.")
    if await work.ledger.is_blocked(actor.user_id, other):
        raise Blocked
    if await work.users.profile(other) is None:
        raise NotFound
    link = await work.connections.insert(
        ConnectionId(uuid7()), actor.user_id, other, message or None
    )
    if link is None:
        link = await _ask_again(work, actor, other, message or None)
    return _told(work, link)


async def _ask_again(
    work: UnitOfWork, actor: Actor, other: UserId, message: str | None
) -> records.Connection:
    existing = await work.connections.lock_pair(actor.user_id, other)
    if existing is None:
        # Gone between the two looks: only erasing a user does that.
        raise NotFound
    if existing.status == "accepted":
        raise AlreadyConnected
    if existing.status == "pending":
        raise AlreadyRequested
    return await work.connections.request_again(
        existing.id, actor.user_id, other, message
    )


async def accept_connection(
    work: UnitOfWork, actor: Actor, connection: ConnectionId
) -> Connection:
    """Accept what was asked of the actor; a second time changes nothing."""
    link = await _locked(work, connection)
    if link.recipient_id != actor.user_id:
        raise Forbidden("Only who was asked can accept.")
    if await work.ledger.is_blocked(link.requester_id, link.recipient_id):
        raise Blocked
    return await _move(work, link, "pending", "accepted")


async def reject_connection(
    work: UnitOfWork, actor: Actor, connection: ConnectionId
) -> Connection:
    """Reject what was asked of the actor; a second time changes nothing."""
    link = await _locked(work, connection)
    if link.recipient_id != actor.user_id:
        raise Forbidden("Only who was asked can reject.")
    return await _move(work, link, "pending", "rejected")


async def withdraw_connection(
    work: UnitOfWork, actor: Actor, connection: ConnectionId
) -> Connection:
    """Take back what the actor asked; a second time changes nothing."""
    link = await _locked(work, connection)
    if link.requester_id != actor.user_id:
        raise Forbidden("Only who asked can withdraw.")
    return await _move(work, link, "pending", "withdrawn")


async def remove_connection(
    work: UnitOfWork,
    actor: Actor,
    connection: ConnectionId,
) -> Connection:
    """End a connection, from either side; a second time changes nothing."""
    link = await _locked(work, connection)
    return await _move(work, link, "accepted", "removed")


async def block_user(work: UnitOfWork, actor: Actor, other: UserId) -> None:
    """
    Block somebody: from now on neither can write to the other.

    Their conversation turns `blocked` for both, and says to neither who did it.
    """
    if other == actor.user_id:
        raise Invalid("One cannot block oneself.")
    if await work.users.profile(other) is None and not await work.connections.between(
        actor.user_id, other
    ):
        raise NotFound
    try:
        await work.blocks.add(actor.user_id, other)
    except Missing:
        raise NotFound from None
    await _follow_blocks(work, actor, other)


async def unblock_user(work: UnitOfWork, actor: Actor, other: UserId) -> None:
    """Take the actor's block away; the other's, if there is one, stays."""
    await work.blocks.remove(actor.user_id, other)
    await _follow_blocks(work, actor, other)


async def _follow_blocks(work: UnitOfWork, actor: Actor, other: UserId) -> None:
    changed = await work.blocks.follow(actor.user_id, other)
    if changed is None:
        return
    for reader in (actor.user_id, other):
        seen = await work.conversations.get(reader, changed[0])
        if seen is not None:
            tell(
                work,
                [reader],
                ConversationUpdated.model_validate({"conversation": seen}),
            )


async def _locked(work: UnitOfWork, connection: ConnectionId) -> records.Connection:
    link = await work.connections.lock(connection)
    if link is None:
        raise NotFound
    return link


async def _move(
    work: UnitOfWork, link: records.Connection, before: str, after: str
) -> Connection:
    if link.status == after:
        return Connection.model_validate(link)
    if link.status != before:
        raise Conflict(f"The connection is {link.status}.")
    return _told(work, await work.connections.set_status(link.id, after))


def _told(work: UnitOfWork, link: records.Connection) -> Connection:
    """Tell both sides at which stage their link is."""
    shown = Connection.model_validate(link)
    event = CONNECTION_EVENTS[link.status](connection=shown)
    tell(work, [link.requester_id, link.recipient_id], event)
    return shown
