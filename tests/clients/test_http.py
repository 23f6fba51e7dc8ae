"""
The HTTP side: what is asked, and how refusals and pages are read.
"""

import json
from collections.abc import Callable

import httpx
import pytest
from callboard_client import Api, Platform, Refused
from callboard_client.contract import UserItem


def played(respond: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(respond)


async def test_a_problem_document_becomes_a_refusal() -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        document = {
            "type": "about:blank",
            "title": "Too many",
            "status": 429,
            "detail": "Slowly.",
            "code": "rate_limited",
        }
        return httpx.Response(429, json=document, headers={"Retry-After": "7"})

    async with Api("http://server", "t", transport=played(respond)) as api:
        with pytest.raises(Refused) as refused:
            await api.me()

    assert (refused.value.code, refused.value.status) == ("rate_limited", 429)
    assert refused.value.message == "Slowly."
    assert refused.value.retry
    assert refused.value.retry_after_ms == 7000


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [(404, "not_found", False), (502, "unavailable", True), (500, "internal", False)],
)
async def test_a_page_of_words_gets_the_code_of_its_status(
    *, status: int, code: str, retry: bool
) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text="<h1>Proxy</h1>")

    async with Api("http://server", "t", transport=played(respond)) as api:
        with pytest.raises(Refused) as refused:
            await api.me()

    assert (refused.value.code, refused.value.retry) == (code, retry)


async def test_a_list_is_walked_to_its_end() -> None:
    pages = {None: (["a", "b"], "more"), "more": (["c"], None)}

    def respond(request: httpx.Request) -> httpx.Response:
        items, following = pages[request.url.params.get("next")]
        found = [{"id": each} for each in items]
        return httpx.Response(200, json={"items": found, "next": following})

    async with Api("http://server", "t", transport=played(respond)) as api:
        assert [each["id"] for each in await api.conversations()] == ["a", "b", "c"]


async def test_a_stale_token_is_fetched_anew_once() -> None:
    tokens = iter(["stale", "fresh", "never"])
    seen: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200 if "fresh" in seen[-1] else 401, json={})

    async with Api(
        "http://server", lambda: next(tokens), transport=played(respond)
    ) as api:
        await api.me()

    assert seen == ["Bearer stale", "Bearer fresh"]


async def test_a_batch_goes_out_under_its_idempotency_key() -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"items": []})

    address = "ws://server/chat/v1/ws"
    items: list[UserItem] = [{"id": "1", "display_name": "A"}]
    async with Platform(address, "cbk_k", transport=played(respond)) as platform:
        await platform.put_users(items, idempotency_key="once")

    assert str(asked[0].url) == "http://server/chat/v1/platform/users/batch"
    assert asked[0].headers["Idempotency-Key"] == "once"
    assert asked[0].headers["Authorization"] == "Bearer cbk_k"
    assert json.loads(asked[0].content) == {"items": items}
