"""The page at `/` while developing, and whom it lets one be."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from ipaddress import ip_address
from secrets import token_urlsafe

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from api.dev_home import DevPerson
from realtime.errors import NotFound

# With names of this machine only: a page elsewhere whose own name was made to lead
# here (DNS rebinding) still says that name.
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def add_dev_page(app: FastAPI, people: Sequence[DevPerson]) -> None:
    """
    Let whoever sits at this machine be anybody of the demonstration.

    Never to be added to a server that others reach in earnest: it gives tokens away
    to everybody who can open a connection from this machine.
    """
    page = files("api").joinpath("pages/dev.html").read_text(encoding="utf-8")

    async def show_page(request: Request) -> Response:
        nonce = token_urlsafe(16)
        return HTMLResponse(
            page.replace("{{nonce}}", nonce),
            headers={
                "Content-Security-Policy": _policy(nonce),
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def list_people(request: Request) -> Response:
        if not _is_from_here(request):
            raise NotFound
        return JSONResponse(
            {"items": [asdict(person) for person in people]},
            headers={"Cache-Control": "no-store"},
        )

    app.add_api_route("/", show_page, include_in_schema=False)
    app.add_api_route("/dev/people", list_people, include_in_schema=False)


def _policy(nonce: str) -> str:
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';"
        " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def _is_from_here(request: Request) -> bool:
    """Tell whether the peer is this machine and asked for it by its own name."""
    if request.client is None:
        return False
    try:
        is_loopback = ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    host = request.headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    # Browsers say who asks; a tool that does not is not a page.
    site = request.headers.get("sec-fetch-site", "none")
    return is_loopback and name in _OWN_NAMES and site in ("none", "same-origin")
