"""
Reads what machines write back: reports of delivery, of complaints, automatic answers.

Nothing in a mail proves who wrote it. What is read here says only what is claimed; that
it is about a mail of ours is proved by the signed address it came to, or names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Literal

from realtime.intake.mime import Part

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
Severity = Literal["hard", "soft"]

# One mail went to one address; more recipients come of forwarding and lists.
_RECIPIENTS = 100
_DETAIL_CHARS = 300

_BLANK_LINES = re.compile(rb"(?:\r?\n){2,}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_IN_TEXT = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?![\d.])")
# Whose text is searched for a status: as long as such a text ever is.
_TEXT_CHARS = 20_000

# RFC 3463: what of 5.x.x is true of the address for good. Full mailboxes (5.2.2),
# mails too large or not wanted (5.3.4, 5.7.x) are not.
_ADDRESS_IS_DEAD = frozenset(
    ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4")
)
_ACTIONS = frozenset(("failed", "delayed", "delivered", "relayed", "expanded"))
_BLOCKS = BytesHeaderParser(policy=compat32)


@dataclass(frozen=True, slots=True)
class Status:
    """What a report says of one recipient (RFC 3464, 2.3)."""

    recipients: frozenset[str]
    action: str
    status: str
    detail: str

    @property
    def severity(self) -> Severity:
        """Tell whether the address is dead, or something else was wrong just now."""
        return "hard" if self.status in _ADDRESS_IS_DEAD else "soft"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A report that somebody calls a mail spam (RFC 5965)."""

    kind: str
    # Of the mail that is complained of: as much as was not blacked out.
    addresses: Sequence[str]
    links: Sequence[str]
    message_id: str | None


def is_automatic(mail: Part) -> bool:
    """
    Tell whether no person has written this: an absence, a list, a machine.

    RFC 3834, and what was done before it and still is.
    """
    submitted = (mail.header("auto-submitted") or "no").strip().lower()
    precedence = (mail.header("precedence") or "").strip().lower()
    return (
        not submitted.startswith("no")
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or any(
            mail.header(name) is not None
            for name in (
                *("x-autoreply", "x-autorespond", "x-auto-response-type"),
                *("list-id", "list-unsubscribe", "feedback-id", "x-failed-recipients"),
            )
        )
        or mail.type in ("multipart/report", "message/delivery-status")
    )


def read_statuses(mail: Part) -> list[Status] | None:
    """Read a report of delivery; None where it is none."""
    for part in mail.walk():
        if part.type in ("message/delivery-status", "message/global-delivery-status"):
            return [each for each in map(_status, _blocks(part)) if each]
    return None


def read_bare_bounce(mail: Part) -> str | None:
    """
    Read the status that a bounce of no known form names; None where it names none.

    Old servers write in prose, and say no more than the code that they were told.
    """
    for part in mail.walk():
        if part.type == "text/plain" and (
            found := _IN_TEXT.search(part.text()[:_TEXT_CHARS])
        ):
            return found[0]
    return None


def read_complaint(mail: Part) -> Complaint | None:
    """Read a complaint; None where it is none."""
    for part in mail.walk():
        if part.type == "message/feedback-report":
            break
    else:
        return None
    (report, *_) = _blocks(part) or [Message()]
    addresses = [
        value.strip().strip("<>")
        for name in ("original-mail-from", "return-path")
        for value in _values(report, name)
    ]
    links: list[str] = []
    message_id = None
    for headers in _of_the_original(mail):
        addresses += [
            value.strip().strip("<>") for value in _values(headers, "return-path")
        ]
        for value in _values(headers, "list-unsubscribe"):
            links += re.findall(r"<([^<>\s]{1,600})>", value[:4096])
        message_id = message_id or next(iter(_values(headers, "message-id")), None)
    kind = next(iter(_values(report, "feedback-type")), "").strip().lower()
    return Complaint(kind, addresses, links, message_id)


def _of_the_original(mail: Part) -> list[Message]:
    found: list[Message] = []
    for part in mail.walk():
        if part.type in ("message/rfc822", "message/global"):
            found += [inner.headers for inner in part.parts[:1]]
        elif part.type in ("text/rfc822-headers", "message/global-headers"):
            found += _blocks(part)[:1]
    return found


def _blocks(part: Part) -> list[Message]:
    """Read groups of fields with empty lines between them."""
    content = part.content.replace(b"\0", b"").strip()
    groups = _BLANK_LINES.split(content, _RECIPIENTS + 1)
    return [
        _BLOCKS.parsebytes(group + b"\r\n\r\n")
        for group in groups[: _RECIPIENTS + 1]
        if group.strip()
    ]


def _status(block: Message) -> Status | None:
    action = next(iter(_values(block, "action")), "").strip().lower()
    if action not in _ACTIONS:
        # The first block is about the mail, not a recipient.
        return None
    found = _STATUS.search(next(iter(_values(block, "status")), ""))
    diagnostic = next(iter(_values(block, "diagnostic-code")), "")
    if found is None or found[0] in ("5.0.0", "4.0.0"):
        # Some say nothing in the one field and all in the other.
        found = _STATUS.search(diagnostic) or found
    recipients = frozenset(
        value.partition(";")[2].strip().strip("<>").lower()
        for name in ("final-recipient", "original-recipient")
        for value in _values(block, name)
    )
    status = found[0] if found else ("4.0.0" if action == "delayed" else "5.0.0")
    return Status(recipients, action, status, _without_addresses(diagnostic))


def _values(headers: Message, name: str) -> list[str]:
    found = headers.get_all(name) or []
    return [" ".join(str(value)[:4096].split()) for value in found]


def _without_addresses(text: str) -> str:
    """Shorten what a server said to what may be kept: no address of anybody."""
    return re.sub(r"[^\s<>]{0,200}@[^\s<>]{0,200}", "…", text[:1000])[:_DETAIL_CHARS]
