"""Whether people are there, asked once; the socket tells when it changes."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ID_CHARS, AnActor, ANode, read_ids
from api.errors import refusals
from api.examples import GRACE, shown
from api.shapes import PresenceList
from realtime.errors import Invalid, Suspended, Unauthenticated, Unavailable
from realtime.protocol import USER_IDS
from storage.records import UserId

router = APIRouter(prefix="/v1/presence", tags=["people"])

_TEXT_CHARS = USER_IDS * ID_CHARS

_ENTRY = {
    "user_id": GRACE,
    "status": "offline",
    "last_seen_at": "2026-11-21T01:20:00.000Z",
}


@router.get(
    "",
    response_model=PresenceList,
    responses=shown({"presence": [_ENTRY]})
    | refusals(Unauthenticated, Suspended, Invalid, Unavailable),
)
async def get_presence(
    node: ANode,
    actor: AnActor,
    user_ids: Annotated[
        list[Annotated[str, Query(max_length=_TEXT_CHARS)]],
        Query(
            max_length=USER_IDS,
            description=f"At most {USER_IDS} ids, between commas.",
            examples=[GRACE],
        ),
    ],
) -> PresenceList:
    """
    Tell whether people are online, away or offline, and when they last were there.

    Only accepted connections and people of the same threads and groups are answered;
    all others are left out, as nobody would be.
    """
    users = [UserId(user) for user in read_ids("user_ids", user_ids, USER_IDS)]
    return PresenceList(presence=await node.watching.look_up(actor, users))
