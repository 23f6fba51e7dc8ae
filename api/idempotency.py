"""
`Idempotency-Key`: a backend's POST that is repeated is done once and answered twice.

A new platform POST takes part by asking for `once: AnOnce` (made by `once_with` and
its scope) and ending with `return await once.answer(action)`.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from api.deps import ANode, platform_with
from realtime.actor import Platform
from realtime.errors import Invalid
from realtime.node import Node
from storage.unit_of_work import UnitOfWork

REPLAYED = "Idempotent-Replayed"

# Printable ASCII, so that the key is the same in every log and every proxy.
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Once:
    """One POST of a backend, with the key under which it is remembered, if any."""

    node: Node
    platform: Platform
    key: str | None
    digest: bytes

    async def answer(
        self,
        act: Callable[[UnitOfWork], Awaitable[BaseModel]],
        *,
        status: int = 200,
        show: Callable[[bytes], bytes] | None = None,
    ) -> Response:
        """
        Do an action in one transaction and answer; under a known key, answer again.

        Of two equal requests at once the second waits for the first and gets its
        answer. A refusal is not remembered: the request may be sent again under its
        key. `show` makes the answer of what is remembered, where that must not be
        kept in the database itself.

        Raises:
            Invalid: The key belongs to another request.
        """
        async with self.node.transaction(key=self.platform.key_id) as work:
            before = await self._before(work)
            if before is not None:
                status, body = before
            else:
                body = (await act(work)).model_dump_json().encode()
                if self.key is not None:
                    await work.idempotency_keys.keep(
                        self.platform.key_id, self.key, status, body
                    )
        return Response(
            body if show is None else show(body),
            status_code=status,
            media_type="application/json",
            headers={} if before is None else {REPLAYED: "true"},
        )

    async def _before(self, work: UnitOfWork) -> tuple[int, bytes] | None:
        if self.key is None:
            return None
        known = await work.idempotency_keys.claim(
            self.platform.key_id, self.key, self.digest
        )
        if known is None:
            return None
        digest, status, body = known
        if digest != self.digest:
            raise Invalid("This Idempotency-Key was used for another request.")
        return status, body


def once_with(scope: str) -> Callable[..., Any]:
    """Make a dependency that gives a backend's POST, whose key must have a scope."""

    async def once(
        request: Request,
        node: ANode,
        platform: Annotated[Platform, Depends(platform_with(scope))],
        key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                description="Makes the call safe to repeat for 24 hours:"
                " 1 to 255 printable ASCII characters.",
            ),
        ] = None,
    ) -> Once:
        if key is not None and not _KEY.fullmatch(key):
            raise Invalid("Idempotency-Key: 1 to 255 printable ASCII characters.")
        digest = b"" if key is None else await _digest(request)
        return Once(node, platform, key, digest)

    return once


async def _digest(request: Request) -> bytes:
    """Tell requests apart by what they ask for, not by how their JSON is spaced."""
    try:
        asked = orjson.loads(await request.body() or b"null")
    except orjson.JSONDecodeError:
        raise Invalid("The body is not JSON.") from None
    content = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    called = f"{request.method} {request.url.path} ".encode() + content
    return hashlib.blake2b(called, digest_size=32).digest()
