"""
Mail as a channel: a parcel is composed, handed over by SMTP, and written down.

What an answer means (RFC 5321, 4.2; RFC 3463): 2xx is sent; 4xx, silence and a broken
connection are tried again, with the same Message-ID; 5xx for the recipient is final,
and where it says that there is no such mailbox the address is not written to again.
What is wrong between the two servers - the sender, the login - is nobody's mailbox: it
is tried again, and logged for who runs the server.
"""

import logging
from email.message import EmailMessage
from typing import Literal

from realtime.clock import Clock
from realtime.errors import Unavailable
from realtime.mail.addresses import SmtpAddress, ascii_domain, is_mail_address
from realtime.mail.composer import Composer
from realtime.mail.smtp import Envelope, Refused, SmtpPool, Taken
from realtime.notifications.notifier import (
    Outcome,
    Parcel,
    Rejected,
    Retry,
    Sent,
)
from realtime.settings import Settings
from realtime.work import Transactions
from storage.errors import Busy, Missing

log = logging.getLogger(__name__)

_Status = Literal["pending", "sent", "failed", "bounced"]

_REFUSED = 500
# RFC 5321, 4.2.3: mailbox unavailable, not local, name not allowed.
_NO_MAILBOX = frozenset({550, 551, 553})
# RFC 3463, 3.2: bad destination address; and 3.3: a mailbox that is disabled.
_BAD_ADDRESS = "5.1."
_DISABLED = "5.2.1"
# 5.1.7 and 5.1.8 are about the sender's address.
_SENDERS = frozenset({"5.1.7", "5.1.8"})
# RFC 3463, 3.3: the mailbox is full.
_FULL = "5.2.2"


class EmailNotifier:
    """Carries mails to the operator's SMTP server."""

    def __init__(
        self,
        settings: Settings,
        transactions: Transactions,
        composer: Composer,
        clock: Clock,
    ) -> None:
        if settings.smtp_url is None:
            raise ValueError("mails need CALLBOARD_SMTP_URL")
        self._transactions = transactions
        self._composer = composer
        self._clock = clock
        self._pool = SmtpPool(
            SmtpAddress.parse(settings.smtp_url.get_secret_value()),
            connections=settings.smtp_connections,
            ca_file=settings.smtp_ca_file,
            local_hostname=composer.sender.domain,
        )

    @property
    def kinds(self) -> frozenset[str]:
        """Carry mails."""
        return frozenset({"email"})

    async def send(self, parcel: Parcel) -> Outcome:
        """Hand a mail over, and tell what came of it."""
        address = parcel.recipient.email
        if address is None or not is_mail_address(address):
            return Rejected("bad_address")
        try:
            mail, links = await self._composer.compose(parcel)
        except (Busy, Unavailable):
            return Retry("database")
        bounces_to = links.bounce_address(parcel.delivery_id)
        envelope = Envelope(
            sender=bounces_to or _wire_address(self._composer.sender.address),
            recipient=_wire_address(address),
            id=parcel.delivery_id.hex,
            wants_reports=bounces_to is not None,
        )
        answer = await self._pool.hand_over(mail.as_bytes(), envelope)
        outcome = _outcome(answer)
        await self._write_down(parcel, mail, answer, outcome)
        return outcome

    async def close(self) -> None:
        """Let go of connections."""
        await self._pool.close()

    async def _write_down(
        self,
        parcel: Parcel,
        mail: EmailMessage,
        answer: Taken | Refused,
        outcome: Outcome,
    ) -> None:
        if isinstance(answer, Refused):
            _tell_the_operator(answer)
            if answer.step in {"connect", "login"}:
                return
        now = self._clock()
        address = str(parcel.recipient.email)
        try:
            async with self._transactions() as work:
                await work.emails.log(
                    user=parcel.recipient.id,
                    delivery=parcel.delivery_id,
                    email_type=parcel.type,
                    recipient_email=address,
                    subject=str(mail["Subject"]),
                    status=_status(answer, outcome),
                    message_id=str(mail["Message-ID"]),
                    provider_message_id=(
                        answer.queue_id if isinstance(answer, Taken) else None
                    ),
                    error_message=(
                        f"{answer.reason}: {answer.answer}"
                        if isinstance(answer, Refused)
                        else None
                    ),
                    now=now,
                )
                if isinstance(outcome, Rejected) and outcome.is_target_gone:
                    await work.emails.suppress(
                        address, "all", "hard_bounce", detail=outcome.reason, now=now
                    )
                elif isinstance(answer, Refused) and _is_soft(answer):
                    await work.emails.soft_bounce(
                        address, detail=answer.reason, now=now
                    )
        except (Busy, Missing, Unavailable):
            # It has left all the same: what came of it counts, not its line in a log.
            log.warning(
                "mail not written down", extra={"outcome": type(outcome).__name__}
            )


def _outcome(answer: Taken | Refused) -> Outcome:
    if isinstance(answer, Taken):
        return Sent(answer.queue_id)
    if answer.code < _REFUSED or answer.step not in {"recipient", "data"}:
        return Retry(answer.reason)
    return Rejected(answer.reason, is_target_gone=_is_gone(answer))


def _is_gone(answer: Refused) -> bool:
    if answer.step != "recipient" or answer.status is None:
        return False
    if answer.status in _SENDERS:
        return False
    says_so = answer.status.startswith(_BAD_ADDRESS) or answer.status == _DISABLED
    return says_so and answer.code in _NO_MAILBOX


def _is_soft(answer: Refused) -> bool:
    """Tell whether it may be the mailbox: full, or refused without saying why."""
    if answer.status is not None:
        return answer.status == _FULL
    return answer.step == "recipient" and answer.code in _NO_MAILBOX


def _status(answer: Taken | Refused, outcome: Outcome) -> _Status:
    if isinstance(outcome, Sent):
        return "sent"
    if isinstance(outcome, Rejected) and outcome.is_target_gone:
        return "bounced"
    is_unknown = (
        isinstance(answer, Refused) and answer.step == "data" and not answer.code
    )
    return "pending" if is_unknown else "failed"


def _tell_the_operator(answer: Refused) -> None:
    if answer.step not in {"recipient", "data"}:
        log.warning(
            "mail server refuses", extra={"step": answer.step, "reason": answer.reason}
        )


def _wire_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"
