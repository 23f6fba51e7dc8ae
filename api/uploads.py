"""
Uploads: announcing a file, getting at it; and the content itself, by signed link.

The calls for content serve the local folder (`realtime/uploads.py`); with a bucket,
links lead there.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, RedirectResponse

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import shown
from api.shapes import Body
from realtime.actions.uploads import PUT_LINKS_LAST, announce_upload, find_upload
from realtime.errors import (
    Blocked,
    ConversationArchived,
    ConversationBlocked,
    GigClosed,
    Invalid,
    NotAParticipant,
    NotConnected,
    NotFound,
    RateLimited,
    Suspended,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from realtime.node import Node
from realtime.protocol import (
    LARGEST_SEQ,
    Attachment,
    FileName,
    Instant,
    MimeType,
    Wire,
)
from realtime.uploads import FileStore, LocalFolder
from storage.records import ConversationId, Upload, UploadId

router = APIRouter(tags=["messages"])

_ID = "0191b1a2-0000-7000-8000-00000000f11e"
_AT = "2026-11-21T01:20:00.000Z"
_NEW: Mapping[str, Any] = {
    "name": "cv.pdf",
    "mime_type": "application/pdf",
    "size": 48213,
}
_LINK = f"https://chat.example/v1/uploads/{_ID}/content?expires=1795224000&signature=…"
_TICKET: Mapping[str, Any] = {
    "id": _ID,
    "upload": {
        "method": "PUT",
        "url": _LINK,
        "headers": {"Content-Type": "application/pdf"},
        "expires_at": _AT,
    },
    "attachment": {"url": f"https://chat.example/v1/uploads/{_ID}", **_NEW},
}
_COMMON = refusals(Unauthenticated, NotFound, Invalid, Unavailable)

# Nothing of what people upload is to run, whatever it says it is.
_DELIVERED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


class NewUpload(Body):
    """A file that one wants to put into a conversation."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(_NEW)]})

    name: FileName
    mime_type: MimeType
    size: Annotated[int, Field(ge=1, le=LARGEST_SEQ)]


class PutTarget(Wire):
    """Where to put the file, with these headers and its exact length."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: Mapping[str, str]
    expires_at: Instant


class UploadTicket(Wire):
    """Where to put a file, and the attachment with which it is then sent."""

    id: UUID
    upload: PutTarget
    attachment: Attachment


class FileLink(Wire):
    """Where a file can be had by whoever has this link, for some minutes."""

    url: str
    expires_at: Instant


@router.post(
    "/v1/conversations/{conversation_id}/uploads",
    status_code=201,
    response_model=UploadTicket,
    responses=_COMMON
    | shown(_TICKET, 201)
    | refusals(
        Suspended,
        NotConnected,
        Blocked,
        NotAParticipant,
        ConversationArchived,
        ConversationBlocked,
        GigClosed,
    )
    | refusals(TooLarge, RateLimited),
)
async def start_upload(
    node: ANode, actor: AnActor, conversation_id: UUID, new: NewUpload
) -> UploadTicket:
    """
    Announce a file: put it where `upload` says, then send `attachment` in a message.

    What is not sent within a day is thrown away.
    """
    files = _files(node)
    async with node.transaction(actor.user_id) as work:
        upload = await announce_upload(
            work,
            actor,
            ConversationId(conversation_id),
            name=new.name,
            mime_type=new.mime_type,
            size=new.size,
            rules=node.attachment_rules,
        )
    until = node.clock() + PUT_LINKS_LAST
    link = files.link_to_put(upload, until)
    return UploadTicket(
        id=upload.id,
        upload=PutTarget(url=link.url, headers=link.headers, expires_at=until),
        attachment=Attachment(
            url=node.attachment_rules.url_of(upload.id),
            name=upload.name,
            mime_type=upload.mime_type,
            size=upload.size,
        ),
    )


@router.get(
    "/v1/uploads/{upload_id}",
    response_model=FileLink,
    responses=_COMMON
    | shown({"url": _LINK, "expires_at": _AT})
    | refusals(Suspended)
    | {307: {"description": "The link, for who does not ask for JSON."}},
)
async def get_upload(
    node: ANode, actor: AnActor, upload_id: UUID, request: Request
) -> Response:
    """
    Get at a file: a short-lived link, as JSON for `Accept: application/json`.

    For who reads the message that carries it, and for who has uploaded it.
    """
    files = _files(node)
    async with node.transaction(actor.user_id) as work:
        upload = await find_upload(work, UploadId(upload_id))
    until = node.clock() + timedelta(seconds=node.settings.upload_link_seconds)
    url = files.link_to_get(upload, until)
    if "application/json" in request.headers.get("accept", ""):
        link = FileLink(url=url, expires_at=until)
        return Response(link.model_dump_json(), media_type="application/json")
    return RedirectResponse(url, headers={"Referrer-Policy": "no-referrer"})


_Expires = Annotated[int, Query(ge=0, le=LARGEST_SEQ)]
_Signature = Annotated[str, Query(max_length=100)]
# Nobody makes such an address: it is given, and stays out of the description.
_CONTENT = "/v1/uploads/{upload_id}/content"


@router.put(_CONTENT, status_code=204, include_in_schema=False)
async def put_content(
    node: ANode,
    upload_id: UUID,
    request: Request,
    expires: _Expires,
    signature: _Signature,
) -> None:
    """
    Take a file, once.
    """
    folder, upload = await _opened(node, "PUT", upload_id, expires, signature)
    declared = request.headers.get("content-length", str(upload.size))
    if declared.isdecimal() and int(declared) > upload.size:
        raise TooLarge(f"This file was announced with {upload.size} bytes.")
    if request.headers.get("content-type") != upload.mime_type:
        raise Invalid(f"This file was announced as {upload.mime_type}.")
    try:
        await folder.write(upload, request.stream())
    except ClientDisconnect:
        raise Invalid("The file did not arrive.") from None


@router.api_route(_CONTENT, methods=["GET", "HEAD"], include_in_schema=False)
async def get_content(
    node: ANode, upload_id: UUID, expires: _Expires, signature: _Signature
) -> Response:
    """
    Deliver a file, to be saved and not to be shown.
    """
    folder, upload = await _opened(node, "GET", upload_id, expires, signature)
    if not await folder.has(upload):
        raise NotFound
    return FileResponse(
        folder.path(upload.id),
        headers=_DELIVERED,
        media_type=upload.mime_type,
        filename=upload.name,
    )


def _files(node: Node) -> FileStore:
    if node.files is None:
        raise NotFound("This server takes no uploads.")
    return node.files


async def _opened(
    node: Node, method: str, upload_id: UUID, expires: int, signature: str
) -> tuple[LocalFolder, Upload]:
    """Let in who has a link; what was deleted since is not there."""
    folder = node.files
    if not isinstance(folder, LocalFolder):
        raise NotFound
    async with node.transaction() as work:
        upload = await find_upload(work, UploadId(upload_id))
    folder.check(method, upload, expires, signature, node.clock())
    return folder, upload
