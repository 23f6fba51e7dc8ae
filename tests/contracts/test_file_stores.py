"""
What every store of uploads promises, through the HTTP API: the folder, the bucket.

The bucket's server does not look at signatures: `test_uploads_s3.py` holds those
against what AWS publishes and what its SDK makes.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.app import create_app
from realtime.errors import Unavailable
from realtime.node import Node
from realtime.uploads import FileStore
from realtime.uploads_s3 import S3Bucket
from storage.ids import uuid7
from storage.records import ConversationId, Upload, UploadId
from tests.api.calling import problem
from tests.api.uploading import (
    NEW,
    PDF,
    announce,
    carrying,
    link_to,
    send,
    upload,
)
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_pair
from tests.s3_server import S3Server, s3_server

ORIGIN = "https://chat.example"


@dataclass(frozen=True)
class Place:
    """A node whose uploads are somewhere, and two people on it."""

    node: Node
    http: httpx.AsyncClient
    ada: Person
    grace: Person
    conversation: ConversationId

    @property
    def files(self) -> FileStore:
        """The store itself."""
        assert self.node.files is not None
        return self.node.files

    async def record_of(self, attachment: dict[str, Any]) -> Upload:
        """Read what is known of an upload."""
        async with self.node.transaction() as work:
            found = await work.uploads.get(
                UploadId(UUID(attachment["url"].rpartition("/")[2]))
            )
        assert found is not None
        return found


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3Server]:
    """An S3-compatible server."""
    with s3_server() as server:
        yield server


def in_a_folder(database: TestDatabase, directory: Path) -> dict[str, Any]:
    return {"uploads_directory": directory / "uploads"}


def in_a_bucket(server: S3Server) -> dict[str, Any]:
    return {
        "s3_endpoint": server.url,
        "s3_bucket": server.bucket,
        "s3_access_key": "AKIAEXAMPLE",
        "s3_secret_key": "a-secret-of-the-tests",
        "s3_path_style": True,
    }


@asynccontextmanager
async def place(database: TestDatabase, **where: object) -> AsyncIterator[Place]:
    """Run a node; its client follows links to it and to anywhere else."""
    settings = settings_for(database, public_url=ORIGIN, **where)
    async with running_node(settings) as node:
        client = httpx.AsyncClient(
            base_url=ORIGIN, mounts={ORIGIN: httpx.ASGITransport(create_app(node))}
        )
        async with client as http:
            yield Place(node, http, *await make_pair(node))


@pytest.fixture(params=["folder", "bucket"])
async def there(
    request: pytest.FixtureRequest,
    database: TestDatabase,
    tmp_path: Path,
) -> AsyncIterator[Place]:
    """A place of either kind."""
    where = (
        in_a_folder(database, tmp_path)
        if request.param == "folder"
        else in_a_bucket(request.getfixturevalue("bucket"))
    )
    async with place(database, **where) as opened:
        yield opened


async def test_what_is_put_there_is_had_by_who_reads_the_message(there: Place) -> None:
    attachment = await upload(there.http, there.ada, there.conversation)
    message = carrying(attachment)
    answer = await send(there.http, there.ada, there.conversation, message)
    assert answer.status_code == 201, answer.text
    link = (await link_to(there.http, there.grace, attachment)).json()["url"]
    found = await there.http.get(link)
    assert found.status_code == 200
    assert found.content == PDF
    assert found.headers["content-type"] == NEW["mime_type"]
    disposition = found.headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''Mein%20Lebenslauf.pdf"
    assert "no-store" in found.headers["cache-control"]
    part = await there.http.get(link, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, PDF[:4])


async def test_what_was_not_put_there_is_not_sent(there: Place) -> None:
    ticket = await announce(there.http, there.ada, there.conversation)
    assert not await there.files.has(await there.record_of(ticket["attachment"]))
    message = carrying(ticket["attachment"])
    answer = await send(there.http, there.ada, there.conversation, message)
    problem(answer, 422, "invalid")


async def test_a_second_put_is_refused(there: Place) -> None:
    ticket = await announce(there.http, there.ada, there.conversation)
    target = ticket["upload"]
    statuses = []
    for content in (PDF, bytes(len(PDF))):
        answer = await there.http.put(
            target["url"], content=content, headers=target["headers"]
        )
        statuses.append(answer.is_success)
    assert statuses == [True, False]
    attachment = ticket["attachment"]
    link = (await link_to(there.http, there.ada, attachment)).json()["url"]
    assert (await there.http.get(link)).content == PDF


async def test_what_is_removed_is_gone(there: Place) -> None:
    attachment = await upload(there.http, there.ada, there.conversation)
    link = (await link_to(there.http, there.ada, attachment)).json()["url"]
    known = await there.record_of(attachment)
    assert await there.files.has(known)
    await there.files.remove(known.id)
    assert not await there.files.has(known)
    assert (await there.http.get(link)).is_client_error
    await there.files.remove(known.id)
    await there.files.remove(UploadId(uuid7()))


async def test_a_bucket_that_does_not_answer_makes_nobody_wait_for_ever(
    database: TestDatabase,
) -> None:
    with s3_server() as server:
        where = in_a_bucket(server)
    async with place(database, **where) as there:
        ticket = await announce(there.http, there.ada, there.conversation)
        message = carrying(ticket["attachment"])
        answer = await send(there.http, there.ada, there.conversation, message)
        problem(answer, 503, "unavailable")
        assert "signature" not in answer.text.lower()
        with pytest.raises(Unavailable):
            await there.files.remove(UploadId(uuid7()))


async def test_a_bucket_that_refuses_to_tell_has_nothing(
    database: TestDatabase, bucket: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403)

    async with place(database, **in_a_bucket(bucket)) as there:
        ticket = await announce(there.http, there.ada, there.conversation)
        assert isinstance(there.files, S3Bucket)
        await there.files.close()
        there.files._http = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
        message = carrying(ticket["attachment"])
        answer = await send(there.http, there.ada, there.conversation, message)
        problem(answer, 422, "invalid")
        with pytest.raises(Unavailable):
            await there.files.remove(UploadId(uuid7()))
    (warning,) = [one for one in caplog.records if one.name == "realtime.uploads_s3"]
    assert "X-Amz" not in str(vars(warning))


async def test_processes_that_share_a_folder_share_its_links(
    database: TestDatabase, tmp_path: Path
) -> None:
    where = in_a_folder(database, tmp_path)
    async with place(database, **where) as one:
        attachment = await upload(one.http, one.ada, one.conversation)
        link = (await link_to(one.http, one.ada, attachment)).json()["url"]
        async with running_node(one.node.settings) as other:
            transport = httpx.ASGITransport(create_app(other))
            async with httpx.AsyncClient(transport=transport) as http:
                assert (await http.get(link)).content == PDF
    secret = tmp_path / "uploads" / "secret"
    assert secret.stat().st_mode & 0o077 == 0
