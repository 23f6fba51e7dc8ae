"""
What comes of bounces, complaints and unsubscribing by mail.

Each concerns one delivery, which a signed address or link names, and changes nothing
but for the person and the address that this delivery went to.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from realtime.actions.unsubscribing import (
    LinkSource,
    end_mails,
    purpose_of_delivery,
)
from realtime.intake import answers
from realtime.intake.mime import Part
from realtime.intake.reports import (
    Complaint,
    Status,
    read_bare_bounce,
    read_complaint,
    read_statuses,
)
from realtime.mail.links import Links
from realtime.node import Node
from storage.inbound import InboundKind, SentMail
from storage.unit_of_work import UnitOfWork

# RFC 5965 and its registry; `not-spam` is the contrary.
_COMPLAINTS = frozenset(
    ("abuse", "fraud", "virus", "other", "opt-out", "miscategorized")
)

# What matters most of what one report says of one address.
_ORDER = ("failed", "delayed", "delivered", "relayed", "expanded")


class Feedback:
    """Takes what machines report, each report once."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def take_bounce(
        self, delivery: UUID, mail: Part, message_id: str, *, is_from_nobody: bool
    ) -> str:
        """
        Note what became of a mail; an address that is dead is written to no more.

        Raises:
            Unavailable: The database is away.
        """
        statuses = read_statuses(mail)
        if statuses is None:
            # An answer by a person or a machine that is away is no bounce.
            bare = read_bare_bounce(mail) if is_from_nobody else None
            if bare is None:
                return answers.DROPPED
            statuses = [Status(frozenset(), "failed", "5.0.0", bare)]
        now = self._node.clock()
        async with self._node.transaction() as work:
            sent = await work.inbound.sent(delivery)
            status = None if sent is None else _about(statuses, sent.recipient_email)
            outcome = (
                "unknown" if status is None else f"{status.action} {status.status}"
            )
            is_new = await self._note(work, "bounce", message_id, sent, outcome)
            if not is_new or sent is None or status is None:
                return answers.TAKEN
            if status.action in ("delivered", "relayed"):
                await work.emails.mark(delivery, "delivered", now=now)
            elif status.action == "failed":
                await work.deliveries.bounced(delivery, status.status, now)
                detail = f"{status.status} {status.detail}".strip()
                address = await work.emails.mark(
                    delivery, "bounced", error=detail, now=now
                )
                if address is not None and status.severity == "hard":
                    await work.emails.suppress(
                        address, "all", "hard_bounce", detail=detail, now=now
                    )
                elif address is not None:
                    await work.emails.soft_bounce(address, detail=detail, now=now)
        return answers.TAKEN

    async def take_complaint(self, links: Links, mail: Part, message_id: str) -> str:
        """
        Note that somebody calls a mail spam; they get no more than services.

        Raises:
            Unavailable: The database is away.
        """
        complaint = read_complaint(mail)
        if complaint is None:
            return answers.NOT_A_REPORT
        now = self._node.clock()
        async with self._node.transaction() as work:
            sent = await _complained_of(work, links, complaint)
            if sent is None:
                await self._note(work, "unknown", message_id, None, "complaint")
                return answers.TAKEN
            kind = complaint.kind if complaint.kind in _COMPLAINTS else "no complaint"
            is_new = await self._note(work, "complaint", message_id, sent, kind)
            if is_new and complaint.kind in _COMPLAINTS:
                if sent.recipient_email is not None:
                    await work.emails.suppress(
                        sent.recipient_email, "commercial", "complaint", now=now
                    )
                await self._end(work, sent, "complaint")
        return answers.TAKEN

    async def take_unsubscribing(self, delivery: UUID, message_id: str) -> str:
        """
        End mails of a purpose, whatever the mail to its address says (RFC 2369, 3.2).

        Raises:
            Unavailable: The database is away.
        """
        async with self._node.transaction() as work:
            sent = await work.inbound.sent(delivery)
            outcome = "unknown" if sent is None else "done"
            if (
                await self._note(work, "unsubscribe", message_id, sent, outcome)
                and sent
            ):
                await self._end(work, sent, "unsubscribe")
        return answers.TAKEN

    async def _note(
        self,
        work: UnitOfWork,
        kind: InboundKind,
        message_id: str,
        sent: SentMail | None,
        outcome: str,
    ) -> bool:
        return await work.inbound.take(
            kind,
            message_id,
            delivery=None if sent is None else sent.delivery_id,
            user=None if sent is None else sent.user_id,
            outcome=outcome,
            now=self._node.clock(),
        )

    async def _end(self, work: UnitOfWork, sent: SentMail, source: LinkSource) -> None:
        await end_mails(
            work,
            self._node.catalogue,
            sent.user_id,
            purpose_of_delivery(sent.type, sent.class_),
            source,
            self._node.clock(),
        )


def _about(statuses: Sequence[Status], address: str | None) -> Status | None:
    """
    Choose what concerns the address that was written to.

    One that is forwarded comes back under another name; of several then all must have
    failed, or the mail has reached somebody.
    """
    known = [
        each for each in statuses if address and address.lower() in each.recipients
    ]
    if known:
        return min(known, key=lambda each: _ORDER.index(each.action))
    return max(statuses, key=lambda each: _ORDER.index(each.action), default=None)


async def _complained_of(
    work: UnitOfWork, links: Links, complaint: Complaint
) -> SentMail | None:
    """Find the mail by what only a mail of ours has in it."""
    found = [links.read_bounce(address) for address in complaint.addresses]
    for link in complaint.links:
        parts = urlsplit(link)
        if parts.scheme == "mailto":
            found.append(links.read_unsubscribe_address(parts.path))
        elif read := links.read_unsubscribe(parts.path.rpartition("/")[2]):
            found.append(read.delivery_id)
    if complaint.message_id is not None:
        # It proves as much: it holds the random part of an id that nobody else has.
        found.append(await work.inbound.named(complaint.message_id))
    for delivery in found:
        if delivery is not None and (sent := await work.inbound.sent(delivery)):
            return sent
    return None
