"""Whether people are there, asked once; the socket tells when it changes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import GRACE, shown
from api.shapes import PresenceList
from realtime.errors import Invalid, Suspended, Unauthenticated, Unavailable
from realtime.protocol import USER_IDS
from storage.records import UserId

router = APIRouter(prefix="/v1/presence", tags=["people"])

# A UUID in its longest form, and a comma.
_TEXT_CHARS = USER_IDS * 46

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
    users = _read(user_ids)
    return PresenceList(presence=await node.watching.look_up(actor, users))


def _read(texts: list[str]) -> list[UserId]:
    parts = [part.strip() for text in texts for part in text.split(",")]
    try:
        users = [UserId(UUID(part)) for part in parts if part]
    except ValueError:
        raise Invalid("user_ids: these are not all UUIDs.") from None
    if len(users) > USER_IDS:
        raise Invalid(f"user_ids: at most {USER_IDS} people at a time.")
    return users
