"""The platform's people: what is taken, what is refused, who is thrown out."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import KEY, ear_of, problem
from tests.factories import make_people, token_for

FULL = {
    "display_name": "Грейс Хоппер 👩‍💻",
    "handle": "Grace_H-1.0",
    "email": "grace+talent@example.org",
    "avatar_url": "https://cdn.example/grace.png?size=2",
    "headline": "Compilers",
    "locale": "zh-Hant-TW",
    "timezone": "America/Argentina/Buenos_Aires",
    "role": "talent",
    "account_status": "active",
}

WRONG: list[dict[str, Any]] = [
    {"display_name": ""},
    {"display_name": "  "},
    {"display_name": "x" * 201},
    {"display_name": "a\0"},
    {"display_name": "a\nb"},
    {"display_name": "a\x7f"},
    {"display_name": None},
    {"display_name": 1},
    {"handle": ""},
    {"handle": "-x"},
    {"handle": "a b"},
    {"handle": "a\n"},
    {"handle": "é"},
    {"handle": "x" * 65},
    {"email": "nobody"},
    {"email": "a@"},
    {"email": "@b"},
    {"email": "a@b..c"},
    {"email": "a b@c.d"},
    {"email": "a@b.c\n"},
    {"email": "a@" + "b" * 253},
    {"avatar_url": "http://cdn.example/x"},
    {"avatar_url": "javascript:alert(1)"},
    {"avatar_url": "https://u:p@cdn.example/x"},
    {"headline": "x" * 301},
    {"locale": "e"},
    {"locale": "en_GB"},
    {"locale": "en-" + "a" * 9},
    {"timezone": "Mars/Olympus"},
    {"timezone": "../etc/passwd"},
    {"timezone": "/usr/share/zoneinfo/UTC"},
    {"role": "x" * 51},
    {"account_status": "gone"},
    {"account_status": None},
    {"id": str(uuid4())},
    {"privacy": {}},
    {"tokens_valid_after": None},
]


async def _put(
    http: httpx.AsyncClient, user: object, fields: dict[str, Any]
) -> httpx.Response:
    return await http.put(f"/v1/platform/users/{user}", json=fields, headers=KEY)


async def _batch(http: httpx.AsyncClient, *items: dict[str, Any]) -> httpx.Response:
    return await http.post(
        "/v1/platform/users/batch", json={"items": list(items)}, headers=KEY
    )


def _item(**fields: object) -> dict[str, Any]:
    return {"id": str(uuid4()), "display_name": "Grace", **fields}


async def test_put_creates_then_updates_only_what_is_said(
    http: httpx.AsyncClient,
) -> None:
    user = uuid4()
    created = await _put(http, user, FULL)
    assert created.status_code == 200
    assert FULL.items() <= created.json().items()
    again = await _put(http, user, FULL)
    assert again.status_code == 200
    changed = await _put(http, user, {"display_name": " Grace ", "headline": None})
    expected = FULL | {"display_name": "Grace", "headline": None}
    assert expected.items() <= changed.json().items()


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_no_person_is_refused_by_field_and_never_repeated(
    http: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    fields = {"display_name": "Grace"} | wrong
    (name,) = wrong
    found = problem(await _put(http, uuid4(), fields), 422, "invalid")
    assert [field["field"] for field in found["details"]["fields"]] == [name]


async def test_refusals_repeat_no_values(http: httpx.AsyncClient) -> None:
    secret = "hunter2-hunter2"
    answers = [
        await _put(http, uuid4(), {"display_name": secret * 20, "email": secret}),
        await _put(http, secret, {"display_name": "x", "timezone": secret}),
        await _batch(http, {"id": secret, "display_name": secret, "locale": secret}),
        await http.post(
            "/v1/platform/users/batch",
            content=f'{{"items": "{secret}',
            headers=KEY | {"Content-Type": "application/json"},
        ),
    ]
    for answer in answers:
        assert answer.status_code in {400, 422}
        assert secret not in answer.text


async def test_a_handle_is_one_persons_in_any_case(http: httpx.AsyncClient) -> None:
    first, second = uuid4(), uuid4()
    await _put(http, first, {"display_name": "Grace", "handle": "grace"})
    taken = {"display_name": "Eve", "handle": "GRACE"}
    problem(await _put(http, second, taken), 409, "conflict")
    # Giving it up in the same batch makes it free.
    answer = await _batch(
        http,
        {"id": str(first), "display_name": "Grace", "handle": "hopper"},
        {"id": str(second), **taken},
    )
    assert answer.status_code == 200, answer.text


async def test_a_batch_answers_in_order(http: httpx.AsyncClient) -> None:
    items = [_item(display_name=f"P{number}") for number in range(1000)]
    answer = await _batch(http, *items)
    assert answer.status_code == 200, answer.text
    assert [user["id"] for user in answer.json()["items"]] == [
        item["id"] for item in items
    ]


async def test_a_batch_with_different_fields_keeps_them_apart(
    http: httpx.AsyncClient,
) -> None:
    known = uuid4()
    await _put(http, known, {"display_name": "Ada", "role": "client"})
    answer = await _batch(
        http,
        _item(headline="Compilers"),
        {"id": str(known), "display_name": "Ada L."},
        _item(role="talent"),
    )
    shown = [(one["headline"], one["role"]) for one in answer.json()["items"]]
    assert shown == [("Compilers", None), (None, "client"), (None, "talent")]


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        ({"email": "nobody"}, 422, "invalid"),
        ({"odd": 1}, 422, "invalid"),
        ({"id": "x"}, 422, "invalid"),
        ({"handle": "taken"}, 409, "conflict"),
    ],
)
async def test_a_batch_is_all_or_nothing_and_names_the_first_bad_item(
    http: httpx.AsyncClient, node: Node, bad: dict[str, Any], status: int, code: str
) -> None:
    await _put(http, uuid4(), {"display_name": "Eve", "handle": "Taken"})
    items = [_item(), _item(), _item() | bad, _item() | bad]
    found = problem(await _batch(http, *items), status, code)
    assert found["details"]["index"] == 2
    (ada,) = await make_people(node, "Ada")
    answer = await http.get(f"/v1/users/{items[0]['id']}", headers=ada.headers)
    problem(answer, 404, "not_found")


async def test_a_batch_says_one_thing_about_each_id(http: httpx.AsyncClient) -> None:
    twice = _item()
    found = problem(
        await _batch(http, _item(), twice, _item(), dict(twice)), 422, "invalid"
    )
    assert found["details"]["index"] == 3
    found = problem(
        await _batch(http, _item(handle="same"), _item(handle="SAME")), 409, "conflict"
    )
    assert found["details"]["index"] == 1


async def test_a_batch_has_1_to_1000_items(http: httpx.AsyncClient) -> None:
    problem(await _batch(http), 422, "invalid")
    problem(await _batch(http, *[_item() for _ in range(1001)]), 422, "invalid")
    bodies: list[object] = [{}, {"items": {}}, [], {"items": [_item()], "odd": 1}]
    for body in bodies:
        answer = await http.post("/v1/platform/users/batch", json=body, headers=KEY)
        problem(answer, 422, "invalid")


@pytest.mark.parametrize("status", ["suspended", "deleted"])
async def test_who_is_no_longer_active_is_thrown_out(
    http: httpx.AsyncClient, node: Node, status: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    ear = await ear_of(node, ada.id)
    answer = await _put(http, ada.id, {"display_name": "Ada", "account_status": status})
    assert answer.json()["account_status"] == status
    assert ear.closed == [4501]
    assert (await http.get("/v1/me", headers=ada.headers)).status_code in {401, 403}
    # Saying nothing of the status leaves it.
    answer = await _put(http, ada.id, {"display_name": "Ada"})
    assert answer.json()["account_status"] == status


async def test_suspending_lasts_and_old_tokens_stay_refused(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    ear = await ear_of(node, ada.id)
    answer = await http.post(f"/v1/platform/users/{ada.id}/suspend", headers=KEY)
    assert answer.json()["account_status"] == "suspended"
    assert ear.closed == [4501]
    problem(await http.get("/v1/me", headers=ada.headers), 401, "unauthenticated")
    await _put(http, ada.id, {"display_name": "Ada", "account_status": "active"})
    problem(await http.get("/v1/me", headers=ada.headers), 401, "unauthenticated")


async def test_revoking_refuses_tokens_from_before_and_takes_those_from_after(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    ear = await ear_of(node, ada.id)
    answer = await http.post(f"/v1/platform/users/{ada.id}/revoke", headers=KEY)
    assert answer.json()["user_id"] == str(ada.id)
    assert ear.closed == [4501]
    problem(await http.get("/v1/me", headers=ada.headers), 401, "unauthenticated")
    fresh = {"Authorization": f"Bearer {token_for(ada.id)}"}
    assert (await http.get("/v1/me", headers=fresh)).status_code == 200


@pytest.mark.parametrize("verb", ["revoke", "suspend"])
async def test_nobody_can_be_revoked_or_suspended(
    http: httpx.AsyncClient, verb: str
) -> None:
    answer = await http.post(f"/v1/platform/users/{uuid4()}/{verb}", headers=KEY)
    problem(answer, 404, "not_found")
