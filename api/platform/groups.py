"""
Groups whose members the platform manages, such as communities.

They need no connections between them: who is in is the platform's word. A community is
a group in which only owners write.
"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict

from api import shapes
from api.deps import ANode, APaging, moment, next_page, platform_with
from api.errors import refusals
from api.examples import ADA, GROUP, PARTICIPANT, page_of, shown
from api.idempotency import Once, once_with
from api.platform.batches import Batch, items_of
from api.shapes import DisplayName, Page
from realtime.actions.platform_groups import (
    get_group,
    put_group,
    put_members,
    remove_member,
)
from realtime.actor import Platform
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Id, Participant, Wire
from storage.records import ConversationId, UserId
from storage.unit_of_work import UnitOfWork

SCOPE = "groups"

router = APIRouter(
    prefix="/v1/platform/groups",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]

Writers = Literal["members", "owners"]
History = Literal["all", "joined"]
Role = Literal["owner", "member"]


class GroupFields(shapes.Body):
    """A group, and one of its owners; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": GROUP["title"], "owner_id": ADA, "writers": "owners"}
            ]
        }
    )

    title: DisplayName
    owner_id: Id
    writers: Writers | None = None
    history: History | None = None


class GroupMemberFields(shapes.Body):
    """What somebody is in a group; left out, a member, or as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "member"}]})

    role: Role | None = None


class GroupMemberItem(GroupMemberFields):
    """Somebody in a batch of members."""

    model_config = ConfigDict(json_schema_extra={})

    user_id: Id


class Group(Wire):
    """A group: who may write in it, and what who joins may read of the past."""

    id: UUID
    title: str | None
    status: Literal["active", "blocked", "archived"]
    writers: Writers
    history: History
    member_count: int


async def _shown(work: UnitOfWork, group: ConversationId) -> Group:
    locked = await get_group(work, group)
    return Group.model_validate(
        {
            "id": group,
            "title": locked.title,
            "status": locked.status,
            "writers": locked.writers,
            "history": locked.history,
            "member_count": locked.participant_count,
        }
    )


async def _members(
    work: UnitOfWork, group: ConversationId, users: list[UserId]
) -> list[Participant]:
    parts = await work.conversations.parts(users, [group])
    return [Participant.model_validate(parts[group, user]) for user in users]


@router.put(
    "/{group_id}",
    response_model=Group,
    responses=shown(GROUP) | refusals(Conflict, TooLarge),
)
async def put_platform_group(
    node: ANode, platform: APlatform, group_id: UUID, fields: GroupFields
) -> Group:
    """
    Create or update a group; its owner is brought in, other owners stay.

    The id is that of the conversation in which people find it.
    """
    group = ConversationId(group_id)
    async with node.transaction(key=platform.key_id) as work:
        await put_group(
            work,
            group,
            title=fields.title,
            owner=UserId(fields.owner_id),
            writers=fields.writers,
            history=fields.history,
            settings=node.settings,
        )
        return await _shown(work, group)


@router.get(
    "/{group_id}", response_model=Group, responses=shown(GROUP) | refusals(NotFound)
)
async def read_group(node: ANode, platform: APlatform, group_id: UUID) -> Group:
    """Show a group as it is now."""
    async with node.transaction(key=platform.key_id) as work:
        return await _shown(work, ConversationId(group_id))


@router.get(
    "/{group_id}/members",
    response_model=Page[Participant],
    responses=shown(page_of(PARTICIPANT)) | refusals(NotFound),
)
async def read_members_of_group(
    node: ANode, platform: APlatform, group_id: UUID, paging: APaging
) -> Page[Participant]:
    """List who is in a group, whoever joined first first."""
    position = paging.position(moment, UUID)
    group = ConversationId(group_id)
    async with node.transaction(key=platform.key_id) as work:
        await get_group(work, group)
        found = await work.conversations.participants_of(
            None,
            group,
            after=(position[0], UserId(position[1])) if position else None,
            limit=paging.limit + 1,
        )
    page = found[: paging.limit]
    return Page(
        items=[Participant.model_validate(one) for one in page],
        next=next_page(page[-1].joined_at.isoformat(), page[-1].user_id)
        if len(found) > paging.limit
        else None,
    )


@router.put(
    "/{group_id}/members/{user_id}",
    response_model=Participant,
    responses=shown(PARTICIPANT) | refusals(NotFound, Conflict, TooLarge),
)
async def put_member_of_group(
    node: ANode,
    platform: APlatform,
    group_id: UUID,
    user_id: UUID,
    fields: GroupMemberFields | None = None,
) -> Participant:
    """
    Bring somebody into a group, or give them another role; safe to repeat.

    A group that would be left without an owner is a `conflict`.
    """
    group, user = ConversationId(group_id), UserId(user_id)
    role = None if fields is None else fields.role
    async with node.transaction(key=platform.key_id) as work:
        await put_members(work, group, [(user, role)], node.settings)
        (member,) = await _members(work, group, [user])
    return member


@router.delete(
    "/{group_id}/members/{user_id}", status_code=204, responses=refusals(NotFound)
)
async def delete_member_of_group(
    node: ANode, platform: APlatform, group_id: UUID, user_id: UUID
) -> None:
    """
    Take somebody out of a group at once; who is not in it stays out.

    When the last owner goes, whoever has been there longest inherits the group.
    """
    async with node.transaction(key=platform.key_id) as work:
        await remove_member(work, ConversationId(group_id), UserId(user_id))


@router.post(
    "/{group_id}/members/batch",
    response_model=Page[Participant],
    responses=shown(page_of(PARTICIPANT)) | refusals(NotFound, Conflict, TooLarge),
)
async def put_members_of_group_batch(
    once: Annotated[Once, Depends(once_with(SCOPE))],
    group_id: UUID,
    batch: Batch[GroupMemberItem],
) -> Response:
    """
    Bring up to 1,000 people into a group, or give them roles, all or nothing.

    `details.index` of a refusal names the first bad item.
    """
    items = items_of(batch, "user_id")
    group = ConversationId(group_id)
    roles = [(UserId(item["user_id"]), item.get("role")) for item in items]

    async def act(work: UnitOfWork) -> Page[Participant]:
        await put_members(work, group, roles, once.node.settings)
        return Page(items=await _members(work, group, [user for user, _ in roles]))

    return await once.answer(act)
