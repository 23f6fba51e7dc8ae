"""
Takes mails: which addresses there are, and what becomes of what is sent to them.

What this answers 2xx has been committed; what it cannot do now it wants brought again.
Bringing the same mail again is safe at every address.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from realtime.errors import Problem
from realtime.intake import answers
from realtime.intake.feedback import Feedback
from realtime.intake.mime import Part, read_mail
from realtime.intake.replies import Replies
from realtime.intake.reports import is_automatic
from realtime.mail.addresses import ascii_domain
from realtime.mail.links import Links, Replying, open_links, read_message_id
from realtime.node import Node
from storage.errors import Busy

log = logging.getLogger(__name__)

# Where providers send complaints to; to be given to them (docs/email.md).
COMPLAINT_ADDRESSES = ("complaints", "fbl")

# RFC 5322, 2.1.1; what is longer is no Message-ID.
_MESSAGE_ID_CHARS = 998

# A key that is new is known by then. Made-up addresses cost no more than this either.
_LINKS_SECONDS = 1.0


class Purpose(Enum):
    """What an address is for."""

    REPLY = auto()
    BOUNCE = auto()
    UNSUBSCRIBE = auto()
    COMPLAINT = auto()


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address of ours, read."""

    purpose: Purpose
    delivery_id: UUID | None = None
    replying: Replying | None = None


class Taker:
    """Takes mails for a node, which sends what they say."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._replies = Replies(node)
        self._feedback = Feedback(node)
        self._links: Links | None = None
        self._links_at = 0.0

    async def read_address(self, address: str) -> Recipient | None:
        """
        Tell what an address is for; None where it is none of ours.

        Raises:
            Unavailable: The database is away.
        """
        local, _, domain = address.rpartition("@")
        if domain.lower() != self._node.settings.mail_domain:
            return None
        if local.lower() in COMPLAINT_ADDRESSES:
            return Recipient(Purpose.COMPLAINT)
        found = None if self._links is None else _read(self._links, address)
        return found or _read(await self._fresh_links(), address)

    async def take(self, address: str, sender: str, data: bytes) -> str:
        """
        Take a mail to one address, and tell what to tell its server.

        Raises nothing: what goes wrong is logged, and the mail is wanted again.
        """
        recipient: Recipient | None = None
        try:
            recipient = await self.read_address(address)
            if recipient is None:
                answer = answers.NO_SUCH_ADDRESS
            else:
                answer = await self._take(recipient, sender, data)
        except (Problem, Busy) as problem:
            log.warning("mail put off", extra={"cause": str(problem)})
            answer = answers.LATER
        except Exception:
            log.exception("mail failed")
            answer = answers.LATER
        kind = "unknown" if recipient is None else recipient.purpose.name.lower()
        self._node.metrics.count_mail(kind, answers.outcome(answer))
        if answer != answers.LATER:
            # Neither an address nor what was said.
            log.info(
                "mail taken" if answers.is_taken(answer) else "mail refused",
                extra={"purpose": kind, "answer": answer[:9]},
            )
        return answer

    async def _take(self, recipient: Recipient, sender: str, data: bytes) -> str:
        mail = read_mail(data)
        message_id = _name_of(mail, data)
        # RFC 5321, 4.5.5: nobody is to be told of this one.
        is_from_nobody = sender in ("", "<>")
        if recipient.purpose is Purpose.COMPLAINT:
            links = await self._fresh_links()
            return await self._feedback.take_complaint(links, mail, message_id)
        if recipient.purpose is Purpose.BOUNCE:
            assert recipient.delivery_id is not None  # noqa: S101 - it has been read
            return await self._feedback.take_bounce(
                recipient.delivery_id, mail, message_id, is_from_nobody=is_from_nobody
            )
        if is_from_nobody or is_automatic(mail) or self._is_ours(message_id):
            return answers.DROPPED
        if recipient.purpose is Purpose.UNSUBSCRIBE:
            assert recipient.delivery_id is not None  # noqa: S101 - it has been read
            return await self._feedback.take_unsubscribing(
                recipient.delivery_id, message_id
            )
        assert recipient.replying is not None  # noqa: S101 - it has been read
        return await self._replies.take(recipient.replying, mail, message_id)

    def _is_ours(self, message_id: str) -> bool:
        """Tell whether a mail calls itself one of this server, come back to it."""
        domain = message_id.strip("<>").rpartition("@")[2].lower()
        sender = ascii_domain((self._node.settings.mail_from or "").rpartition("@")[2])
        return (
            domain in (self._node.settings.mail_domain, sender.lower())
            and read_message_id(message_id) is not None
        )

    async def _fresh_links(self) -> Links:
        if self._links is None or time.monotonic() - self._links_at > _LINKS_SECONDS:
            async with self._node.transaction() as work:
                self._links = await open_links(work, self._node.settings)
            self._links_at = time.monotonic()
        return self._links


def _read(links: Links, address: str) -> Recipient | None:
    if (replying := links.read_reply(address)) is not None:
        return Recipient(Purpose.REPLY, replying=replying)
    if (delivery := links.read_bounce(address)) is not None:
        return Recipient(Purpose.BOUNCE, delivery)
    if (delivery := links.read_unsubscribe_address(address)) is not None:
        return Recipient(Purpose.UNSUBSCRIBE, delivery)
    return None


def _name_of(mail: Part, data: bytes) -> str:
    """Give what tells a mail from others: its Message-ID, or else a hash of it all."""
    named = mail.header("message-id") or ""
    if named.strip() and len(named) <= _MESSAGE_ID_CHARS and "\0" not in named:
        return named.strip()
    return "sha256:" + hashlib.sha256(data).hexdigest()
