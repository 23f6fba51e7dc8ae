"""
Where the bytes of uploads are: a private place that only expiring links open.

`FileStore` is the role; the folder of this file suits one machine, `uploads_s3.py` has
the bucket for all others. Whoever has a link may use it until it expires, so it is
given only to whom `actions/uploads.py` lets, and never logged.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlencode

from realtime.attachments import UPLOADS_PATH
from realtime.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from storage.records import Upload, UploadId

log = logging.getLogger(__name__)

# As much as is written at once: a thread for every packet costs more than the packet.
_WRITE_BYTES = 1_048_576

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class PutLink:
    """Where a file may be put, once, with these headers."""

    url: str
    headers: Mapping[str, str]


class FileStore(Protocol):
    """
    Keeps files that nobody can get at without a link.

    A file is whole or not there, has exactly the size and type that were announced, and
    never changes.
    """

    def link_to_put(self, upload: Upload, until: datetime) -> PutLink:
        """Make a link by which the file may be put there until a moment."""

    def link_to_get(self, upload: Upload, until: datetime) -> str:
        """Make a link by which the file may be had until a moment."""

    async def has(self, upload: Upload) -> bool:
        """
        Tell whether the file has been put there, whole.

        Raises:
            Unavailable: The store does not answer.
        """

    async def remove(self, upload: UploadId) -> None:
        """
        Remove a file; where there is none, nothing happens.

        Raises:
            Unavailable: The store does not answer.
        """

    async def close(self) -> None:
        """Let go of connections."""


class LocalFolder:
    """
    Files in a folder of this machine, behind links that this server signs itself.

    Paths are made of ids alone. Several processes may share the folder: they share the
    secret in it, unless one is given.
    """

    def __init__(self, directory: Path, base: str, secret: str | None = None) -> None:
        self._directory = directory
        self._base = base + UPLOADS_PATH
        try:
            directory.mkdir(0o700, parents=True, exist_ok=True)
            given = secret.encode() if secret else _kept_secret(directory / "secret")
        except OSError as error:
            raise ValueError(
                f"CALLBOARD_UPLOADS_DIRECTORY {directory} cannot be used"
                f" ({error.strerror or error})."
            ) from None
        # A key of its own, should somebody use the secret elsewhere too.
        self._key = hmac.digest(given, b"callboard uploads 1", "sha256")

    def link_to_put(self, upload: Upload, until: datetime) -> PutLink:
        """Make a link to this server."""
        link = self._link("PUT", upload, until)
        return PutLink(link, {"Content-Type": upload.mime_type})

    def link_to_get(self, upload: Upload, until: datetime) -> str:
        """Make a link to this server."""
        return self._link("GET", upload, until)

    def check(
        self, method: str, upload: Upload, expires: int, signature: str, now: datetime
    ) -> None:
        """
        Let somebody pass who has a link for this.

        Raises:
            NotFound: The link is not of this server's making, or for something else.
            Forbidden: It was, but has expired.
        """
        good = self._signature(method, upload, expires)
        if not hmac.compare_digest(good.encode(), signature.encode()):
            raise NotFound
        if now.timestamp() >= expires:
            raise Forbidden("This link has expired; ask for a new one.")

    async def write(self, upload: Upload, chunks: AsyncIterator[bytes]) -> None:
        """
        Take a file; what is not exactly as large as announced leaves nothing behind.

        Raises:
            Conflict: It is there already.
            TooLarge, Invalid: More comes than was announced, or less.
            Unavailable: The disk is full or otherwise unfit.
        """
        path = self.path(upload.id)
        if await self.has(upload):
            raise Conflict("The file is there already.")
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        try:
            with await asyncio.to_thread(_create, part) as file:
                await _fill(file, upload.size, chunks)
            # Unlike renaming, linking never replaces what another was faster to put.
            await asyncio.to_thread(os.link, part, path)
        except FileExistsError:
            raise Conflict("The file is there already.") from None
        except OSError as error:
            log.exception("an upload cannot be kept")
            raise Unavailable from error
        finally:
            part.unlink(missing_ok=True)

    def path(self, upload: UploadId) -> Path:
        """Say where a file is."""
        # The end of an id is random: it spreads the files over 256 folders.
        return self._directory / upload.hex[-2:] / upload.hex

    async def has(self, upload: Upload) -> bool:
        """Look."""
        return await asyncio.to_thread(self.path(upload.id).is_file)

    async def remove(self, upload: UploadId) -> None:
        """Remove the file and what a killed server left of it."""
        await asyncio.to_thread(self._remove, self.path(upload))

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        for part in path.parent.glob(f"{path.name}.*.part"):
            part.unlink(missing_ok=True)

    def _link(self, method: str, upload: Upload, until: datetime) -> str:
        expires = int(until.timestamp())
        signature = self._signature(method, upload, expires)
        query = urlencode({"expires": expires, "signature": signature})
        return f"{self._base}{upload.id}/content?{query}"

    def _signature(self, method: str, upload: Upload, expires: int) -> str:
        signed = f"{method}\n{upload.id}\n{expires}\n{upload.size}\n{upload.mime_type}"
        digest = hmac.digest(self._key, signed.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def _fill(file: BinaryIO, size: int, chunks: AsyncIterator[bytes]) -> None:
    received = 0
    waiting = bytearray()
    async for chunk in chunks:
        received += len(chunk)
        if received > size:
            raise TooLarge(f"This file was announced with {size} bytes.")
        waiting += chunk
        if len(waiting) >= _WRITE_BYTES:
            await asyncio.to_thread(file.write, bytes(waiting))
            waiting.clear()
    if received < size:
        raise Invalid(f"This file was announced with {size} bytes.")
    await asyncio.to_thread(_finish, file, bytes(waiting))


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb")


def _finish(file: BinaryIO, rest: bytes) -> None:
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())


def _kept_secret(path: Path) -> bytes:
    """Give the secret of a folder, made by whoever comes first."""
    if not path.exists():
        new = path.with_name(f"secret.{secrets.token_hex(8)}.new")
        with _create(new) as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES).encode())
        # Linked, so that whoever reads it finds it whole, and all find the same.
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_bytes()
