"""What stands around every call: a limit for bodies, and the last net for faults."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import render
from realtime.attachments import UPLOADS_PATH
from realtime.errors import Internal, TooLarge

log = logging.getLogger(__name__)

BODY_BYTES = 1_048_576
BATCH_BYTES = 8 * 1_048_576


class BodyLimit:
    """
    Refuses bodies that are too large, as soon as that is known.

    A declared length is believed when it is too large; what comes without one is
    counted, so at no time is more than the limit and one chunk in memory. A file that
    is uploaded has the size that was announced, which its own call sees to.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _limit(scope["path"])
        if limit is None:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            await render(TooLarge(f"A body here has at most {limit} bytes."))(
                scope, receive, send
            )
            return
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # The framework lets its own exception through, but no other.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, receive_some, send)


class Guard:
    """
    Turns what nobody expected into a refusal and a line in the log.

    Answers are for who asked: `no-store` keeps them out of shared caches.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def send_marked(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:
            # The query may hold what people wrote; the path holds ids at the most.
            where = {"method": scope["method"], "path": scope["path"]}
            log.exception("request failed", extra=where)
            if has_started:
                # Too late to say so: the server cuts the answer off.
                raise
            await render(Internal())(scope, receive, send_marked)


def _limit(path: str) -> int | None:
    if path.startswith(UPLOADS_PATH) and path.endswith("/content"):
        return None
    is_batch = path.startswith("/v1/platform/") and path.endswith("/batch")
    return BATCH_BYTES if is_batch else BODY_BYTES
