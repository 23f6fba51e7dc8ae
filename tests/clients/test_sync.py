"""
The platform's backend without `await`, with a server and with a network that fails.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from callboard_client import Api, Attempts, Backoff, Platform, Refused, sync
from callboard_client.contract import UserItem

from tests.conftest import API_KEY, Served

AT_ONCE = Attempts(most=4, backoff=Backoff(first_s=0.0))
Answer = Callable[[httpx.Request], httpx.Response]


def answering(respond: Answer, attempts: Attempts = AT_ONCE) -> sync.Platform:
    transport = httpx.MockTransport(respond)
    return sync.Platform(
        "http://server", "cbk_k", attempts=attempts, transport=transport
    )


def faults(*kinds: str) -> tuple[Answer, list[httpx.Request]]:
    """
    Fail so, one request after the other, then answer.
    """
    left, asked = list(kinds), list[httpx.Request]()

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        kind = left.pop(0) if left else "200"
        match kind:
            case "lost":
                raise httpx.ReadError("the line is dead", request=request)
            case "unreachable":
                raise httpx.ConnectError("nobody there", request=request)
            case "429":
                return httpx.Response(429, headers={"Retry-After": "0"})
            case _:
                return httpx.Response(int(kind), json={"items": [], "next": None})

    return respond, asked


@pytest.mark.parametrize("fault", ["lost", "unreachable", "429", "503", "502"])
def test_a_post_is_tried_again_under_the_same_key(fault: str) -> None:
    respond, asked = faults(fault, fault)
    with answering(respond) as platform:
        platform.put_users([{"id": "1", "display_name": "Ada"}])

    keys = {each.headers["Idempotency-Key"] for each in asked}
    assert (len(asked), len(keys)) == (3, 1)
    assert len({each.content for each in asked}) == 1


def test_two_posts_have_two_keys() -> None:
    respond, asked = faults()
    with answering(respond) as platform:
        platform.notify(type="announcement", user_ids=["1"])
        platform.notify(type="announcement", user_ids=["1"])

    assert asked[0].headers["Idempotency-Key"] != asked[1].headers["Idempotency-Key"]


@pytest.mark.parametrize(("fault", "tries"), [("503", 2), ("lost", 1), ("502", 1)])
def test_a_lease_whose_answer_may_be_lost_is_not_asked_twice(
    fault: str, tries: int
) -> None:
    respond, asked = faults(fault)
    with answering(respond) as platform:
        try:
            platform.lease(channel="push", wait_s=20)
        except (httpx.ReadError, Refused):
            assert tries == 1

    assert len(asked) == tries
    assert asked[0].extensions["timeout"]["read"] == 30


def test_it_gives_up_in_the_end_and_says_why() -> None:
    respond, asked = faults(*["503"] * 9)
    with answering(respond) as platform, pytest.raises(Refused, match="unavailable"):
        platform.gig("1")

    assert len(asked) == 4


def test_what_is_refused_for_good_is_not_tried_again() -> None:
    respond, asked = faults("422")
    with answering(respond) as platform, pytest.raises(Refused, match="invalid"):
        platform.put_user("1", display_name="")

    assert len(asked) == 1


def test_a_server_that_wants_long_patience_is_not_waited_for() -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "3600"})

    with answering(respond) as platform, pytest.raises(Refused) as refused:
        platform.gig("1")

    assert refused.value.retry_after_ms == 3_600_000


async def test_the_platform_that_is_awaited_tries_again_as_well() -> None:
    respond, asked = faults("lost", "429")
    transport = httpx.MockTransport(respond)
    async with Platform(
        "http://server", "cbk_k", attempts=AT_ONCE, transport=transport
    ) as platform:
        await platform.put_users([{"id": "1", "display_name": "Ada"}])

    assert len({each.headers["Idempotency-Key"] for each in asked}) == 1
    assert len(asked) == 3


def test_a_list_is_walked_page_by_page_and_no_further() -> None:
    pages: dict[str | None, tuple[list[str], str | None]] = {
        None: (["a", "b"], "more"),
        "more": (["c"], None),
    }

    def respond(request: httpx.Request) -> httpx.Response:
        items, following = pages[request.url.params.get("next")]
        assert request.url.params["user_id"] == "u"
        assert "status" not in request.url.params
        body = {"items": [{"id": each} for each in items], "next": following}
        return httpx.Response(200, json=body)

    with answering(respond) as platform:
        found: Iterator[Any] = platform.deliveries(user_id="u")
        assert [each["id"] for each in found] == ["a", "b", "c"]


def test_what_goes_into_a_path_is_written_so_that_it_stays_one_part() -> None:
    respond, asked = faults()
    with answering(respond) as platform:
        platform.suppress("a/b@example.org", scope="all")

    assert asked[0].url.raw_path.endswith(b"/suppressions/a%2Fb%40example.org")


async def test_a_backend_sets_up_people_who_then_write(real_server: Served) -> None:
    ada, grace, link = (str(uuid4()) for _ in range(3))
    people: list[UserItem] = [
        {"id": ada, "display_name": "Ada", "timezone": "Europe/London"},
        {"id": grace, "display_name": "Grace"},
    ]

    def set_up() -> tuple[str, int]:
        with sync.Platform(real_server.url, API_KEY) as platform:
            assert len(platform.put_users(people)["items"]) == 2
            platform.put_connection(
                link, requester_id=ada, recipient_id=grace, status="accepted"
            )
            told = platform.notify(
                type="announcement", user_ids=[ada], title="Welcome", message="Hello."
            )
            events = platform.events()
            assert events["next"]
            return platform.mint_token(ada)["token"], told["recipients"]

    token, recipients = await asyncio.to_thread(set_up)
    assert recipients == 1
    async with Api(real_server.url, token) as api:
        conversation = await api.open_conversation([grace])
        message = await api.send(conversation["id"], client_id=str(uuid4()), body="Hi")
        assert message["body"] == "Hi"
