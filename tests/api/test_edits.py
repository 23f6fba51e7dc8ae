"""Editing and deleting messages, over HTTP."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from realtime.actions.messages import VERSIONS, take_down
from realtime.node import Node
from storage.records import MessageId, UserId
from tests.api.calling import ear_of, problem
from tests.api.talking import (
    add_member,
    delete,
    edit,
    make_group,
    messages_of,
    past_of,
    react,
    remove_member,
    say,
    search,
)
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import make_pair, make_people

ATTACHMENT = {
    "url": "https://files.example/cv.pdf",
    "name": "cv.pdf",
    "mime_type": "application/pdf",
    "size": 1234,
}


async def test_an_edit_is_told_found_and_its_past_kept(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "Helo")
    ear = await ear_of(node, grace.id)
    answer = await edit(http, ada, message, "  Hello ")
    assert answer.status_code == 200, answer.text
    edited = answer.json()
    assert edited["body"] == "Hello"
    assert edited["edited_at"] > message["sent_at"]
    assert edited == message | {"body": "Hello", "edited_at": edited["edited_at"]}
    assert ear.kinds == ["message.updated"]
    assert ear.heard[0]["data"] == {"message": edited}
    assert await messages_of(http, grace, talk) == [edited]
    again = (await edit(http, ada, edited, "Hello!")).json()
    past = (await past_of(http, grace, message)).json()
    assert past == {
        "items": [
            {"version": 1, "body": "Helo", "edited_at": edited["edited_at"]},
            {"version": 2, "body": "Hello", "edited_at": again["edited_at"]},
        ],
        "next": None,
    }
    assert again["edited_at"] > edited["edited_at"]


async def test_the_past_of_a_message_has_pages(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "0")
    for number in range(1, 6):
        await edit(http, ada, message, str(number))
    first = (await past_of(http, grace, message, limit=3)).json()
    second = (await past_of(http, grace, message, limit=3, next=first["next"])).json()
    said = [item["body"] for page in (first, second) for item in page["items"]]
    assert said == ["0", "1", "2", "3", "4"]
    assert second["next"] is None


async def test_the_same_text_again_is_no_edit(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    ear = await ear_of(node, grace.id)
    assert (await edit(http, ada, message, " Hi ")).json() == message
    assert ear.heard == []
    assert (await past_of(http, ada, message)).json()["items"] == []


async def test_a_message_says_something_or_carries_something(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _grace, talk = await make_pair(node)
    plain = await say(http, ada, talk)
    problem(await edit(http, ada, plain, "  "), 422, "invalid")
    problem(await edit(http, ada, plain, "a\0b"), 422, "invalid")
    problem(await edit(http, ada, plain, "x" * 8001), 422, "invalid")
    carrying = await say(http, ada, talk, "See", attachments=[ATTACHMENT])
    emptied = (await edit(http, ada, carrying, "")).json()
    assert (emptied["body"], emptied["attachments"]) == ("", [ATTACHMENT])


async def test_what_is_deleted_leaves_a_tombstone_and_nothing_else(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(
        http, ada, talk, "secret", attachments=[ATTACHMENT], metadata={"a": 1}
    )
    await edit(http, ada, message, "secret plan")
    await react(http, grace, message, "👍")
    ear = await ear_of(node, grace.id)
    answer = await delete(http, ada, message)
    assert answer.status_code == 200, answer.text
    tombstone = answer.json()
    assert tombstone["deleted_at"] > tombstone["edited_at"]
    assert tombstone == message | {
        "body": "",
        "attachments": [],
        "metadata": {},
        "edited_at": tombstone["edited_at"],
        "deleted_at": tombstone["deleted_at"],
    }
    assert ear.kinds == ["message.deleted"]
    assert ear.heard[0]["data"] == {"message": tombstone}
    assert await messages_of(http, grace, talk) == [tombstone]
    assert (await past_of(http, grace, message)).json()["items"] == []
    assert await search(http, grace, "secret") == []
    assert (await delete(http, ada, message)).json() == tombstone
    assert ear.kinds == ["message.deleted"]
    problem(await edit(http, ada, message, "back"), 409, "conflict")
    problem(await react(http, grace, message, "👍"), 409, "conflict")
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text("SELECT count(*) FROM callboard.reactions")
        )
        assert rows.scalar_one() == 0


async def test_what_happened_is_kept_without_what_was_said(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "hunter2")
    await edit(http, ada, message, "hunter3")
    await delete(http, ada, message)
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text("SELECT type, subject, data FROM callboard.domain_events ORDER BY id")
        )
        kept = [(row.type, row.subject) for row in rows if row.type[:8] == "message."]
    subject = {
        "message_id": message["id"],
        "conversation_id": str(talk),
        "user_id": str(ada.id),
    }
    assert kept == [("message.edited", subject), ("message.deleted", subject)]


async def test_nobody_changes_the_message_of_another(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    message = await say(http, ada, talk)
    problem(await edit(http, grace, message, "mine"), 403, "forbidden")
    problem(await delete(http, grace, message), 403, "forbidden")
    problem(await edit(http, mallory, message, "mine"), 404, "not_found")
    problem(await delete(http, mallory, message), 404, "not_found")
    problem(await past_of(http, mallory, message), 404, "not_found")
    assert await messages_of(http, grace, talk) == [message]


async def test_an_owner_deletes_in_their_group_but_edits_nobody(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member = await make_people(node, "Owner", "Member")
    group = await make_group(http, node, owner, member)
    by_member = await say(http, member, group)
    by_owner = await say(http, owner, group)
    problem(await edit(http, owner, by_member, "mine"), 403, "forbidden")
    problem(await delete(http, member, by_owner), 403, "forbidden")
    assert (await delete(http, owner, by_member)).json()["deleted_at"]


async def test_what_the_server_says_stays(http: httpx.AsyncClient, node: Node) -> None:
    owner, member, third = await make_people(node, "Owner", "Member", "Third")
    group = await make_group(http, node, owner, member)
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "SELECT * FROM callboard.say_system(ARRAY[CAST(:group AS uuid)],"
                " ARRAY[gen_random_uuid()], ARRAY['Closed'], ARRAY['{}'],"
                " ARRAY[false])"
            ),
            {"group": group},
        )
    (said,) = [
        message
        for message in await messages_of(http, owner, group)
        if message["body"] == "Closed"
    ]
    problem(await edit(http, owner, said, "Open"), 403, "forbidden")
    problem(await delete(http, owner, said), 403, "forbidden")
    async with node.transaction() as work:
        assert await take_down(work, MessageId(said["id"])) is None
    assert third.id != member.id


async def test_who_has_left_changes_and_sees_nothing_any_more(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member = await make_people(node, "Owner", "Member")
    group = await make_group(http, node, owner, member)
    message = await say(http, member, group, "before")
    others = await say(http, owner, group, "before too")
    await remove_member(http, member, group, member)
    ear = await ear_of(node, UserId(member.id))
    problem(await edit(http, member, message, "after"), 403, "not_a_participant")
    problem(await delete(http, member, message), 403, "not_a_participant")
    problem(await react(http, member, message, "👍"), 403, "not_a_participant")
    problem(await react(http, member, others, "👍"), 404, "not_found")
    problem(await edit(http, member, others, "after"), 404, "not_found")
    problem(await past_of(http, member, message), 404, "not_found")
    await edit(http, owner, others, "behind their back")
    await delete(http, owner, message)
    assert ear.heard == []
    assert await search(http, member, "before") == []


async def test_who_joined_later_is_told_nothing_of_before(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member, late = await make_people(node, "Owner", "Member", "Late")
    group = await make_group(http, node, owner, member, history="joined")
    early = await say(http, owner, group, "secret plan")
    await edit(http, owner, early, "secret plan two")
    await add_member(http, node, owner, group, late)
    ear = await ear_of(node, late.id)
    problem(await past_of(http, late, early), 404, "not_found")
    problem(await react(http, late, early, "👍"), 404, "not_found")
    problem(await delete(http, late, early), 404, "not_found")
    assert await search(http, late, "secret") == []
    await edit(http, owner, early, "secret plan three")
    await react(http, member, early, "🎬")
    answer = await say(http, member, group, "Agreed", reply_to_id=early["id"])
    await delete(http, owner, early)
    assert ear.kinds == ["message.created"]
    assert ear.heard[0]["data"]["message"] == answer
    assert answer["reply_to"] is None
    assert answer["reply_to_id"] == early["id"]
    shown = await messages_of(http, late, group)
    assert "secret" not in str(shown)
    hidden = await http.post(
        f"/v1/conversations/{group}/messages",
        json={
            "client_id": "5f0c4a0e-8a35-4a86-9b1f-3c6f8d2b7e11",
            "body": "What?",
            "reply_to_id": early["id"],
        },
        headers=late.headers,
    )
    problem(hidden, 422, "invalid")


@pytest.mark.parametrize("status", ["removed", "rejected"])
async def test_who_may_not_write_may_not_edit_but_take_back(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    await react(http, ada, message, "👍")
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.connections SET status = :status"),
            {"status": status},
        )
    problem(await edit(http, ada, message, "Ho"), 403, "not_connected")
    problem(await react(http, grace, message, "👎"), 403, "not_connected")
    assert (await react(http, ada, message, "👍", "DELETE")).json() == {"reactions": {}}
    assert (await delete(http, ada, message)).json()["deleted_at"]


async def test_a_message_is_edited_a_bounded_number_of_times(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "0")
    for number in range(1, VERSIONS + 1):
        assert (await edit(http, ada, message, str(number))).status_code == 200
    problem(await edit(http, ada, message, "more"), 409, "conflict")


async def test_an_operator_can_end_the_time_for_edits(database: TestDatabase) -> None:
    settings = settings_for(database, edit_seconds=60)
    async with running_node(settings) as node:
        transport = httpx.ASGITransport(app=create_app(node))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://callboard.test"
        ) as http:
            ada, _grace, talk = await make_pair(node)
            message = await say(http, ada, talk)
            assert (await edit(http, ada, message, "Ho")).status_code == 200
            real = node.clock
            node.clock = lambda: real() + timedelta(seconds=61)
            problem(await edit(http, ada, message, "Hm"), 403, "forbidden")
            assert (await delete(http, ada, message)).status_code == 200


async def test_edits_and_deletion_at_once_end_in_a_tombstone(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "secret")
    ear = await ear_of(node, grace.id)
    answers = await asyncio.gather(
        *(edit(http, ada, message, f"secret {number}") for number in range(5)),
        delete(http, ada, message),
        *(react(http, grace, message, emoji) for emoji in "🎬👍"),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    (left,) = await messages_of(http, grace, talk)
    assert (left["body"], left["reactions"]) == ("", {})
    assert left["deleted_at"]
    assert (await past_of(http, ada, message)).json()["items"] == []
    assert await search(http, grace, "secret") == []
    assert ear.kinds[-1] == "message.deleted"


async def test_a_platform_takes_down_what_anybody_said(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "spam")
    ear = await ear_of(node, grace.id)
    for _ in range(2):
        async with node.transaction() as work:
            taken = await take_down(work, MessageId(message["id"]))
        assert taken is not None
        assert taken.body == ""
    assert ear.kinds == ["message.deleted"]
    async with node.transaction() as work:
        assert await take_down(work, MessageId(ada.id)) is None


async def test_who_leaves_while_others_edit_is_told_nothing_afterwards(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member, leaver = await make_people(node, "Owner", "Member", "Leaver")
    group = await make_group(http, node, owner, member, leaver)
    said = [await say(http, member, group, f"m{number}") for number in range(6)]
    ear = await ear_of(node, leaver.id)
    still = await ear_of(node, owner.id)
    await asyncio.gather(
        *(edit(http, member, message, "edited") for message in said[:3]),
        remove_member(http, leaver, group, leaver),
        *(react(http, member, message, "👍") for message in said),
        *(delete(http, owner, message) for message in said[3:]),
    )
    changes = {"message.updated", "message.deleted", "reaction.changed"}
    heard = list(ear.kinds)
    last = heard.index("participant.left")
    assert changes.isdisjoint(heard[last:])
    assert len([kind for kind in still.kinds if kind in changes]) >= 9
    shown = await messages_of(http, owner, group)
    kept = [message for message in shown if message["kind"] == "text"]
    assert [message["body"] for message in kept] == ["edited"] * 3 + [""] * 3
    for message in kept:
        expected = {} if message["deleted_at"] else {"👍": [str(member.id)]}
        assert message["reactions"] == expected
