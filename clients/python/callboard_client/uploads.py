"""
Puts files where the readers of a message can get them.
"""

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx

from callboard_client.caller import Caller, trusted_certificates
from callboard_client.calls import part
from callboard_client.contract import Attachment, UploadTicket
from callboard_client.wire import FIRST_ERROR_STATUS, problem

__all__ = ["Uploads"]

CHUNK = 256 * 1024
# Of silence, not of the whole transfer.
TIMEOUT_S = 60.0
UNKNOWN_TYPE = "application/octet-stream"


class Uploads(Caller):
    """
    A caller that also sends files.
    """

    async def upload(
        self,
        conversation_id: str,
        file: Path | str | bytes,
        *,
        name: str | None = None,
        mime_type: str | None = None,
    ) -> Attachment:
        """
        Send a file, by its path or its content, and give the attachment to send on.

        A name and a type are taken from the path where they are not given; content
        needs a name. The file is read piece by piece. It is the conversation's: send
        the attachment there, within a day.

        Raises:
            Refused: It is too large, of a type that is not taken, or one may not.
            OSError: The file cannot be read.
            httpx.TransportError: There was no answer.
        """
        path = None if isinstance(file, bytes) else Path(file)
        if name is None:
            if path is None:
                raise ValueError("content needs a name")
            name = path.name
        size = len(cast("bytes", file)) if path is None else path.stat().st_size
        told = {
            "name": name,
            "mime_type": mime_type or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE,
            "size": size,
        }
        where = f"/v1/conversations/{part(conversation_id)}/uploads"
        ticket = cast("UploadTicket", await self.call("POST", where, body=told))
        target = ticket["upload"]
        headers = {**target["headers"], "Content-Length": str(size)}
        content = file if isinstance(file, bytes) else pieces(Path(file))
        # Elsewhere, perhaps: nothing of ours but the file goes there.
        async with httpx.AsyncClient(
            timeout=TIMEOUT_S, verify=trusted_certificates()
        ) as http:
            answer = await http.put(target["url"], content=content, headers=headers)
        if answer.status_code >= FIRST_ERROR_STATUS:
            raise problem(answer.status_code, answer.headers, answer.content)
        return ticket["attachment"]


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """
    Read a file piece by piece, without keeping others from their work.
    """
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, CHUNK):
            yield piece
