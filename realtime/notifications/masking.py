"""Hiding where things go: what is logged or shown is enough to recognize, no more."""

import re

_ADDRESSES = re.compile(r"[^\s<>\"'(),;]+@[^\s<>\"'(),;]+")
_LINKS = re.compile(r"https?://\S+")
# A token of a push service, or the like.
_TOKENS = re.compile(r"[A-Za-z0-9_:+/=-]{40,}")


def masked_address(address: str) -> str:
    """Show the first letter of an address and its domain."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}"


def without_targets(text: str) -> str:
    """Take addresses, links and tokens out of what another side has said."""
    for pattern in (_ADDRESSES, _LINKS, _TOKENS):
        text = pattern.sub("…", text)
    return text
