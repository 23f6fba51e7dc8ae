"""Handing mails over to a real SMTP server, in each of its moods."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from realtime.clock import system_clock
from realtime.mail import smtp
from realtime.mail.building import build_mail_notifiers
from realtime.mail.links import open_links
from realtime.node import Node
from realtime.notifications.notifier import (
    Notifier,
    Outcome,
    Parcel,
    Rejected,
    Retry,
    Sent,
)
from storage.email import EmailLog
from storage.records import UserId
from tests.conftest import settings_for
from tests.databases import TestDatabase
from tests.factories import make_people
from tests.realtime.mail.parcels import messages, parcel, recipient
from tests.smtp_server import PASSWORD, USER, FarSide, Silence, certificate, smtp_server

HERE = "127.0.0.1"


@asynccontextmanager
async def carrier(
    node: Node, database: TestDatabase, url: str, **more: object
) -> AsyncIterator[Notifier]:
    """Whatever carries mails with these settings."""
    settings = settings_for(
        database, smtp_url=url, mail_from="board@chat.example", **more
    )
    (notifier,) = build_mail_notifiers(settings, node.transaction, system_clock)
    try:
        yield notifier
    finally:
        await notifier.close()


@pytest.fixture
async def far_side() -> AsyncIterator[FarSide]:
    async with smtp_server() as running:
        yield running


@pytest.fixture
async def notifier(
    node: Node, database: TestDatabase, far_side: FarSide
) -> AsyncIterator[Notifier]:
    url = f"smtp://{HERE}:{far_side.port}?starttls=off"
    more = {"mail_domain": "mail.chat.example", "smtp_connections": 2}
    async with carrier(node, database, url, **more) as made:
        yield made


async def a_parcel(
    node: Node, email: str = "ada@chat.example", name: str = "Ada"
) -> Parcel:
    (ada,) = await make_people(node, name)
    to = recipient(email=email)
    return parcel(
        messages("Hi!\n.\nA line with a dot above."),
        delivery_id=UUID(int=ada.id.int ^ 1),
        recipient=type(to)(ada.id, name, email, to.locale, to.timezone),
    )


async def logs(node: Node, user: UserId) -> list[EmailLog]:
    async with node.transaction() as work:
        return list(await work.emails.logs_of(user, 10))


async def is_suppressed(node: Node, address: str) -> bool:
    async with node.transaction() as work:
        return await work.emails.is_suppressed(address, "service", node.clock())


async def test_a_mail_is_taken_and_written_down_without_what_it_says(
    node: Node, notifier: Notifier, far_side: FarSide
) -> None:
    # Mails of deliveries that nobody has planned have no line to belong to.
    made = await a_parcel(node)
    assert await notifier.send(made) == Sent("4F1A")
    (received,) = far_side.received
    assert received.recipient == "ada@chat.example"
    async with node.transaction() as work:
        links = await open_links(
            work, node.settings.model_copy(update={"mail_domain": "mail.chat.example"})
        )
    assert links.read_bounce(received.sender) == made.delivery_id
    body = received.mail.get_body(("plain",))
    assert body is not None
    assert "Hi!\r\n.\r\nA line with a dot above." in body.get_content()
    (line,) = await logs(node, made.recipient.id)
    assert (line.status, line.provider_message_id) == ("sent", "4F1A")
    assert line.recipient_email == "ada@chat.example"
    assert line.message_id == f"<{made.delivery_id}@chat.example>"
    assert "dot" not in repr(line)
    assert line.sent_at is not None


@pytest.mark.parametrize(
    ("answer", "expected", "is_dead"),
    [
        (
            "550 5.1.1 No such user",
            Rejected("smtp_550_5.1.1", is_target_gone=True),
            True,
        ),
        ("550 5.2.1 Disabled", Rejected("smtp_550_5.2.1", is_target_gone=True), True),
        (
            "553 5.1.3 Bad address",
            Rejected("smtp_553_5.1.3", is_target_gone=True),
            True,
        ),
        # About us, not about the mailbox.
        ("550 5.7.1 Blocked", Rejected("smtp_550_5.7.1"), False),
        ("550 5.1.8 Bad sender", Rejected("smtp_550_5.1.8"), False),
        # Who does not say why has to say so several times.
        ("550 No", Rejected("smtp_550"), False),
        ("552 5.2.2 Mailbox full", Rejected("smtp_552_5.2.2"), False),
        ("451 4.7.1 Greylisted, try again", Retry("smtp_451_4.7.1"), False),
        ("450 4.2.0 Busy", Retry("smtp_450_4.2.0"), False),
        ("421 4.3.2 Shutting down", Retry("smtp_421_4.3.2"), False),
    ],
)
async def test_what_is_answered_to_a_recipient(
    node: Node,
    notifier: Notifier,
    far_side: FarSide,
    answer: str,
    expected: Outcome,
    *,
    is_dead: bool,
) -> None:
    made = await a_parcel(node)
    far_side.to_recipient.append(answer)
    assert await notifier.send(made) == expected
    assert await is_suppressed(node, "ada@chat.example") is is_dead
    (line,) = await logs(node, made.recipient.id)
    assert line.status == ("bounced" if is_dead else "failed")
    assert answer[-2:] in (line.error_message or "")
    # The next one goes, over the same connection where the server has kept it.
    assert isinstance(await notifier.send(made), Sent)
    assert far_side.connections == (2 if answer.startswith("421") else 1)


async def test_a_mailbox_that_refuses_again_and_again_is_given_a_rest(
    node: Node, notifier: Notifier, far_side: FarSide
) -> None:
    made = await a_parcel(node)
    for number in range(5):
        assert await is_suppressed(node, "ada@chat.example") is False, number
        far_side.to_recipient.append("552 5.2.2 Mailbox full")
        assert isinstance(await notifier.send(made), Rejected)
    assert await is_suppressed(node, "ada@chat.example")


async def test_what_is_refused_after_all_was_said(
    node: Node, notifier: Notifier, far_side: FarSide
) -> None:
    made = await a_parcel(node)
    far_side.to_data.extend(["554 5.6.0 Not liked", "452 4.3.1 Disk full"])
    assert await notifier.send(made) == Rejected("smtp_554_5.6.0")
    assert await notifier.send(made) == Retry("smtp_452_4.3.1")
    # The sender is ours to put right: nothing is given up for it.
    far_side.to_sender.append("550 5.7.1 Not you")
    assert await notifier.send(made) == Retry("smtp_550_5.7.1")
    assert isinstance(await notifier.send(made), Sent)
    assert not await is_suppressed(node, "ada@chat.example")
    statuses = [line.status for line in await logs(node, made.recipient.id)]
    assert sorted(statuses) == ["failed", "failed", "failed", "sent"]


@pytest.mark.parametrize("mood", ["hang up", "say nothing"])
async def test_no_answer_to_the_whole_is_tried_again_as_the_same_mail(
    node: Node,
    notifier: Notifier,
    far_side: FarSide,
    monkeypatch: pytest.MonkeyPatch,
    mood: Silence,
) -> None:
    monkeypatch.setattr(smtp, "_COMMAND_SECONDS", 0.2)
    made = await a_parcel(node)
    far_side.to_data.append(mood)
    assert await notifier.send(made) == Retry("smtp_data_lost")
    (line,) = await logs(node, made.recipient.id)
    assert line.status == "pending"
    assert await notifier.send(made) == Sent("4F2A")
    one, other = (received.mail["Message-ID"] for received in far_side.received)
    assert one == other


async def test_a_send_ends_in_time_however_slow_the_far_side(
    node: Node,
    notifier: Notifier,
    far_side: FarSide,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "WHOLE_SECONDS", 0.3)
    parcels = [await a_parcel(node) for _ in range(4)]
    far_side.to_recipient.extend(["say nothing"] * 4)
    # Two connections: the others wait, and their time goes by as well.
    outcomes = await asyncio.gather(*(notifier.send(each) for each in parcels))
    reasons = {outcome.reason for outcome in outcomes if isinstance(outcome, Retry)}
    assert reasons <= {"smtp_connect_lost", "smtp_recipient_lost"}
    assert reasons
    assert not any(isinstance(outcome, Sent) for outcome in outcomes)


async def test_connections_are_few_used_again_and_closed_when_idle(
    node: Node,
    notifier: Notifier,
    far_side: FarSide,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parcels = [await a_parcel(node) for _ in range(6)]
    outcomes = await asyncio.gather(*(notifier.send(each) for each in parcels))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert 1 <= far_side.connections <= 2
    before = far_side.connections
    monkeypatch.setattr(smtp, "_MAILS", 1)
    assert isinstance(await notifier.send(parcels[0]), Sent)
    # That was its last; the other one, if any, is still good.
    assert isinstance(await notifier.send(parcels[0]), Sent)
    assert isinstance(await notifier.send(parcels[0]), Sent)
    assert far_side.connections > before


async def test_a_connection_that_died_meanwhile_costs_nothing(
    node: Node, notifier: Notifier, far_side: FarSide
) -> None:
    made = await a_parcel(node)
    assert isinstance(await notifier.send(made), Sent)
    far_side.to_recipient.append("421 4.3.2 Going away")
    assert isinstance(await notifier.send(made), Retry)
    assert isinstance(await notifier.send(made), Sent)


async def test_nobody_there_is_tried_again_and_not_written_down(
    node: Node, database: TestDatabase, far_side: FarSide
) -> None:
    made = await a_parcel(node)
    async with smtp_server() as gone:
        port = gone.port
    url = f"smtp://{HERE}:{port}?starttls=off"
    async with carrier(node, database, url) as notifier:
        assert await notifier.send(made) == Retry("smtp_connect_lost")
    assert await logs(node, made.recipient.id) == []


async def test_an_address_that_is_none_reaches_no_server(
    node: Node, notifier: Notifier, far_side: FarSide
) -> None:
    for address in ("ada", "ada@chat.example\r\nRCPT TO:<all@chat.example>", "a b@c"):
        made = await a_parcel(node, address)
        assert await notifier.send(made) == Rejected("bad_address")
    assert far_side.connections == 0


async def test_letters_beyond_ascii_are_written_as_each_server_takes_them(
    node: Node, database: TestDatabase
) -> None:
    far = await a_parcel(node, "ada@bücher.example")
    near = await a_parcel(node, "düsi@bücher.example")
    for takes_utf8 in (True, False):
        async with smtp_server(takes_utf8=takes_utf8) as side:
            url = f"smtp://{HERE}:{side.port}?starttls=off"
            async with carrier(node, database, url) as notifier:
                assert isinstance(await notifier.send(far), Sent)
                assert side.received[0].recipient == "ada@xn--bcher-kva.example"
                outcome = await notifier.send(near)
                if not takes_utf8:
                    assert outcome == Rejected("smtp_553_5.6.7")
                    continue
                assert isinstance(outcome, Sent)
                assert side.received[1].recipient == "düsi@xn--bcher-kva.example"
                assert "SMTPUTF8" in side.received[1].options
                assert b"To: Ada <d\xc3\xbcsi@xn--bcher-kva" in side.received[1].raw


async def test_without_an_intake_bounces_go_to_the_operator(
    node: Node, database: TestDatabase, far_side: FarSide
) -> None:
    url = f"smtp://{HERE}:{far_side.port}?starttls=opportunistic"
    async with carrier(node, database, url) as notifier:
        assert isinstance(await notifier.send(await a_parcel(node)), Sent)
    assert far_side.received[0].sender == "board@chat.example"
    assert far_side.received[0].mail["Reply-To"] is None


def _user(password: str) -> str:
    return f"{USER}:{quote(password, safe='')}@"


@pytest.mark.parametrize("is_tls", [True, False])
async def test_tls_is_verified_and_the_login_made_inside_it(
    node: Node, database: TestDatabase, tmp_path: Path, *, is_tls: bool
) -> None:
    context, trusted = certificate(tmp_path)
    made = await a_parcel(node)
    scheme = "smtps" if is_tls else "smtp"
    async with smtp_server(tls=context, is_tls=is_tls, wants_login=True) as side:
        for password, ca_file, expected in (
            (PASSWORD, trusted, Sent("4F1A")),
            ("another", trusted, Retry("smtp_535_5.7.8")),
            (PASSWORD, None, Retry("smtp_connect_lost")),
        ):
            url = f"{scheme}://{_user(password)}{HERE}:{side.port}"
            more = {"smtp_ca_file": ca_file}
            async with carrier(node, database, url, **more) as notifier:
                assert await notifier.send(made) == expected
    assert len(side.received) == 1


async def test_a_server_without_starttls_gets_nothing_where_that_is_required(
    node: Node, database: TestDatabase, far_side: FarSide
) -> None:
    made = await a_parcel(node)
    async with carrier(node, database, f"smtp://{HERE}:{far_side.port}") as notifier:
        assert await notifier.send(made) == Retry("smtp_connect_lost")
    assert far_side.received == []


async def test_a_bad_certificate_is_no_better_than_none(
    node: Node, database: TestDatabase, tmp_path: Path
) -> None:
    context, _ = certificate(tmp_path)
    assert isinstance(context, ssl.SSLContext)
    made = await a_parcel(node)
    async with smtp_server(tls=context) as side:
        url = f"smtp://{HERE}:{side.port}?starttls=opportunistic"
        async with carrier(node, database, url) as notifier:
            assert await notifier.send(made) == Retry("smtp_connect_lost")
    assert side.received == []


class Scripted:
    """A server that says what it is told to, line by line, and hangs up."""

    def __init__(self, *answers: str, bytes_of_mail: int = 0) -> None:
        self._answers = answers
        self._bytes_of_mail = bytes_of_mail
        self.lines: list[str] = []

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer, one line a command."""
        writer.write(b"220 far.example ESMTP\r\n")
        for answer in self._answers:
            self.lines.append((await reader.readline()).decode().strip())
            writer.write(answer.encode() + b"\r\n")
        if self._bytes_of_mail:
            await reader.readexactly(self._bytes_of_mail)
        writer.transport.abort()


@asynccontextmanager
async def scripted(script: Scripted) -> AsyncIterator[str]:
    server = await asyncio.start_server(script.serve, HERE, 0)
    async with server:
        yield f"smtp://{HERE}:{server.sockets[0].getsockname()[1]}?starttls=off"


EHLO = "250-far.example\r\n250-SIZE 100000\r\n250 DSN"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Scripted(), "smtp_connect_lost"),
        (Scripted(EHLO), "smtp_sender_lost"),
        (Scripted(EHLO, "250 Ok"), "smtp_recipient_lost"),
        (Scripted(EHLO, "250 Ok", "nonsense"), "smtp_recipient_lost"),
        (
            Scripted(EHLO, "250 Ok", "250 Ok", "354 Go", bytes_of_mail=900),
            "smtp_data_lost",
        ),
        (Scripted(EHLO, "250 Ok", "250 Ok", "354 Go\r\n999 what"), "smtp_data_lost"),
    ],
)
async def test_a_broken_connection_is_tried_again_wherever_it_breaks(
    node: Node, database: TestDatabase, script: Scripted, reason: str
) -> None:
    async with (
        scripted(script) as url,
        carrier(node, database, url, mail_domain="mail.chat.example") as notifier,
    ):
        made = await a_parcel(node)
        assert await notifier.send(made) == Retry(reason)
    if len(script.lines) > 2:
        # RFC 3461: reports name the delivery, and tell of what is late.
        assert f"ENVID={made.delivery_id.hex}" in script.lines[1]
        assert "RET=HDRS" in script.lines[1]
        assert script.lines[2].endswith("NOTIFY=FAILURE,DELAY")
