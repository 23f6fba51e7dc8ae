"""The door for mail: what it lets in, and what it stands."""

import asyncio
import logging
import re
import smtplib
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.mime.text import MIMEText
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest
from sqlalchemy import text

from api.server import listen
from realtime.intake.server import Intake
from tests.databases import TestDatabase
from tests.factories import until_somebody_waits
from tests.realtime.intake.mailing import GRACE, Post, post_with, reply
from tests.realtime.intake.wire import Wire

TAKEN = "250 2.0.0 Taken."


class Talk:
    """A conversation with a mail server, line by line."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer

    async def hear(self) -> str:
        """The last line of an answer; empty when it has hung up."""
        while True:
            line = (await self.reader.readline()).decode()
            if not re.match(r"\d{3}-", line):
                return line.strip()

    async def say(self, line: str | bytes) -> str:
        """Say a line, and hear what is answered."""
        data = line if isinstance(line, bytes) else line.encode()
        self.writer.write(data + b"\r\n")
        await self.writer.drain()
        return await self.hear()


@asynccontextmanager
async def talk(port: int) -> AsyncIterator[Talk]:
    """Connect, and hear the greeting."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Talk(reader, writer)
    finally:
        writer.close()


def bulk(mail: bytes) -> bytes:
    """A mail as it stands after DATA."""
    return mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n."


async def test_lmtp_is_answered_for_each_recipient(database: TestDatabase) -> None:
    async with post_with(database, intake_protocol="lmtp") as post:
        delivery = await post.mailed()
        bounce = post.links.bounce_address(delivery)
        async with talk(post.port) as line:
            assert (await line.hear()).startswith("220 mail.chat.example Callboard")
            assert (await line.say("EHLO mx")).startswith("500")
            assert (await line.say("LHLO mx")).startswith("250")
            assert (await line.say(f"MAIL FROM:<{GRACE}>")).startswith("250")
            assert (await line.say("RCPT TO:<no@mail.chat.example>")) == (
                "550 5.1.1 There is no such address here."
            )
            for address in (bounce, post.reply_address):
                assert (await line.say(f"RCPT TO:<{address}>")).startswith("250 2.1.5")
            assert (await line.say("DATA")).startswith("354")
            # It is no bounce, and from somebody else.
            mail = bytes(reply(From="eve@evil.example"))
            assert (await line.say(bulk(mail))).startswith("250 2.0.0 Dropped")
            assert (await line.hear()).startswith("550 5.7.1")
            for _ in range(20):
                await line.say(f"MAIL FROM:<{GRACE}>")
                answer = await line.say(f"RCPT TO:<{post.reply_address}>")
            assert answer.startswith("250")
            assert (await line.say(f"RCPT TO:<{bounce}>")).startswith("452 4.5.3")


async def test_each_recipient_of_smtp_is_answered_by_itself(post: Post) -> None:
    delivery = await post.mailed()
    async with talk(post.port) as line:
        await line.hear()
        await line.say("EHLO mx")
        await line.say(f"MAIL FROM:<{GRACE}>")
        assert (await line.say(f"RCPT TO:<{post.reply_address}>")).startswith("250")
        bounce = post.links.bounce_address(delivery)
        assert (await line.say(f"RCPT TO:<{bounce}>")).startswith("452 4.5.3")
        await line.say("DATA")
        assert await line.say(bulk(bytes(reply()))) == TAKEN


async def test_a_thousand_made_up_recipients_are_refused_and_then_cut(
    post: Post,
) -> None:
    begun = time.process_time()
    async with talk(post.port) as line:
        await line.hear()
        await line.say("EHLO mx")
        await line.say(f"MAIL FROM:<{GRACE}>")
        for number in range(1000):
            answer = await line.say(f"RCPT TO:<r{number:064}@mail.chat.example>")
            assert answer.startswith("550 5.1.1")
        for _ in range(1001):
            answer = await line.say("RCPT TO:<ada@people.example>")
        assert answer.startswith("421 4.7.0")
        assert await line.hear() == ""
    assert time.process_time() - begun < 10
    async with talk(post.port) as line:
        await line.hear()
        for number in range(5):
            answer = await line.say(f"X{number}")
        assert answer.startswith("502 5.5.1")
        assert await line.hear() == ""


async def test_what_is_too_large_is_refused_and_what_does_not_end_is_cut(
    database: TestDatabase,
) -> None:
    async with post_with(database, intake_bytes=65_536) as post:
        await post.mailed()
        declared = await post.send(reply("a" * 70_000))
        assert declared.startswith("552")
        async with talk(post.port) as line:
            await line.hear()
            await line.say("EHLO mx")
            answer = await line.say(f"MAIL FROM:<{GRACE}> SIZE=70000")
            assert answer.startswith("552")
            for letters in (b"a" * 900 + b"\r\n", b"a" * 20_000 + b"\r\n"):
                await line.say(f"MAIL FROM:<{GRACE}>")
                await line.say(f"RCPT TO:<{post.reply_address}>")
                await line.say("DATA")
                assert (await line.say(bulk(letters * 100)))[:3] in ("552", "500")
            tracemalloc.start()
            await line.say(f"MAIL FROM:<{GRACE}>")
            await line.say(f"RCPT TO:<{post.reply_address}>")
            await line.say("DATA")
            with pytest.raises(ConnectionError):  # noqa: PT012 - whichever is first
                while True:
                    line.writer.write(b"a" * 1_000_000)
                    await line.writer.drain()
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 60_000_000
        assert await post.send(reply()) == TAKEN


async def test_what_cannot_be_stored_now_is_wanted_again(
    database: TestDatabase,
) -> None:
    there = urlsplit(database.url)
    given = parse_qs(there.query)
    wire = Wire(f"{given['host'][0]}/.s.PGSQL.{given['port'][0]}")
    await wire.mend()
    query = f"host=127.0.0.1&port={wire.port}"
    reached = replace(database, url=urlunsplit(there._replace(query=query)))
    try:
        async with post_with(reached) as post:
            await post.mailed()
            mail = reply()
            await wire.cut()
            # Both where it was known whether the address is ours, and where not.
            assert await post.send(mail) == "451 4.3.0 The server cannot take it now."
            async with talk(post.port) as line:
                await line.hear()
                await line.say("EHLO mx")
                await line.say(f"MAIL FROM:<{GRACE}>")
                answer = await line.say("RCPT TO:<no@mail.chat.example>")
                assert answer.startswith("451 4.3.0")
            await wire.mend()
            assert await post.send(mail) == TAKEN
            assert await post.send(mail) == TAKEN
            assert await post.bodies() == ["Yes."]
    finally:
        await wire.cut()


async def test_beyond_so_many_connections_nobody_is_let_in(
    database: TestDatabase,
) -> None:
    async with post_with(database, intake_connections=2) as post:
        async with talk(post.port) as one, talk(post.port) as other:
            assert (await one.hear()).startswith("220")
            assert (await other.hear()).startswith("220")
            async with talk(post.port) as third:
                assert (await third.hear()).startswith("421 4.3.2")
                assert await third.hear() == ""
        for _ in range(3):
            async with talk(post.port) as again:
                assert (await again.hear())[:3] in ("220", "421")


async def test_who_says_nothing_is_sent_away(database: TestDatabase) -> None:
    async with post_with(database, intake_seconds=1) as post, talk(post.port) as line:
        await line.hear()
        assert await line.hear() == ""


async def test_what_is_being_taken_is_finished_before_it_closes(post: Post) -> None:
    await post.mailed()
    intake = Intake(post.node)
    with listen("127.0.0.1", 0) as listener:
        await intake.open(listener)
        port = listener.getsockname()[1]
        async with talk(port) as idle, talk(port) as line:
            await idle.hear()
            await line.hear()
            await line.say("EHLO mx")
            await line.say(f"MAIL FROM:<{GRACE}>")
            await line.say(f"RCPT TO:<{post.reply_address}>")
            await line.say("DATA")
            async with post.node.transaction() as work:
                await work.connection.execute(
                    text("SELECT FROM callboard.conversations FOR UPDATE")
                )
                line.writer.write(bulk(bytes(reply())) + b"\r\n")
                await until_somebody_waits(post.node)
                closing = asyncio.create_task(intake.close())
                assert (await idle.hear()).startswith("421 4.3.2 The server stops")
                assert not closing.done()
            assert await line.hear() == TAKEN
            assert (await line.hear()).startswith("421")
            await closing
    assert await post.bodies() == ["Yes."]


def nested(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (each, each)
        for each in range(depth)
    )


HOSTILE = {
    "nested": nested(20_000),
    "rfc822": b"Content-Type: message/rfc822\n\n" * 30_000,
    "parts": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 100_000,
    "headers": b"X-A: b\n" * 100_000,
    "one header": b"Content-Type: text/plain; a=" + b"\n\tb;" * 160_000,
    "comments": b"Subject: " + b"(" * 900_000,
    "charset": b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 400_000,
    "utf-16": b"Content-Type: text/plain; charset=utf-16\n\n" + b"\xd8\x00" * 400_000,
    "nul": b"Content-Type: text/plain\n\nYes.\0\0" + b"\0" * 800_000,
    "html": b"Content-Type: text/html\n\n" + b"<div><b>" * 110_000,
    "quotes": b"Content-Type: text/plain\n\n" + b"> " * 450_000,
    "lines": b"Content-Type: text/plain\n\n" + b"On 1 schrieb\n" * 70_000,
    "flowed": b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 300_000,
    "base64": b"Content-Transfer-Encoding: base64\n\n" + b"====YQ" * 150_000,
    "boundary": b"Content-Type: multipart/mixed; boundary*0*=x'y'%FF; boundary*1=b\n\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_no_mail_takes_long_or_much(post: Post, kind: str) -> None:
    await post.mailed()
    head = f"From: {GRACE}\nMessage-ID: <{time.time_ns()}@people.example>\n".encode()
    mail = (head + HOSTILE[kind])[: post.node.settings.intake_bytes - 100_000]
    # As lines that a mail may have.
    mail = b"\n".join(
        line[start : start + 900]
        for line in mail.split(b"\n")
        for start in range(0, max(len(line), 1), 900)
    )
    begun = time.process_time()
    answer = await post.send(mail)
    assert time.process_time() - begun < 5
    assert answer[:3] in ("250", "550", "552"), answer
    assert await post.send(reply("After it.")) == TAKEN


async def test_no_address_and_no_word_is_logged(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await post.mailed()
    await post.send(reply("a-secret-word"))
    await post.send(reply("a-secret-word", From="eve@evil.example"))
    await post.send(MIMEText("x").as_bytes(), to="b@mail.chat.example")
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "mail taken" in logged
    assert "mail refused" in logged
    for word in ("a-secret-word", GRACE, "evil.example", post.reply_address[:10]):
        assert word not in logged
    counted = post.node.metrics.render().decode()
    for outcome in ("taken", "refused"):
        assert f'mails_in_total{{kind="reply",outcome="{outcome}"}} 1.0' in counted


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
async def test_a_common_client_gets_along(
    database: TestDatabase, protocol: str
) -> None:
    async with post_with(database, intake_protocol=protocol) as post:
        await post.mailed()
        to = post.reply_address
        mails = [bytes(reply(f"Number {number}")) for number in range(3)]

        def bring() -> None:
            kind = smtplib.LMTP if protocol == "lmtp" else smtplib.SMTP
            with kind("127.0.0.1", post.port, local_hostname="mx") as client:
                for mail in mails:
                    assert client.sendmail(GRACE, [to], mail) == {}
                with pytest.raises(smtplib.SMTPRecipientsRefused):
                    client.sendmail(GRACE, ["x@mail.chat.example"], mails[0])

        await asyncio.to_thread(bring)
        assert len(await post.bodies()) == 3
