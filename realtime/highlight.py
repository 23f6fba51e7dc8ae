"""
What of a found message matches, as plain pieces of its text.

PostgreSQL marks matches in the text as it searches it: in lower case, with spaces put
in between characters of some scripts. Here the marks are laid back on what was written.
There is no markup on the way, so nothing that people write can become any.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage.records import FoundMessage
from storage.search import MATCH_BEGINS, MATCH_ENDS

# What is shown of a long message: this much around its first match.
_CONTEXT = 150

_CUT = "…"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text that matches, or one that does not."""

    text: str
    is_match: bool


def highlight(found: FoundMessage) -> list[Segment]:
    """
    Split what a message says into pieces that match and pieces that do not.

    `searched` is the body, or the part of it around a match, as it was searched,
    character for character; a headline is that with marks and more spaces. What any of
    them marks is a match. A long body is cut around its first match; `…` stands where
    it goes on.
    """
    said = unicodedata.normalize("NFC", found.message.body)
    # Otherwise places would not be those of what was written.
    is_as_searched = found.chars == len(said)
    begins = found.begins if is_as_searched else 0
    part = said[begins : begins + len(found.searched)] if is_as_searched else said
    matches = [False] * len(part)
    if is_as_searched:
        for headline in found.headlines:
            for place in _marked(found.searched, headline):
                matches[place] = True
        _drop_single(matches, found.searched, found.phrases)
    first, last = _window(matches)
    segments = list(_split(part, matches, first, last))
    if begins + first > 0:
        segments.insert(0, Segment(_CUT, is_match=False))
    if begins + last < len(said):
        segments.append(Segment(_CUT, is_match=False))
    return segments


def _marked(searched: str, headline: str) -> Iterator[int]:
    """Name the characters that a headline marks."""
    place = 0
    is_match = False
    for character in headline:
        if character in {MATCH_BEGINS, MATCH_ENDS}:
            is_match = character == MATCH_BEGINS
        elif searched[place : place + 1] == character:
            if is_match and character != " ":
                yield place
            place += 1
        # Everything else is a space that was put in.


def _drop_single(matches: list[bool], searched: str, phrases: Sequence[str]) -> None:
    """Forget characters that are marked without the rest of their phrase."""
    wholes: set[int] = set()
    for phrase in phrases:
        begin = searched.find(phrase)
        while begin >= 0:
            wholes.update(range(begin, begin + len(phrase)))
            begin = searched.find(phrase, begin + 1)
    parts = set("".join(phrases))
    for place, character in enumerate(searched):
        if character in parts and place not in wholes:
            matches[place] = False


def _window(matches: Sequence[bool]) -> tuple[int, int]:
    if len(matches) <= 2 * _CONTEXT:
        return 0, len(matches)
    found = matches.index(True) if True in matches else 0
    first = max(0, min(found - _CONTEXT, len(matches) - 2 * _CONTEXT))
    return first, first + 2 * _CONTEXT


def _split(
    said: str, matches: Sequence[bool], first: int, last: int
) -> Iterator[Segment]:
    begin = first
    for place in range(first + 1, last + 1):
        if place == last or matches[place] != matches[begin]:
            yield Segment(said[begin:place], matches[begin])
            begin = place
