"""The ledger of deliveries as a platform's support reads it."""

from uuid import uuid4

import httpx
from sqlalchemy import text

from realtime.auth import create_key
from realtime.node import Node
from realtime.notifications.notifier import Rejected, Retry
from realtime.notifications.releasing import Releaser
from tests.api.calling import KEY
from tests.realtime.notifications.carrying import KINDS, Desk, Someone

PLATFORM = "/v1/platform"


async def _told(http: httpx.AsyncClient, *people: Someone, **more: object) -> None:
    answer = await http.post(
        f"{PLATFORM}/notifications",
        headers=KEY,
        json={
            "type": "announcement",
            "user_ids": [str(each.id) for each in people],
            "title": "The casting moves",
            "message": "To Hall 2",
        }
        | more,
    )
    assert answer.status_code == 202, answer.text


def _releaser(node: Node, desk: Desk) -> Releaser:
    return Releaser(
        node.transaction, (), desk.clock, None, node.settings, node.catalogue
    )


async def test_support_reads_what_became_of_everything_and_nothing_that_was_said(
    node: Node, http: httpx.AsyncClient
) -> None:
    desk = Desk(node)
    reader, other = await desk.people(2)
    await desk.choose(reader, "email", "instant")
    await desk.choose(reader, "push", "instant")
    await _told(http, reader, other)
    desk.clock.move(hours=1)
    releaser = _releaser(node, desk)
    parcels = await releaser.release(KINDS, 10)
    (mine,) = [each for each in parcels if each.recipient.id == reader.id]
    error = f"550 <{reader.id}@example.org> at https://push.example/{reader.device}"
    assert await releaser.record(mine.delivery_id, Retry(error))

    page = await http.get(
        f"{PLATFORM}/deliveries", headers=KEY, params={"user_id": str(reader.id)}
    )

    assert page.status_code == 200, page.text
    found = {item["channel"]: item for item in page.json()["items"]}
    assert found[mine.channel]["status"] == "sending"
    assert found[mine.channel]["reason"] == "retry"
    assert found[mine.channel]["class"] == mine.class_
    assert [step["what"] for step in found[mine.channel]["trail"]] == [
        "planned",
        "sending",
        "retry",
    ]
    assert {item["user_id"] for item in page.json()["items"]} == {str(reader.id)}
    for secret in (f"{reader.id}@example.org", "push.example", "Hall 2", "casting"):
        assert secret not in page.text
    # What nobody may ask without the scope, and how it is asked in parts.
    _, narrow = await create_key(node.transaction, "narrow", frozenset({"users"}))
    refused = await http.get(
        f"{PLATFORM}/deliveries", headers={"Authorization": f"Bearer {narrow}"}
    )
    assert refused.status_code == 403
    first = await http.get(f"{PLATFORM}/deliveries", headers=KEY, params={"limit": 1})
    second = await http.get(
        f"{PLATFORM}/deliveries",
        headers=KEY,
        params={"limit": 1, "next": first.json()["next"]},
    )
    assert first.json()["items"][0]["id"] > second.json()["items"][0]["id"]
    failed = await http.get(
        f"{PLATFORM}/deliveries", headers=KEY, params={"status": "failed"}
    )
    assert failed.json() == {"items": [], "next": None}


async def test_what_has_failed_is_tried_again_by_hand(
    node: Node, http: httpx.AsyncClient
) -> None:
    desk = Desk(node)
    (reader,) = await desk.people(1)
    await desk.choose(reader, "push", "instant")
    await _told(http, reader)
    desk.clock.move(hours=1)
    releaser = _releaser(node, desk)
    (parcel,) = await releaser.release(KINDS, 10)
    retry = f"{PLATFORM}/deliveries/{parcel.delivery_id}/retry"

    too_early = await http.post(retry, headers=KEY)
    assert await releaser.record(parcel.delivery_id, Rejected("gone wrong"))
    tried = await http.post(retry, headers=KEY)
    nowhere = await http.post(f"{PLATFORM}/deliveries/{uuid4()}/retry", headers=KEY)

    assert too_early.status_code == 409
    assert nowhere.status_code == 404
    assert (tried.status_code, tried.json()["reason"]) == (200, "retry")
    (again,) = [
        each
        for each in await releaser.release(KINDS, 10)
        if each.channel == parcel.channel
    ]
    assert (again.delivery_id, again.attempt) == (parcel.delivery_id, 1)


async def test_why_tells_what_was_decided_what_came_of_it_and_how_things_stand(
    node: Node, http: httpx.AsyncClient
) -> None:
    desk = Desk(node)
    (reader,) = await desk.people(1)
    await desk.choose(reader, "push", "instant")
    await desk.choose(reader, "email", "off")
    await _told(http, reader)
    ((note,),) = await desk.run("SELECT id FROM callboard.notifications")
    await desk.run("UPDATE callboard.notifications SET read_at = now()")
    desk.clock.move(hours=1)
    assert await _releaser(node, desk).release(KINDS, 10) == []

    answer = await http.get(f"{PLATFORM}/notifications/{note}/why", headers=KEY)
    nothing = await http.get(f"{PLATFORM}/notifications/{uuid4()}/why", headers=KEY)

    why = answer.json()
    assert why["decisions"]["push"]["source"] == "channel"
    assert why["decisions"]["email"] | {"at": ""} == {
        "mode": "off",
        "source": "channel",
        "at": "",
    }
    (push,) = why["deliveries"]
    assert (push["status"], push["reason"]) == ("skipped", "read")
    assert why["presence"] == "offline"
    assert why["now"]["email"]["mode"] == "off"
    assert why["now"]["push"]["daily_budget"] == node.settings.daily_pushes
    assert nothing.status_code == 404


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(
    node: Node, http: httpx.AsyncClient
) -> None:
    desk = Desk(node)
    told, mailed, quiet, suspended = people = await desk.people(4)
    await desk.choose(told, "push", "instant")
    await desk.choose(mailed, "push", "off")
    await desk.choose(mailed, "email", "daily")
    await desk.choose(quiet, "push", "instant")
    async with node.transaction() as work:
        await work.preferences.set(
            quiet.id,
            {"do_not_disturb_until": desk.clock().replace(year=2100)},
            desk.clock(),
        )
        await work.connection.execute(
            text(
                "UPDATE callboard.users SET account_status = 'suspended' WHERE id = :id"
            ),
            {"id": suspended.id},
        )

    answer = await http.post(
        f"{PLATFORM}/notifications/dry-run",
        headers=KEY,
        json={
            "type": "announcement",
            "user_ids": [str(each.id) for each in people],
            "title": "The casting moves",
            "message": "To Hall 2",
        },
    )

    assert answer.status_code == 200, answer.text
    items = {item["user_id"]: item for item in answer.json()["items"]}

    def outcomes(person: Someone) -> dict[str, tuple[str, str | None]]:
        return {
            each["channel"]: (each["outcome"], each["reason"])
            for each in items[str(person.id)]["deliveries"]
        }

    assert outcomes(told)["push"][0] == "leaves"
    assert outcomes(mailed) == {"email": ("digest", "daily")}
    assert outcomes(quiet)["push"] == ("waits", "quiet_hours")
    assert items[str(suspended.id)]["reason"] == "recipient_suspended"
    assert items[str(told.id)]["reason"] is None
    for table in ("notifications", "deliveries", "feed"):
        assert await desk.run(f"SELECT 1 FROM callboard.{table}") == []
    unknown = await http.post(
        f"{PLATFORM}/notifications/dry-run",
        headers=KEY,
        json={"type": "nothing", "user_ids": [str(told.id)]},
    )
    assert unknown.status_code == 422


async def test_operators_see_how_much_is_due_and_since_when(
    node: Node, http: httpx.AsyncClient
) -> None:
    desk = Desk(node)
    (reader,) = await desk.people(1)
    desk.clock.move(minutes=-10)
    await desk.note(reader, "push", "email")
    await desk.note(reader, "email", mode="daily")

    numbers = (await http.get("/metrics", headers=KEY)).text

    assert 'callboard_deliveries_due{channel="email"} 1.0' in numbers
    assert 'callboard_deliveries_due{channel="push"} 1.0' in numbers
    (late,) = [
        line
        for line in numbers.splitlines()
        if line.startswith('callboard_deliveries_late_seconds{channel="push"}')
    ]
    assert 600 <= float(late.split()[-1]) < 700
