"""The page at `/` while developing, and whom it lets one be."""

from collections.abc import Sequence
from dataclasses import asdict
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api.chat_files import PAGE, WORKER, ChatFiles
from api.dev_home import DevPerson
from realtime.errors import NotFound

# With names of this machine only: a page elsewhere whose own name was made to lead
# here (DNS rebinding) still says that name.
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

# What only pages elsewhere send with a GET, and proxies, behind which anybody may be.
_OF_OTHERS = ("origin", "forwarded", "x-forwarded-for", "x-forwarded-host", "via")

# Nothing from elsewhere and nothing inline; `blob:` are files that the page itself got
# with its token. No pictures of people from elsewhere either, which would tell those
# who keep them who looks: initials stand in for them.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob: data:; worker-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def add_dev_page(
    app: FastAPI, people: Sequence[DevPerson], chat: ChatFiles, address: str
) -> None:
    """
    Let whoever sits at this machine be anybody of the demonstration.

    Never to be added to a server that others reach in earnest: it gives tokens away
    to everybody who can open a connection from this machine. `address` is where links
    to the server lead; the page is shown there only, so that they stay on it.

    Raises:
        CannotRun: The page was not built.
    """
    chat.require()
    home = urlsplit(address)

    async def show_page(request: Request) -> Response:
        host = request.headers.get("host", "").lower()
        if host != home.netloc and {_name(host), _name(home.netloc)} <= _OWN_NAMES:
            return RedirectResponse(f"{address}/")
        return chat.get(PAGE).answer(request, _PAGE_HEADERS)

    async def send_worker(request: Request) -> Response:
        return chat.get(WORKER).answer(request, {"Service-Worker-Allowed": "/"})

    async def list_people(request: Request) -> Response:
        if not _is_from_here(request):
            raise NotFound
        return JSONResponse(
            {"items": [asdict(person) for person in people]},
            headers={"Cache-Control": "no-store"},
        )

    for path, endpoint in (("/", show_page), (f"/{WORKER}", send_worker)):
        app.add_api_route(
            path, endpoint, methods=["GET", "HEAD"], include_in_schema=False
        )
    app.add_api_route("/dev/people", list_people, include_in_schema=False)


def _is_from_here(request: Request) -> bool:
    """Tell whether the peer is this machine and asked for it by its own name."""
    if request.client is None:
        return False
    try:
        is_loopback = ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    if any(header in request.headers for header in _OF_OTHERS):
        return False
    name = _name(request.headers.get("host", "").lower())
    # Browsers say who asks; a tool that does not is not a page.
    site = request.headers.get("sec-fetch-site", "none")
    return is_loopback and name in _OWN_NAMES and site in ("none", "same-origin")


def _name(host: str) -> str:
    """Give the name of a host that may have a port."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host
