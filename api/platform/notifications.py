"""What a platform's backend has its people told."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from api import shapes
from api.deps import ANode, platform_with
from api.errors import refusals
from api.examples import GRACE, shown
from api.idempotency import Once, once_with
from api.shapes import Moment
from realtime.actions.broadcasts import cancel_notification, tell_people
from realtime.actor import Platform
from realtime.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from realtime.notifications.broadcasts import NOBODY
from realtime.notifications.planning import Intent
from realtime.notifications.wording import KEY_CHARS, MESSAGE_CHARS
from realtime.protocol import Id, Line, Metadata, Priority, Text, Wire
from storage.records import ConversationId, UserId
from storage.unit_of_work import UnitOfWork

SCOPE = "notifications"

# protocol.md, section 3.
USER_IDS = 10_000

router = APIRouter(
    prefix="/v1/platform/notifications",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

_EXAMPLE: dict[str, Any] = {
    "type": "announcement",
    "user_ids": [GRACE],
    "title": "The casting moves to Hall 2",
    "message": "Same day, same time.",
    "collapse_key": "casting-17",
}

Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
Type = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Notification(shapes.Body):
    """
    What is told, and to whom: `user_ids`, or who follows a `topic`.

    `type` is one of the catalogue's; without a title or a message it has the
    catalogue's, in each reader's language. An unread one with the same `collapse_key`
    is changed and counted instead of a second one.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    type: Type
    user_ids: Annotated[list[Id], Field(min_length=1, max_length=USER_IDS)] | None = (
        None
    )
    topic: Topic | None = None
    title: Line | None = None
    message: (
        Annotated[
            Text,
            StringConstraints(strip_whitespace=True, max_length=MESSAGE_CHARS),
        ]
        | None
    ) = None
    data: Metadata = Field(default_factory=dict)
    priority: Priority | None = None
    collapse_key: (
        Annotated[Text, StringConstraints(min_length=1, max_length=KEY_CHARS)] | None
    ) = None
    expires_at: Moment | None = None
    related_user_id: Id | None = None
    conversation_id: Id | None = None
    gig_id: Id | None = None

    @model_validator(mode="after")
    def _says_to_whom(self) -> Self:
        if (self.user_ids is None) == (self.topic is None):
            raise ValueError("give either user_ids or a topic")
        return self

    def intent(self) -> Intent:
        """Give what is told, not yet to anybody."""
        related = UserId(self.related_user_id) if self.related_user_id else None
        talk = ConversationId(self.conversation_id) if self.conversation_id else None
        return Intent(
            self.type,
            NOBODY,
            actor_id=related,
            title=self.title,
            message=self.message,
            data=self.data,
            priority=self.priority,
            collapse_key=self.collapse_key,
            expires_at=self.expires_at,
            related_user_id=related,
            conversation_id=talk,
            gig_id=self.gig_id,
        )


class Accepted(Wire):
    """By which id it can be cancelled, and how many people known here it is for."""

    id: UUID
    recipients: int


@router.post(
    "",
    status_code=202,
    response_model=Accepted,
    responses=shown(
        {"id": "0191b1a2-0000-7000-8000-00000000b0ad", "recipients": 1}, 202
    ),
)
async def send_notification(
    once: Annotated[Once, Depends(once_with(SCOPE))], notification: Notification
) -> Response:
    """
    Have people told something: in the app, by push and by mail, as each wants it.

    `topic` is what people follow, or `everyone`. Up to 200 `user_ids` are told before
    this answers, all others soon after, some at a time. `recipients` counts people
    known here: ids that are not are passed over. Nobody is told who is
    suspended, or who has a block with `related_user_id`. A `type` that the catalogue
    does not have is `invalid`, and `details` names those it has; `announcement` is for
    anything.
    """

    async def act(work: UnitOfWork) -> Accepted:
        named = notification.user_ids
        id_, recipients = await tell_people(
            work,
            once.platform,
            once.node.catalogue,
            notification.intent(),
            once.node.clock(),
            user_ids=None if named is None else [UserId(user) for user in named],
            topic=notification.topic,
        )
        return Accepted(id=id_, recipients=recipients)

    return await once.answer(act, status=202)


@router.delete("/{notification_id}", status_code=204, responses=refusals(NotFound))
async def cancel(
    node: ANode,
    platform: Annotated[Platform, Depends(platform_with(SCOPE))],
    notification_id: UUID,
) -> None:
    """
    Take back what was told: nobody else is told, what has not left does not leave.

    It goes from inboxes, too; of very many soon after. What has left cannot be taken
    back. A second time changes nothing.
    """
    async with node.transaction(key=platform.key_id) as work:
        await cancel_notification(work, platform, notification_id, node.clock())
