"""Editing, deleting and reacting over the socket: answers, events, and resuming."""

from uuid import uuid4

import pytest
from callboard_client import Refused, Socket

from tests.conftest import Served
from tests.factories import Person, make_pair, make_people


async def join(server: Served, person: Person, cursor: str | None = None) -> Socket:
    return await Socket.connect(server.socket_url, person.token, cursor=cursor)


async def test_what_is_done_to_a_message_is_answered_and_told(server: Served) -> None:
    ada, grace, talk = await make_pair(server.node)
    async with await join(server, ada) as mine, await join(server, grace) as theirs:
        sent = await mine.request(
            "message.send",
            conversation_id=str(talk),
            client_id=str(uuid4()),
            body="Helo",
        )
        known = {"message_id": sent["message"]["id"]}
        edited = await mine.request("message.edit", **known, body="Hello")
        assert edited["message"]["body"] == "Hello"
        assert await theirs.expect("message.updated") == edited
        reacted = await theirs.request("reaction.add", **known, emoji="👍")
        assert reacted == {"reactions": {"👍": [str(grace.id)]}}
        told = await mine.expect("reaction.changed")
        assert told == {"conversation_id": str(talk), **known, **reacted}
        gone = await theirs.request("reaction.remove", **known, emoji="👍")
        assert gone == {"reactions": {}}
        deleted = await mine.request("message.delete", **known)
        assert deleted["message"]["deleted_at"]
        assert await theirs.expect("message.deleted") == deleted


async def test_what_is_not_theirs_is_refused(server: Served) -> None:
    ada, grace, talk = await make_pair(server.node)
    (mallory,) = await make_people(server.node, "Mallory")
    async with (
        await join(server, ada) as mine,
        await join(server, grace) as theirs,
        await join(server, mallory) as outside,
    ):
        sent = await mine.request(
            "message.send", conversation_id=str(talk), client_id=str(uuid4()), body="Hi"
        )
        known = {"message_id": sent["message"]["id"]}
        for socket, code in ((theirs, "forbidden"), (outside, "not_found")):
            for kind, data in (("message.edit", {"body": "x"}), ("message.delete", {})):
                with pytest.raises(Refused) as refused:
                    await socket.request(kind, **known, **data)
                assert refused.value.code == code
        for kind in ("reaction.add", "reaction.remove"):
            with pytest.raises(Refused) as refused:
                await outside.request(kind, **known, emoji="👍")
            assert refused.value.code == "not_found"
        with pytest.raises(Refused) as refused:
            await mine.request("message.edit", message_id=str(uuid4()), body="x")
        assert refused.value.code == "not_found"


async def test_who_comes_back_is_told_what_messages_are_now(server: Served) -> None:
    ada, grace, talk = await make_pair(server.node)
    async with await join(server, ada) as mine:
        sent = [
            await mine.request(
                "message.send",
                conversation_id=str(talk),
                client_id=str(uuid4()),
                body=f"secret {number}",
            )
            for number in range(3)
        ]
        async with await join(server, grace) as theirs:
            cursor = theirs.hello["cursor"]
        first, second, third = (one["message"]["id"] for one in sent)
        await mine.request("message.edit", message_id=first, body="public")
        await mine.request("message.delete", message_id=second)
        await mine.request("reaction.add", message_id=third, emoji="👍")
        async with await join(server, grace, cursor) as theirs:
            assert theirs.hello["resumed"] is True
            await theirs.request("ping")
            waiting = theirs.take_waiting()
    told = {
        event["data"]["message"]["id"]: event
        for event in waiting
        if event["type"].startswith("message.")
    }
    assert {key: event["type"] for key, event in told.items()} == {
        first: "message.updated",
        second: "message.deleted",
    }
    said = {key: event["data"]["message"] for key, event in told.items()}
    assert said[first]["body"] == "public"
    assert said[second]["body"] == ""
    reactions = {
        event["data"]["message_id"]: event["data"]["reactions"]
        for event in waiting
        if event["type"] == "reaction.changed"
    }
    assert reactions == {first: {}, third: {"👍": [str(ada.id)]}}
