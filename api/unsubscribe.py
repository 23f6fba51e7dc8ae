"""
Unsubscribing from mails without a login: the page, and the one click of RFC 8058.

Whoever has the link may; looking at the page changes nothing, because programs that
look for viruses open every link of a mail.
"""

from email import message_from_bytes
from email.policy import HTTP
from functools import lru_cache
from secrets import token_urlsafe
from typing import Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from api.deps import ANode
from realtime.actions.unsubscribing import (
    DIGEST,
    PROMOTION,
    are_ended,
    end_mails,
    resume_mails,
)
from realtime.errors import Invalid, NotFound
from realtime.mail.language import Language, language_of
from realtime.mail.letters import section_of
from realtime.mail.links import Unsubscribing, open_links
from realtime.node import Node
from storage.unit_of_work import UnitOfWork

# Nobody makes such an address: it is given, and stays out of the description.
router = APIRouter(prefix="/v1/unsubscribe/{token}", include_in_schema=False)

# What a mail program, or the page's own form, posts is short.
_BODY_BYTES = 10_000

_Wish = Literal["one_click", "unsubscribe", "undo"]
_State = Literal["ask", "stopped", "undone"]


@router.api_route("", methods=["GET", "HEAD"])
async def show_unsubscribing(node: ANode, token: str) -> Response:
    """Show what would end, or what has; nothing is changed."""
    async with node.transaction() as work:
        which, language = await _found(node, work, token)
        is_ended = await are_ended(work, node.catalogue, which.user_id, which.purpose)
    return _page(node, which, language, "stopped" if is_ended else "ask")


@router.post("")
async def unsubscribe(node: ANode, token: str, request: Request) -> Response:
    """End mails of the link's purpose, or take that back; again is as once."""
    wish = _wish(request.headers.get("content-type", ""), await _body(request))
    now = node.clock()
    async with node.transaction() as work:
        which, language = await _found(node, work, token)
        if wish == "undo":
            await resume_mails(work, node.catalogue, which, now)
        else:
            await end_mails(
                work, node.catalogue, which.user_id, which.purpose, wish, now
            )
    return _page(node, which, language, "undone" if wish == "undo" else "stopped")


async def _found(
    node: Node, work: UnitOfWork, token: str
) -> tuple[Unsubscribing, Language]:
    """
    Read a link, and find out in which language its owner reads.

    Raises:
        NotFound: It is none of ours, or its owner is no more.
    """
    which = (await open_links(work, node.settings)).read_unsubscribe(token)
    user = await work.users.get(which.user_id) if which else None
    if which is None or user is None:
        raise NotFound
    return which, language_of(user.locale or "en")


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            raise Invalid("Send List-Unsubscribe=One-Click.")
    return body


def _wish(content_type: str, body: bytes) -> _Wish:
    """
    Read a form, of either kind that RFC 8058 names.

    Raises:
        Invalid: It asks for nothing that can be done here.
    """
    form = _multipart(content_type, body) or {
        name: values[-1]
        for name, values in parse_qs(body.decode("utf-8", "replace")).items()
    }
    if form.get("action") == "undo":
        return "undo"
    if form.get("List-Unsubscribe") == "One-Click":
        return "unsubscribe" if form.get("action") == "stop" else "one_click"
    raise Invalid("Send List-Unsubscribe=One-Click.")


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    if not content_type.lower().startswith("multipart/form-data"):
        return {}
    # Headers are Latin-1 on the way here.
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    fields = {}
    for part in message_from_bytes(head + body, policy=HTTP).iter_parts():
        name = part.get_param("name", header="Content-Disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            fields[name] = value.decode("utf-8", "replace").strip()
    return fields


def _page(
    node: Node, which: Unsubscribing, language: Language, state: _State
) -> Response:
    nonce = token_urlsafe(16)
    page = _template().render(
        lang=language.tag,
        dir=language.direction,
        nonce=nonce,
        title=language.say_of("page", "title", product=node.settings.mail_name),
        heading=language.say_of("page", state),
        about=language.say_of("page", "about", what=_what(which.purpose, language)),
        rest=language.say_of("page", "rest"),
        is_ended=state == "stopped",
        undo=language.say_of("page", "undo"),
        stop=language.say_of("page", "stop"),
    )
    return HTMLResponse(
        page,
        headers={
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self';"
                " base-uri 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            # The address is the right to do this.
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex",
        },
    )


def _what(purpose: str, language: Language) -> str:
    if purpose == DIGEST:
        return language.say_of("page", "digest")
    if purpose == PROMOTION:
        return language.say_of("page", "promotion")
    return language.say_of("sections", section_of(purpose))


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("api", "pages"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("unsubscribe.html")
