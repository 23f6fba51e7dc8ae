"""What one shows of oneself, and from whom one takes requests."""

from fastapi import APIRouter
from pydantic import ConfigDict

from api import shapes
from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import PRIVACY, shown
from api.shapes import Privacy
from realtime.actions.privacy import change_privacy, get_privacy
from realtime.errors import Invalid, NotFound, Suspended, Unauthenticated, Unavailable
from storage import privacy
from storage.privacy import TakesRequests

router = APIRouter(
    prefix="/v1/privacy",
    tags=["people"],
    responses=refusals(Unauthenticated, Suspended, NotFound, Unavailable),
)


class PrivacyChanges(shapes.Body):
    """What one chooses anew; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"hide_receipts": True, "connection_requests": "participants"}]
        }
    )

    hide_receipts: bool = False
    hide_presence: bool = False
    hide_typing: bool = False
    connection_requests: TakesRequests = "everyone"


@router.get("", response_model=Privacy, responses=shown(PRIVACY))
async def get_own_privacy(node: ANode, actor: AnActor) -> privacy.Privacy:
    """
    Give what one has chosen.
    """
    async with node.transaction(actor.user_id) as work:
        return await get_privacy(work, actor)


@router.put("", response_model=Privacy, responses=shown(PRIVACY) | refusals(Invalid))
async def put_own_privacy(
    node: ANode, actor: AnActor, changes: PrivacyChanges
) -> privacy.Privacy:
    """
    Choose what others see of oneself, and who may ask one for a connection.

    Only what is given changes. With `hide_receipts` nobody else learns what one has
    read or been delivered, with `hide_presence` whether one is there, with
    `hide_typing` that one is typing. `connection_requests` takes them from `everyone`,
    from fellow `participants` of groups and gigs' threads, or from `nobody`.
    """
    chosen = changes.model_dump(exclude_unset=True)
    async with node.transaction(actor.user_id) as work:
        return await change_privacy(work, actor, chosen)
