"""The moderators' queue: who sees it, what a decision does, and that it is one."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import KEY, ear_of, key_with, problem, say
from tests.factories import Person, make_pair, make_people

REPORTS = "/v1/platform/reports"


async def _report(http: httpx.AsyncClient, person: Person, **fields: object) -> str:
    body = {"reason": "harassment", **fields}
    answer = await http.post("/v1/reports", json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def _resolve(
    http: httpx.AsyncClient, report: object, action: str, **more: object
) -> httpx.Response:
    return await http.post(
        f"{REPORTS}/{report}/resolve",
        json={"action": action, **more},
        headers=KEY,
    )


async def _queue(http: httpx.AsyncClient, **query: object) -> list[dict[str, Any]]:
    params = {name: str(value) for name, value in query.items()}
    answer = await http.get(REPORTS, params=params, headers=KEY)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def _acts(http: httpx.AsyncClient, about: object) -> list[dict[str, Any]]:
    params = {"subject": str(about)}
    answer = await http.get("/v1/platform/audit", params=params, headers=KEY)
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_message_taken_down_is_a_tombstone_for_everybody_and_kept_in_the_report(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "You are nobody.")
    report = await _report(
        http, grace, content_type="message", content_id=message["id"]
    )
    ears = [await ear_of(node, person.id) for person in (ada, grace)]
    answer = await _resolve(http, report, "take_down", note=" Rule 3. ")
    assert answer.status_code == 200, answer.text
    decided = answer.json()
    assert (decided["status"], decided["resolution"]) == ("resolved", "take_down")
    assert decided["note"] == "Rule 3."
    for ear in ears:
        (told,) = [one for one in ear.heard if one["type"] == "message.deleted"]
        assert told["data"]["message"]["id"] == message["id"]
        assert told["data"]["message"]["body"] == ""
    for person in (ada, grace):
        page = await http.get(
            f"/v1/conversations/{talk}/messages", headers=person.headers
        )
        (seen,) = page.json()["items"]
        assert (seen["body"], bool(seen["deleted_at"])) == ("", True)
    kept = await http.get(f"{REPORTS}/{report}", headers=KEY)
    assert kept.json()["content"]["body"] == "You are nobody."


async def test_taking_down_what_is_gone_already_is_still_decided(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "You are nobody.")
    report = await _report(
        http, grace, content_type="message", content_id=message["id"]
    )
    path = f"/v1/messages/{message['id']}"
    assert (await http.delete(path, headers=ada.headers)).status_code == 200
    ear = await ear_of(node, grace.id)
    assert (await _resolve(http, report, "take_down")).status_code == 200
    assert ear.heard == []


async def test_a_moderator_suspends_as_the_platform_does(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, mallory = await make_people(node, "Ada", "Mallory")
    ear = await ear_of(node, mallory.id)
    report = await _report(http, ada, content_type="user", content_id=str(mallory.id))
    assert (await _resolve(http, report, "suspend")).status_code == 200
    assert ear.closed == [4501]
    answer = await http.get("/v1/me", headers=mallory.headers)
    assert answer.status_code in {401, 403}
    assert {act["action"] for act in await _acts(http, mallory.id)} >= {
        "user.suspended",
        "moderation.suspended",
        "report.resolved",
    }


@pytest.mark.parametrize("action", ["warn", "dismiss"])
async def test_a_warning_or_a_dismissal_is_written_down_and_changes_nothing_else(
    http: httpx.AsyncClient, node: Node, action: str
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "Hm")
    report = await _report(
        http, grace, content_type="message", content_id=message["id"]
    )
    ear = await ear_of(node, ada.id)
    decided = (await _resolve(http, report, action)).json()
    assert decided["status"] == ("dismissed" if action == "dismiss" else "resolved")
    assert ear.heard == []
    assert (await http.get("/v1/me", headers=ada.headers)).status_code == 200
    acts = [act["action"] for act in await _acts(http, report)]
    expected = {"report.created", "report.resolved"}
    assert set(acts) == expected | (
        {"moderation.warned"} if action == "warn" else set()
    )


async def test_of_a_gig_only_the_platform_is_told_that_it_must_go(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    gig = str(uuid4())
    fields = {
        "kind": "gig",
        "owner_id": str(ada.id),
        "title": "A short film",
        "status": "published",
    }
    await http.put(f"/v1/platform/gigs/{gig}", json=fields, headers=KEY)
    report = await _report(http, grace, content_type="gig", content_id=gig)
    assert (await _resolve(http, report, "take_down")).status_code == 200
    (event,) = [
        act for act in await _acts(http, gig) if act["action"] == "moderation.take_down"
    ]
    assert event["subject"] == {
        "report_id": report,
        "gig_id": gig,
        "reported_user_id": str(ada.id),
    }
    assert event["data"] == {"content_type": "gig"}


async def test_a_report_is_decided_once(http: httpx.AsyncClient, node: Node) -> None:
    ada, alan = await make_people(node, "Ada", "Alan")
    report = await _report(http, ada, content_type="user", content_id=str(alan.id))
    first = await _resolve(http, report, "warn", note="first")
    again = await _resolve(http, report, "warn", note="second")
    assert first.json() == again.json()
    problem(await _resolve(http, report, "suspend"), 409, "conflict")
    log = await http.get("/v1/platform/moderation-log", headers=KEY)
    (decision,) = log.json()["items"]
    assert decision["report_id"] == report
    assert (decision["action"], decision["note"]) == ("warn", "first")
    assert decision["user_id"] == str(alan.id)
    assert decision["api_key_id"] == first.json()["resolved_by"]
    # Decided is decided: the same can be reported again.
    other = await _report(http, ada, content_type="user", content_id=str(alan.id))
    assert other != report


async def test_of_two_moderators_at_once_one_decides(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *others = await make_people(node, "Ada", "B", "C", "D", "E")
    for other in others:
        report = await _report(http, ada, content_type="user", content_id=str(other.id))
        answers = await asyncio.gather(
            _resolve(http, report, "warn"), _resolve(http, report, "dismiss")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        log = await http.get(
            "/v1/platform/moderation-log", params={"report_id": report}, headers=KEY
        )
        assert len(log.json()["items"]) == 1


async def test_a_decision_under_an_idempotency_key_is_answered_again(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, alan = await make_people(node, "Ada", "Alan")
    report = await _report(http, ada, content_type="user", content_id=str(alan.id))
    headers = KEY | {"Idempotency-Key": "once"}
    path, body = f"{REPORTS}/{report}/resolve", {"action": "dismiss"}
    answers = [await http.post(path, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"


async def test_the_queue_begins_with_the_oldest_that_is_pending(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, *others = await make_people(node, "Ada", "B", "C", "D", "E")
    ids = [
        await _report(http, ada, content_type="user", content_id=str(other.id))
        for other in others
    ]
    await _resolve(http, ids[0], "dismiss")
    await _resolve(http, ids[2], "warn")
    expected = [ids[1], ids[3], ids[0], ids[2]]
    assert [report["id"] for report in await _queue(http)] == expected
    for limit in (1, 2, 3, 4, 5):
        seen: list[str] = []
        params = {"limit": str(limit)}
        while True:
            page = (await http.get(REPORTS, params=params, headers=KEY)).json()
            seen += [report["id"] for report in page["items"]]
            if page["next"] is None:
                break
            params["next"] = page["next"]
        assert seen == expected
    for query, found in (
        ({"status": "pending"}, [ids[1], ids[3]]),
        ({"status": "resolved"}, [ids[2]]),
        ({"status": "dismissed"}, [ids[0]]),
        ({"reported_user_id": others[1].id}, [ids[1]]),
        ({"content_type": "message"}, []),
    ):
        assert [report["id"] for report in await _queue(http, **query)] == found
    assert "content" not in (await _queue(http))[0]


async def test_nobody_is_suspended_where_nobody_is_named(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    report = await _report(http, ada, content_type="review", content_id=str(uuid4()))
    for action in ("suspend", "warn"):
        problem(await _resolve(http, report, action), 422, "invalid")
    assert (await _resolve(http, report, "take_down")).status_code == 200


async def test_the_key_of_a_moderator_opens_no_other_message(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    await say(http, ada, talk, "private before")
    message = await say(http, ada, talk, "You are nobody.")
    await say(http, grace, talk, "private after")
    report = await _report(
        http, grace, content_type="message", content_id=message["id"]
    )
    moderator = await key_with(node, "moderation")
    answers = [
        await http.get(path, headers=moderator)
        for path in (
            REPORTS,
            f"{REPORTS}/{report}",
            f"{REPORTS}/{message['id']}",
            "/v1/platform/moderation-log",
            "/v1/reports",
            f"/v1/conversations/{talk}/messages",
            f"/v1/messages/{message['id']}/history",
        )
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 200, 404, 200, 403, 403, 403]
    assert "You are nobody." in answers[1].text
    assert not any("private" in answer.text for answer in answers)


async def test_the_queue_is_for_keys_that_may_moderate(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    wrong = await key_with(node, "users", "audit", "events")
    body = {"action": "dismiss"}
    calls: list[tuple[str, str, dict[str, str] | None]] = [
        ("GET", REPORTS, None),
        ("GET", f"{REPORTS}/{uuid4()}", None),
        ("POST", f"{REPORTS}/{uuid4()}/resolve", body),
        ("GET", "/v1/platform/moderation-log", None),
    ]
    for method, path, sent in calls:
        problem(await http.request(method, path, json=sent), 401, "unauthenticated")
        for headers in (ada.headers, wrong):
            answer = await http.request(method, path, json=sent, headers=headers)
            problem(answer, 403, "forbidden")
    problem(await _resolve(http, uuid4(), "dismiss"), 404, "not_found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "forgive"},
        {"action": None},
        {},
        {"action": "warn", "note": "x" * 501},
        {"action": "warn", "who": "me"},
    ],
)
async def test_what_is_no_decision_is_refused(
    http: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    path = f"{REPORTS}/{uuid4()}/resolve"
    problem(await http.post(path, json=wrong, headers=KEY), 422, "invalid")
