"""The platform's applications of people to gigs."""

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from realtime.actions.items import (
    Item,
    Put,
    Steps,
    put_items,
    require_step,
    say_what_happened,
)
from realtime.actions.threads import follow_gigs
from realtime.errors import Conflict, NotFound
from realtime.settings import Settings
from storage.records import Application, ApplicationId, GigId
from storage.unit_of_work import UnitOfWork

_ALIVE = {"pending", "shortlisted", "interviewing", "offered"}

# While it is alive an application moves to and fro. Whoever was rejected or has
# withdrawn is considered again before they are accepted; whoever was accepted goes back
# to an offer at most.
APPLICATION_STEPS: Steps = MappingProxyType(
    {
        **dict.fromkeys(_ALIVE, _ALIVE | {"accepted", "rejected", "withdrawn"}),
        "accepted": {"offered", "rejected", "withdrawn"},
        "rejected": _ALIVE | {"withdrawn"},
        "withdrawn": _ALIVE | {"rejected"},
    }
)


async def get_application(
    work: UnitOfWork, gig: GigId, application: ApplicationId
) -> Application:
    """
    Give an application to the platform.

    Raises:
        NotFound: There is no such application to this gig.
    """
    found = await work.applications.get(application)
    if found is None or found.gig_id != gig:
        raise NotFound
    return found


async def put_applications(
    work: UnitOfWork, items: Sequence[Item], settings: Settings, now: datetime
) -> list[Application]:
    """
    Create or update applications as the platform says; their threads follow at once.

    An item has `id`, `gig_id`, `applicant_id` and `status`; ids differ. Gigs are locked
    first, in id order, so that no thread about them opens meanwhile.

    Raises:
        Invalid: Its gig or applicant is not known here.
        Conflict: It is to another gig or somebody else's, or its status cannot follow
            the one before. Both name the index of the first bad item.
    """
    gigs = await work.gigs.lock({item["gig_id"] for item in items})
    people = await work.users.existing({item["applicant_id"] for item in items})

    def unknown_in(item: Item) -> str | None:
        if item["gig_id"] not in gigs:
            return "gig_id"
        return None if item["applicant_id"] in people else "applicant_id"

    puts: list[Put[Application]] = await put_items(
        work.applications, items, {}, now, unknown_in=unknown_in, check=_check
    )
    for put in puts:
        one = put.after
        subject = {
            "application_id": one.id,
            "gig_id": one.gig_id,
            "applicant_id": one.applicant_id,
        }
        say_what_happened(work, "application", put, subject, first="pending")
    changed = {put.after.gig_id for put in puts if put.changes("status")}
    if changed:
        await follow_gigs(work, sorted(changed), settings)
    return [put.after for put in puts]


async def put_application(
    work: UnitOfWork, gig: GigId, item: Item, settings: Settings, now: datetime
) -> Application:
    """
    Create or update an application to a gig, as `put_applications` does.

    Raises:
        NotFound: There is no such gig.
        Invalid, Conflict: As there.
    """
    if not await work.gigs.lock([gig]):
        raise NotFound
    (stored,) = await put_applications(work, [{**item, "gig_id": gig}], settings, now)
    return stored


def _check(index: int, before: Application, item: Item) -> None:
    for field in ("gig_id", "applicant_id"):
        if getattr(before, field) != item[field]:
            raise Conflict(
                f"The application has another {field}, which never changes.",
                details={"index": index, "field": field},
            )
    require_step(index, APPLICATION_STEPS, before.status, item["status"])
