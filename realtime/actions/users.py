"""People as the platform's tokens and calls bring them here."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from realtime.actions.taking_part import let_go
from realtime.actor import Actor
from realtime.announcements import CLOSE_SESSIONS
from realtime.clock import instant
from realtime.errors import Conflict, NotFound, Suspended, Unauthenticated
from realtime.telling import doubt_relations
from realtime.tokens import Claims
from storage.errors import Duplicate
from storage.records import Profile, User, UserId
from storage.unit_of_work import UnitOfWork

_STATUS_EVENTS = {
    "active": "user.reinstated",
    "suspended": "user.suspended",
    "deleted": "user.deleted",
}

_HANDLE_TAKEN = "Somebody else has this handle."


async def admit(work: UnitOfWork, claims: Claims, *, may_create: bool) -> Actor:
    """
    Let in whom a good token speaks for, creating them on first sight.

    Raises:
        Suspended: The account is suspended.
        Unauthenticated: There is no such user (any more), or the token was revoked.
    """
    user = await work.users.get(UserId(claims.user_id))
    if user is None:
        if not may_create:
            raise Unauthenticated("The token speaks for nobody known here.")
        if await work.users.create_missing(
            UserId(claims.user_id), claims.name or "", claims.email
        ):
            work.happen("user.created", {"user_id": claims.user_id})
        return Actor(UserId(claims.user_id))
    if user.account_status == "deleted":
        raise Unauthenticated("The account was deleted.")
    if is_revoked(user, claims):
        raise Unauthenticated("The token was revoked.")
    if user.account_status == "suspended":
        raise Suspended
    return Actor(user.id)


def is_revoked(user: User, claims: Claims) -> bool:
    """Tell whether a token was issued before the moment its user was revoked."""
    if user.tokens_valid_after is None:
        return False
    return claims.issued_at is None or claims.issued_at < user.tokens_valid_after


async def get_profile(work: UnitOfWork, user: UserId) -> Profile:
    """
    Give what anybody may see of a person.

    Raises:
        NotFound: There is no such active person.
    """
    profile = await work.users.profile(user)
    if profile is None:
        raise NotFound
    return profile


async def get_profiles(work: UnitOfWork, users: Sequence[UserId]) -> list[Profile]:
    """
    Give what anybody may see of people, in the order in which they are named.

    Who is not active is left out, as nobody would be; who is named twice is there once.
    """
    found = await work.users.profiles(users)
    return [found[user] for user in dict.fromkeys(users) if user in found]


async def put_users(
    work: UnitOfWork, items: Sequence[Mapping[str, Any]], now: datetime
) -> list[User]:
    """
    Create or update people as the platform says; who is no longer active is out.

    Items that name different columns are written in groups; all in one transaction.
    Whoever is deleted by it leaves their groups.

    Raises:
        Conflict: Somebody else has the handle; names the index of the first item.
    """
    before = await work.users.with_ids([item["id"] for item in items])
    await _free_handles(work, items)
    stored: dict[UserId, User] = {}
    try:
        for group in _same_columns(items):
            for user in await work.users.put(group):
                stored[user.id] = user
    except Duplicate:
        # Taken between the two looks.
        raise Conflict(_HANDLE_TAKEN) from None
    for user in stored.values():
        _say_what_happened(work, before.get(user.id), user)
        if user.account_status != "active":
            close_sessions(work, user.id, "access revoked", now)
        elif user.id in before and before[user.id].account_status != "active":
            # Whoever watches them may know again.
            doubt_relations(work, [user.id])
    # Whatever bounced there before: the platform says that they read mail there now.
    await work.emails.forgive_bounces(
        [
            user.email
            for user in stored.values()
            if user.email and user.id in before and before[user.id].email != user.email
        ]
    )
    out = [user.id for user in stored.values() if user.account_status != "active"]
    if out:
        await work.devices.forget_of(out, now)
    await _leave_groups(
        work,
        [
            user.id
            for user in stored.values()
            if user.account_status == "deleted"
            and user.id in before
            and before[user.id].account_status != "deleted"
        ],
    )
    return [stored[item["id"]] for item in items]


async def _leave_groups(work: UnitOfWork, users: Sequence[UserId]) -> None:
    """
    Take people out of every group that is no gig's; each goes to an heir if need be.

    Gig threads follow the market, and direct conversations stay with the other one.
    """
    if not users:
        return
    seats = await work.threads.in_groups(users)
    locked = {
        conversation: await work.threads.lock(conversation)
        for conversation in sorted({seat.conversation_id for seat in seats})
    }
    for seat in seats:
        group = locked[seat.conversation_id]
        if group is not None:
            await let_go(work, seat.conversation_id, group, seat.user_id, "removed")


async def _free_handles(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """
    Make room for handles that change hands within these items.

    Raises:
        Conflict: Somebody else keeps one that is asked for, or asks for it too.
    """
    wanted = [str(item.get("handle") or "").lower() for item in items]
    holders = await work.users.holding([handle for handle in wanted if handle])
    # Who gets another one in this batch lets go of theirs.
    moving = {item["id"] for item in items if "handle" in item}
    taken: dict[str, UserId] = {
        handle: user for handle, user in holders.items() if user not in moving
    }
    wanted_by = {item["id"]: handle for item, handle in zip(items, wanted, strict=True)}
    freed = [
        user
        for handle, user in holders.items()
        if user in moving and wanted_by[user] != handle
    ]
    if freed:
        await work.users.let_go_of_handles(freed)
    for index, (item, handle) in enumerate(zip(items, wanted, strict=True)):
        if handle and taken.setdefault(handle, item["id"]) != item["id"]:
            raise Conflict(_HANDLE_TAKEN, details={"index": index})


def first_new_second(now: datetime) -> datetime:
    """
    Give the first moment at which a token says that it was issued after now.

    Tokens know whole seconds only, so one that says "this second" may be older.
    """
    return now.replace(microsecond=0) + timedelta(seconds=1)


async def revoke_sessions(work: UnitOfWork, user: UserId, now: datetime) -> datetime:
    """
    Refuse every token issued before now and close every session, on all nodes.

    Gives the moment from which on tokens must have been issued to be good, which is
    the next whole second.

    Raises:
        NotFound: There is no such user.
    """
    limit = await _refuse_tokens(work, user, now)
    work.happen("user.revoked", {"user_id": user})
    return limit


async def _refuse_tokens(work: UnitOfWork, user: UserId, now: datetime) -> datetime:
    limit = first_new_second(now)
    if not await work.users.refuse_tokens_before(user, limit):
        raise NotFound
    close_sessions(work, user, "access revoked", now)
    # Who is signed out there is told nothing there.
    await work.devices.forget_of([user], now)
    return limit


async def suspend_user(work: UnitOfWork, user: UserId, now: datetime) -> User:
    """
    Suspend an account, and refuse its tokens of before even when it is active again.

    Raises:
        NotFound: There is no such user.
    """
    await _refuse_tokens(work, user, now)
    suspended = await work.users.set_status(user, "suspended")
    if suspended is None:
        raise NotFound
    work.happen("user.suspended", {"user_id": user})
    return suspended


def _say_what_happened(work: UnitOfWork, before: User | None, after: User) -> None:
    """Keep what a `PUT` changed, by the names of the columns and never their values."""
    subject = {"user_id": after.id}
    if before is None:
        work.happen("user.created", subject)
        return
    changed = [
        field.name
        for field in fields(User)
        if field.name != "updated_at"
        and getattr(before, field.name) != getattr(after, field.name)
    ]
    if "account_status" in changed:
        kind = _STATUS_EVENTS[after.account_status]
        work.happen(kind, subject, {"changed": changed})
    elif changed:
        work.happen("user.updated", subject, {"changed": changed})


def close_sessions(work: UnitOfWork, user: UserId, reason: str, now: datetime) -> None:
    """Have every node close a user's sockets once this work has committed."""
    work.record([user], CLOSE_SESSIONS, instant(now), {"reason": reason})


def _same_columns(
    items: Sequence[Mapping[str, Any]],
) -> list[list[Mapping[str, Any]]]:
    groups: dict[frozenset[str], list[Mapping[str, Any]]] = {}
    for item in items:
        groups.setdefault(frozenset(item), []).append(item)
    return list(groups.values())
