"""
The durable client: whatever fails, its store ends as the server's history.
"""

import asyncio
import base64
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from callboard_client import (
    Backoff,
    Client,
    ClientClosed,
    Conversations,
    Event,
    Refused,
    TokenSource,
    TooManyPending,
)

from tests.clients.fake_server import FakeServer
from tests.clients.histories import FRIEND, ME, TALK

AT_ONCE = Backoff(first_s=0.001, longest_s=0.01)


@asynccontextmanager
async def connected(
    server: FakeServer,
    *,
    token: TokenSource = "good",
    most_pending: int = 1000,
    reply_timeout: float = 5.0,
    on_event: Callable[[Event], None] | None = None,
    on_reload: Callable[[str], None] | None = None,
) -> AsyncIterator[Client]:
    client = Client(
        server.url,
        token,
        history=None,
        backoff=AT_ONCE,
        most_pending=most_pending,
        reply_timeout=reply_timeout,
        on_event=on_event,
        on_reload=on_reload,
    )
    async with asyncio.timeout(20), client:
        yield client


async def agreement(client: Client, server: FakeServer) -> None:
    """
    Wait until the client holds exactly what the server does.
    """
    await server.announce()
    await client.until(lambda: client.store.snapshot() == server.history.snapshot(ME))


async def reconnects(client: Client, server: FakeServer, sessions: int) -> None:
    await client.until(
        lambda: client.state == "online" and len(server.cursors) >= sessions
    )


async def test_a_new_client_loads_what_there_is(server: FakeServer) -> None:
    for number in range(5):
        server.history.send(FRIEND, f"{number}")

    async with connected(server) as client:
        assert client.store.snapshot() == server.history.snapshot(ME)


async def test_a_message_comes_back_committed_and_is_in_the_store(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        message = await client.send("Hi", conversation_id=TALK)

        assert client.store.messages(TALK) == [message]
        await agreement(client, server)


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4000, 4002, 4003])
async def test_a_close_that_invites_back_is_followed_by_a_resume(
    server: FakeServer, code: int
) -> None:
    async with connected(server) as client:
        await server.close_all(code)
        server.history.send(FRIEND, "while away")
        await reconnects(client, server, 2)
        await agreement(client, server)

        assert server.cursors[1] is not None


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4503, 1003, 1009])
async def test_a_final_close_ends_the_client(server: FakeServer, code: int) -> None:
    async with connected(server) as client:
        await server.close_all(code)
        with pytest.raises(ClientClosed, match=str(code)):
            await client.until(lambda: False)
        with pytest.raises(ClientClosed):
            await client.send("Hi", conversation_id=TALK)

        assert client.state == "closed"
        assert len(server.cursors) == 1


async def test_a_client_that_is_not_let_in_says_so_at_once(server: FakeServer) -> None:
    with pytest.raises(ClientClosed, match="4500"):
        async with connected(server, token="bad"):
            pass


async def test_a_refused_token_is_asked_for_anew_once(server: FakeServer) -> None:
    asked: list[str] = []

    def source() -> str:
        asked.append("")
        return "bad" if len(asked) == 1 else next(iter(server.tokens))

    async with connected(server, token=source) as client:
        assert client.state == "online"
        await server.close_all(4500)
        with pytest.raises(ClientClosed, match="4500"):
            await client.until(lambda: False)
    assert len(asked) == 2


async def test_a_send_whose_ok_was_lost_is_sent_again_and_stands_once(
    server: FakeServer,
) -> None:
    server.lost_oks = 3
    async with connected(server) as client:
        message = await client.send("Hi", conversation_id=TALK)
        await agreement(client, server)

    assert message["seq"] == len(server.history.messages) == 1
    assert len({each["client_id"] for each in server.sends()}) == 1
    assert len(server.sends()) == 4


async def test_a_send_whose_ok_is_late_is_sent_again_and_stands_once(
    server: FakeServer,
) -> None:
    server.late_oks = 1
    async with connected(server, reply_timeout=0.05) as client:
        await client.send("Hi", conversation_id=TALK)
        await agreement(client, server)

    assert len(server.history.messages) == 1
    assert len(server.sends()) == 2


async def test_a_refusal_that_nobody_waits_for_is_passed_over(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        error = {"code": "unavailable", "message": "Try again.", "retry": True}
        await server.send_all({"type": "error", "id": 12345, "error": error})
        server.history.send(FRIEND, "Hi")
        await agreement(client, server)
        assert client.state == "online"


async def test_sends_while_offline_go_out_in_order_afterwards(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        server.cut_all()
        await asyncio.gather(
            *(client.send(f"{number}", conversation_id=TALK) for number in range(20))
        )
        await agreement(client, server)

    bodies = [message["body"] for message in server.history.messages]
    assert bodies == [f"{number}" for number in range(20)]


async def test_a_refusal_that_may_pass_is_tried_again(server: FakeServer) -> None:
    later = {"code": "unavailable", "message": "", "retry": True, "retry_after_ms": 1}
    server.refusals.extend([later, later])
    async with connected(server) as client:
        await client.send("Hi", conversation_id=TALK)

    assert len(server.history.messages) == 1


@pytest.mark.parametrize(
    "error",
    [
        {"code": "not_connected", "retry": False},
        {"code": "rate_limited", "retry": True, "retry_after_ms": 86_400_000},
    ],
)
async def test_a_refusal_that_stands_is_raised(
    server: FakeServer, error: dict[str, object]
) -> None:
    server.refusals.append({"message": "No.", **error})
    async with connected(server) as client:
        with pytest.raises(Refused) as refused:
            await client.send("Hi", conversation_id=TALK)

    assert refused.value.code == error["code"]
    assert server.history.messages == []


async def test_a_frame_too_large_for_the_server_is_refused_here(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        with pytest.raises(Refused, match="too_large"):
            await client.send("x" * 65536, conversation_id=TALK)

    assert server.sends() == []


async def test_more_sends_than_allowed_are_turned_away(server: FakeServer) -> None:
    server.late_oks = 1
    async with connected(server, most_pending=1, reply_timeout=0.05) as client:
        first = asyncio.create_task(client.send("one", conversation_id=TALK))
        await server.until(lambda: len(server.sends()) == 1)
        with pytest.raises(TooManyPending):
            await client.send("two", conversation_id=TALK)
        await first

    assert [each["body"] for each in server.history.messages] == ["one"]


async def test_repeats_change_nothing_and_are_not_told(server: FakeServer) -> None:
    server.doubles = True
    told: list[Event] = []
    async with connected(server, on_event=told.append) as client:
        server.history.send(FRIEND, "one")
        server.history.edit(1, "two")
        await agreement(client, server)
        server.doubles = False
        server.history.mark_read(ME, 1)
        await agreement(client, server)

    kinds = [event["type"] for event in told]
    assert kinds == ["message.created", "message.updated", "receipt.read"]


async def test_late_messages_take_their_place(server: FakeServer) -> None:
    server.held_back = {1, 2, 4}
    async with connected(server) as client:
        for number in range(5):
            server.history.send(FRIEND, f"{number}")
        await agreement(client, server)


async def test_a_gap_is_filled_over_http(server: FakeServer) -> None:
    server.lost = {1, 2, 4}
    async with connected(server) as client:
        for number in range(5):
            server.history.send(FRIEND, f"{number}")
        await agreement(client, server)

        assert client.store.missing() == []


async def test_a_cut_in_the_middle_of_a_resume_loses_no_edit(
    server: FakeServer,
) -> None:
    server.history.send(FRIEND, "one")
    server.history.send(FRIEND, "two")
    async with connected(server) as client:
        # The next life is cut after the first of the two edits it repeats. Its
        # `hello` names a cursor behind both, which must not be taken for granted.
        server.names_cursors = False
        server.cut_all()
        server.cuts_after = 1
        server.history.edit(1, "one, changed")
        server.history.edit(2, "two, changed")
        await reconnects(client, server, 3)
        await agreement(client, server)


async def test_a_forgotten_cursor_leads_to_a_reload(server: FakeServer) -> None:
    server.history.send(FRIEND, "one")
    reasons: list[str] = []
    async with connected(server, on_reload=reasons.append) as client:
        server.cut_all()
        server.forgets_cursors = True
        server.history.edit(1, "one, changed")
        server.history.send(FRIEND, "two")
        server.history.rename("Title")
        await reconnects(client, server, 2)
        await agreement(client, server)
        await client.until(lambda: bool(reasons))

    assert reasons == ["cursor"]


async def test_a_resync_leads_to_a_reload(server: FakeServer) -> None:
    reasons: list[str] = []
    async with connected(server, on_reload=reasons.append) as client:
        server.history.send(FRIEND, "never announced")
        await server.send_all({"type": "resync", "data": {"reason": "overrun"}})
        await client.until(lambda: bool(reasons))

        assert client.store.snapshot() == server.history.snapshot(ME)
    assert reasons == ["overrun"]


async def test_a_draining_server_is_left_at_the_time_it_names(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        await server.send_all({"type": "draining", "data": {"reconnect_after_ms": 1}})
        await reconnects(client, server, 2)


async def test_a_saved_cursor_and_store_continue_in_a_new_client(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        server.history.send(FRIEND, "one")
        await agreement(client, server)
        saved: Conversations = client.store
    server.history.send(FRIEND, "two")

    async with (
        asyncio.timeout(20),
        Client(server.url, "good", cursor=client.cursor, store=saved) as second,
    ):
        await agreement(second, server)
        assert server.cursors[-1] == client.cursor


async def test_an_expired_token_is_replaced_by_the_callback(
    server: FakeServer,
) -> None:
    fetched: list[str] = []

    async def fetch() -> str:
        token = f"token {len(fetched)}"
        fetched.append(token)
        server.tokens.add(token)
        return token

    async with connected(server, token=fetch) as client:
        await server.close_all(4001)
        await reconnects(client, server, 2)

    assert server.seen_tokens == fetched == ["token 0", "token 1"]


async def test_an_expired_token_that_cannot_be_renewed_ends_the_client(
    server: FakeServer,
) -> None:
    async with connected(server) as client:
        await server.close_all(4001)
        with pytest.raises(ClientClosed, match="4001"):
            await client.until(lambda: False)


def token_for(seconds: float) -> str:
    claims = json.dumps({"exp": time.time() + seconds}).encode()
    return f"e.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.s"


async def test_a_token_is_renewed_in_band_before_it_expires(
    server: FakeServer,
) -> None:
    tokens = [token_for(1.2), token_for(3600)]
    server.tokens |= set(tokens)
    left = list(tokens)

    async with connected(server, token=lambda: left.pop(0)):
        await server.until(lambda: len(server.seen_tokens) == 2)

    assert server.seen_tokens == tokens
    assert len(server.cursors) == 1


async def test_what_a_callback_raises_ends_the_client(server: FakeServer) -> None:
    def refuse(_: Event) -> None:
        raise RuntimeError("a bug in the application")

    async with connected(server, on_event=refuse) as client:
        server.history.send(FRIEND, "one")
        await server.announce()
        with pytest.raises(ClientClosed, match="a bug in the application"):
            await client.until(lambda: False)


@pytest.mark.parametrize("seed", range(8))
async def test_after_any_faults_the_store_equals_the_history(
    server: FakeServer, seed: int
) -> None:
    dice = random.Random(seed)
    server.dice = random.Random(seed + 1000)
    async with connected(server, reply_timeout=1.0) as client:
        sends = []
        for number in range(40):
            last = len(server.history.messages)
            match dice.choice(["mine", "theirs", "edit", "delete", "read", "forget"]):
                case "mine":
                    sends.append(
                        asyncio.create_task(
                            client.send(f"mine {number}", conversation_id=TALK)
                        )
                    )
                case "edit" if last:
                    server.history.edit(dice.randint(1, last), f"changed {number}")
                case "delete" if last:
                    server.history.delete(dice.randint(1, last))
                case "read" if last:
                    server.history.mark_read(FRIEND, dice.randint(1, last))
                case "forget":
                    server.forgets_cursors = True
                case _:
                    server.history.send(FRIEND, f"theirs {number}")
            await server.announce()
            if dice.random() < 0.5:
                await client.until(lambda: client.state == "online")
        sent = [(await each)["body"] for each in sends]
        server.dice = None
        await agreement(client, server)

    mine = [each["client_id"] for each in server.history.messages if each["client_id"]]
    assert len(mine) == len(set(mine)) == len(sent)
