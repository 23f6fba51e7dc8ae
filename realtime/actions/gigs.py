"""
The platform's gigs, jobs and projects, and who works on them.

Whoever changes what a gig's threads depend on locks the gig first and then, where it
matters, organizations, applications and conversations; rows of a kind in id order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from realtime.actions.items import (
    Item,
    Put,
    Steps,
    put_items,
    require_step,
    say_what_happened,
)
from realtime.actions.members import people_in, replace_members, set_member
from realtime.actions.threads import follow_gigs
from realtime.errors import NotFound
from realtime.settings import Settings
from storage.records import Gig, GigId, KnownGig, Member, UserId
from storage.unit_of_work import UnitOfWork

# What was published is never a draft again, and what was cancelled takes place only
# after it has been reopened.
GIG_STEPS: Steps = MappingProxyType(
    {
        "draft": {"published", "filled", "closed", "completed", "cancelled"},
        "published": {"filled", "closed", "completed", "cancelled"},
        "filled": {"published", "closed", "completed", "cancelled"},
        "closed": {"published", "filled", "completed", "cancelled"},
        "completed": {"published", "filled", "closed", "cancelled"},
        "cancelled": {"published", "closed"},
    }
)

_DEFAULTS: Item = MappingProxyType(
    {"organization_id": None, "deadline": None, "starts_at": None, "data": {}}
)

# By these it is decided who belongs to a gig's threads and how those stand.
_FOLLOWED = ("owner_id", "organization_id", "status")


async def get_gig(work: UnitOfWork, gig: GigId) -> Gig:
    """
    Give a gig to the platform.

    Raises:
        NotFound: There is no such gig.
    """
    found = await work.gigs.get(gig)
    if found is None:
        raise NotFound
    return found


async def know_gig(work: UnitOfWork, gig: GigId) -> KnownGig:
    """
    Give what a person may know of a gig.

    Raises:
        NotFound: There is none, or it is neither published nor theirs to know.
    """
    found = await work.gigs.known(gig)
    if found is None:
        raise NotFound
    return found


async def put_gigs(
    work: UnitOfWork, items: Sequence[Item], settings: Settings, now: datetime
) -> list[Gig]:
    """
    Create or update gigs as the platform says; their threads follow at once.

    An item has `id`, `kind`, `owner_id`, `title`, `status`, perhaps more columns, and
    perhaps `members`, who are then the whole team; ids differ.

    Raises:
        Invalid: Its owner, organization or a member is not known here.
        Conflict: Its status cannot follow the one before. Both name the index of the
            first bad item.
    """
    people = await work.users.existing(
        people_in(items) | {item["owner_id"] for item in items}
    )
    organizations = await work.organizations.existing(
        {one for item in items if (one := item.get("organization_id"))}
    )

    def unknown_in(item: Item) -> str | None:
        if item["owner_id"] not in people:
            return "owner_id"
        if item.get("organization_id") not in {None, *organizations}:
            return "organization_id"
        return None if people_in([item]) <= people else "members"

    puts: list[Put[Gig]] = await put_items(
        work.gigs, items, _DEFAULTS, now, unknown_in=unknown_in, check=_check
    )
    for put in puts:
        say_what_happened(work, "gig", put, _subject(put.after), first="draft")
    moved = await replace_members(work, "gig", items)
    # About what is new nobody can have talked.
    changed = [
        put.after
        for put in puts
        if put.before and (put.after.id in moved or put.changes(*_FOLLOWED))
    ]
    await _follow(work, changed, settings)
    return [put.after for put in puts]


async def put_gig_member(
    work: UnitOfWork,
    gig: GigId,
    user: UserId,
    role: str,
    settings: Settings,
) -> Member:
    """
    Have somebody in a gig's team, in a role; its threads follow at once.

    Raises:
        NotFound: There is no such gig.
        Invalid: There is no such user.
    """
    await _set_member(work, gig, user, role, settings)
    member = await work.gigs.members.get(gig, user)
    if member is None:
        # Nobody but the holder of the gig's lock takes members away.
        raise NotFound
    return member


async def remove_gig_member(
    work: UnitOfWork, gig: GigId, user: UserId, settings: Settings
) -> None:
    """
    Have somebody in a gig's team no more: out of its threads at once.

    Who is not in the team is no reason to refuse.

    Raises:
        NotFound: There is no such gig.
    """
    await _set_member(work, gig, user, None, settings)


async def _set_member(
    work: UnitOfWork,
    gig: GigId,
    user: UserId,
    role: str | None,
    settings: Settings,
) -> None:
    locked = await work.gigs.lock([gig])
    if not locked:
        raise NotFound
    if await set_member(work, "gig", gig, user, role):
        await _follow(work, list(locked.values()), settings)


def _check(index: int, before: Gig, item: Item) -> None:
    require_step(index, GIG_STEPS, before.status, item["status"])


def _subject(gig: Gig) -> dict[str, UUID | None]:
    return {
        "gig_id": gig.id,
        "owner_id": gig.owner_id,
        "organization_id": gig.organization_id,
    }


async def _follow(work: UnitOfWork, gigs: Collection[Gig], settings: Settings) -> None:
    if not gigs:
        return
    # So that nobody joins or leaves an organization into which a gig is moving.
    await work.organizations.hold(
        {gig.organization_id for gig in gigs if gig.organization_id}
    )
    await follow_gigs(work, [gig.id for gig in gigs], settings)
