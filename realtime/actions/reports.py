"""Reporting what is wrong, with what was reported kept as it was."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.actor import Actor
from realtime.clock import instant
from realtime.errors import Invalid, NotFound, RateLimited, Unavailable
from storage.ids import uuid7
from storage.records import MessageId, UserId
from storage.reports import Evidence, Report
from storage.unit_of_work import UnitOfWork

# More than anybody who means it has waiting, and few enough not to bury the queue.
MOST_PENDING = 200
# Who has reached it waits for the moderators, not for a clock: so, now and then.
_COME_BACK_MS = 3_600_000


async def make_report(
    work: UnitOfWork,
    actor: Actor,
    content_type: str,
    content_id: UUID,
    *,
    reason: str,
    description: str | None = None,
    reported_user: UserId | None = None,
) -> tuple[Report, bool]:
    """
    Report something; the same again, while nobody has decided, is the first report.

    Gives the report and whether it is new. What is reported is kept as it is now: of
    a message its text and what it said before, of a person the profile, of a gig its
    title and owner. Showcases and reviews are the platform's; their ids are kept.

    Raises:
        NotFound: There is no such thing that the actor may know of.
        Invalid: It is the actor's own or the server's, or not of whom the actor names.
        RateLimited: Too many reports of the actor wait for a decision.
    """
    known = await work.reports.pending_of(actor.user_id, content_type, content_id)
    if known is not None:
        return known, False
    evidence = await _evidence(work, content_type, content_id, reported_user)
    if evidence.reported_user_id == actor.user_id:
        raise Invalid("One cannot report oneself.")
    if reported_user not in {None, evidence.reported_user_id}:
        raise Invalid("reported_user_id: this is somebody else's.")
    if await work.reports.count_pending(actor.user_id) >= MOST_PENDING:
        raise RateLimited(
            "So many of your reports wait for a decision.", retry_after_ms=_COME_BACK_MS
        )
    report = await work.reports.add(
        uuid7(),
        actor.user_id,
        content_type,
        content_id,
        reported_user=evidence.reported_user_id,
        conversation=evidence.conversation_id,
        content=_plain(evidence.content),
        reason=reason,
        description=description or None,
    )
    if report is None:
        return await _made_meanwhile(work, actor, content_type, content_id), False
    work.happen("report.created", subject_of(report), {"content_type": content_type})
    return report, True


def subject_of(report: Report) -> Mapping[str, UUID | None]:
    """Name whom and what a report concerns."""
    return {
        "report_id": report.id,
        "reporter_id": report.reporter_id,
        "reported_user_id": report.reported_user_id,
        "conversation_id": report.conversation_id,
        f"{report.content_type}_id": report.content_id,
    }


async def _made_meanwhile(
    work: UnitOfWork, actor: Actor, content_type: str, content_id: UUID
) -> Report:
    made = await work.reports.pending_of(actor.user_id, content_type, content_id)
    if made is None:
        # Made and decided between two statements: the next try is a new report.
        raise Unavailable
    return made


async def _evidence(
    work: UnitOfWork, content_type: str, content_id: UUID, reported_user: UserId | None
) -> Evidence:
    match content_type:
        case "message":
            found = await work.reports.message(MessageId(content_id))
        case "gig":
            found = await work.reports.gig(content_id)
        case "user":
            found = await _profile(work, UserId(content_id))
        case _:
            if reported_user is not None and not await _profile(work, reported_user):
                raise NotFound("reported_user_id: there is no such person.")
            found = Evidence(reported_user, None, {})
    if found is None:
        raise NotFound
    if content_type == "message" and found.content["kind"] == "system":
        raise Invalid("The server's own messages cannot be reported.")
    return found


async def _profile(work: UnitOfWork, user: UserId) -> Evidence | None:
    profile = await work.users.profile(user)
    return None if profile is None else Evidence(user, None, asdict(profile))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a row holds
    """Write what JSON has no word for as the wire does."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, UUID):
        return str(value)
    return instant(value) if isinstance(value, datetime) else value
