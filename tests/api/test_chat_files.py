"""The built chat: to every origin, only when it has changed, compressed."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.chat_files import ChatFiles
from api.dev_home import DevPerson
from api.dev_page import add_dev_page
from api.refusals import CannotRun
from realtime.node import Node
from tests.api.calling import problem

ADDRESS = "http://127.0.0.1:8000"
SCRIPT = "export const chat = 1;\n" * 50
PEOPLE = [DevPerson("1", "ada", "Ada", "", "a token")]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build as vite leaves it."""
    for name, text in {
        "callboard-chat.js": SCRIPT,
        "callboard-sw.js": "self;",
        "dev.js": "import '/assets/callboard-chat.js';",
        "index.html": "<!doctype html><script type=module src=/assets/dev.js></script>",
        "notes.unknown": "not to be served",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
async def pages(node: Node, built: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A server with that build, and the page of development."""
    chat = ChatFiles(built)
    app = create_app(node, chat)
    add_dev_page(app, PEOPLE, chat, ADDRESS)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        yield client


async def test_the_component_is_for_pages_of_any_origin(
    pages: httpx.AsyncClient,
) -> None:
    answer = await pages.get("/assets/callboard-chat.js")
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    head = await pages.head("/assets/callboard-chat.js")
    assert head.headers == answer.headers
    assert head.content == b""


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip, br", True), ("*", True), ("gzip;q=0", False), ("identity", False)],
)
async def test_it_is_compressed_for_who_takes_that(
    pages: httpx.AsyncClient, accepted: str, *, is_compressed: bool
) -> None:
    headers = {"Accept-Encoding": accepted}
    async with pages.stream(
        "GET", "/assets/callboard-chat.js", headers=headers
    ) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert (answer.headers.get("content-encoding") == "gzip") is is_compressed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(raw) if is_compressed else raw) == SCRIPT.encode()


async def test_what_has_not_changed_is_not_sent_again(
    pages: httpx.AsyncClient, node: Node, built: Path
) -> None:
    first = await pages.get("/assets/callboard-chat.js")
    known = {"If-None-Match": f'"another", W/{first.headers["etag"]}'}
    again = await pages.get("/assets/callboard-chat.js", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]

    (built / "callboard-chat.js").write_text("export const chat = 2;")
    transport = httpx.ASGITransport(app=create_app(node, ChatFiles(built)))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as released:
        newer = await released.get("/assets/callboard-chat.js", headers=known)
    assert newer.text == "export const chat = 2;"


@pytest.mark.parametrize(
    "name", ["index.html", "notes.unknown", "none.js", "..%2F__init__.py"]
)
async def test_nothing_else_is_an_asset(pages: httpx.AsyncClient, name: str) -> None:
    problem(await pages.get(f"/assets/{name}"), 404, "not_found")


async def test_the_page_allows_only_what_is_its_own(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in part or "http" in part for part in policy)


async def test_its_worker_may_have_the_whole_site(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/callboard-sw.js")
    assert answer.text == "self;"
    assert answer.headers["service-worker-allowed"] == "/"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 307),
        ("127.0.0.1:8000", 200),
        # By another name it is somebody's proxy, who knows what they do.
        ("chat.example", 200),
    ],
)
async def test_the_page_is_shown_where_its_links_lead(
    pages: httpx.AsyncClient, host: str, status: int
) -> None:
    answer = await pages.get("/", headers={"Host": host})
    assert answer.status_code == status
    if status == 307:
        assert answer.headers["location"] == f"{ADDRESS}/"


async def test_without_a_build_it_says_how_to_make_one(
    node: Node, tmp_path: Path
) -> None:
    nothing = ChatFiles(tmp_path / "none")
    with pytest.raises(CannotRun, match="npm run build"):
        add_dev_page(create_app(node, nothing), PEOPLE, nothing, ADDRESS)
    transport = httpx.ASGITransport(app=create_app(node, nothing))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as serving:
        refused = await serving.get("/assets/callboard-chat.js")
    assert "npm run build" in problem(refused, 404, "not_found")["detail"]
