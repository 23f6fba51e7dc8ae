"""The platform's organizations and who belongs to them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from realtime.actions.items import Item, Put, put_items, say_what_happened
from realtime.actions.members import people_in, replace_members, set_member
from realtime.actions.threads import follow_gigs
from realtime.errors import NotFound
from realtime.settings import Settings
from storage.records import Member, Organization, OrganizationId, UserId
from storage.unit_of_work import UnitOfWork


async def get_organization(
    work: UnitOfWork, organization: OrganizationId
) -> Organization:
    """
    Give an organization to the platform.

    Raises:
        NotFound: There is no such organization.
    """
    found = await work.organizations.get(organization)
    if found is None:
        raise NotFound
    return found


async def put_organizations(
    work: UnitOfWork, items: Sequence[Item], settings: Settings, now: datetime
) -> list[Organization]:
    """
    Create or update organizations as the platform says.

    An item has `id`, `name` and perhaps `members`, who are then all of them; ids
    differ.

    Raises:
        Invalid: A member is not known here; names the index of the first such item.
    """
    people = await work.users.existing(people_in(items))

    def unknown_in(item: Item) -> str | None:
        return None if people_in([item]) <= people else "members"

    def check(index: int, before: Organization, item: Item) -> None:
        """Find nothing to say against: a name may change."""

    puts: list[Put[Organization]] = await put_items(
        work.organizations, items, {}, now, unknown_in=unknown_in, check=check
    )
    for put in puts:
        subject = {"organization_id": put.after.id}
        say_what_happened(work, "organization", put, subject)
    moved = await replace_members(work, "organization", items)
    await _follow(work, moved, settings)
    return [put.after for put in puts]


async def put_organization_member(
    work: UnitOfWork,
    organization: OrganizationId,
    user: UserId,
    role: str,
    settings: Settings,
) -> Member:
    """
    Have somebody belong to an organization, in a role; its threads follow at once.

    Raises:
        NotFound: There is no such organization.
        Invalid: There is no such user.
    """
    await _set_member(work, organization, user, role, settings)
    member = await work.organizations.members.get(organization, user)
    if member is None:
        # Nobody but the holder of the organization's lock takes members away.
        raise NotFound
    return member


async def remove_organization_member(
    work: UnitOfWork,
    organization: OrganizationId,
    user: UserId,
    settings: Settings,
) -> None:
    """
    Have somebody belong to it no more: out of its threads at once.

    Who does not belong to it is no reason to refuse.

    Raises:
        NotFound: There is no such organization.
    """
    await _set_member(work, organization, user, None, settings)


async def _set_member(
    work: UnitOfWork,
    organization: OrganizationId,
    user: UserId,
    role: str | None,
    settings: Settings,
) -> None:
    if not await work.organizations.lock([organization]):
        raise NotFound
    if await set_member(work, "organization", organization, user, role):
        await _follow(work, [organization], settings)


async def _follow(
    work: UnitOfWork, organizations: Collection[UUID], settings: Settings
) -> None:
    if not organizations:
        return
    gigs = await work.gigs.with_threads_of(
        [OrganizationId(organization) for organization in organizations]
    )
    if gigs:
        await follow_gigs(work, gigs, settings)
