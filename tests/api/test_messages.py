"""Messages over HTTP: sending once, history both ways."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import ear_of, problem
from tests.factories import make_pair

ATTACHMENT = {
    "url": "https://files.example/cv.pdf",
    "name": "cv.pdf",
    "mime_type": "application/pdf",
    "size": 1234,
}


def _new(body: str = "Hi", **more: object) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "body": body, **more}


async def test_what_is_sent_is_told_and_found_as_answered(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, conversation = await make_pair(node)
    ear = await ear_of(node, grace.id)
    path = f"/v1/conversations/{conversation}/messages"
    new = _new("  Здравствуй 👋 ", attachments=[ATTACHMENT], metadata={"a": [1, None]})
    answer = await http.post(path, json=new, headers=ada.headers)
    assert answer.status_code == 201
    message = answer.json()
    assert message["seq"] == 1
    assert message["body"] == "Здравствуй 👋"
    assert message["attachments"] == [ATTACHMENT]
    assert message["metadata"] == {"a": [1, None]}
    assert message["client_id"] == new["client_id"]
    assert message["sender_id"] == str(ada.id)
    assert ear.kinds == ["message.created"]
    assert ear.heard[0]["data"] == {"message": message}
    history = await http.get(path, headers=grace.headers)
    assert history.json() == {"items": [message], "next": None}


async def test_the_same_client_id_is_the_same_message(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    new = _new()
    answers = await asyncio.gather(
        *(http.post(path, json=new, headers=ada.headers) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    other = await http.post(path, json=new | {"body": "Ho"}, headers=ada.headers)
    problem(other, 409, "conflict")


async def test_a_reply_names_a_message_of_the_conversation(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    first = (await http.post(path, json=_new(), headers=ada.headers)).json()
    reply = _new(reply_to_id=first["id"])
    answer = await http.post(path, json=reply, headers=ada.headers)
    assert answer.json()["reply_to_id"] == first["id"]
    astray = _new(reply_to_id=str(uuid4()))
    problem(await http.post(path, json=astray, headers=ada.headers), 422, "invalid")


@pytest.mark.parametrize("forwards", [False, True])
async def test_history_has_pages_both_ways(
    http: httpx.AsyncClient, node: Node, *, forwards: bool
) -> None:
    ada, grace, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    for number in range(7):
        await http.post(path, json=_new(f"m{number}"), headers=ada.headers)
    params = {"limit": "3"} | ({"after": "0"} if forwards else {})
    found: list[int] = []
    sizes = []
    while True:
        answer = await http.get(path, params=params, headers=grace.headers)
        page = answer.json()
        sizes.append(len(page["items"]))
        found += [item["seq"] for item in page["items"]]
        if page["next"] is None:
            break
        params["next"] = page["next"]
    assert sizes == [3, 3, 1]
    assert found == (list(range(1, 8)) if forwards else list(range(7, 0, -1)))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"before": "4"}, [3, 2, 1]),
        ({"before": "1"}, []),
        ({"before": "0"}, []),
        ({"before": "99"}, [5, 4, 3, 2, 1]),
        ({"after": "3"}, [4, 5]),
        ({"after": "5"}, []),
        ({"after": "99"}, []),
    ],
)
async def test_before_and_after_exclude_their_seq(
    http: httpx.AsyncClient, node: Node, params: dict[str, str], expected: list[int]
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    for _ in range(5):
        await http.post(path, json=_new(), headers=ada.headers)
    page = (await http.get(path, params=params, headers=ada.headers)).json()
    assert [item["seq"] for item in page["items"]] == expected
    assert page["next"] is None


async def test_history_goes_one_way_at_a_time(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    for params in (
        {"before": "3", "after": "1"},
        {"before": "-1"},
        {"after": "x"},
        {"after": str(2**63)},
    ):
        answer = await http.get(path, params=params, headers=ada.headers)
        problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": ""},
        {"body": "   "},
        {"body": "x" * 8001},
        {"body": "a\0b"},
        {"body": 1},
        {"client_id": None},
        {"client_id": "x"},
        {"conversation_id": str(uuid4())},
        {"to_user_id": str(uuid4())},
        {"attachments": [ATTACHMENT] * 11},
        {"attachments": [ATTACHMENT | {"url": "http://files.example/cv.pdf"}]},
        {"attachments": [ATTACHMENT | {"size": -1}]},
        {"attachments": [ATTACHMENT | {"odd": 1}]},
        {"attachments": {}},
        {"metadata": {"a": "x" * 4096}},
        {"metadata": {"a": "\0"}},
        {"metadata": [1]},
        {"kind": "system"},
        {"sender_id": str(uuid4())},
    ],
)
async def test_what_is_no_message_is_refused(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, object]
) -> None:
    ada, _, conversation = await make_pair(node)
    path = f"/v1/conversations/{conversation}/messages"
    answer = await http.post(path, json=_new() | wrong, headers=ada.headers)
    found = problem(answer, 422, "invalid")
    assert found["details"]["fields"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b"\xff\xfe", 400),
        (
            b'{"body": "\\ud800", "client_id": "5f0c4a0e-8a35-4a86-9b1f-3c6f8d2b7e11"}',
            422,
        ),
        (b'{"\\ud800": 1}', 422),
        (b'{"metadata": {"a": 1e999}, "body": "x"}', 422),
        (b'{"metadata": {"a": NaN}, "body": "x"}', 422),
        (b'{"seq": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
    ],
)
async def test_hostile_json_is_refused_and_breaks_nothing(
    http: httpx.AsyncClient, node: Node, raw: bytes, status: int
) -> None:
    ada, _, conversation = await make_pair(node)
    answer = await http.post(
        f"/v1/conversations/{conversation}/messages",
        content=raw,
        headers=ada.headers | {"Content-Type": "application/json"},
    )
    problem(answer, status, "invalid")
