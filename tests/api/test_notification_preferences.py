"""How people choose to be told, through the doors, and what is kept of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from realtime.node import Node
from storage.deliveries import NewDelivery
from tests.api.calling import KEY, problem
from tests.factories import Person, make_people

PREFERENCES = "/v1/notification-preferences"
QUIET_HOURS = "/v1/quiet-hours"


def choice(type_: str, channel: str, mode: str | None) -> dict[str, object]:
    return {"type": type_, "channel": channel, "mode": mode}


async def choose(
    http: httpx.AsyncClient, person: Person, *choices: dict[str, object]
) -> dict[str, Any]:
    answer = await http.put(
        PREFERENCES, json={"preferences": choices}, headers=person.headers
    )
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def of_type(shown: dict[str, Any], type_: str) -> dict[str, Any]:
    (found,) = [each for each in shown["types"] if each["type"] == type_]
    channels: dict[str, Any] = found["channels"]
    return channels


async def test_choices_are_kept_shown_and_taken_back(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    untouched = (await http.get(PREFERENCES, headers=ada.headers)).json()
    assert {each["type"] for each in untouched["types"]} == set(node.catalogue.entries)
    request = of_type(untouched, "connection_request")
    assert request["email"] == {
        "mode": "daily",
        "default": "daily",
        "source": "default",
        "modes": ["off", "instant", "hourly", "daily", "weekly"],
        "choice": None,
    }
    assert request["in_app"]["source"] == "service"
    assert request["in_app"]["modes"] == ["instant"]

    shown = await choose(
        http,
        ada,
        choice("connection_request", "email", "weekly"),
        choice("class:service", "push", "off"),
        choice("*", "email", "hourly"),
    )
    request = of_type(shown, "connection_request")
    assert (request["email"]["mode"], request["email"]["source"]) == ("weekly", "type")
    assert request["email"]["choice"]["source"] == "user"
    assert (request["push"]["mode"], request["push"]["source"]) == ("off", "class")
    assert of_type(shown, "message_received")["email"]["source"] == "channel"
    assert shown["classes"]["service"]["push"]["mode"] == "off"
    assert shown["channels"]["email"]["mode"] == "hourly"
    assert (await http.get(PREFERENCES, headers=ada.headers)).json() == shown
    assert (await http.get(PREFERENCES, headers=grace.headers)).json() == untouched

    # Only what is given changes; what is said again keeps its moment.
    again = await choose(
        http,
        ada,
        choice("connection_request", "email", "weekly"),
        choice("class:service", "push", None),
    )
    assert of_type(again, "connection_request")["email"] == request["email"]
    assert of_type(again, "connection_request")["push"]["source"] == "default"

    off = await choose(http, ada, choice("*", "email", "off"))
    assert of_type(off, "connection_request")["email"]["mode"] == "off"
    me = (await http.get("/v1/me", headers=ada.headers)).json()
    assert me["preferences"]["notifications"] == {
        "in_app": True,
        "push": True,
        "email": False,
        "timezone": "UTC",
        "do_not_disturb_until": None,
    }

    audit = await http.get(
        "/v1/platform/audit",
        params={"action": "notification_preferences.changed"},
        headers=KEY,
    )
    kept = [each["data"]["changed"] for each in audit.json()["items"]]
    assert len(kept) == 3
    assert [{"type": "*", "channel": "email", "mode": "off"}] in kept
    assert [{"type": "class:service", "channel": "push", "mode": None}] in kept


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (choice("no_such_type", "email", "off"), "type"),
        (choice("class:nothing", "email", "off"), "type"),
        (choice("no_such_type", "email", None), "type"),
        (choice("connection_request", "in_app", "off"), "mode"),
        (choice("class:service", "in_app", "off"), "mode"),
        (choice("connection_request", "push", "daily"), "mode"),
        (choice("*", "in_app", "weekly"), "mode"),
        (choice("connection_request", "email", "monthly"), "mode"),
        (choice("connection_request", "letter", "off"), "channel"),
        (choice("", "email", "off"), "type"),
    ],
)
async def test_what_is_no_choice_is_invalid_and_changes_nothing(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, object], field: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    right = choice("*", "push", "off")
    answer = await http.put(
        PREFERENCES, json={"preferences": [right, wrong]}, headers=ada.headers
    )
    told = problem(answer, 422, "invalid")["details"]["fields"]
    assert [each["field"] for each in told] == [f"preferences.1.{field}"]
    shown = (await http.get(PREFERENCES, headers=ada.headers)).json()
    assert shown["channels"]["push"] is None


async def test_one_choice_cannot_be_made_twice_at_once(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    both = [choice("*", "push", "off"), choice("*", "push", "instant")]
    answer = await http.put(
        PREFERENCES, json={"preferences": both}, headers=ada.headers
    )
    problem(answer, 422, "invalid")
    answer = await http.put(PREFERENCES, json={}, headers=ada.headers)
    problem(answer, 422, "invalid")


async def test_preferences_are_for_people_with_a_token(
    http: httpx.AsyncClient,
) -> None:
    for path in (PREFERENCES, QUIET_HOURS):
        problem(await http.get(path), 401, "unauthenticated")
        problem(await http.get(path, headers=KEY), 403, "forbidden")
        problem(await http.put(path, json={}), 401, "unauthenticated")


async def test_quiet_hours_are_kept_and_shown(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace = await make_people(node, "Ada", "Grace")
    await http.put(
        f"/v1/platform/users/{ada.id}",
        json={"display_name": "Ada", "timezone": "Europe/London"},
        headers=KEY,
    )
    untouched = {
        "quiet_hours": {},
        "do_not_disturb_until": None,
        "timezone": None,
        "digest_at": None,
        "digest_weekday": None,
        "daily_pushes": None,
        "daily_emails": None,
        "in_force": {
            "timezone": "Europe/London",
            "digest_at": "08:00",
            "digest_weekday": "monday",
        },
        "quiet_until": None,
    }
    assert (await http.get(QUIET_HOURS, headers=ada.headers)).json() == untouched

    first: dict[str, object] = {
        "quiet_hours": {
            "monday": [{"from": "22:00", "to": "07:00"}],
            "sunday": [
                {"from": "12:00", "to": "13:00"},
                {"from": "00:00", "to": "00:00"},
            ],
        },
        "timezone": "Asia/Kathmandu",
        "digest_at": "18:30",
        "daily_emails": 0,
    }
    put = await http.put(QUIET_HOURS, json=first, headers=ada.headers)
    assert put.status_code == 200, put.text
    in_force = {
        "timezone": "Asia/Kathmandu",
        "digest_at": "18:30",
        "digest_weekday": "monday",
    }
    shown = put.json()
    del shown["quiet_until"]
    assert shown == {
        key: value for key, value in untouched.items() if key != "quiet_until"
    } | first | {"in_force": in_force}

    until = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    second: dict[str, object] = {
        "do_not_disturb_until": until.isoformat(),
        "quiet_hours": None,
        "timezone": None,
        "digest_weekday": "friday",
    }
    shown = (await http.put(QUIET_HOURS, json=second, headers=ada.headers)).json()
    assert shown["quiet_hours"] == {}
    assert shown["timezone"] is None
    assert shown["in_force"]["timezone"] == "Europe/London"
    assert shown["in_force"]["digest_weekday"] == "friday"
    assert shown["quiet_until"] == shown["do_not_disturb_until"]
    assert datetime.fromisoformat(shown["quiet_until"]) == until
    assert shown["digest_at"] == "18:30"
    assert (await http.get(QUIET_HOURS, headers=ada.headers)).json() == shown
    others = (await http.get(QUIET_HOURS, headers=grace.headers)).json()
    assert others["do_not_disturb_until"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"digest_at": "24:00"}, "digest_at"),
        ({"digest_at": "8:00"}, "digest_at"),
        ({"digest_at": "08:00\n"}, "digest_at"),
        ({"digest_weekday": "someday"}, "digest_weekday"),
        ({"daily_pushes": -1}, "daily_pushes"),
        ({"daily_emails": 2.5}, "daily_emails"),
        ({"do_not_disturb_until": "tomorrow"}, "do_not_disturb_until"),
        ({"do_not_disturb_until": "2026-11-21T08:00:00"}, "do_not_disturb_until"),
        ({"quiet_hours": {"someday": []}}, "quiet_hours.someday.[key]"),
        ({"quiet_hours": {"monday": [{"from": "22:00"}]}}, "quiet_hours.monday.0.to"),
        (
            {"quiet_hours": {"monday": [{"from": "25:00", "to": "07:00"}]}},
            "quiet_hours.monday.0.from",
        ),
        (
            {"quiet_hours": {"monday": [{"from": "01:00", "to": "02:00"}] * 11}},
            "quiet_hours.monday",
        ),
        ({"bedtime": "22:00"}, "bedtime"),
    ],
)
async def test_what_is_no_time_or_zone_is_invalid_by_name(
    http: httpx.AsyncClient, node: Node, wrong: dict[str, object], field: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    answer = await http.put(QUIET_HOURS, json=wrong, headers=ada.headers)
    told = problem(answer, 422, "invalid")["details"]["fields"]
    assert [each["field"] for each in told] == [field]


async def test_who_changes_the_time_of_digests_has_the_days_digest_then(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    morning = datetime(2026, 6, 1, 5, tzinfo=UTC)
    node.clock = lambda: morning
    notification = uuid4()
    async with node.transaction() as work:
        await work.connection.execute(
            text(
                "INSERT INTO callboard.notifications"
                " (id, user_id, type, class, title, message)"
                " VALUES (:id, :user, 'connection_request', 'service', 'T', 'M')"
            ),
            {"id": notification, "user": ada.id},
        )
        await work.deliveries.plan(
            [
                NewDelivery(
                    user_id=ada.id,
                    channel="email",
                    type="connection_request",
                    class_="service",
                    mode="daily",
                    due_at=datetime(2026, 6, 1, 8, tzinfo=UTC),
                    notification_id=notification,
                )
            ],
            morning,
        )

    async def due_at() -> datetime:
        async with node.transaction() as work:
            (waiting,) = await work.digests.waiting([ada.id])
            return waiting.due_at

    async def change(**changes: object) -> None:
        answer = await http.put(QUIET_HOURS, json=changes, headers=ada.headers)
        assert answer.status_code == 200, answer.text

    await change(digest_at="18:00")
    assert await due_at() == datetime(2026, 6, 1, 18, tzinfo=UTC)
    await change(timezone="Europe/Berlin")
    assert await due_at() == datetime(2026, 6, 1, 16, tzinfo=UTC)
    # Past already, so the day's digest leaves as it was planned.
    await change(digest_at="06:59")
    assert await due_at() == datetime(2026, 6, 1, 16, tzinfo=UTC)
    await change(digest_at="07:01")
    assert await due_at() == datetime(2026, 6, 1, 5, 1, tzinfo=UTC)
