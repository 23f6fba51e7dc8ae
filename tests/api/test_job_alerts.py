"""Saved searches of one's own, at the door."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.actions.job_alerts import MOST_ALERTS
from realtime.node import Node
from tests.api.calling import problem
from tests.factories import Person, make_people

PATH = "/v1/job-alerts"


async def make(
    http: httpx.AsyncClient, person: Person, **fields: object
) -> dict[str, Any]:
    answer = await http.post(
        PATH, json={"criteria": {}, **fields}, headers=person.headers
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_alert_is_kept_changed_and_forgotten(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, eve = await make_people(node, "Ada", "Eve")
    organization = str(uuid4())
    criteria = {
        "kinds": ["gig", "job"],
        "keywords": ["Tänzerin", "music video"],
        "match": "all",
        "location": "Lisbon",
        "organization_ids": [organization],
        "statuses": ["published", "filled"],
    }
    made = await make(http, ada, name="Dance", criteria=criteria, frequency="weekly")
    assert made["criteria"] == criteria
    assert (made["frequency"], made["status"]) == ("weekly", "active")
    assert made["last_sent_at"] is None
    plain = await make(http, ada)
    assert plain["criteria"] == {
        "kinds": [],
        "keywords": [],
        "match": "any",
        "location": None,
        "organization_ids": [],
        "statuses": ["published"],
    }
    assert plain["frequency"] == "daily"

    page = (await http.get(PATH, params={"limit": 1}, headers=ada.headers)).json()
    assert page["items"] == [plain]
    rest = {"limit": 1, "next": page["next"]}
    assert (await http.get(PATH, params=rest, headers=ada.headers)).json() == {
        "items": [made],
        "next": None,
    }
    changed = await http.patch(
        f"{PATH}/{made['id']}",
        json={"name": None, "status": "paused", "criteria": {"kinds": ["job"]}},
        headers=ada.headers,
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["name"] is None
    assert changed.json()["status"] == "paused"
    assert changed.json()["criteria"]["kinds"] == ["job"]
    assert changed.json()["criteria"]["keywords"] == []

    mine = f"{PATH}/{made['id']}"
    assert (await http.get(PATH, headers=eve.headers)).json()["items"] == []
    for method, body in (("PATCH", {"status": "paused"}), ("DELETE", None)):
        answer = await http.request(method, mine, json=body, headers=eve.headers)
        problem(answer, 404, "not_found")
    assert (await http.delete(mine, headers=ada.headers)).status_code == 204
    problem(await http.delete(mine, headers=ada.headers), 404, "not_found")


@pytest.mark.parametrize(
    "fields",
    [
        {"criteria": {"salary": 100}},
        {"criteria": {"kinds": ["boat"]}},
        {"criteria": {"keywords": ["!?"]}},
        {"criteria": {"keywords": [""]}},
        {"criteria": {"keywords": ["x" * 101]}},
        {"criteria": {"keywords": ["a"] * 21}},
        {"criteria": {"match": "some"}},
        {"criteria": {"location": "  "}},
        {"criteria": {"organization_ids": ["x"]}},
        {"criteria": {"statuses": ["draft"]}},
        {"criteria": {"statuses": []}},
        {"criteria": [], "frequency": "daily"},
        {"frequency": "hourly"},
        {"status": "off"},
        {"name": "\u0000"},
        {"user_id": str(uuid4())},
    ],
)
async def test_what_makes_no_sense_is_invalid(
    http: httpx.AsyncClient, node: Node, fields: dict[str, object]
) -> None:
    (ada,) = await make_people(node, "Ada")
    made = await make(http, ada)
    answer = await http.post(PATH, json={"criteria": {}, **fields}, headers=ada.headers)
    problem(answer, 422, "invalid")
    answer = await http.patch(f"{PATH}/{made['id']}", json=fields, headers=ada.headers)
    problem(answer, 422, "invalid")
    (field,) = [*fields][:1]
    if field != "name":
        answer = await http.patch(
            f"{PATH}/{made['id']}", json={field: None}, headers=ada.headers
        )
        problem(answer, 422, "invalid")


async def test_one_has_so_many_alerts_and_no_more(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    for _ in range(MOST_ALERTS):
        await make(http, ada)
    answer = await http.post(PATH, json={"criteria": {}}, headers=ada.headers)
    problem(answer, 409, "conflict")
