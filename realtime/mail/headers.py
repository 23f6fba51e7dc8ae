"""
Headers as they go over the wire, folded and encoded by what they are.

The standard library's way puts spaces into long names, and writes a long list of
addresses of pages as encoded words, which no program then understands (RFC 2047, 5).
"""

from email.header import Header
from email.headerregistry import Address
from email.policy import SMTP, EmailPolicy
from typing import Any

# RFC 5322, 2.1.1.
_LINE = 76

_ADDRESSES = frozenset({"from", "to", "reply-to"})
_TEXTS = frozenset({"subject"})
# Identifiers: each stands on a line of its own and is never torn.
_LISTS = frozenset(
    {
        "in-reply-to",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "message-id",
        "references",
    }
)
_SPECIALS = frozenset('()<>[]:;@\\,."')


class WirePolicy(EmailPolicy):
    """SMTP's policy, with headers that mean what they say."""

    def fold(self, name: str, value: Any) -> str:  # noqa: ANN401 - as the library has it
        """Write one header with its line breaks."""
        lowered = name.lower()
        if lowered in _ADDRESSES:
            boxes = [_mailbox(name, address) for address in value.addresses]
            return f"{name}: {f',{self.linesep} '.join(boxes)}{self.linesep}"
        if lowered in _TEXTS:
            return f"{name}: {_text(name, str(value))}{self.linesep}"
        if lowered in _LISTS:
            broken = str(value).replace(", <", f",{self.linesep} <")
            return f"{name}: {broken}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - as above
        """Write one header as bytes; beyond ASCII are only addresses (RFC 6532)."""
        return self.fold(name, value).encode()


WIRE = WirePolicy(linesep=SMTP.linesep)
# For recipients whose address has letters beyond ASCII.
WIRE_UTF8 = WIRE.clone(utf8=True)


def _mailbox(header: str, address: Address) -> str:
    name = address.display_name
    if not name:
        return address.addr_spec
    if not name.isascii():
        phrase = _text(header, name)
    elif _SPECIALS.isdisjoint(name):
        phrase = name
    else:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        phrase = f'"{escaped}"'
    return f"{phrase} <{address.addr_spec}>"


def _text(header: str, text: str) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=_LINE, header_name=header).encode(
        linesep=SMTP.linesep
    )
