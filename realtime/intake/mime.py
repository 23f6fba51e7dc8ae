"""
Reads mails that anybody may have written: bounded in depth, parts, time and memory.

The standard library's parser goes as deep as a mail is nested and looks for each open
boundary on each line, so a mail made for it stops the process. Here only headers are
left to it; parts are cut out by their boundaries, a few levels deep (RFC 2046).
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses
from encodings.aliases import aliases

# Answers and reports are three levels deep; forwarded ones a few more.
_DEPTH = 8
_PARTS = 100
_HEADER_BYTES = 65_536
# No header that is read here needs more, and some are costly to read.
_VALUE_CHARS = 8192

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\A\r?\n")

# What mails are written in, as Python calls it. Its other decoders are no charsets, or
# take a square of the text's length; and each name it does not know it keeps for ever.
_CHARSETS = frozenset(
    {
        *("ascii", "latin_1", "utf_8", "utf_8_sig", "utf_16", "utf_16_be", "utf_16_le"),
        *(f"iso8859_{number}" for number in range(2, 17)),
        *(f"cp{number}" for number in range(1250, 1259)),
        *("cp437", "cp850", "cp852", "cp866", "cp874", "cp932", "cp949", "cp950"),
        *("koi8_r", "koi8_u", "mac_roman", "tis_620"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "hz"),
        *("shift_jis", "euc_jp", "iso2022_jp", "euc_kr", "iso2022_kr"),
    }
) - {"iso8859_12"}  # there is none
_CODECS = {alias: codec for alias, codec in aliases.items() if codec in _CHARSETS} | {
    codec: codec for codec in _CHARSETS
}

_HEADERS = BytesHeaderParser(policy=compat32)


@dataclass(frozen=True, slots=True)
class Part:
    """A mail or a part of one: its headers, and its bytes or the parts in it."""

    headers: Message
    content: bytes = field(repr=False)
    parts: Sequence["Part"] = ()

    @property
    def type(self) -> str:
        """Give the content type, in lower case."""
        return self.headers.get_content_type()

    @property
    def is_attachment(self) -> bool:
        """Tell whether it is a file rather than what somebody says."""
        disposition = self.header("content-disposition") or ""
        return disposition.strip().lower().startswith("attachment")

    def header(self, name: str) -> str | None:
        """Give a header's first value, unfolded; None where there is none."""
        values = self.all_of(name)
        return values[0] if values else None

    def all_of(self, name: str) -> list[str]:
        """Give all values of a header, unfolded."""
        return [
            _unfolded(value)
            for each, value in self.headers.raw_items()
            if each.lower() == name
        ]

    def addresses(self, name: str) -> list[str]:
        """Give the addresses in a header, in lower case."""
        try:
            found = getaddresses(self.all_of(name))
        except RecursionError:
            # Of comments in comments in comments.
            return []
        return [address.lower() for _, address in found if address]

    def parameter(self, name: str) -> str:
        """Give a parameter of the content type; empty where there is none."""
        try:
            value = self.headers.get_param(name)
        except ValueError:
            # RFC 2231 lets a value be cut in numbered pieces; some numbers are none.
            return ""
        if isinstance(value, tuple):
            value = value[2]
        return str(value or "")

    def text(self) -> str:
        """Give what a text says, whatever is wrong with its encoding."""
        return decode(_transferred(self), self.parameter("charset"))

    def walk(self) -> Iterator["Part"]:
        """Go through this and all the parts in it, from the outside in."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read_mail(data: bytes) -> Part:
    """Read a mail; what is nested too deep, or too much of it, is left out."""
    return _read(data, _DEPTH, [_PARTS])


def decode(data: bytes, charset: str) -> str:
    """Decode text of a charset that may be misnamed, or not what the text is in."""
    name = re.sub(r"[^a-z0-9]+", "_", charset.strip().lower())
    for codec in (_CODECS.get(name), "utf_8"):
        if codec is not None:
            with suppress(UnicodeError):
                return data.decode(codec)
    return data.decode("cp1252", errors="replace")


def _read(data: bytes, depth: int, left: list[int]) -> Part:
    headers, content = _split_head(data)
    parts: list[Part] = []
    boundary = Part(headers, b"").parameter("boundary").rstrip()
    if depth and boundary and headers.get_content_maintype() == "multipart":
        for piece in _pieces(content, boundary):
            if not left[0]:
                break
            left[0] -= 1
            parts.append(_read(piece, depth - 1, left))
    elif depth and left[0] and headers.get_content_type() == "message/rfc822":
        left[0] -= 1
        parts.append(_read(_transferred(Part(headers, content)), depth - 1, left))
    return Part(headers, content, parts)


def _split_head(data: bytes) -> tuple[Message, bytes]:
    end = _BLANK_LINE.search(data)
    head, content = (
        (data, b"") if end is None else (data[: end.start()], data[end.end() :])
    )
    headers = _HEADERS.parsebytes(head[:_HEADER_BYTES].replace(b"\0", b"") + b"\r\n")
    long = {name for name, value in headers.raw_items() if len(value) > _VALUE_CHARS}
    for name in long:
        del headers[name]
    return headers, content


def _unfolded(value: str) -> str:
    """Give a header's value on one line; what is beyond ASCII is UTF-8 (RFC 6532)."""
    text = value.encode("ascii", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"\r?\n", "", text).strip()


def _pieces(content: bytes, boundary: str) -> Iterator[bytes]:
    """Cut a multipart at its boundaries; what is before and after is nobody's."""
    try:
        mark = re.escape(boundary.encode("ascii", "surrogateescape"))
    except UnicodeError:
        return
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    start = None
    for found in delimiter.finditer(content):
        if start is not None:
            yield content[start : found.start()].removeprefix(b"\r").removeprefix(b"\n")
        if found[1]:
            return
        start = found.end()
    if start is not None:
        # Cut short on the way: what is there is still said.
        yield content[start:].removeprefix(b"\r").removeprefix(b"\n")


def _transferred(part: Part) -> bytes:
    """Undo the transfer encoding (RFC 2045, 6)."""
    encoding = (part.header("content-transfer-encoding") or "").strip().lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(part.content)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", part.content)
        # What is left over of a text that was cut short says nothing.
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    return part.content
