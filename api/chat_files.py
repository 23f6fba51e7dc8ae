"""
The chat as browsers get it: what was built before, sent from memory.

Names are stable, so that pages elsewhere can name them; browsers ask each time whether
what they have is still good (`no-cache`, an ETag), and a release reaches them at once.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI, Request
from fastapi.responses import Response

from api.refusals import CannotRun
from realtime.errors import NotFound

COMPONENT = "callboard-chat.js"
WORKER = "callboard-sw.js"
PAGE = "index.html"
HOW_TO_BUILD = (
    "The chat page has not been built: run"
    " `scripts/clients npm run build --workspace chat`."
)

_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class ChatFile:
    """A file, as it is and compressed, with what tells it from its next release."""

    media_type: str
    content: bytes
    compressed: bytes
    tag: str

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Send it in the smaller form if that is taken, or say that nothing changed."""
        takes_gzip = _takes_gzip(request.headers.get("accept-encoding", ""))
        # An answer in another encoding is another one to caches (RFC 9110, 8.8.3).
        tag = f'"{self.tag}-gzip"' if takes_gzip else f'"{self.tag}"'
        common = {
            "ETag": tag,
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
            **headers,
        }
        if _is_among(tag, request.headers.get("if-none-match", "")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=common)
        if takes_gzip:
            common["Content-Encoding"] = "gzip"
        return Response(
            self.compressed if takes_gzip else self.content,
            media_type=self.media_type,
            headers=common,
        )


class ChatFiles:
    """All files of one build."""

    def __init__(self, folder: Traversable) -> None:
        found = folder.iterdir() if folder.is_dir() else ()
        self._files = {
            file.name: _read(file)
            for file in sorted(found, key=lambda file: file.name)
            if _suffix(file.name) in _TYPES
        }

    @property
    def are_built(self) -> bool:
        """Tell whether everything that is linked to is there."""
        return {COMPONENT, WORKER, PAGE} <= self._files.keys()

    def get(self, name: str) -> ChatFile:
        """
        Give a file.

        Raises:
            NotFound: There is none; where nothing was built, it says how to.
        """
        if not self.are_built:
            raise NotFound(HOW_TO_BUILD)
        try:
            return self._files[name]
        except KeyError:
            raise NotFound from None

    def require(self) -> None:
        """
        Make sure that there is a page to show.

        Raises:
            CannotRun: Nothing was built.
        """
        if not self.are_built:
            raise CannotRun(HOW_TO_BUILD)


@cache
def shipped() -> ChatFiles:
    """Give the files that this package came with, read and compressed once."""
    return ChatFiles(files("api").joinpath("pages", "chat"))


def add_chat_files(app: FastAPI, chat: ChatFiles) -> None:
    """
    Serve what pages of any origin embed: the component, and what it loads.

    They hold nothing of anybody, so every page may have them.
    """
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }

    async def send_asset(request: Request, name: str) -> Response:
        if name == PAGE:
            raise NotFound
        return chat.get(name).answer(request, headers)

    app.add_api_route(
        "/assets/{name}", send_asset, methods=["GET", "HEAD"], include_in_schema=False
    )


def _read(file: Traversable) -> ChatFile:
    content = file.read_bytes()
    return ChatFile(
        media_type=_TYPES[_suffix(file.name)],
        content=content,
        # Without the time: the same file is the same in each process.
        compressed=gzip.compress(content, compresslevel=9, mtime=0),
        tag=hashlib.sha256(content).hexdigest()[:32],
    )


def _suffix(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _is_among(tag: str, known: str) -> bool:
    tags = (each.strip().removeprefix("W/") for each in known.split(","))
    return any(each in (tag, "*") for each in tags)
