"""
Takes from an answer what is not of who answers: quotations, signatures, advertisements.

What stands above a quotation or below it is the answer; what stands between quotations
answers them, so there they are kept. Where it is not certain that something is quoted,
it is kept too: a line too much can be read over, one too few is lost.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from realtime.intake.phrases import (
    ADVERTISEMENT,
    ATTRIBUTION_BEGINS,
    ATTRIBUTION_CHARS,
    ATTRIBUTION_DATED,
    ATTRIBUTION_ENDS,
    ATTRIBUTION_NAMES,
    DIGIT,
    DIVIDER,
    FORWARD,
    LINE_CHARS,
    MAIL_ADDRESS,
    QUOTED_FROM,
    QUOTED_HEADER,
    QUOTED_SENT,
    RULE,
)

# What somebody writes stands in the first of so many, or is none of a conversation.
_CHARS = 262_144
# An attribution is broken into this many lines at the most.
_ATTRIBUTION_LINES = 4
# Outlook's headers are this many; From, Sent and one more tell them.
_HEADER_LINES = 8
_HEADERS_ENOUGH = 3

# Invisible: no-break spaces are spaces, marks of width and order tell nothing here, and
# controls are not for a conversation.
_SPACES = re.compile("[\u00a0\u2007\u202f]")
_CONTROLS = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufeff\u200b\ud800-\udfff]"
)
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MANY_BLANK = re.compile(r"\n(?:[ \t]*\n){2,}")


class _Block(NamedTuple):
    is_quoted: bool
    lines: Sequence[str]


def strip_reply(text: str) -> str:
    """Give what somebody answers; empty where that is nothing."""
    text = text[:_CHARS]
    text = _CONTROLS.sub("", _SPACES.sub(" ", text.replace("\r\n", "\n")))
    text = _MANY_BLANK.sub("\n\n", text)
    lines = _without_the_end([line.rstrip() for line in text.split("\n")])
    blocks = _blocks(_without_attributions(lines))
    said = [number for number, block in enumerate(blocks) if not block.is_quoted]
    if not said:
        return ""
    first, last = said[0], said[-1]
    if len(said) > 1 and first == 1:
        # Between others also the first quotation is answered.
        first = 0
    kept = [line for block in blocks[first : last + 1] for line in (*block.lines, "")]
    return _MANY_BLANK.sub("\n\n", "\n".join(kept)).strip()


def _without_the_end(lines: list[str]) -> list[str]:
    """Cut where a signature or an unmarked quotation begins."""
    for number, line in enumerate(lines):
        if line == "--" or _begins_a_quotation(lines, number):
            end = number
            while end and (not lines[end - 1] or RULE.match(lines[end - 1])):
                end -= 1
            return lines[:end]
    return lines


def _begins_a_quotation(lines: Sequence[str], number: int) -> bool:
    line = _plain(lines[number])
    if not line or line.startswith(">"):
        return False
    if DIVIDER.match(line) or FORWARD.match(line):
        return True
    if QUOTED_FROM.match(line):
        following = [_plain(each) for each in lines[number : number + _HEADER_LINES]]
        headers = [each for each in following if QUOTED_HEADER.match(each)]
        return len(headers) >= _HEADERS_ENOUGH and any(
            QUOTED_SENT.match(each) for each in headers
        )
    count = _attribution(lines, number)
    if not count:
        return False
    said = "".join(lines[number : number + count])
    return bool(MAIL_ADDRESS.search(said)) and not _is_quoted_behind(
        lines, number + count
    )


def _attribution(lines: Sequence[str], number: int) -> int:
    """Tell over how many lines "On …, … wrote:" goes that begins here; 0: none."""
    first = _plain(lines[number])
    is_dated = bool(DIGIT.match(first))
    if not is_dated and not ATTRIBUTION_BEGINS.match(first):
        return 0
    said = ""
    for count, line in enumerate(lines[number : number + _ATTRIBUTION_LINES], 1):
        plain = _plain(line)
        said = f"{said} {plain}".strip()
        if not plain or plain.startswith(">") or len(said) > ATTRIBUTION_CHARS:
            return 0
        if said.endswith(":") and (
            ATTRIBUTION_DATED.match(said) if is_dated else _says_who_wrote(said)
        ):
            return count
    return 0


def _says_who_wrote(said: str) -> bool:
    """Tell whether a line that begins as attributions do is one: dated, of somebody."""
    return bool(DIGIT.search(said)) and (
        bool(ATTRIBUTION_ENDS.search(said))
        or any(word in said for word in ATTRIBUTION_NAMES)
    )


def _is_quoted_behind(lines: Sequence[str], number: int) -> bool:
    for line in lines[number:]:
        if line:
            return line.lstrip().startswith(">")
    return False


def _without_attributions(lines: Sequence[str]) -> list[str]:
    """Leave out the lines that say whose the quotation below them is."""
    kept: list[str] = []
    number = 0
    while number < len(lines):
        count = _attribution(lines, number)
        if count and _is_quoted_behind(lines, number + count):
            number += count
            continue
        kept.append(lines[number])
        number += 1
    return kept


def _blocks(lines: Sequence[str]) -> list[_Block]:
    """Divide by what is quoted; without blank lines around, and advertisements."""
    blocks: list[_Block] = []
    for is_quoted, group in groupby(_marked(lines), lambda each: each[0]):
        block = [line for _, line in group]
        while block and not block[0]:
            block.pop(0)
        while block and (
            not block[-1] or (not is_quoted and ADVERTISEMENT.match(_plain(block[-1])))
        ):
            block.pop()
        if block and blocks and blocks[-1].is_quoted == is_quoted:
            block = [*blocks.pop().lines, "", *block]
        if block:
            blocks.append(_Block(is_quoted, block))
    return blocks


def _marked(lines: Sequence[str]) -> list[tuple[bool, str]]:
    """Tell of each line whether it is quoted; a blank one is as the one before."""
    marked: list[tuple[bool, str]] = []
    for line in lines:
        is_quoted = line.lstrip().startswith(">")
        if not line and marked:
            is_quoted = marked[-1][0]
        marked.append((is_quoted, line))
    return marked


def _plain(line: str) -> str:
    """Give a line as it is compared: short, and without what cannot be seen."""
    return _MARKS.sub("", line[:LINE_CHARS]).strip().strip("*").strip()
