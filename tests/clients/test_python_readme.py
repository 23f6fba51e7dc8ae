"""
What clients/python/README.md shows does what it says.
"""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from callboard_client import Client, SqliteOutbox, sync

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


async def test_the_bot_answers(
    real_server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ada, grace, talk = await make_pair(real_server.node)
    answered = asyncio.Event()
    bot = asyncio.create_task(
        block("bot")["answer_calls"](real_server.url, grace.token, answered.is_set)
    )
    async with asyncio.timeout(30), Client(real_server.url, ada.token) as client:
        await client.presence.watch([str(grace.id)])
        await client.until(
            lambda: client.presence.entries[str(grace.id)]["status"] == "online"
        )
        answered.set()
        await client.send("Hello?", conversation_id=str(talk))
        await client.until(lambda: len(client.store.messages(str(talk))) == 2)
        assert client.store.messages(str(talk))[1]["body"] == "You said: Hello?"
        await bot
    outbox = SqliteOutbox(tmp_path / "outbox.db")
    assert await outbox.load(str(grace.id)) == []
    outbox.close()


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
