"""
A mail as it goes over the wire: a letter, and the headers that programs go by.

Threading: all mails of one person's conversation answer the same root, which no mail
has; so they stand together whichever of them is still there. Unsubscribing: RFC 2369
and RFC 8058, for all that may be unsubscribed.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from realtime.mail.addresses import ascii_domain
from realtime.mail.cleaning import one_line
from realtime.mail.headers import WIRE, WIRE_UTF8
from realtime.mail.letters import (
    NAME_CHARS,
    Around,
    Letter,
    purpose_of,
    write_letter,
)
from realtime.mail.links import Frequency, Links, message_id
from realtime.mail.pages import as_html, as_text
from realtime.notifications.notifier import Parcel
from storage.records import ConversationId, UserId

_FREQUENCIES: dict[str | None, Frequency] = {
    "hourly": "hourly",
    "daily": "daily",
    "weekly": "weekly",
}
# With more than this beyond ASCII, base64 is the shorter.
_QUOTED_PRINTABLE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Sender:
    """What all mails of a server have in common."""

    # The address, and the name of the product before it.
    address: str
    name: str
    app_url: str | None = None

    @property
    def domain(self) -> str:
        """Give the domain in which Message-IDs are unique."""
        return ascii_domain(self.address.rpartition("@")[2])


def compose(
    parcel: Parcel,
    sender: Sender,
    links: Links,
    *,
    may_unsubscribe: bool,
    now: datetime,
) -> EmailMessage:
    """
    Word a parcel as a mail: text and HTML, in the recipient's language.

    `may_unsubscribe` is False for what is required: it has no one-click.

    Raises:
        ValueError: The recipient has no address.
    """
    if parcel.recipient.email is None:
        raise ValueError("a mail needs an address")
    unsubscribe_url = (
        links.unsubscribe_link(
            parcel.recipient.id,
            purpose_of(parcel),
            parcel.delivery_id,
            _FREQUENCIES.get(parcel.frequency, "instant"),
        )
        if may_unsubscribe
        else None
    )
    conversation = _conversation_of(parcel)
    reply_to = (
        links.reply_address(parcel.recipient.id, conversation) if conversation else None
    )
    letter = write_letter(
        parcel,
        Around(
            sender.name,
            app_url=sender.app_url,
            unsubscribe_url=unsubscribe_url,
            can_reply=reply_to is not None,
        ),
    )
    local, _, domain = parcel.recipient.email.rpartition("@")
    # Only who has letters beyond ASCII before the @ needs a server that takes them.
    mail = EmailMessage(policy=WIRE if local.isascii() else WIRE_UTF8)
    mail["From"] = _address(sender.name, sender.address)
    mail["To"] = _address(parcel.recipient.name, f"{local}@{ascii_domain(domain)}")
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(parcel.delivery_id, sender.domain)
    if conversation:
        root = root_id(parcel.recipient.id, conversation, sender.domain)
        mail["In-Reply-To"] = root
        mail["References"] = root
    if reply_to:
        mail["Reply-To"] = _address(sender.name, reply_to)
    if may_unsubscribe:
        _let_unsubscribe(mail, parcel, links, unsubscribe_url)
    mail["List-Id"] = _list_id(purpose_of(parcel), sender)
    mail["Auto-Submitted"] = "auto-generated"
    _set_content(mail, letter)
    # Earlier it would go to the first part.
    mail["Content-Language"] = letter.language.tag
    return mail


def root_id(user: UserId, conversation: ConversationId, domain: str) -> str:
    """Name what all mails to this person of this conversation answer."""
    name = sha256(user.bytes + conversation.bytes).hexdigest()[:32]
    return f"<conversation.{name}@{domain}>"


def _conversation_of(parcel: Parcel) -> ConversationId | None:
    if parcel.kind != "conversation":
        return None
    return parcel.items[0].conversation_id


def _let_unsubscribe(
    mail: EmailMessage, parcel: Parcel, links: Links, url: str | None
) -> None:
    address = links.unsubscribe_address(parcel.delivery_id)
    ways = [f"<{url}>"] if url else []
    if address:
        ways.append(f"<mailto:{address}?subject=unsubscribe>")
    if ways:
        mail["List-Unsubscribe"] = ", ".join(ways)
    # RFC 8058, 3.1: the click needs https.
    if url and url.startswith("https://"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _list_id(purpose: str, sender: Sender) -> str:
    label = re.sub(r"[^a-z0-9]+", "-", purpose.lower()).strip("-") or "mail"
    return f"<{label}.{sender.domain}>"


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(one_line(name, NAME_CHARS), local, domain)


def _set_content(mail: EmailMessage, letter: Letter) -> None:
    text, html = as_text(letter), as_html(letter)
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(html, subtype="html", cte=_encoding(html))


def _encoding(text: str) -> str:
    """Choose how 8 bits pass where 7 are taken, in short lines whatever was written."""
    beyond = sum(not char.isascii() for char in text)
    is_mostly_ascii = beyond <= len(text) * _QUOTED_PRINTABLE_SHARE
    return "quoted-printable" if is_mostly_ascii else "base64"
