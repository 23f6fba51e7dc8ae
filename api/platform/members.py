"""Lists of who belongs to an organization or to a gig's team."""

from uuid import UUID

from api.deps import Paging, next_page
from api.platform.market import Member
from api.shapes import Page
from storage.members import Members
from storage.records import UserId


async def page_of_members(
    members: Members, parent: UUID, paging: Paging
) -> Page[Member]:
    """Read the page of members that is wanted, by user id."""
    position = paging.position(UUID)
    found = await members.of(
        parent,
        after=UserId(position[0]) if position else None,
        limit=paging.limit + 1,
    )
    shown_here = found[: paging.limit]
    return Page(
        items=[Member.model_validate(member) for member in shown_here],
        next=next_page(shown_here[-1].user_id) if len(found) > paging.limit else None,
    )
