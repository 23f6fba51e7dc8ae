"""Finds in a mail what somebody says in it."""

from realtime.intake.flowed import unflow
from realtime.intake.html import to_text
from realtime.intake.mime import Part
from realtime.intake.stripping import strip_reply


def read_reply(mail: Part) -> str:
    """Give what a mail answers, without what it quotes; empty where that is nothing."""
    return strip_reply(_plain(mail)) or strip_reply(_html(mail))


def has_attachments(mail: Part) -> bool:
    """Tell whether files came with it."""
    return any(
        part.is_attachment or not part.type.startswith(("text/", "multipart/"))
        for part in mail.walk()
    )


def _plain(mail: Part) -> str:
    return "\n".join(_text_of(part) for part in _texts(mail) if _is_plain(part))


def _html(mail: Part) -> str:
    return "\n".join(
        to_text(part.text()) for part in _texts(mail) if part.type == "text/html"
    )


def _text_of(part: Part) -> str:
    text = part.text().replace("\r\n", "\n")
    if part.parameter("format").lower() == "flowed":
        is_deleted = part.parameter("delsp").lower() == "yes"
        return unflow(text, is_space_deleted=is_deleted)
    return text


def _is_plain(part: Part) -> bool:
    # Without a type it is plain text (RFC 2045, 5.2).
    return part.type == "text/plain"


def _texts(part: Part) -> list[Part]:
    """List the texts that are read one after the other; a mail inside is none."""
    if part.is_attachment or part.type == "message/rfc822":
        return []
    if part.type.startswith("text/"):
        return [part]
    return [text for inner in part.parts for text in _texts(inner)]
