"""Bounces, complaints and unsubscribing by mail, and what each may change."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from realtime.mail.links import message_id
from realtime.worker import Worker
from tests.realtime.intake.mailing import DOMAIN, GRACE, Post, reply

TAKEN = "250 2.0.0 Taken."
DROPPED = "250 2.0.0 Dropped, because no person has written it."


def recipient(
    action: str, status: str, address: str = GRACE, said: str = "", original: str = ""
) -> str:
    lines = [
        f"Original-Recipient: rfc822;{original}" if original else "",
        f"Final-Recipient: rfc822; {address}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; {said}" if said else "",
    ]
    return "\r\n".join(line for line in lines if line)


def report(*recipients: str, name: str | None = None) -> bytes:
    """A report as Postfix, Exchange and Gmail send it (RFC 3464)."""
    blocks = "\r\n\r\n".join(("Reporting-MTA: dns; mx.people.example", *recipients))
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.people.example>\r\n"
        f"Message-ID: <{name or uuid4()}@mx.people.example>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        '\tboundary="=_b/1"\r\n\r\nThis is MIME.\r\n\r\n'
        "--=_b/1\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n\r\n"
        f"--=_b/1\r\nContent-Type: message/delivery-status\r\n\r\n{blocks}\r\n\r\n"
        "--=_b/1\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"
        "--=_b/1--\r\n"
    ).encode()


async def bounce(post: Post, delivery: UUID, mail: bytes) -> str:
    address = post.links.bounce_address(delivery)
    return await post.send(mail, to=address, sender="")


async def state(post: Post, delivery: UUID) -> tuple[object, object, bool]:
    """The delivery's status, the log's, and whether services may still be mailed."""
    (row,) = await post.rows(
        "SELECT d.status, l.status AS logged FROM callboard.deliveries d"
        " JOIN callboard.email_logs l ON l.delivery_id = d.id"
        f" WHERE d.id = '{delivery}'"
    )
    async with post.node.transaction() as work:
        gone = await work.emails.is_suppressed(GRACE, "service", post.node.clock())
    return row["status"], row["logged"], gone


async def test_an_address_that_is_dead_is_written_to_no_more(post: Post) -> None:
    delivery = await post.mailed()
    mail = report(
        recipient("failed", "5.1.1", said=f"550 5.1.1 <{GRACE}>: User unknown")
    )
    assert await bounce(post, delivery, mail) == TAKEN
    assert await bounce(post, delivery, mail) == TAKEN
    assert await state(post, delivery) == ("bounced", "bounced", True)
    (kept,) = await post.rows("SELECT * FROM callboard.email_suppressions")
    assert (kept["address"], kept["scope"], kept["reason"]) == (
        *(GRACE, "all", "hard_bounce"),
    )
    assert kept["detail"] == "5.1.1 smtp; 550 5.1.1 <…>: User unknown"
    (row,) = await post.rows("SELECT * FROM callboard.inbound_emails")
    assert (row["kind"], row["outcome"]) == ("bounce", "failed 5.1.1")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("5.2.2", "552 5.2.2 Mailbox full"),
        ("4.4.1", "timed out"),
        ("5.7.1", "550 5.7.1 Spam"),
        ("5.0.0", ""),
    ],
)
async def test_what_may_pass_suppresses_only_when_it_adds_up(
    post: Post, status: str, said: str
) -> None:
    for number in range(5):
        delivery = await post.mailed()
        mail = report(recipient("failed", status, said=said))
        assert await bounce(post, delivery, mail) == TAKEN
        assert await state(post, delivery) == ("bounced", "bounced", number == 4)


async def test_a_delay_changes_nothing_and_an_arrival_is_noted(post: Post) -> None:
    delivery = await post.mailed()
    assert await bounce(post, delivery, report(recipient("delayed", "4.4.1"))) == TAKEN
    assert await state(post, delivery) == ("sent", "sent", False)
    mail = report(recipient("relayed", "2.1.5"))
    assert await bounce(post, delivery, mail) == TAKEN
    assert await state(post, delivery) == ("sent", "delivered", False)


async def test_of_several_recipients_the_one_that_was_written_to_counts(
    post: Post,
) -> None:
    delivery = await post.mailed()
    others = recipient("failed", "5.1.1", "eve@evil.example")
    mail = report(others, recipient("delivered", "2.0.0"))
    assert await bounce(post, delivery, mail) == TAKEN
    assert await state(post, delivery) == ("sent", "delivered", False)
    # A list of which some were reached.
    mail = report(others, recipient("expanded", "2.0.0", "all@people.example"))
    assert await bounce(post, delivery, mail) == TAKEN
    assert await state(post, delivery) == ("sent", "delivered", False)
    # Forwarded: it comes back under another name.
    forwarded = recipient("failed", "5.1.1", "g@home.example", original=GRACE.upper())
    assert await bounce(post, delivery, report(others, forwarded)) == TAKEN
    assert await state(post, delivery) == ("bounced", "bounced", True)
    suppressed = await post.rows("SELECT address FROM callboard.email_suppressions")
    assert suppressed == [{"address": GRACE}]


async def test_no_report_says_what_cannot_be_stored(post: Post) -> None:
    delivery = await post.mailed()
    strange = recipient("failed", "4.4.1", "\0@evil.example", said="\0\ud800 \x1b")
    raw = strange.encode("utf-8", "surrogatepass")
    mail = report("Instead").replace(b"Instead", raw)
    assert await bounce(post, delivery, mail) == TAKEN
    assert await state(post, delivery) == ("bounced", "bounced", False)


async def test_what_is_no_bounce_is_dropped(post: Post) -> None:
    delivery = await post.mailed()
    address = post.links.bounce_address(delivery)
    away = reply("I am away.", Auto_Submitted="auto-replied")
    assert await post.send(away, to=address, sender="") == DROPPED
    prose = reply("User unknown\n\n550 5.1.1 no such user\n")
    assert await post.send(prose, to=address) == DROPPED
    assert await state(post, delivery) == ("sent", "sent", False)
    # A server that has never heard of RFC 3464; it is believed a little.
    assert await post.send(prose, to=address, sender="") == TAKEN
    assert await state(post, delivery) == ("bounced", "bounced", False)


async def test_a_bounce_of_nothing_or_at_a_made_up_address_changes_nothing(
    post: Post,
) -> None:
    delivery = await post.mailed()
    mail = report(recipient("failed", "5.1.1"))
    assert await bounce(post, uuid4(), mail) == TAKEN
    right = post.links.bounce_address(delivery) or ""
    other = post.links.bounce_address(uuid4()) or ""
    forged = right[:20] + other[20:]
    assert (await post.send(mail, to=forged, sender="")).startswith("550 5.1.1")
    assert await state(post, delivery) == ("sent", "sent", False)


def complaint(headers: str, kind: str = "abuse", about: str = "") -> bytes:
    """A complaint as a mailbox provider sends it (RFC 5965)."""
    return (
        "From: <abuse@people.example>\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{uuid4()}@people.example>\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n"
        "\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {kind}\r\nUser-Agent: x/1\r\nVersion: 1\r\n{about}\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{headers}Subject: x\r\n\r\nHi\r\n"
        "--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    "proof", ["envelope", "link", "mailto", "message_id", "report"]
)
async def test_who_complains_gets_no_more_than_services(post: Post, proof: str) -> None:
    delivery = await post.mailed()
    verp = post.links.bounce_address(delivery)
    linked = post.node.settings.model_copy(update={"public_url": "https://c.example"})
    links = type(post.links)(
        post.links._keys, public_url=linked.public_url, mail_domain=DOMAIN
    )
    link = links.unsubscribe_link(post.grace.id, "message_received", delivery)
    headers = {
        "envelope": f"Return-Path: <{verp}>\r\n",
        "link": f"List-Unsubscribe: <{link}>,\r\n <mailto:x@y.example>\r\n",
        "mailto": "List-Unsubscribe:"
        f" <mailto:{post.links.unsubscribe_address(delivery)}?subject=x>\r\n",
        "message_id": f"Message-ID: {message_id(delivery, DOMAIN)}\r\n",
        "report": "",
    }[proof]
    about = f"Original-Mail-From: <{verp}>\r\n" if proof == "report" else ""
    where = f"complaints@{DOMAIN}"
    assert await post.send(complaint(headers, "not-spam", about), to=where) == TAKEN
    assert await post.rows("SELECT * FROM callboard.notification_preferences") == []
    assert await post.send(complaint(headers, about=about), to=where) == TAKEN
    (row,) = await post.rows("SELECT * FROM callboard.notification_preferences")
    assert (row["user_id"], row["type"], row["channel"], row["mode"]) == (
        *(post.grace.id, "message_received", "email", "off"),
    )
    assert row["source"] == "complaint"
    async with post.node.transaction() as work:
        now = post.node.clock()
        assert await work.emails.is_suppressed(GRACE, "alert", now)
        assert not await work.emails.is_suppressed(GRACE, "service", now)


async def test_a_complaint_that_proves_nothing_changes_nothing(post: Post) -> None:
    delivery = await post.mailed()
    where = f"fbl@{DOMAIN}"
    forged = (
        f"Return-Path: <b{'a' * 42}@{DOMAIN}>\r\n"
        f"Message-ID: <{delivery}@evil.example>\r\n"
        f"List-Unsubscribe: <https://chat.example/v1/unsubscribe/{'a' * 100}>\r\n"
    )
    assert await post.send(complaint(forged), to=where) == TAKEN
    assert (await post.send(reply("Spam!"), to=where)).startswith("550 5.6.0")
    for table in ("notification_preferences", "email_suppressions"):
        assert await post.rows(f"SELECT * FROM callboard.{table}") == []
    (row,) = await post.rows("SELECT * FROM callboard.inbound_emails")
    assert (row["kind"], row["delivery_id"]) == ("unknown", None)


async def test_a_mail_to_its_address_unsubscribes(post: Post) -> None:
    delivery = await post.mailed()
    address = post.links.unsubscribe_address(delivery)
    away = reply("I am away.", Auto_Submitted="auto-replied")
    assert await post.send(away, to=address) == DROPPED
    assert await post.rows("SELECT * FROM callboard.notification_preferences") == []
    assert await post.send(reply("unsubscribe"), to=address) == TAKEN
    (row,) = await post.rows("SELECT * FROM callboard.notification_preferences")
    assert (row["type"], row["channel"], row["mode"], row["source"]) == (
        *("message_received", "email", "off", "unsubscribe"),
    )


async def test_what_came_long_ago_is_forgotten(post: Post) -> None:
    delivery = await post.mailed()
    address = post.links.unsubscribe_address(delivery)
    assert await post.send(reply("unsubscribe"), to=address) == TAKEN
    settings = post.node.settings
    long = timedelta(days=settings.deliveries_keep_days)
    for ahead, left in ((long - timedelta(minutes=1), 1), (long + timedelta(1), 0)):
        now = post.node.clock() + ahead
        worker = Worker(settings, post.node.database, clock=partial(_same, now))
        assert bool(await worker.chores["retention"]()) is not bool(left)
        assert len(await post.rows("SELECT id FROM callboard.inbound_emails")) == left


def _same(now: datetime) -> datetime:
    return now
