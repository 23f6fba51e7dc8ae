"""Reactions, mentions and quoted heads, over HTTP."""

import asyncio

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from realtime.actions.messages import EMOJI
from realtime.node import Node
from tests.api.calling import ear_of, problem
from tests.api.talking import (
    add_member,
    delete,
    edit,
    make_group,
    messages_of,
    react,
    remove_member,
    say,
)
from tests.factories import Person, make_pair, make_people


async def name(node: Node, *people: tuple[Person, str]) -> None:
    async with node.transaction() as work:
        await work.users.put(
            [
                {"id": person.id, "display_name": person.name, "handle": handle}
                for person, handle in people
            ]
        )


async def test_reactions_are_told_and_found_in_the_order_of_their_coming(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    ear = await ear_of(node, grace.id)
    family = "👩‍👩‍👧‍👦"
    await react(http, grace, message, "👍")
    await react(http, ada, message, family)
    answer = await react(http, ada, message, "👍")
    expected = {"👍": [str(grace.id), str(ada.id)], family: [str(ada.id)]}
    assert answer.json() == {"reactions": expected}
    assert list(answer.json()["reactions"]) == ["👍", family]
    assert (await react(http, ada, message, "👍")).json() == answer.json()
    assert ear.kinds == ["reaction.changed"] * 3
    assert ear.heard[-1]["data"] == {
        "conversation_id": str(talk),
        "message_id": message["id"],
        "reactions": expected,
    }
    assert await messages_of(http, grace, talk) == [message | {"reactions": expected}]
    left = await react(http, grace, message, "👍", "DELETE")
    assert left.json() == {"reactions": {family: [str(ada.id)], "👍": [str(ada.id)]}}
    again = await react(http, grace, message, "👍", "DELETE")
    assert again.json() == left.json()
    assert len(ear.heard) == 4


async def test_an_edit_keeps_the_reactions(http: httpx.AsyncClient, node: Node) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    await react(http, grace, message, "❤️")
    edited = (await edit(http, ada, message, "Ho")).json()
    assert edited["reactions"] == {"❤️": [str(grace.id)]}


@pytest.mark.parametrize("wrong", ["a b", "x" * 33, "\n", "%00"])
async def test_what_is_no_emoji_is_refused(
    http: httpx.AsyncClient, node: Node, wrong: str
) -> None:
    ada, _grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    if wrong == "%00":
        wrong = "\0"
    problem(await react(http, ada, message, wrong), 422, "invalid")


async def test_a_message_has_a_bounded_number_of_emoji(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    emoji = [chr(0x1F600 + number) for number in range(EMOJI + 1)]
    for each in emoji[:-1]:
        assert (await react(http, ada, message, each)).status_code == 200
    problem(await react(http, grace, message, emoji[-1]), 409, "conflict")
    assert (await react(http, grace, message, emoji[0])).status_code == 200
    (found,) = await messages_of(http, grace, talk)
    assert len(found["reactions"]) == EMOJI


async def test_the_same_reaction_at_once_is_one(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk)
    ear = await ear_of(node, grace.id)
    await asyncio.gather(*(react(http, ada, message, "👍") for _ in range(5)))
    assert ear.kinds == ["reaction.changed"]


async def test_outsiders_do_not_react(http: httpx.AsyncClient, node: Node) -> None:
    ada, _grace, talk = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    message = await say(http, ada, talk)
    for method in ("PUT", "DELETE"):
        answer = await react(http, mallory, message, "👍", method)
        problem(answer, 404, "not_found")


async def test_who_only_reads_may_react(http: httpx.AsyncClient, node: Node) -> None:
    owner, member = await make_people(node, "Owner", "Member")
    group = await make_group(http, node, owner, member, writers="owners")
    message = await say(http, owner, group, "A post")
    assert (await react(http, member, message, "👍")).status_code == 200
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.conversations SET status = 'archived'")
        )
    answer = await react(http, member, message, "👎")
    problem(answer, 403, "conversation_archived")
    assert (await react(http, member, message, "👍", "DELETE")).status_code == 200


async def test_participants_are_mentioned_by_handle(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, alan, stranger = await make_people(node, "A", "G", "T", "S")
    await name(
        node, (ada, "ada"), (grace, "Grace.H"), (alan, "a_t-1"), (stranger, "stranger")
    )
    group = await make_group(http, node, ada, grace, alan)
    body = "Thanks @grace.h, @A_T-1! Also @stranger, @nobody, and @ada."
    message = await say(http, alan, group, body)
    people = [str(grace.id), str(alan.id), str(ada.id)]
    assert message["mentions"] == people
    assert (await messages_of(http, ada, group))[-1]["mentions"] == people
    edited = (await edit(http, alan, message, "Just @ada, ada@grace.h")).json()
    assert edited["mentions"] == [str(ada.id)]
    await remove_member(http, ada, group, grace)
    assert (await say(http, ada, group, "@grace.h"))["mentions"] == []
    assert (await delete(http, alan, message)).json()["mentions"] == []


HANDLES = ["ada", "ada.b", "grace", "a_b-c", "x1"]
PARTS = st.one_of(
    st.sampled_from([f"@{handle}" for handle in HANDLES]),
    st.sampled_from([f"@{handle.upper()}" for handle in HANDLES]),
    st.text("ab@. ,-_1é你\n", max_size=4),
)


def mentioned(body: str) -> list[str]:
    """Say as a reader would, character by character, whom a text names."""
    word = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    found: list[str] = []
    for place, character in enumerate(body):
        before = body[place - 1] if place else " "
        if character != "@" or before in word | set("é@"):
            continue
        end = place + 1
        while end < len(body) and body[end] in word:
            end += 1
        handle = body[place + 1 : end].lower()
        if handle[:1] not in {".", "-"}:
            handle = handle.rstrip(".")
            if handle in HANDLES and handle not in found:
                found.append(handle)
    return found


async def test_any_text_mentions_whom_a_reader_would_see_in_it(
    http: httpx.AsyncClient, node: Node
) -> None:
    people = await make_people(node, *HANDLES)
    await name(node, *zip(people, HANDLES, strict=True))
    group = await make_group(http, node, people[0], *people[1:])
    handles = {
        person.id: handle for person, handle in zip(people, HANDLES, strict=True)
    }
    texts: list[str] = []

    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(PARTS, max_size=8).map("".join))
    def gather(body: str) -> None:
        texts.append(body)

    gather()
    async with node.database.hot() as connection:
        rows = await connection.fetch(
            "SELECT body, callboard.mentioned($1, body) AS people"
            " FROM unnest($2::text[]) AS t(body)",
            group,
            texts,
        )
    assert len(rows) == len(texts)
    for row in rows:
        named = [handles[person] for person in row["people"]]
        assert named == mentioned(row["body"]), row["body"]


async def test_an_answer_quotes_what_it_answers_as_it_is_now(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    first = await say(http, ada, talk, "x" * 300)
    ear = await ear_of(node, ada.id)
    answer = await say(http, grace, talk, "Yes", reply_to_id=first["id"])
    head = {
        "id": first["id"],
        "seq": 1,
        "sender_id": str(ada.id),
        "kind": "text",
        "body": "x" * 200,
        "deleted_at": None,
    }
    assert answer["reply_to"] == head
    assert ear.heard[0]["data"]["message"] == answer
    assert (await messages_of(http, ada, talk))[1] == answer
    await edit(http, ada, first, "y")
    assert (await messages_of(http, ada, talk))[1]["reply_to"] == head | {"body": "y"}
    tombstone = (await delete(http, ada, first)).json()
    assert (await messages_of(http, ada, talk))[1]["reply_to"] == head | {
        "body": "",
        "deleted_at": tombstone["deleted_at"],
    }
    edited = (await edit(http, grace, answer, "No")).json()
    assert edited["reply_to"]["deleted_at"] == tombstone["deleted_at"]
    conversation = await http.get(f"/v1/conversations/{talk}", headers=ada.headers)
    assert conversation.json()["last_message"] == edited


async def test_a_quote_is_told_where_all_may_read_it_and_shown_to_who_may(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member, late = await make_people(node, "Owner", "Member", "Late")
    group = await make_group(http, node, owner, member, history="joined")
    early = await say(http, owner, group, "secret plan")
    shown = await say(http, member, group, "Good", reply_to_id=early["id"])
    assert shown["reply_to"]["body"] == "secret plan"
    await add_member(http, node, owner, group, late)
    ear = await ear_of(node, late.id)
    told = await say(http, member, group, "Really", reply_to_id=early["id"])
    assert told["reply_to"] is None
    edited = (await edit(http, member, told, "Really?")).json()
    assert edited["reply_to"]["body"] == "secret plan"
    await delete(http, member, told)
    assert ear.kinds == ["message.created", "message.updated", "message.deleted"]
    assert all(event["data"]["message"]["reply_to"] is None for event in ear.heard)
    for reader, heads in ((owner, ["secret plan"] * 2), (late, [None])):
        found = [
            message["reply_to"] and message["reply_to"]["body"]
            for message in await messages_of(http, reader, group)
            if message["reply_to_id"] == early["id"]
        ]
        assert found == heads
