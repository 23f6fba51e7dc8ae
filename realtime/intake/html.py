"""
Makes text of HTML: what is read, with quotations marked as in plain mail.

A reader of tags and no more, in one pass: nothing is shown to anybody as HTML here, and
the parsers that build a tree take a square of the time for mails made to that end.
"""

import re
from html import unescape

# Longer ones are no answers; what is behind is left out.
_CHARS = 262_144
# A tag with a longer attribute ends at its first bracket.
_TAG_CHARS = 2048
# Brackets in the attributes of one tag.
_BRACKETS = 8
_QUOTED_AT_MOST = 50

_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*")
_SPACES = re.compile(r"[ \t\r\n\f]+")
# No character has such a number, and Python does not even read it.
_NO_CHARACTER = re.compile(r"&#[0-9]{8,};?")

_APART = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre"))
_LINES = _APART | {
    *("address", "article", "aside", "body", "center", "dd", "div", "dl", "dt"),
    *("footer", "form", "header", "hr", "li", "main", "nav", "section", "table", "tr"),
}
_SILENT = frozenset(("script", "style", "title", "head", "template", "svg", "math"))


class _Page:
    """Lines as they come about, each with how deep it is quoted."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0
        self._line: list[str] = []
        self._wants_blank = False
        self.pre = 0

    def say(self, text: str) -> None:
        """Go on with the line."""
        if self.pre:
            first, *others = text.replace("\r\n", "\n").split("\n")
            self._line.append(first)
            for other in others:
                self.end_line(is_forced=True)
                self._line.append(other)
            return
        text = _SPACES.sub(" ", text)
        if not self._line or self._line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self._line.append(text)

    def end_line(self, *, is_forced: bool = False) -> None:
        """End the line; an empty one only where it is meant."""
        text = "".join(self._line).rstrip()
        self._line = []
        if text or is_forced:
            if self._wants_blank and text and self.lines and self.lines[-1].strip("> "):
                self._add("")
            self._wants_blank = False
            self._add(text)

    def part(self) -> None:
        """Leave a line empty before what comes."""
        self._wants_blank = True

    def _add(self, text: str) -> None:
        mark = "> " * min(self.depth, _QUOTED_AT_MOST)
        self.lines.append(f"{mark}{text}".rstrip() if mark else text)


def to_text(html: str) -> str:
    """Give what HTML says, a `> ` before each line for each quotation it is in."""
    html = html[:_CHARS]
    page = _Page()
    at = 0
    while at < len(html):
        start = html.find("<", at)
        if start < 0:
            start = len(html)
        if start > at:
            page.say(unescape(_NO_CHARACTER.sub("", html[at:start])))
        if start == len(html):
            break
        at = _tag(html, start, page)
    page.end_line()
    return "\n".join(page.lines).strip("\n")


def _tag(html: str, start: int, page: _Page) -> int:
    """Take the tag that begins here; tells where what follows begins."""
    if html.startswith("<!--", start):
        return _behind(html, "-->", start + 4)
    name = _NAME.match(html, start + 1)
    if name is None:
        if html.startswith(("<!", "<?"), start):
            return _behind(html, ">", start)
        page.say("<")
        return start + 1
    end = _end_of_tag(html, start)
    tag = name[0].lower()
    if tag in _SILENT and html[end - 2 : end] != "/>":
        closing = re.compile(f"</{tag}", re.IGNORECASE).search(html, end)
        return len(html) if closing is None else _behind(html, ">", closing.end())
    _apply(tag, page)
    return end


def _apply(tag: str, page: _Page) -> None:
    name = tag.removeprefix("/")
    if name == "br":
        page.end_line(is_forced=True)
    elif name == "blockquote":
        page.end_line()
        page.part()
        page.depth = max(page.depth + (-1 if tag.startswith("/") else 1), 0)
    elif name in _LINES:
        page.end_line()
        if name in _APART:
            page.part()
        if tag == "li":
            page.say("- ")
        if name == "pre":
            page.pre = max(page.pre + (-1 if tag.startswith("/") else 1), 0)
    elif name in ("td", "th"):
        page.say(" ")


def _end_of_tag(html: str, start: int) -> int:
    """Find the bracket that closes a tag, but for those inside its attributes."""
    limit = start + _TAG_CHARS
    end = first = html.find(">", start, limit)
    for _ in range(_BRACKETS):
        if end < 0:
            break
        if html.count('"', start, end) % 2 == 0:
            return end + 1
        closing = html.find('"', end, limit)
        end = html.find(">", closing, limit) if closing >= 0 else -1
    return (first + 1) if first >= 0 else _behind(html, ">", start)


def _behind(html: str, what: str, start: int) -> int:
    found = html.find(what, start)
    return len(html) if found < 0 else found + len(what)
