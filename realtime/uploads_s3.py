"""
Uploads in a bucket of S3 or whatever speaks like it.

Files never pass this server: it only signs links (AWS Signature Version 4, as a
query), and asks the bucket whether a file is there or has it removed. Size, type and
"only where there is none yet" are part of what is signed, so the bucket holds people to
them.
"""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import httpx

from realtime.clock import Clock
from realtime.errors import Unavailable
from realtime.uploads import PutLink
from storage.records import Upload, UploadId

log = logging.getLogger(__name__)

_OWN_LINKS_LAST = timedelta(minutes=1)
_ANSWER_WITHIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and for which region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str


def presign(
    signer: Signer,
    method: str,
    url: str,
    *,
    at: datetime,
    seconds: int,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> str:
    """
    Sign a request so that whoever has the link may make it, with exactly these headers.

    `url` has no query; its path is encoded as it will be sent.
    """
    parts = urlsplit(url)
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{signer.region}/s3/aws4_request"
    signed = {"host": parts.netloc} | {
        name.lower(): " ".join(value.split()) for name, value in (headers or {}).items()
    }
    names = ";".join(sorted(signed))
    asked = {
        **(query or {}),
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{signer.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": names,
    }
    written = "&".join(
        sorted(f"{_quoted(name)}={_quoted(value)}" for name, value in asked.items())
    )
    lines = [f"{name}:{signed[name]}\n" for name in sorted(signed)]
    canonical = "\n".join(
        [method, parts.path or "/", written, "".join(lines), names, "UNSIGNED-PAYLOAD"]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = f"AWS4{signer.secret_key}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return f"{url}?{written}&X-Amz-Signature={signature}"


class S3Bucket:
    """A bucket; everything in it that is ours is below `uploads/`."""

    def __init__(
        self,
        signer: Signer,
        bucket: str,
        *,
        clock: Clock,
        endpoint: str | None = None,
        has_path_style: bool = False,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._signer = signer
        self._clock = clock
        base = endpoint or f"https://s3.{signer.region}.amazonaws.com"
        parts = urlsplit(base)
        if has_path_style:
            self._base = f"{base}/{_quoted(bucket)}"
        else:
            self._base = f"{parts.scheme}://{bucket}.{parts.netloc}{parts.path}"
        self._http = http or httpx.AsyncClient(timeout=_ANSWER_WITHIN_SECONDS)

    def link_to_put(self, upload: Upload, until: datetime) -> PutLink:
        """Make a link that takes this size and type, and never replaces a file."""
        headers = {"Content-Type": upload.mime_type, "If-None-Match": "*"}
        signed = {**headers, "Content-Length": str(upload.size)}
        # Clients say the length by themselves; browsers let nobody set it.
        return PutLink(self._link("PUT", upload.id, until, headers=signed), headers)

    def link_to_get(self, upload: Upload, until: datetime) -> str:
        """Make a link that has the file saved under its name, not shown."""
        name = quote(upload.name, safe="")
        query = {
            "response-content-disposition": f"attachment; filename*=utf-8''{name}",
            "response-content-type": upload.mime_type,
            "response-cache-control": "private, no-store",
        }
        return self._link("GET", upload.id, until, query=query)

    async def has(self, upload: Upload) -> bool:
        """Ask the bucket."""
        answer = await self._ask("HEAD", upload.id)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        if answer.status_code == httpx.codes.FORBIDDEN:
            # So does S3 say that nothing is there to who may not list the bucket.
            log.warning("the bucket does not tell what it has: may we list it?")
            return False
        if answer.status_code != httpx.codes.OK:
            raise Unavailable
        length: str | None = answer.headers.get("content-length")
        return length == str(upload.size)

    async def remove(self, upload: UploadId) -> None:
        """Have the bucket remove it."""
        answer = await self._ask("DELETE", upload)
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            raise Unavailable(f"The bucket answers {answer.status_code}.")

    async def close(self) -> None:
        """Close connections to the bucket."""
        await self._http.aclose()

    async def _ask(self, method: str, upload: UploadId) -> httpx.Response:
        link = self._link(method, upload, self._clock() + _OWN_LINKS_LAST)
        try:
            return await self._http.request(method, link)
        except (httpx.HTTPError, httpx.StreamError):
            # Not passed on: what the client tells of itself may hold the link.
            raise Unavailable("The bucket does not answer.") from None

    def _link(
        self,
        method: str,
        upload: UploadId,
        until: datetime,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        now = self._clock()
        return presign(
            self._signer,
            method,
            f"{self._base}/uploads/{upload}",
            at=now,
            seconds=max(int((until - now).total_seconds()), 1),
            headers=headers,
            query=query,
        )


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
