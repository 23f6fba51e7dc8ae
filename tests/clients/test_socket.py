"""
One WebSocket life against a server that speaks the contract.
"""

from typing import Literal

import pytest
from callboard_client import ConnectionLost, Refused, Socket

from tests.clients.fake_server import FakeServer
from tests.clients.histories import FRIEND, ME, TALK


@pytest.mark.parametrize("how", ["header", "frame"])
async def test_a_token_opens_a_session(
    server: FakeServer, how: Literal["header", "frame"]
) -> None:
    async with await Socket.connect(server.url, "good", how=how) as socket:
        assert socket.hello["user_id"] == ME
        assert socket.cursor == socket.hello["cursor"]


async def test_a_bad_token_ends_with_the_servers_close_code(server: FakeServer) -> None:
    with pytest.raises(ConnectionLost) as lost:
        await Socket.connect(server.url, "bad")

    assert lost.value.code == 4500


async def test_a_handshake_refused_over_http_says_why(server: FakeServer) -> None:
    with pytest.raises(Refused) as refused:
        await Socket.connect(f"{server.url}/elsewhere", "good")

    assert (refused.value.code, refused.value.status) == ("not_found", 404)


async def test_an_error_reply_is_raised_with_all_it_says(server: FakeServer) -> None:
    server.refusals.append(
        {
            "code": "rate_limited",
            "message": "Slowly.",
            "retry": True,
            "retry_after_ms": 70,
            "details": {"per": "minute"},
        }
    )
    async with await Socket.connect(server.url, "good") as socket:
        with pytest.raises(Refused) as refused:
            await socket.request(
                "message.send", conversation_id=TALK, client_id="c", body="Hi"
            )

    assert refused.value.code == "rate_limited"
    assert refused.value.retry
    assert refused.value.retry_after_ms == 70
    assert refused.value.details == {"per": "minute"}


async def test_a_request_without_a_reply_ends_with_the_connection(
    server: FakeServer,
) -> None:
    server.lost_oks = 1
    async with await Socket.connect(server.url, "good") as socket:
        with pytest.raises(ConnectionLost):
            await socket.request(
                "message.send", conversation_id=TALK, client_id="c", body="Hi"
            )
        with pytest.raises(ConnectionLost):
            await socket.request("ping")
        assert (await socket.wait_closed()).code == socket.close_code == 1006


async def test_expect_takes_what_fits_and_leaves_the_rest(server: FakeServer) -> None:
    async with await Socket.connect(server.url, "good") as socket:
        server.history.send(FRIEND, "one")
        server.history.send(FRIEND, "two")
        await server.announce()

        second = await socket.expect(
            "message.created", where=lambda data: data["message"]["seq"] == 2
        )
        first = await socket.expect("message.created")
        await socket.expect_nothing("message.created")

    assert (first["message"]["body"], second["message"]["body"]) == ("one", "two")


async def test_expect_nothing_fails_on_what_was_sent(server: FakeServer) -> None:
    async with await Socket.connect(server.url, "good") as socket:
        await server.send_all({"type": "typing", "data": {"user_id": FRIEND}})
        with pytest.raises(AssertionError, match="unexpected typing"):
            await socket.expect_nothing("typing")


async def test_what_never_comes_fails_with_what_came(server: FakeServer) -> None:
    async with await Socket.connect(server.url, "good") as socket:
        await server.send_all({"type": "typing", "data": {"user_id": FRIEND}})
        await socket.request("ping")
        with pytest.raises(AssertionError, match=r"waiting: \['typing'\]"):
            await socket.expect("presence", timeout=0)


async def test_a_raw_frame_gets_its_reply_among_the_events(server: FakeServer) -> None:
    async with await Socket.connect(server.url, "good") as socket:
        await socket.send_raw('{"id": "mine", "type": "ping", "data": {}}')

        assert await socket.expect("ok") == {"at": "now"}


async def test_too_many_events_that_nobody_takes_end_the_socket(
    server: FakeServer,
) -> None:
    socket = await Socket.connect(server.url, "good", most_waiting=3)
    for number in range(9):
        server.history.send(FRIEND, f"{number}")
    await server.announce()

    assert (await socket.wait_closed()).code == 4000
    await socket.expect("message.created")
    await socket.close()
