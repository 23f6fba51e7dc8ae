"""Uploads over HTTP: one's way to a file, and nobody else's."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from callboard_client import Refused, Socket
from sqlalchemy import text
from starlette.requests import ClientDisconnect

from api.app import create_app
from realtime.actions.uploads import PUT_LINKS_LAST, UNSENT
from realtime.node import Node
from realtime.settings import SettingsError, load
from realtime.uploads import LocalFolder
from realtime.worker import Worker
from storage.records import ConversationId, UploadId
from tests.api.calling import problem
from tests.api.uploading import (
    NEW,
    PDF,
    announce,
    carrying,
    link_to,
    put,
    send,
    upload,
)
from tests.conftest import running_node, served, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_pair, make_people, open_direct

ORIGIN = "http://callboard.test"


@pytest.fixture
async def node(database: TestDatabase, tmp_path: Path) -> AsyncIterator[Node]:
    """A node that takes uploads into a folder."""
    settings = settings_for(
        database, public_url=ORIGIN, uploads_directory=tmp_path / "uploads"
    )
    async with running_node(settings) as opened:
        yield opened


def files_in(node: Node) -> list[bytes]:
    """Read everything in the folder but its secret."""
    directory = node.settings.uploads_directory
    assert directory is not None
    return [
        path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "secret"
    ]


async def execute(node: Node, statement: str, **values: object) -> None:
    """Change a row behind everybody's back."""
    async with node.transaction() as work:
        await work.connection.execute(text(statement), values)


def changed(url: str, **query: object) -> str:
    """Tamper with the query of a link."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query)) | query
    return parts._replace(query=urlencode(asked)).geturl()


# --- the way of a file ------------------------------------------------------------


async def test_a_file_is_announced_put_there_sent_and_had(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)
    assert ticket["attachment"] == {
        "url": f"{ORIGIN}/v1/uploads/{ticket['id']}",
        **NEW,
    }
    assert ticket["upload"]["headers"] == {"Content-Type": "application/pdf"}
    assert (await put(http, ticket)).status_code == 204
    assert files_in(node) == [PDF]
    answer = await send(http, ada, conversation, carrying(ticket["attachment"]))
    assert answer.status_code == 201
    assert answer.json()["attachments"] == [ticket["attachment"]]

    redirect = await http.get(ticket["attachment"]["url"], headers=grace.headers)
    assert redirect.status_code == 307
    link = (await link_to(http, grace, ticket["attachment"])).json()
    for url in (redirect.headers["location"], link["url"]):
        found = await http.get(url)
        assert found.content == PDF
        assert found.headers["content-type"] == "application/pdf"
        assert found.headers["content-disposition"] == (
            "attachment; filename*=utf-8''Mein%20Lebenslauf.pdf"
        )
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in found.headers["content-security-policy"]
        assert "no-store" in found.headers["cache-control"]
        assert found.headers["referrer-policy"] == "no-referrer"


async def test_parts_and_heads_are_what_http_says(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    attachment = await upload(http, ada, conversation)
    url = (await link_to(http, ada, attachment)).json()["url"]
    part = await http.get(url, headers={"Range": "bytes=9-18"})
    assert part.status_code == 206
    assert part.content == PDF[9:19]
    assert part.headers["content-range"] == f"bytes 9-18/{len(PDF)}"
    assert "sandbox" in part.headers["content-security-policy"]
    head = await http.head(url)
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(PDF))
    assert head.content == b""
    beyond = await http.get(url, headers={"Range": f"bytes={len(PDF)}-"})
    assert beyond.status_code == 416
    problem(await http.delete(url), 404, "not_found")


async def test_without_a_place_for_them_there_are_no_uploads(
    database: TestDatabase,
) -> None:
    async with running_node(settings_for(database, public_url=ORIGIN)) as node:
        transport = httpx.ASGITransport(create_app(node))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            ada, _, conversation = await make_pair(node)
            path = f"/v1/conversations/{conversation}/uploads"
            answer = await http.post(path, json=NEW, headers=ada.headers)
            problem(answer, 404, "not_found")
            path = f"/v1/uploads/{uuid4()}"
            problem(await http.get(path, headers=ada.headers), 404, "not_found")
            query = "?expires=9999999999&signature=x"
            answer = await http.put(f"{path}/content{query}", content=b"x")
            problem(answer, 404, "not_found")


async def test_no_log_holds_a_link(
    http: httpx.AsyncClient, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    ada, _, conversation = await make_pair(node)
    with caplog.at_level(logging.DEBUG):
        attachment = await upload(http, ada, conversation)
        link = (await link_to(http, ada, attachment)).json()["url"]
        await http.get(link)
        await http.get(changed(link, signature="wrong"))
    # The test's own client tells what it asks for.
    ours = [one for one in caplog.records if not one.name.startswith("http")]
    assert not any("signature" in str(vars(record)) for record in ours)


# --- who may ----------------------------------------------------------------------


async def test_who_may_not_write_there_uploads_nothing(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    path = f"/v1/conversations/{conversation}/uploads"
    problem(await http.post(path, json=NEW), 401, "unauthenticated")
    answer = await http.post(path, json=NEW, headers=mallory.headers)
    problem(answer, 404, "not_found")
    async with node.transaction(grace.id) as work:
        await work.blocks.add(grace.id, ada.id)
    answer = await http.post(path, json=NEW, headers=ada.headers)
    problem(answer, 403, "blocked")


async def test_only_readers_of_its_message_may_have_a_file(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    await connect_people(node, ada, mallory)
    await open_direct(node, ada, mallory)
    attachment = await upload(http, ada, conversation)
    assert (await link_to(http, ada, attachment)).status_code == 200
    problem(await link_to(http, grace, attachment), 404, "not_found")
    await send(http, ada, conversation, carrying(attachment))
    assert (await link_to(http, grace, attachment)).status_code == 200
    problem(await link_to(http, mallory, attachment), 404, "not_found")
    problem(await http.get(attachment["url"]), 401, "unauthenticated")


@pytest.mark.parametrize(
    "change",
    ["joined_seq = 1", "left_at = now(), left_reason = 'left'"],
    ids=["joined_later", "left"],
)
async def test_who_does_not_read_the_message_has_not_the_file(
    http: httpx.AsyncClient, node: Node, change: str
) -> None:
    ada, grace, conversation = await make_pair(node)
    attachment = await upload(http, ada, conversation)
    await send(http, ada, conversation, carrying(attachment))
    await execute(
        node,
        f"UPDATE callboard.participants SET {change} WHERE user_id = :grace",
        grace=grace.id,
    )
    problem(await link_to(http, grace, attachment), 404, "not_found")
    assert (await link_to(http, ada, attachment)).status_code == 200


# --- links ------------------------------------------------------------------------


async def test_a_link_ends(
    http: httpx.AsyncClient, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)
    attachment = await upload(http, ada, conversation)
    link = (await link_to(http, ada, attachment)).json()["url"]
    now = node.clock()
    seconds = node.settings.upload_link_seconds
    monkeypatch.setattr(node, "clock", lambda: now + timedelta(seconds=seconds - 5))
    assert (await http.get(link)).status_code == 200
    monkeypatch.setattr(node, "clock", lambda: now + timedelta(seconds=seconds + 5))
    problem(await http.get(link), 403, "forbidden")
    later = now + PUT_LINKS_LAST + timedelta(seconds=1)
    monkeypatch.setattr(node, "clock", lambda: later)
    problem(await put(http, ticket), 403, "forbidden")
    assert files_in(node) == [PDF]


async def test_a_link_is_good_for_nothing_else(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)
    await put(http, ticket)
    other = await announce(http, ada, conversation)
    link = (await link_to(http, ada, ticket["attachment"])).json()["url"]
    query = dict(parse_qsl(urlsplit(link).query))
    signature = query["signature"]
    for bad in (
        changed(link, expires=int(query["expires"]) + 1),
        changed(link, signature=""),
        changed(link, signature=signature[:-1]),
        changed(link, signature=signature.swapcase()),
        changed(link, signature="ü"),
        link.replace(ticket["id"], other["id"]),
        link.replace(ticket["id"], str(uuid4())),
        ticket["upload"]["url"],
    ):
        problem(await http.get(bad), 404, "not_found")
    for wrong in ("x", "-1", "1e9", "99999999999999999999"):
        problem(await http.get(changed(link, expires=wrong)), 422, "invalid")
    other["upload"]["url"] = link.replace(ticket["id"], other["id"])
    problem(await put(http, other), 404, "not_found")
    ticket["upload"]["url"] = link
    problem(await put(http, ticket), 404, "not_found")


# --- what is put there ------------------------------------------------------------


async def _in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


@pytest.mark.parametrize("is_declared", [True, False])
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (PDF + b"x", 413, "too_large"),
        (PDF * 300, 413, "too_large"),
        (PDF[:-1], 422, "invalid"),
        (b"", 422, "invalid"),
    ],
    ids=["one more", "much more", "one less", "nothing"],
)
async def test_a_file_of_another_size_leaves_nothing_behind(
    http: httpx.AsyncClient,
    node: Node,
    content: bytes,
    status: int,
    code: str,
    *,
    is_declared: bool,
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)
    target = ticket["upload"]
    body: bytes | AsyncIterator[bytes] = content if is_declared else _in_chunks(content)
    answer = await http.put(target["url"], content=body, headers=target["headers"])
    problem(answer, status, code)
    assert files_in(node) == []
    assert (await put(http, ticket)).status_code == 204


async def test_a_file_never_changes(http: httpx.AsyncClient, node: Node) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)
    answers = await asyncio.gather(
        *(put(http, ticket, bytes([number]) * len(PDF)) for number in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [204, *[409] * 4]
    (stored,) = files_in(node)
    problem(await put(http, ticket), 409, "conflict")
    assert files_in(node) == [stored]


async def test_a_file_has_the_type_that_was_announced(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)
    for kind in ("text/html", "application/pdf; charset=x", ""):
        ticket["upload"]["headers"] = {"Content-Type": kind}
        problem(await put(http, ticket), 422, "invalid")
    ticket["upload"]["headers"] = {}
    problem(await put(http, ticket), 422, "invalid")
    assert files_in(node) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "a\\b.pdf",
        "a\u0000.pdf",
        "a\r\nSet-Cookie: x.pdf",
        "exe.\u202efdp",
    ],
)
async def test_a_name_is_no_path_and_hides_nothing(
    http: httpx.AsyncClient, node: Node, name: str
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/uploads"
    answer = await http.post(path, json=NEW | {"name": name}, headers=ada.headers)
    problem(answer, 422, "invalid")
    foreign = NEW | {"name": name, "url": "https://files.example/a"}
    problem(await send(http, ada, conversation, carrying(foreign)), 422, "invalid")


@pytest.mark.parametrize(
    "name", ['a"b.pdf', "履歴書.pdf", "a;b=c.pdf", "%2e%2e%2f.pdf"]
)
async def test_any_other_name_comes_back(
    http: httpx.AsyncClient, node: Node, name: str
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation, name=name)
    await put(http, ticket)
    link = (await link_to(http, ada, ticket["attachment"])).json()["url"]
    found = await http.get(link)
    assert found.content == PDF
    disposition = found.headers["content-disposition"]
    assert disposition == f"attachment; filename*=utf-8''{quote(name)}"


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"size": 26_214_401}, 413, "too_large"),
        ({"size": 0}, 422, "invalid"),
        ({"size": -1}, 422, "invalid"),
        ({"mime_type": "text/html"}, 422, "invalid"),
        ({"mime_type": "image/svg+xml"}, 422, "invalid"),
        ({"mime_type": "application/x-msdownload"}, 422, "invalid"),
        ({"mime_type": "application/pdf\r\nX: y"}, 422, "invalid"),
        ({"mime_type": "*/*"}, 422, "invalid"),
        ({"path": "x"}, 422, "invalid"),
    ],
)
async def test_what_the_server_does_not_take_is_not_announced(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, Any], status: int, code: str
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/uploads"
    answer = await http.post(path, json=NEW | wrong, headers=ada.headers)
    problem(answer, status, code)


async def test_nobody_fills_the_store_with_what_is_never_sent(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    for _ in range(UNSENT):
        await announce(http, ada, conversation)
    path = f"/v1/conversations/{conversation}/uploads"
    answer = await http.post(path, json=NEW, headers=ada.headers)
    problem(answer, 429, "rate_limited")
    await announce(http, grace, conversation)


# --- sending ----------------------------------------------------------------------


async def _refused(
    http: httpx.AsyncClient,
    person: Person,
    conversation: ConversationId,
    *attachments: dict[str, Any],
) -> None:
    answer = await send(http, person, conversation, carrying(*attachments))
    problem(answer, 422, "invalid")


async def test_only_ones_own_unsent_upload_is_sent(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    (alan,) = await make_people(node, "Alan")
    await connect_people(node, ada, alan)
    elsewhere = await open_direct(node, ada, alan)
    attachment = await upload(http, ada, conversation)

    await _refused(http, ada, elsewhere, attachment)
    await _refused(http, grace, conversation, attachment)
    unknown = attachment | {"url": f"{ORIGIN}/v1/uploads/{uuid4()}"}
    await _refused(http, ada, conversation, unknown)
    nothing_there = (await announce(http, ada, conversation))["attachment"]
    await _refused(http, ada, conversation, nothing_there)
    for lie in ({"name": "x.pdf"}, {"mime_type": "image/png"}, {"size": 1}):
        await _refused(http, ada, conversation, attachment | lie)
    tardy = await upload(http, ada, conversation)
    await execute(
        node,
        "UPDATE callboard.uploads SET created_at = now() - interval '25 hours'"
        " WHERE id = :id",
        id=tardy["url"].rpartition("/")[2],
    )
    await _refused(http, ada, conversation, tardy)

    first = await send(http, ada, conversation, carrying(attachment))
    assert first.status_code == 201
    await _refused(http, ada, conversation, attachment)


async def test_sending_again_is_the_same_message(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    message = carrying(await upload(http, ada, conversation))
    answers = await asyncio.gather(
        *(send(http, ada, conversation, message) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    again = await send(http, ada, conversation, message)
    assert again.json()["id"] == answers[0].json()["id"]


async def test_of_many_messages_with_one_upload_one_is_stored(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    attachment = await upload(http, ada, conversation)
    answers = await asyncio.gather(
        *(send(http, ada, conversation, carrying(attachment)) for _ in range(8))
    )
    good = [answer for answer in answers if answer.status_code == 201]
    assert len(good) == 1
    for answer in answers:
        if answer is not good[0]:
            problem(answer, 422, "invalid")
    assert (await link_to(http, grace, attachment)).status_code == 200


@pytest.mark.parametrize(
    "around",
    [
        "https://evil.example{}",
        "https://evil.example:8443/files{}",
        "https://evil.example/a?next={}",
        "https://evil.example/a#{}",
        "https://evil.example{}?a",
        "https://callboard.test{}",
    ],
)
async def test_a_foreign_address_takes_no_upload(
    http: httpx.AsyncClient, node: Node, around: str
) -> None:
    ada, grace, conversation = await make_pair(node)
    attachment = await upload(http, ada, conversation)
    url = around.format(urlsplit(attachment["url"]).path)
    for lie in ({}, {"name": "x.pdf", "mime_type": "image/png", "size": 1}):
        await _refused(http, ada, conversation, attachment | lie | {"url": url})
    # It is still there to be sent, and nobody else's until then.
    problem(await link_to(http, grace, attachment), 404, "not_found")
    sent = await send(http, ada, conversation, carrying(attachment))
    assert sent.status_code == 201


# The same in every process that collects these tests.
UPLOAD = "0199f1c2-0000-7000-8000-00000000beef"


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example/a.pdf",
        f"http://evil.example/v1/uploads/{UPLOAD}",
        f"http://callboard.test.evil.example/v1/uploads/{UPLOAD}",
        f"http://callboard.test@evil.example/v1/uploads/{UPLOAD}",
        f"http://callboard.test:80/v1/uploads/{UPLOAD}",
        f"http://CALLBOARD.test/v1/uploads/{UPLOAD}",
        f"http://callboard.test//v1/uploads/{UPLOAD}",
        f"http://callboard.test/v1/uploads/{UPLOAD.upper()}",
        f"http://callboard.test/v1/uploads/{UPLOAD}?a",
        f"http://callboard.test/v1/uploads/{UPLOAD}#a",
        f"http://callboard.test/v1/uploads/{UPLOAD}/content",
        "http://callboard.test/v1/uploads/" + "-" * 36,
    ],
)
async def test_http_is_for_uploads_of_this_server_alone(
    http: httpx.AsyncClient, node: Node, url: str
) -> None:
    ada, _, conversation = await make_pair(node)
    await _refused(http, ada, conversation, NEW | {"url": url})


async def test_the_operator_says_what_may_be_attached(database: TestDatabase) -> None:
    settings = settings_for(
        database,
        attachment_bytes=1000,
        attachment_types="image/*,text/plain",
        attachment_hosts="files.example, cdn.example",
    )
    async with running_node(settings) as node:
        transport = httpx.ASGITransport(create_app(node))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            ada, _, conversation = await make_pair(node)
            good = {
                "url": "https://FILES.example:8443/a.png",
                "name": "a.png",
                "mime_type": "IMAGE/png",
                "size": 1000,
            }
            answer = await send(http, ada, conversation, carrying(good))
            assert answer.status_code == 201, answer.text
            for field, value in (
                ("size", 1001),
                ("mime_type", "text/plainer"),
                ("mime_type", "application/pdf"),
                ("url", "https://files.example.evil.example/a.png"),
                ("url", "https://evil.example/files.example"),
            ):
                message = carrying(good, good | {field: value})
                answer = await send(http, ada, conversation, message)
                found = problem(answer, 422, "invalid")
                (named,) = found["details"]["fields"]
                assert named["field"] == f"attachments.1.{field}"


# --- forgetting -------------------------------------------------------------------


async def test_a_deleted_messages_file_is_nobodys_and_goes(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    attachment = await upload(http, ada, conversation)
    kept = await upload(http, ada, conversation)
    message = carrying(attachment)
    stored = (await send(http, ada, conversation, message)).json()
    await send(http, ada, conversation, carrying(kept))
    link = (await link_to(http, grace, attachment)).json()["url"]
    await execute(
        node,
        "SELECT callboard.wipe_message(:conversation, :seq)",
        conversation=conversation,
        seq=stored["seq"],
    )
    for person in (ada, grace):
        problem(await link_to(http, person, attachment), 404, "not_found")
    problem(await http.get(link), 404, "not_found")
    await _refused(http, ada, conversation, attachment)

    worker = Worker(node.settings, node.database)
    assert len(files_in(node)) == 2
    await worker.go_round()
    await worker.go_round()
    assert files_in(node) == [PDF]
    assert (await link_to(http, grace, kept)).status_code == 200
    again = await send(http, ada, conversation, message)
    assert again.json()["id"] == stored["id"]


async def test_what_is_never_sent_goes_after_a_day(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    sent = await upload(http, ada, conversation)
    await send(http, ada, conversation, carrying(sent))
    await upload(http, ada, conversation)
    await announce(http, ada, conversation)
    await execute(
        node, "UPDATE callboard.uploads SET created_at = now() - interval '26 hours'"
    )
    young = await upload(http, ada, conversation)
    await Worker(node.settings, node.database).go_round()
    assert files_in(node) == [PDF, PDF]
    for attachment in (sent, young):
        assert (await link_to(http, ada, attachment)).status_code == 200


async def test_no_users_transaction_forgets_or_takes_what_is_anothers(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    attachment = await upload(http, ada, conversation)
    await send(http, ada, conversation, carrying(attachment))
    for statement in (
        "SELECT callboard.forget_uploads(:conversation, 1)",
        "UPDATE callboard.uploads SET seq = 1 WHERE conversation_id = :conversation",
        "DELETE FROM callboard.uploads WHERE conversation_id = :conversation",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with node.transaction(grace.id) as work:
                await work.connection.execute(
                    text(statement), {"conversation": conversation}
                )
    assert (await link_to(http, grace, attachment)).status_code == 200


# --- the server around it ---------------------------------------------------------


async def test_a_large_file_passes_the_port(node: Node) -> None:
    content = bytes(range(256)) * 12_000
    ada, _, conversation = await make_pair(node)
    async with (
        served(node) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        ticket = await announce(http, ada, conversation, size=len(content))
        target = ticket["upload"]
        url = target["url"].replace(ORIGIN, server.url)
        answer = await http.put(url, content=content, headers=target["headers"])
        assert answer.status_code == 204, answer.text
        path = urlsplit(ticket["attachment"]["url"]).path
        found = await http.get(path, headers=ada.headers)
        link = found.headers["location"].replace(ORIGIN, server.url)
        assert (await http.get(link)).content == content


async def test_sockets_are_held_to_the_same(node: Node) -> None:
    ada, grace, conversation = await make_pair(node)
    async with served(node) as server:
        transport = httpx.ASGITransport(create_app(node))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            attachment = await upload(http, ada, conversation)
        both = await asyncio.gather(
            *(Socket.connect(server.url, one.token) for one in (ada, grace))
        )
        async with both[0] as adas, both[1] as graces:
            to = {"conversation_id": str(conversation)}
            for lie in ({"mime_type": "text/html"}, {"size": 1}):
                bad = carrying(attachment | lie)
                with pytest.raises(Refused, match="invalid"):
                    await adas.request("message.send", **to, **bad)
            good = carrying(attachment)
            answer = await adas.request("message.send", **to, **good)
            heard = await graces.expect("message.created")
            assert answer["message"]["attachments"] == [attachment]
            assert heard["message"]["attachments"] == [attachment]
            with pytest.raises(Refused, match="invalid"):
                await adas.request("message.send", **to, **carrying(attachment))


async def test_a_connection_that_breaks_leaves_nothing_behind(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)

    async def broken() -> AsyncIterator[bytes]:
        yield PDF[:100]
        raise ClientDisconnect

    assert isinstance(node.files, LocalFolder)
    async with node.transaction() as work:
        known = await work.uploads.get(UploadId(UUID(ticket["id"])))
    assert known is not None
    with pytest.raises(ClientDisconnect):
        await node.files.write(known, broken())
    assert files_in(node) == []
    assert (await put(http, ticket)).status_code == 204


async def test_a_full_disk_is_said_and_leaves_nothing_behind(
    http: httpx.AsyncClient,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ada, _, conversation = await make_pair(node)
    ticket = await announce(http, ada, conversation)

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    problem(await put(http, ticket), 503, "unavailable")
    assert "cannot be kept" in caplog.text
    monkeypatch.undo()
    assert files_in(node) == []
    assert (await put(http, ticket)).status_code == 204


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"uploads_directory": "/tmp/x"}, "PUBLIC_URL"),
        ({"s3_bucket": "b", "public_url": ORIGIN}, "S3_ACCESS_KEY"),
        (
            {
                "s3_bucket": "b",
                "s3_access_key": "k",
                "s3_secret_key": "s",
                "public_url": ORIGIN,
                "uploads_directory": "/tmp/x",
            },
            "not both",
        ),
        ({"public_url": "chat.example"}, "PUBLIC_URL"),
        ({"public_url": "ftp://chat.example"}, "PUBLIC_URL"),
        ({"public_url": "https://a@chat.example"}, "PUBLIC_URL"),
        ({"public_url": "https://chat.example/?a"}, "PUBLIC_URL"),
        ({"s3_endpoint": "nowhere"}, "S3_ENDPOINT"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        load({}, **wrong)


def test_a_folder_that_cannot_be_used_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="UPLOADS_DIRECTORY"):
        LocalFolder(tmp_path / "file" / "uploads", ORIGIN)
