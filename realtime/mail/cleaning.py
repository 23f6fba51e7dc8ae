"""
Text of people, made harmless for headers and bodies of mails.

What steers a terminal, breaks a line of a header, or turns the direction of what stands
behind it is taken out; letters, marks and emoji of every script stay.
"""

import re
import unicodedata
from typing import Literal

Direction = Literal["ltr", "rtl"]

# Joiners: emoji and several scripts are written with them.
_JOINERS = "\u200c\u200d"
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
_EMOJI_MODIFIERS = range(0x1F3FB, 0x1F400)
_BREAKS = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def one_line(text: str, longest: int) -> str:
    """Give text as one line of at most so many characters, for headers and titles."""
    spaced = _without_controls(_BREAKS.sub(" ", text))
    # An encoded word of RFC 2047 would be read as one, whoever has written it.
    return cut(" ".join(spaced.split()).replace("=?", "= ?"), longest)


def lines(text: str, longest: int) -> str:
    """Give text with its line breaks, at most two in a row, cut to a length."""
    broken = (line.rstrip() for line in _BREAKS.sub("\n", text).split("\n"))
    joined = "\n".join(_without_controls(line.replace("\t", " ")) for line in broken)
    return cut(re.sub(r"\n{3,}", "\n\n", joined).strip("\n"), longest)


def cut(text: str, longest: int) -> str:
    """Shorten to a length with an ellipsis, at a space where one is near."""
    if len(text) <= longest:
        return text
    end = longest - 1
    while end > 0 and _continues(text, end):
        end -= 1
    head = text[:end]
    at_a_space = max(head.rfind(" "), head.rfind("\n"))
    if at_a_space > end * 3 // 4:
        head = head[:at_a_space]
    return head.rstrip() + "…"


def isolated(text: str, around: Direction) -> str:
    """Keep text of the other direction from turning what stands around it."""
    directions = {unicodedata.bidirectional(char) for char in text}
    is_mixed = (
        bool(directions & _RIGHT_TO_LEFT) if around == "ltr" else "L" in directions
    )
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}" if is_mixed else text


def _without_controls(text: str) -> str:
    kept = (
        char
        for char in unicodedata.normalize("NFC", text)
        if char in _JOINERS or unicodedata.category(char) not in _DROPPED
    )
    return "".join(kept)


def _continues(text: str, at: int) -> bool:
    """Tell whether a cut here would tear something apart that is seen as one."""
    char = text[at]
    return (
        char in _JOINERS
        or text[at - 1] == "\u200d"
        or unicodedata.combining(char) != 0
        or unicodedata.category(char) in {"Mn", "Me", "Mc"}
        or ord(char) in _EMOJI_MODIFIERS
    )
