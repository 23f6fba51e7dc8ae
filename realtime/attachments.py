"""
What an operator lets people attach: how large, of which types, from where.

`protocol.py` knows the shape of an attachment, this file the settings. Everything that
stores attachments asks `check` first.
"""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from realtime.errors import Invalid, TooLarge
from realtime.protocol import Attachment
from realtime.settings import Settings
from storage.records import UploadId

UPLOADS_PATH = "/v1/uploads/"

# What stores messages knows uploads by the end of their addresses (3_uploads.sql), so
# no address of anybody else's may look like one.
_LIKE_AN_UPLOAD = re.compile(
    UPLOADS_PATH + "-".join(f"[0-9a-f]{{{chars}}}" for chars in (8, 4, 4, 4, 12)),
    re.IGNORECASE,
)

_PORTS = {"http": 80, "https": 443}

# Classes of characters that turn the direction of writing.
_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


class AttachmentRules:
    """The settings about attachments, asked of each."""

    def __init__(self, settings: Settings) -> None:
        self._largest = settings.attachment_bytes
        self._types = tuple(each.lower() for each in settings.attachment_types)
        self._hosts = frozenset(each.lower() for each in settings.attachment_hosts)
        has_uploads = settings.s3_bucket or settings.uploads_directory
        self._base = (settings.public_url or "") + UPLOADS_PATH if has_uploads else None

    def check(self, attachments: Sequence[Attachment]) -> dict[UploadId, Attachment]:
        """
        Check the attachments of a message; gives those which are uploads here.

        Raises:
            Invalid: Naming each field that is wrong.
        """
        wrong: list[dict[str, str]] = []
        own: dict[UploadId, Attachment] = {}
        for index, attachment in enumerate(attachments):
            found = {
                "url": self._why_not_there(attachment.url),
                "name": why_no_file_name(attachment.name),
                "mime_type": self._why_not_of_type(attachment.mime_type),
                "size": self._why_not_so_large(attachment.size),
            }
            wrong += [
                {"field": f"attachments.{index}.{field}", "message": message}
                for field, message in found.items()
                if message
            ]
            upload = self._upload_at(attachment.url)
            if upload is not None:
                own[upload] = attachment
        if wrong:
            raise Invalid(
                f"{wrong[0]['field']}: {wrong[0]['message']}", details={"fields": wrong}
            )
        return own

    def check_upload(self, mime_type: str, size: int) -> None:
        """
        Check what somebody wants to upload.

        Raises:
            Invalid, TooLarge: Its type is not taken, or it is too large.
        """
        if message := self._why_not_of_type(mime_type):
            raise Invalid(f"mime_type: {message}")
        if message := self._why_not_so_large(size):
            raise TooLarge(f"size: {message}")

    def url_of(self, upload: UploadId) -> str:
        """
        Give the address by which a message names an upload.

        Raises:
            ValueError: There are no uploads here.
        """
        if self._base is None:
            raise ValueError("uploads are not set up")
        return f"{self._base}{upload}"

    def _upload_at(self, url: str) -> UploadId | None:
        """Name the upload of this server that is at an address, if one is."""
        if self._base is None or not url.startswith(self._base):
            return None
        text = url.removeprefix(self._base)
        try:
            upload = UUID(text)
        except ValueError:
            return None
        return UploadId(upload) if str(upload) == text else None

    def _why_not_there(self, url: str) -> str | None:
        if self._upload_at(url) is not None:
            return None
        parts = urlsplit(url)
        is_below = self._base is not None and _is_below(parts, urlsplit(self._base))
        if is_below or _LIKE_AN_UPLOAD.search(url):
            return "must be the url of an upload as it was given"
        if parts.scheme != "https":
            return "must be an https URL without credentials"
        if self._hosts and parts.hostname not in self._hosts:
            return "must be an upload, or at a host that this server takes files from"
        return None

    def _why_not_of_type(self, mime_type: str) -> str | None:
        asked = mime_type.lower()
        if any(_fits(asked, pattern) for pattern in self._types):
            return None
        return "this server does not take files of this type"

    def _why_not_so_large(self, size: int) -> str | None:
        if size <= self._largest:
            return None
        return f"files here have at most {self._largest} bytes"


def why_no_file_name(name: str) -> str | None:
    """Say why a name is none of a file; None where it is one."""
    if name in {".", ".."} or any(each in "/\\" for each in name):
        return "must be a name, not a path"
    # Controls, and what turns the direction of writing: "fdp.exe" is not to look
    # like "exe.pdf".
    if any(_is_hidden(each) for each in name):
        return "must not contain control characters"
    return None


def _is_hidden(character: str) -> bool:
    is_control = unicodedata.category(character) in {"Cc", "Zl", "Zp"}
    return is_control or unicodedata.bidirectional(character) in _TURNS


def _fits(mime_type: str, pattern: str) -> bool:
    if pattern == "*/*":
        return True
    if pattern.endswith("*"):
        return mime_type.startswith(pattern[:-1])
    return mime_type == pattern


def _is_below(parts: SplitResult, base: SplitResult) -> bool:
    return _origin(parts) == _origin(base) and parts.path.startswith(base.path)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
