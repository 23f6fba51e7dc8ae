"""
How words of an alert are found in what a gig says: as whole words, whatever the case.

Both sides become plain words in the same way: accents off, folded, a space between and
around. A keyword of several words is found where they follow each other. Characters of
scripts without spaces are words by themselves.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storage.job_alerts import Posting
from storage.records import Gig

# Where platforms write what a gig is about, and where it is.
TEXT_KEYS = (
    "description",
    "summary",
    "requirements",
    "responsibilities",
    "skills",
    "tags",
    "category",
)
PLACE_KEYS = ("location", "city", "region", "state", "country")

# C++ and C# are words.
_IN_WORDS = frozenset("+#")

# Han, Kana, Thai, Lao, Burmese and Khmer.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)

# Accents of Latin, Greek and Cyrillic letters, and the vowel signs of Arabic, which
# most leave out.
_ACCENTS = ((0x0300, 0x036F), (0x064B, 0x065F), (0x0670, 0x0670))


def words(text: str) -> str:
    """Give the words of a text, with a space between and around."""
    plain = unicodedata.normalize(
        "NFKD", unicodedata.normalize("NFKD", text).casefold()
    )
    return f" {' '.join(''.join(map(_as_word, plain)).split())} "


def _as_word(character: str) -> str:
    if _is_in(character, _ACCENTS):
        return ""
    if _is_in(character, _UNSPACED):
        return f" {character} "
    # Letters, digits, and the marks that belong to them.
    is_word = character.isalnum() or unicodedata.category(character)[0] == "M"
    return character if is_word or character in _IN_WORDS else " "


def _is_in(character: str, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)


def posting(gig: Gig) -> Posting:
    """
    Give a gig as alerts look at it.

    Its hash is of who offers it and what it says: posted again, it is the same job.
    """
    text = words(" ".join([gig.title, *_said(gig.data, TEXT_KEYS)]))
    place = words(" ".join(_said(gig.data, PLACE_KEYS)))
    offered_by = gig.organization_id or gig.owner_id
    content = "\n".join((str(offered_by), gig.kind, text, place))
    return Posting(
        id=gig.id,
        kind=gig.kind,
        status=gig.status,
        owner_id=gig.owner_id,
        organization_id=gig.organization_id,
        text=text,
        place=place,
        content_hash=hashlib.sha256(content.encode()).hexdigest(),
        terms=_terms(gig, text, place),
    )


def place_of(gig: Gig) -> str | None:
    """Give where a gig is, in its own words, if it says so."""
    said = list(dict.fromkeys(_said(gig.data, PLACE_KEYS)))
    return ", ".join(said) or None


def _said(data: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    return [part for key in keys for part in _texts(data.get(key))]


def _texts(value: object) -> list[str]:
    """Give the texts of a value, of its lists and objects too, in order."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, list):
            waiting += reversed(part)
        elif isinstance(part, Mapping):
            waiting += reversed(list(part.values()))
    return found


def searched(criteria: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give what is looked for as it is compared: keywords, and words of the place."""
    keywords = [words(keyword) for keyword in criteria.get("keywords", ())]
    place = words(criteria.get("location", "")).split()
    return {
        "keywords": keywords,
        "place": [f" {word} " for word in place],
        "anchors": _anchors(criteria, keywords, place),
    }


def _anchors(
    criteria: Mapping[str, Any], keywords: Sequence[str], place: Sequence[str]
) -> list[str]:
    """
    Give what a gig has to have one of, so that an alert can be looked up by a gig.

    Of what an alert asks for together, what the fewest gigs have: whose it is, then
    words, of several the longest, then where it is and of what kind it is.
    """
    longest = [max(each.split(), key=len, default="") for each in keywords]
    if "organization_ids" in criteria:
        found = [f"organization {id_}" for id_ in criteria["organization_ids"]]
    elif longest and criteria.get("match") == "all":
        found = [f"word {max(longest, key=len)}"]
    elif longest:
        found = [f"word {word}" for word in longest]
    elif place:
        found = [f"place {max(place, key=len)}"]
    elif "kinds" in criteria:
        found = [f"kind {kind}" for kind in criteria["kinds"]]
    else:
        found = ["any"]
    return sorted(set(found))


def _terms(gig: Gig, text: str, place: str) -> list[str]:
    """Give all that an alert may name as an anchor and this gig has."""
    found = {"any", f"kind {gig.kind}", f"organization {gig.organization_id}"}
    found |= {f"word {word}" for word in text.split()}
    found |= {f"place {word}" for word in place.split()}
    return sorted(found)
