"""What kind of content one wants to see; clients act on it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from api import shapes
from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import CONTENT_PREFERENCES, shown
from api.shapes import ContentPreferences
from realtime.actions.privacy import change_content_preferences
from realtime.errors import Invalid, NotFound, Suspended, Unauthenticated, Unavailable
from realtime.protocol import Line
from storage.content_preferences import ContentPreference, FilterLevel

router = APIRouter(
    prefix="/v1/content-preferences",
    tags=["people"],
    responses=refusals(Unauthenticated, Suspended, NotFound, Unavailable),
)

# More than any platform has.
_CATEGORIES = 100


class ContentChanges(shapes.Body):
    """What one chooses anew; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"content_filter_level": "strict", "blocked_categories": ["gambling"]}
            ]
        }
    )

    allow_nsfw_content: bool = False
    show_nsfw_warnings: bool = True
    auto_hide_nsfw: bool = True
    content_filter_level: FilterLevel = "moderate"
    blocked_categories: Annotated[list[Line], Field(max_length=_CATEGORIES)] = Field(
        default_factory=list
    )


@router.get("", response_model=ContentPreferences, responses=shown(CONTENT_PREFERENCES))
async def get_content_preferences(node: ANode, actor: AnActor) -> ContentPreference:
    """
    Give what one has chosen.
    """
    async with node.transaction(actor.user_id) as work:
        return await work.content_preferences.get(actor.user_id)


@router.put(
    "",
    response_model=ContentPreferences,
    responses=shown(CONTENT_PREFERENCES) | refusals(Invalid),
)
async def put_content_preferences(
    node: ANode, actor: AnActor, changes: ContentChanges
) -> ContentPreference:
    """
    Choose what kind of content one wants to see; only what is given changes.
    """
    chosen = changes.model_dump(exclude_unset=True)
    async with node.transaction(actor.user_id) as work:
        return await change_content_preferences(work, actor, chosen)
