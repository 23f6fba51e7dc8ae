"""Who belongs to an organization or a gig's team, as the platform says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from realtime.actions.items import unknown
from realtime.errors import Invalid
from storage.errors import Missing
from storage.members import Members
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

Noun = Literal["organization", "gig"]

# Of whom the platform says nothing else.
ORDINARY_ROLE = "member"


@dataclass(frozen=True, slots=True)
class _Move:
    parent: UUID
    user: UserId
    before: str | None
    after: str | None


async def set_member(
    work: UnitOfWork, noun: Noun, parent: UUID, user: UserId, role: str | None
) -> bool:
    """
    Give somebody a role in a locked parent, or with None take them out of it.

    Tells whether that changed anything.

    Raises:
        Invalid: There is no such user.
    """
    members = _members(work, noun)
    if role is not None and not await work.users.existing([user]):
        raise unknown(0, "user_id")
    member = await members.get(parent, user)
    move = _Move(parent, user, member.role if member else None, role)
    return bool(await _make(work, noun, [move]))


async def replace_members(
    work: UnitOfWork, noun: Noun, items: Iterable[Mapping[str, Any]]
) -> set[UUID]:
    """
    Have locked parents consist of exactly the `members` that their items name.

    An item without `members` says nothing about them. Gives the parents for which
    that changed anything.

    Raises:
        Invalid: A user does not exist (any more).
    """
    wanted = {
        item["id"]: {
            UserId(one["user_id"]): str(one.get("role", ORDINARY_ROLE))
            for one in item["members"]
        }
        for item in items
        if "members" in item
    }
    if not wanted:
        return set()
    present = await _members(work, noun).roles(wanted)
    moves = [
        _Move(parent, user, present[parent].get(user), roles.get(user))
        for parent, roles in wanted.items()
        for user in sorted(roles.keys() | present[parent].keys())
    ]
    return {move.parent for move in await _make(work, noun, moves)}


def people_in(items: Iterable[Mapping[str, Any]]) -> set[UserId]:
    """Name everybody whom items want as members."""
    return {
        UserId(member["user_id"])
        for item in items
        for member in item.get("members", ())
    }


async def _make(
    work: UnitOfWork, noun: Noun, moves: Sequence[_Move]
) -> Sequence[_Move]:
    """Make those moves that change something, and say what happened."""
    members = _members(work, noun)
    made = [move for move in moves if move.before != move.after]
    put = {
        (move.parent, move.user): move.after for move in made if move.after is not None
    }
    gone = [(move.parent, move.user) for move in made if move.after is None]
    try:
        if put:
            await members.put(put)
    except Missing:
        # Erased between the two looks.
        raise Invalid("Somebody is not known here.") from None
    if gone:
        await members.remove(gone)
    for move in made:
        work.happen(
            f"{noun}.{_what_happened(move)}",
            {f"{noun}_id": move.parent, "user_id": move.user},
            {"role": move.after} if move.after else None,
        )
    return made


def _what_happened(move: _Move) -> str:
    if move.after is None:
        return "member_removed"
    return "member_added" if move.before is None else "member_changed"


def _members(work: UnitOfWork, noun: Noun) -> Members:
    return (work.organizations if noun == "organization" else work.gigs).members
