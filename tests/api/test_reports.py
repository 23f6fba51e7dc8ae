"""Reports: what can be reported by whom, and what is kept of it."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from realtime.actions import reports
from realtime.node import Node
from tests.api.calling import KEY, problem, say
from tests.databases import TestDatabase
from tests.factories import Person, make_pair, make_people, set_account_status


async def _report(
    http: httpx.AsyncClient, person: Person, **fields: object
) -> httpx.Response:
    body = {"reason": "harassment", **fields}
    return await http.post("/v1/reports", json=body, headers=person.headers)


async def _gig(http: httpx.AsyncClient, owner: Person, status: str) -> str:
    gig = str(uuid4())
    fields = {"kind": "gig", "owner_id": str(owner.id), "title": "A short film"}
    answer = await http.put(
        f"/v1/platform/gigs/{gig}", json={**fields, "status": status}, headers=KEY
    )
    assert answer.status_code == 200, answer.text
    return gig


async def test_a_message_is_reported_by_who_reads_it_and_names_its_sender(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "You are nobody.")
    answer = await _report(
        http,
        grace,
        content_type="message",
        content_id=message["id"],
        description=" Again. ",
    )
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert report["reported_user_id"] == str(ada.id)
    assert report["description"] == "Again."
    assert report["status"] == "pending"
    assert report["resolved_at"] is None


async def test_an_outsider_reports_a_message_as_little_as_one_that_never_was(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, _grace, talk = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    message = await say(http, ada, talk, "secret")
    answers = [
        await _report(http, mallory, content_type="message", content_id=one)
        for one in (message["id"], str(uuid4()))
    ]
    for answer in answers:
        problem(answer, 404, "not_found")
    assert answers[0].text == answers[1].text
    # Saying whose it is helps nobody either.
    told = await _report(
        http,
        mallory,
        content_type="message",
        content_id=message["id"],
        reported_user_id=str(ada.id),
    )
    assert told.text == answers[0].text


async def test_who_has_left_reports_nothing_of_it_any_more(
    http: httpx.AsyncClient, node: Node, database: TestDatabase
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "Hi")
    owner = await asyncpg.connect(database.admin_url)
    await owner.execute(
        "UPDATE callboard.participants SET left_at = now(), left_reason = 'left'"
        " WHERE user_id = $1",
        grace.id,
    )
    await owner.close()
    answer = await _report(
        http, grace, content_type="message", content_id=message["id"]
    )
    problem(answer, 404, "not_found")


async def test_what_was_reported_is_kept_as_it_was(
    http: httpx.AsyncClient, node: Node, database: TestDatabase
) -> None:
    ada, grace, talk = await make_pair(node)
    file = {
        "url": "https://files.example/a.png",
        "name": "a.png",
        "mime_type": "image/png",
        "size": 3,
    }
    message = await say(http, ada, talk, "You are nobody.", attachments=[file])
    made = await _report(http, grace, content_type="message", content_id=message["id"])
    owner = await asyncpg.connect(database.admin_url)
    await owner.execute(
        "UPDATE callboard.messages"
        " SET body = '', attachments = '[]', deleted_at = now() WHERE id = $1",
        message["id"],
    )
    await owner.close()
    report = made.json()["id"]
    answer = await http.get(f"/v1/platform/reports/{report}", headers=KEY)
    content = answer.json()["content"]
    assert content["body"] == "You are nobody."
    assert content["attachments"] == [file]
    assert content["sender_id"] == str(ada.id)
    assert content["sent_at"] == message["sent_at"]
    assert content["deleted_at"] is None
    assert content["history"] == []


async def test_what_a_message_said_before_is_kept_with_it(
    http: httpx.AsyncClient, node: Node, database: TestDatabase
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "I will find you.")
    answer = await http.patch(
        f"/v1/messages/{message['id']}", json={"body": "Hello"}, headers=ada.headers
    )
    assert answer.status_code == 200, answer.text
    made = await _report(http, grace, content_type="message", content_id=message["id"])
    answer = await http.delete(f"/v1/messages/{message['id']}", headers=ada.headers)
    assert answer.status_code == 200, answer.text
    report = made.json()["id"]
    found = await http.get(f"/v1/platform/reports/{report}", headers=KEY)
    content = found.json()["content"]
    assert content["body"] == "Hello"
    assert [version["body"] for version in content["history"]] == ["I will find you."]
    assert content["history"][0]["until"].endswith("Z")


async def test_a_person_is_reported_with_the_profile_of_that_moment(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, mallory = await make_people(node, "Ada", "Mallory")
    made = await _report(http, ada, content_type="user", content_id=str(mallory.id))
    assert made.status_code == 201
    assert made.json()["reported_user_id"] == str(mallory.id)
    path = f"/v1/platform/users/{mallory.id}"
    await http.put(path, json={"display_name": "Somebody else"}, headers=KEY)
    answer = await http.get(f"/v1/platform/reports/{made.json()['id']}", headers=KEY)
    assert answer.json()["content"]["display_name"] == "Mallory"
    assert "email" not in answer.json()["content"]


async def test_nobody_reports_themselves_or_people_who_are_not_there(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    (gone,) = await make_people(node, "Gone")
    await set_account_status(node, gone, "deleted")
    own = await say(http, ada, talk, "Hi")
    for content_type, content in (("user", str(ada.id)), ("message", own["id"])):
        answer = await _report(http, ada, content_type=content_type, content_id=content)
        problem(answer, 422, "invalid")
    answer = await _report(
        http,
        ada,
        content_type="review",
        content_id=str(uuid4()),
        reported_user_id=str(ada.id),
    )
    problem(answer, 422, "invalid")
    for nobody in (str(gone.id), str(uuid4())):
        answer = await _report(http, ada, content_type="user", content_id=nobody)
        problem(answer, 404, "not_found")
        answer = await _report(
            http,
            ada,
            content_type="showcase",
            content_id=str(uuid4()),
            reported_user_id=nobody,
        )
        problem(answer, 404, "not_found")
    answer = await _report(
        http,
        grace,
        content_type="message",
        content_id=own["id"],
        reported_user_id=str(gone.id),
    )
    problem(answer, 422, "invalid")


async def test_a_gig_is_reported_where_it_was_published_or_concerns_one(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    public = await _gig(http, ada, "published")
    made = await _report(http, grace, content_type="gig", content_id=public)
    assert made.status_code == 201, made.text
    assert made.json()["reported_user_id"] == str(ada.id)
    found = await http.get(f"/v1/platform/reports/{made.json()['id']}", headers=KEY)
    assert found.json()["content"]["title"] == "A short film"
    problem(
        await _report(http, ada, content_type="gig", content_id=public), 422, "invalid"
    )
    draft = await _gig(http, ada, "draft")
    hidden = await _report(http, grace, content_type="gig", content_id=draft)
    nothing = await _report(http, grace, content_type="gig", content_id=str(uuid4()))
    problem(hidden, 404, "not_found")
    assert hidden.text == nothing.text
    answer = await http.put(
        f"/v1/platform/gigs/{draft}/members/{grace.id}",
        json={"role": "member"},
        headers=KEY,
    )
    assert answer.status_code == 200, answer.text
    made = await _report(http, grace, content_type="gig", content_id=draft)
    assert made.status_code == 201, made.text


@pytest.mark.parametrize("content_type", ["showcase", "review"])
async def test_what_only_the_platform_knows_is_kept_by_id(
    http: httpx.AsyncClient, node: Node, content_type: str
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    thing = str(uuid4())
    made = await _report(http, ada, content_type=content_type, content_id=thing)
    assert made.status_code == 201
    assert made.json()["reported_user_id"] is None
    made = await _report(
        http,
        ada,
        content_type=content_type,
        content_id=str(uuid4()),
        reported_user_id=str(grace.id),
    )
    assert made.json()["reported_user_id"] == str(grace.id)


async def test_the_same_report_again_is_the_first_one(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    about = {"content_type": "user", "content_id": str(alan.id)}
    first = await _report(http, ada, **about)
    again = await _report(http, ada, **about, description="More about it")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await _report(http, grace, **about)
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


async def test_reports_of_others_are_invisible(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, alan = await make_people(node, "Ada", "Grace", "Alan")
    made = [
        (await _report(http, ada, content_type="user", content_id=str(one.id))).json()
        for one in (grace, alan)
    ]
    for person in (grace, alan):
        answer = await http.get("/v1/reports", headers=person.headers)
        assert answer.json() == {"items": [], "next": None}
    first = await http.get("/v1/reports?limit=1", headers=ada.headers)
    assert first.json()["items"] == [made[1]]
    rest = await http.get(
        "/v1/reports", params={"next": first.json()["next"]}, headers=ada.headers
    )
    assert rest.json() == {"items": [made[0]], "next": None}


async def test_who_reports_without_end_has_to_wait(
    http: httpx.AsyncClient, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_PENDING", 2)
    (ada,) = await make_people(node, "Ada")
    things = [{"content_type": "review", "content_id": str(uuid4())} for _ in range(3)]
    answers = [await _report(http, ada, **thing) for thing in things]
    assert [answer.status_code for answer in answers[:2]] == [201, 201]
    assert problem(answers[2], 429, "rate_limited")["retry_after_ms"] > 0
    # What is reported already is answered all the same.
    assert (await _report(http, ada, **things[0])).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_type": "song"},
        {"content_id": "x"},
        {"reason": " "},
        {"reason": "x" * 201},
        {"reason": None},
        {"description": "x" * 2001},
        {"description": "a\0"},
        {"reported_user_id": 7},
        {"status": "resolved"},
    ],
)
async def test_what_is_no_report_is_refused(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, Any]
) -> None:
    (ada,) = await make_people(node, "Ada")
    fields = {"content_type": "review", "content_id": str(uuid4())}
    answer = await _report(http, ada, **fields | wrong)
    problem(answer, 422, "invalid")


async def test_equal_reports_at_once_are_one(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, alan = await make_people(node, "Ada", "Alan")
    about = {"content_type": "user", "content_id": str(alan.id)}
    answers = await asyncio.gather(*(_report(http, ada, **about) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
