"""Answers by mail: who may give them, and what becomes of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from tests.api.calling import Ear
from tests.databases import TestDatabase
from tests.factories import leave_group, make_group, set_account_status
from tests.realtime.intake.mailing import GRACE, Post, post_with, reply


async def test_an_answer_by_mail_is_a_message_once(post: Post) -> None:
    ear = Ear()
    post.node.hub.add(post.ada.id, ear)
    await post.mailed()
    mail = reply("Yes!\n\nOn Fri, 20 Nov 2026 at 09:15, Ada wrote:\n> Thursday?\n")
    assert await post.send(mail) == "250 2.0.0 Taken."
    assert await post.send(mail) == "250 2.0.0 Taken."
    assert await post.bodies() == ["Yes!"]
    (event,) = [each for each in ear.heard if each["type"] == "message.created"]
    assert event["data"]["message"]["sender_id"] == str(post.grace.id)
    assert event["data"]["message"]["metadata"] == {"source": "email"}
    rows = await post.rows("SELECT kind, outcome FROM callboard.inbound_emails")
    assert rows == [{"kind": "reply", "outcome": "posted"}]
    # Another mail with the same words is another message; one without a name too.
    assert await post.send(reply("Yes!")) == "250 2.0.0 Taken."
    nameless = reply("Yes!", Message_ID="")
    assert await post.send(nameless) == "250 2.0.0 Taken."
    assert await post.send(nameless) == "250 2.0.0 Taken."
    assert await post.bodies() == ["Yes!", "Yes!", "Yes!"]
    # Brought over many connections at the same moment.
    mail = reply("At once.")
    told = await asyncio.gather(*(post.send(mail) for _ in range(8)))
    assert set(told) == {"250 2.0.0 Taken."}
    assert (await post.bodies())[3:] == ["At once."]


async def test_nobody_speaks_in_anothers_name(post: Post) -> None:
    await post.mailed()
    for sender in (
        "ada@people.example",
        "grace@people.example.evil.example",
        f'"{GRACE}" <eve@evil.example>',
        f"{GRACE}, eve@evil.example",
        f"Eve <eve@evil.example> ({GRACE})",
    ):
        answer = await post.send(reply("I resign.", From=sender))
        assert answer.startswith("550 5.7.1 Only the person"), sender
    twice = b"From: eve@evil.example\r\n" + bytes(reply("I resign."))
    assert (await post.send(twice)).startswith("550 5.7.1")
    assert await post.bodies() == []
    assert await post.send(reply("Yes.", From=GRACE.upper())) == "250 2.0.0 Taken."


async def test_an_address_that_was_made_up_or_changed_is_none(post: Post) -> None:
    await post.mailed()
    right = post.reply_address
    for address in (
        f"r{'a' * 63}@mail.chat.example",
        right.replace("@mail.", "@other."),
        "b" + right[1:],
        f"{right[:10]}{'a' if right[10] != 'a' else 'b'}{right[11:]}",
        "grace@people.example",
        "postmaster@mail.chat.example",
        "@mail.chat.example",
    ):
        answer = await post.send(reply(), to=address)
        assert answer.startswith("55"), address
    assert await post.send(reply(), to=right.upper()) == "250 2.0.0 Taken."


async def test_an_address_works_only_for_a_while_and_for_who_may_write(
    post: Post,
) -> None:
    expired = "550 5.1.6 This address works no longer; please answer in the app."
    assert await post.send(reply()) == expired
    now = post.node.clock()
    await post.mailed(at=now - timedelta(days=31))
    assert await post.send(reply()) == expired
    await post.mailed(at=now - timedelta(days=29))
    assert await post.send(reply()) == "250 2.0.0 Taken."
    await set_account_status(post.node, post.grace, "suspended")
    assert await post.send(reply()) == expired
    await set_account_status(post.node, post.grace, "active")
    for change, said in (
        (
            "INSERT INTO callboard.blocks VALUES (:ada, :grace)",
            "550 5.7.1 One of you has blocked the other.",
        ),
        (
            "UPDATE callboard.conversations SET status = 'archived'",
            "550 5.7.1 This conversation is archived; nobody can write in it.",
        ),
    ):
        async with post.node.transaction() as work:
            named = {"ada": post.ada.id, "grace": post.grace.id}
            given = {name: named[name] for name in named if f":{name}" in change}
            await work.connection.execute(text(change), given)
        assert await post.send(reply()) == said
        async with post.node.transaction() as work:
            await work.connection.execute(text("DELETE FROM callboard.blocks"))
    assert len(await post.bodies()) == 1


async def test_who_has_left_answers_no_more(post: Post) -> None:
    group = await make_group(post.node, post.ada, post.grace)
    grouped = replace(post, conversation=group)
    await grouped.mailed()
    assert await grouped.send(reply()) == "250 2.0.0 Taken."
    await leave_group(post.node, group, post.grace)
    answer = await grouped.send(reply())
    assert answer == "550 5.7.1 You are not in this conversation any more."
    assert await grouped.bodies() == ["Yes."]


async def test_what_no_person_wrote_is_dropped(post: Post) -> None:
    await post.mailed()
    dropped = "250 2.0.0 Dropped, because no person has written it."
    for header in (
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<all.people.example>"},
        {"Message_ID": "<0192d1c0-0000-7000-8000-000000000000@mail.chat.example>"},
    ):
        assert await post.send(reply("I am away.", **header)) == dropped, header
    assert await post.send(reply("I am away."), sender="") == dropped
    assert await post.bodies() == []


async def test_what_says_nothing_or_too_much_is_refused(post: Post) -> None:
    await post.mailed()
    nothing = await post.send(reply("> Thursday?\n-- \nGrace"))
    assert nothing == "550 5.6.0 Your mail says nothing besides what it quotes."
    picture = reply("")
    picture.add_attachment(b"...", maintype="image", subtype="png", filename="a.png")
    assert (await post.send(picture)).startswith("550 5.6.0 Files are not taken")
    long = await post.send(reply("a " * 5000))
    assert long.startswith("552 5.3.4 Your answer has 9999 characters")
    with_text = reply("See the picture.")
    with_text.add_attachment(b".", maintype="image", subtype="png", filename="a.png")
    assert await post.send(with_text) == "250 2.0.0 Taken."
    assert await post.bodies() == ["See the picture."]


async def test_what_is_the_writers_alone_is_not_said(post: Post) -> None:
    await post.mailed()
    # In a language that is not known here.
    quoted = (
        f"Il giorno 20 nov 2026 Ada ({post.reply_address}) ha scritto:\n\nGiovedì?\n"
        "http://127.0.0.1:8080/v1/unsubscribe/abc_DEF-123\n"
    )
    assert await post.send(reply(f"Sì.\n\n{quoted}")) == "250 2.0.0 Taken."
    (said,) = await post.bodies()
    assert said.endswith("Ada (…) ha scritto:\n\nGiovedì?\n…")


async def test_who_says_too_much_is_heard_later(database: TestDatabase) -> None:
    async with post_with(database, limit_messages="2/1h") as post:
        await post.mailed()
        for _ in range(2):
            assert await post.send(reply()) == "250 2.0.0 Taken."
        assert (await post.send(reply())).startswith("451 4.7.1 Too much")


async def test_a_mail_server_may_have_to_prove_the_sender(
    database: TestDatabase,
) -> None:
    async with post_with(database, intake_authserv_id="mx.chat.example") as post:
        await post.mailed()
        for found in (
            "",
            "mx.evil.example; dmarc=pass header.from=people.example",
            "mx.chat.example; dmarc=fail header.from=people.example",
            "mx.chat.example; dkim=pass header.d=evil.example",
            "mx.chat.example; spf=pass smtp.mailfrom=eve@evil.example",
            "mx.chat.example (dmarc=pass); none",
        ):
            answer = await post.send(reply(Authentication_Results=found))
            assert answer.startswith("550 5.7.25"), found
        for found in (
            "mx.chat.example; spf=fail; dmarc=pass (p=none) header.from=people.example",
            "mx.chat.example 1; dkim=pass header.d=people.example header.s=a",
            f"mx.chat.example; spf=pass smtp.mailfrom={GRACE}",
        ):
            answer = await post.send(reply(Authentication_Results=found))
            assert answer == "250 2.0.0 Taken.", found
