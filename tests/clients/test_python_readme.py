"""
What clients/python/README.md shows does what it says.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from callboard_client import Client, ClientClosed, Platform, sync

from tests.conftest import API_KEY, Served
from tests.factories import make_pair, put_notification

PAGE = Path(__file__).parents[2] / "clients" / "python" / "README.md"
NAMES = re.findall(r"```python (\w+)\n", PAGE.read_text("utf-8"))


def block(name: str) -> dict[str, Any]:
    found = re.search(rf"```python {name}\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found
    names: dict[str, Any] = {}
    exec(compile(found[1], str(PAGE), "exec"), names)
    return names


def test_every_block_is_run_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [each for each in NAMES if f'block("{each}")' not in text] == []
    assert PAGE.read_text("utf-8").count("```python") == len(NAMES)


async def test_the_bot_answers_once_also_what_came_while_it_was_away(
    real_server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ada, grace, talk = await make_pair(real_server.node)
    async with asyncio.timeout(60), Client(real_server.url, ada.token) as client:

        def bodies() -> list[str]:
            return [each["body"] for each in client.store.messages(str(talk))]

        await client.send("Anybody there?", conversation_id=str(talk))
        async with running_bot(real_server.url, grace.token):
            await client.until(lambda: len(bodies()) == 2)
            await client.send("Hello?", conversation_id=str(talk))
            await client.until(lambda: len(bodies()) == 4)
        async with running_bot(real_server.url, grace.token):
            await client.send("And again?", conversation_id=str(talk))
            await client.until(lambda: len(bodies()) == 6)
        said = ["Anybody there?", "Hello?", "And again?"]
        assert bodies() == [
            f"{how}{each}" for each in said for how in ("", "You said: ")
        ]


async def test_the_bot_ends_when_it_is_let_in_no_longer(
    real_server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, grace, _ = await make_pair(real_server.node)
    async with asyncio.timeout(60):
        bot = asyncio.create_task(
            block("bot")["answer_calls"](real_server.url, grace.token)
        )
        async with Platform(real_server.url, API_KEY) as platform:
            await platform.suspend(str(grace.id))
        with pytest.raises(ClientClosed):
            await bot


@asynccontextmanager
async def running_bot(url: str, token: str) -> AsyncIterator[None]:
    """Run the bot until it is stopped, as Ctrl-C stops it."""
    bot = asyncio.create_task(block("bot")["answer_calls"](url, token))
    try:
        yield
    finally:
        bot.cancel()
        with suppress(asyncio.CancelledError):
            await bot


async def test_one_looks_around(
    real_server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, grace, talk = await make_pair(real_server.node)
    await put_notification(real_server.node, ada, title="Call time moved")
    async with Client(real_server.url, grace.token) as client:
        await client.send("See you on Thursday.", conversation_id=str(talk))
        await block("looking")["look_around"](real_server.url, ada.token)
    said = capsys.readouterr().out
    assert "Call time moved None" in said
    assert "'online'" in said
    assert "Thursday" in said


async def test_a_file_is_sent(real_server: Served, tmp_path: Path) -> None:
    ada, _, talk = await make_pair(real_server.node)
    file = tmp_path / "cv.pdf"
    file.write_bytes(b"%PDF-1.7")
    async with Client(real_server.url, ada.token) as client:

        async def upload(conversation_id: str, path: Path) -> dict[str, object]:
            return {
                "url": f"https://files.example/{conversation_id}/{path.name}",
                "name": path.name,
                "mime_type": "application/pdf",
                "size": 8,
            }

        # Uploads are tested where a server takes them (test_durable.py).
        client.api.upload = upload  # type: ignore[method-assign, assignment]
        message = await block("files")["send_cv"](client, str(talk), file)
    assert message["attachments"][0]["name"] == "cv.pdf"


async def test_a_backend_moves_in_and_follows(
    real_server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, grace = str(uuid4()), str(uuid4())
    people = [
        {"id": ada, "display_name": "Ada"},
        {"id": grace, "display_name": "Grace"},
    ]
    link = {
        "id": str(uuid4()),
        "requester_id": ada,
        "recipient_id": grace,
        "status": "accepted",
    }
    token = await asyncio.to_thread(
        block("backend")["move_in"], real_server.url, API_KEY, people, [link]
    )
    async with Client(real_server.url, token) as client:
        await client.send("Hi", to_user_id=grace)

    follow = block("following")["next_events"]
    after = await follow(real_server.url, API_KEY)
    assert "connection.accepted" in capsys.readouterr().out
    assert await follow(real_server.url, API_KEY, after)


async def test_the_relay_comes_and_goes(real_server: Served) -> None:
    carried: list[object] = []
    await asyncio.to_thread(
        block("relay")["carry"], real_server.url, API_KEY, carried.append, rounds=1
    )
    assert carried == []
    with sync.Platform(real_server.url, API_KEY) as platform:
        assert await asyncio.to_thread(lambda: list(platform.webhooks())) == []
