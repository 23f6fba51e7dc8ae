"""Gigs as people see them: what a thread is about, and how that stands."""

from uuid import UUID

from fastapi import APIRouter

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import GIG, shown
from api.platform.market import GigKind, GigStatus
from realtime.actions.gigs import know_gig
from realtime.errors import (
    Invalid,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Instant, Wire
from storage.records import GigId

router = APIRouter(prefix="/v1/gigs", tags=["conversations"])


class KnownGig(Wire):
    """A gig, a job or a project, as far as people may know of it."""

    id: UUID
    kind: GigKind
    title: str
    status: GigStatus
    deadline: Instant | None
    starts_at: Instant | None


_SHOWN = {name: GIG[name] for name in KnownGig.model_fields}


@router.get(
    "/{gig_id}",
    response_model=KnownGig,
    responses=shown(_SHOWN)
    | refusals(Unauthenticated, Suspended, NotFound, Invalid, Unavailable),
)
async def get_gig(node: ANode, actor: AnActor, gig_id: UUID) -> KnownGig:
    """
    Give what a gig is called and how it stands.

    Those may know it whom it concerns: its owner and team, who has applied to it, who
    takes part in a conversation about it. A published one everybody may know.
    """
    async with node.transaction(actor.user_id) as work:
        return KnownGig.model_validate(await know_gig(work, GigId(gig_id)))
