"""Links between two people: asking, answering, ending, and blocking."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn
from uuid import UUID

from realtime.actions.notifications import settle_connections
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
from realtime.protocol import CONNECTION_EVENTS, Connection, ConversationUpdated
from realtime.telling import doubt_relations, tell
from storage import records
from storage.errors import Duplicate, Missing
from storage.ids import uuid7
from storage.records import ConnectionId, UserId
from storage.unit_of_work import UnitOfWork

_SIDES = ("requester_id", "recipient_id")

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
        Forbidden: They take no requests from the actor.
        NotFound: There is no such person.
    """
    if other == actor.user_id:
        raise Invalid("One cannot connect with oneself.")
    if await work.ledger.is_blocked(actor.user_id, other):
        raise Blocked
    if await work.users.profile(other) is None:
        raise NotFound
    if not await work.ledger.takes_requests(actor.user_id, other):
        await _refuse_request(work, actor, other)
    try:
        link = await work.connections.insert(
            ConnectionId(uuid7()), actor.user_id, other, message or None
        )
    except Missing:
        # Erased between the two looks.
        raise NotFound from None
    if link is None:
        link = await _ask_again(work, actor, other, message or None)
    return _told(work, link)


async def _refuse_request(work: UnitOfWork, actor: Actor, other: UserId) -> NoReturn:
    """Refuse what somebody does not take; what the two have already tells more."""
    existing = await work.connections.between(actor.user_id, other)
    if existing is not None:
        _refuse_second(existing)
    raise Forbidden("This person does not take requests.")


def _refuse_second(existing: records.Connection) -> None:
    if existing.status == "accepted":
        raise AlreadyConnected
    if existing.status == "pending":
        raise AlreadyRequested


async def _ask_again(
    work: UnitOfWork, actor: Actor, other: UserId, message: str | None
) -> records.Connection:
    existing = await work.connections.lock_pair(actor.user_id, other)
    if existing is None:
        # Gone between the two looks: only erasing a user does that.
        raise NotFound
    _refuse_second(existing)
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
        is_new = await work.blocks.add(actor.user_id, other)
    except Missing:
        raise NotFound from None
    if is_new:
        work.happen("user.blocked", _blocking(actor, other))
        doubt_relations(work, [actor.user_id, other])
    await _follow_blocks(work, actor, other)


async def unblock_user(work: UnitOfWork, actor: Actor, other: UserId) -> None:
    """Take the actor's block away; the other's, if there is one, stays."""
    if await work.blocks.remove(actor.user_id, other):
        work.happen("user.unblocked", _blocking(actor, other))
        doubt_relations(work, [actor.user_id, other])
    await _follow_blocks(work, actor, other)


async def put_connections(
    work: UnitOfWork, items: Sequence[Mapping[str, Any]]
) -> list[Connection]:
    """
    Create or update links as the platform says; both sides hear of what changed.

    An item has `id`, `requester_id`, `recipient_id`, `status` and perhaps `message`;
    ids differ. What says nothing new changes nothing and is not told.

    Raises:
        Invalid: Somebody is linked with themselves, or is not known here.
        Conflict: The pair has another link, or the link is another pair's. Like
            `Invalid`, it names the index of the first such item.
    """
    known = await work.connections.with_ids([item["id"] for item in items])
    await _check_people(work, items)
    await _check_pairs(work, items, known)
    changed = [
        _whole(item, known.get(item["id"]))
        for item in items
        if _says_something_new(item, known.get(item["id"]))
    ]
    stored: dict[UUID, records.Connection] = dict(known)
    if changed:
        try:
            for link in await work.connections.put(changed):
                stored[link.id] = link
        except Duplicate:
            raise Conflict("The pair has another connection.") from None
        except Missing:
            raise Invalid("Somebody is not known here.") from None
    await settle_connections(work, [stored[item["id"]] for item in changed])
    for item in changed:
        _told(work, stored[item["id"]])
    return [Connection.model_validate(stored[item["id"]]) for item in items]


async def _check_people(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    people = {item[side] for item in items for side in _SIDES}
    unknown = people - await work.users.existing(sorted(people))
    for index, item in enumerate(items):
        if item["requester_id"] == item["recipient_id"]:
            raise Invalid(
                "Nobody is connected with themselves.", details={"index": index}
            )
        for side in _SIDES:
            if item[side] in unknown:
                raise Invalid(
                    f"{side} names nobody known here.", details={"index": index}
                )


async def _check_pairs(
    work: UnitOfWork,
    items: Sequence[Mapping[str, Any]],
    known: Mapping[UUID, records.Connection],
) -> None:
    pairs = [_pair(item["requester_id"], item["recipient_id"]) for item in items]
    taken: dict[tuple[UserId, UserId], UUID] = dict(
        await work.connections.of_pairs(pairs)
    )
    for index, (item, pair) in enumerate(zip(items, pairs, strict=True)):
        if (holder := taken.setdefault(pair, item["id"])) != item["id"]:
            raise Conflict(
                "The pair has another connection.",
                details={"index": index, "connection_id": str(holder)},
            )
        before = known.get(item["id"])
        if before and _pair(before.requester_id, before.recipient_id) != pair:
            raise Conflict(
                "The connection is between other people.", details={"index": index}
            )


def _pair(one: UserId, other: UserId) -> tuple[UserId, UserId]:
    return (min(one, other), max(one, other))


def _whole(
    item: Mapping[str, Any], before: records.Connection | None
) -> Mapping[str, Any]:
    """Name every column; what the item leaves out keeps its value."""
    return {"message": before.message if before else None, **item}


def _says_something_new(
    item: Mapping[str, Any], before: records.Connection | None
) -> bool:
    return before is None or any(
        getattr(before, column) != value for column, value in item.items()
    )


def _blocking(actor: Actor, other: UserId) -> dict[str, UUID]:
    return {"blocker_id": actor.user_id, "blocked_id": other}


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
    moved = await work.connections.set_status(link.id, after)
    await settle_connections(work, [moved])
    return _told(work, moved)


def _told(work: UnitOfWork, link: records.Connection) -> Connection:
    """Tell both sides, and the platform, at which stage their link is."""
    shown = Connection.model_validate(link)
    event = CONNECTION_EVENTS[link.status](connection=shown)
    tell(work, [link.requester_id, link.recipient_id], event)
    work.happen(
        event.kind,
        {
            "connection_id": link.id,
            "requester_id": link.requester_id,
            "recipient_id": link.recipient_id,
        },
    )
    return shown
