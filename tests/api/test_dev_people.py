"""Whom `callboard dev` lends its people to: whoever sits at the machine, no page."""

from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.chat_files import ChatFiles
from api.dev_home import DevPerson
from api.dev_page import add_dev_page
from realtime.node import Node

ADDRESS = "http://127.0.0.1:8000"
FILES = ("callboard-chat.js", "callboard-sw.js", "index.html")
PEOPLE = [DevPerson("1", "ada", "Ada", "", "a token")]


async def ask(node: Node, built: Path, headers: dict[str, str]) -> httpx.Response:
    """Ask for the people, as a client on this machine."""
    for name in FILES:
        (built / name).write_text("")
    chat = ChatFiles(built)
    app = create_app(node, chat)
    add_dev_page(app, PEOPLE, chat, ADDRESS)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        return await client.get("/dev/people", headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:8000"},
        {"Host": "[::1]:8000"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_people_are_lent_to_this_machine(
    node: Node, tmp_path: Path, headers: dict[str, str]
) -> None:
    answer = await ask(node, tmp_path, headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        # A name of somebody's that was made to lead here.
        {"Host": "evil.example"},
        {"Host": "evil.example:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": ""},
        # A page elsewhere.
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        # A proxy on this machine, behind which is anybody.
        {"Forwarded": "for=192.0.2.1"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"X-Forwarded-Host": "chat.example"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_people_are_lent_to_nobody_else(
    node: Node, tmp_path: Path, headers: dict[str, str]
) -> None:
    answer = await ask(node, tmp_path, headers)
    assert answer.status_code == 404
    assert "a token" not in answer.text
