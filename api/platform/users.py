"""The platform's people, mirrored here."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict

from api import shapes
from api.deps import ANode, platform_with
from api.errors import refusals
from api.examples import GRACE, USER, page_of, shown
from api.idempotency import Once, once_with
from api.platform.batches import Batch, items_of
from api.shapes import (
    AccountStatus,
    DisplayName,
    Email,
    Handle,
    Headline,
    Locale,
    Page,
    Role,
    Timezone,
    User,
)
from realtime.actions.users import (
    put_users,
    revoke_sessions,
    suspend_user,
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
from realtime.protocol import HttpsUrl, Id, Instant, Wire
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

SCOPE = "users"

router = APIRouter(
    prefix="/v1/platform/users",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]
AnOnce = Annotated[Once, Depends(once_with(SCOPE))]


class UserFields(shapes.Body):
    """What the platform knows of a person; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"display_name": "Grace", "handle": "grace", "locale": "en-GB"}
            ]
        }
    )

    display_name: DisplayName
    handle: Handle | None = None
    email: Email | None = None
    avatar_url: HttpsUrl | None = None
    headline: Headline | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    role: Role | None = None
    account_status: AccountStatus = "active"


class UserItem(UserFields):
    """A person in a batch."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": GRACE, "display_name": "Grace"}]}
    )

    id: Id


class Revoked(Wire):
    """Whose tokens are refused, and which."""

    user_id: UUID
    tokens_valid_after: Instant


@router.put(
    "/{user_id}",
    response_model=User,
    responses=shown(USER) | refusals(Conflict),
)
async def put_user(
    node: ANode, platform: APlatform, user_id: UUID, fields: UserFields
) -> User:
    """
    Create or update a person; safe to repeat.

    Whoever is no longer `active` loses every session on all nodes.
    """
    item = {"id": UserId(user_id), **fields.model_dump(exclude_unset=True)}
    async with node.transaction(key=platform.key_id) as work:
        (stored,) = await put_users(work, [item], node.clock())
    return User.model_validate(stored)


@router.post(
    "/batch",
    response_model=Page[User],
    responses=shown(page_of(USER)) | refusals(Conflict, TooLarge),
)
async def put_users_batch(once: AnOnce, batch: Batch[UserItem]) -> Response:
    """
    Create or update up to 1,000 people, all or nothing.

    `details.index` of a refusal names the first bad item.
    """
    items = items_of(batch)

    async def act(work: UnitOfWork) -> Page[User]:
        stored = await put_users(work, items, once.node.clock())
        return Page(items=[User.model_validate(user) for user in stored])

    return await once.answer(act)


@router.post(
    "/{user_id}/revoke",
    response_model=Revoked,
    responses=shown(
        {"user_id": GRACE, "tokens_valid_after": "2026-11-21T01:20:00.000Z"}
    )
    | refusals(NotFound),
)
async def revoke(once: AnOnce, user_id: UUID) -> Response:
    """
    Close every session of a person and refuse every token issued before now.

    A token issued after the answer is good; the answer comes within a second.
    """

    async def act(work: UnitOfWork) -> Revoked:
        limit = await revoke_sessions(work, UserId(user_id), once.node.clock())
        return Revoked(user_id=user_id, tokens_valid_after=limit)

    answer = await once.answer(act)
    limit = Revoked.model_validate_json(bytes(answer.body)).tokens_valid_after
    # Tokens say in which second they were issued: in this one, old and new ones
    # cannot be told apart.
    left = (limit - once.node.clock()).total_seconds()
    await asyncio.sleep(max(left, 0))
    return answer


@router.post(
    "/{user_id}/suspend",
    response_model=User,
    responses=shown({**USER, "account_status": "suspended"}) | refusals(NotFound),
)
async def suspend(once: AnOnce, user_id: UUID) -> Response:
    """
    Suspend an account: its sessions are closed, its tokens refused, on all nodes.

    Undone by a `PUT` with `account_status` `active`; tokens from before stay refused.
    """

    async def act(work: UnitOfWork) -> User:
        user = await suspend_user(work, UserId(user_id), once.node.clock())
        return User.model_validate(user)

    return await once.answer(act)
