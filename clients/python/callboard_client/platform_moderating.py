"""
What a platform's backend asks and decides about reports, and who did what.
"""

from typing import Unpack

from callboard_client.calls import Asked, Call, Listed, Listing, get, part, post
from callboard_client.contract import (
    Act,
    Decision,
    QueuedReport,
    ReportInFull,
    Resolution,
)
from callboard_client.platform_people import PLATFORM

__all__ = ["ModeratingCalls"]


class ModeratingCalls:
    """
    Reports, decisions and the audit log.
    """

    @Listed
    def reports(
        self,
        *,
        status: str | None = None,
        content_type: str | None = None,
        reported_user_id: str | None = None,
    ) -> Listing[QueuedReport]:
        """
        Walk what people have reported.
        """
        query = {
            "status": status,
            "content_type": content_type,
            "reported_user_id": reported_user_id,
        }
        return Listing(f"{PLATFORM}/reports", query)

    @Asked
    def report(self, report_id: str) -> Call[ReportInFull]:
        """
        Give a report with what was reported, as it was.
        """
        return get(f"{PLATFORM}/reports/{part(report_id)}")

    @Asked
    def resolve_report(
        self,
        report_id: str,
        *,
        idempotency_key: str | None = None,
        **decision: Unpack[Resolution],
    ) -> Call[QueuedReport]:
        """
        Decide about a report, once.
        """
        path = f"{PLATFORM}/reports/{part(report_id)}/resolve"
        return post(path, decision, idempotency_key)

    @Listed
    def decisions(
        self, *, user_id: str | None = None, report_id: str | None = None
    ) -> Listing[Decision]:
        """
        Walk what moderators have decided.
        """
        query = {"user_id": user_id, "report_id": report_id}
        return Listing(f"{PLATFORM}/moderation-log", query)

    @Listed
    def audit(
        self,
        *,
        actor_id: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Listing[Act]:
        """
        Walk who did what to whom, the newest first.
        """
        query = {
            "actor_id": actor_id,
            "action": action,
            "subject": subject,
            "since": since,
            "until": until,
        }
        return Listing(f"{PLATFORM}/audit", query)
