"""What moderators decide about reports, each decision once and with its log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.actions.messages import take_down
from realtime.actions.reports import subject_of
from realtime.actions.users import suspend_user
from realtime.actor import Platform
from realtime.errors import Conflict, Invalid, NotFound
from storage.ids import uuid7
from storage.records import MessageId
from storage.reports import PENDING, Report
from storage.unit_of_work import UnitOfWork

_EVENTS: Mapping[str, str] = {
    "take_down": "moderation.take_down",
    "warn": "moderation.warned",
    "suspend": "moderation.suspended",
}


async def get_report(
    work: UnitOfWork, report: UUID
) -> tuple[Report, Mapping[str, Any]]:
    """
    Give a report with what was kept of the thing reported, and nothing else of it.

    Raises:
        NotFound: There is no such report.
    """
    found = await work.reports.in_full(report)
    if found is None:
        raise NotFound
    return found


async def resolve_report(
    work: UnitOfWork,
    platform: Platform,
    report_id: UUID,
    action: str,
    note: str | None,
    now: datetime,
) -> Report:
    """
    Decide about a report: `take_down`, `warn`, `suspend` or `dismiss`.

    A message that is taken down is a tombstone for everybody; anything else is the
    platform's to take down, which the event `moderation.take_down` tells. Suspending
    is what suspending an account is elsewhere. Decided the same way again, nothing
    happens and the first answer comes.

    Raises:
        NotFound: There is no such report.
        Conflict: It was decided otherwise.
        Invalid: There is nobody to suspend or to warn.
    """
    report = await work.reports.lock(report_id)
    if report is None:
        raise NotFound
    if report.status != PENDING:
        if report.resolution != action:
            raise Conflict(f"The report was decided: {report.resolution}.")
        return report
    await _act(work, report, action, now)
    decided = await work.reports.resolve(
        report.id,
        status="dismissed" if action == "dismiss" else "resolved",
        resolution=action,
        note=note or None,
        key=platform.key_id,
    )
    is_message = report.content_type == "message"
    await work.moderation.log(
        uuid7(),
        report=report.id,
        key=platform.key_id,
        action=action,
        user=report.reported_user_id,
        conversation=report.conversation_id,
        message=MessageId(report.content_id) if is_message else None,
        note=note or None,
    )
    subject = subject_of(report)
    said = {"action": action, "content_type": report.content_type}
    work.happen("report.resolved", subject, said)
    if action in _EVENTS:
        about = {name: one for name, one in subject.items() if name != "reporter_id"}
        work.happen(_EVENTS[action], about, {"content_type": report.content_type})
    return decided


async def _act(work: UnitOfWork, report: Report, action: str, now: datetime) -> None:
    """Do to the content or to its author what was decided."""
    if action == "take_down" and report.content_type == "message":
        await take_down(work, MessageId(report.content_id))
    if action in {"suspend", "warn"}:
        if report.reported_user_id is None:
            raise Invalid("The report names nobody.")
        if action == "suspend":
            await suspend_user(work, report.reported_user_id, now)
