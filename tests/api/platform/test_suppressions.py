"""Addresses that are not written to: what holds for which mails, and the way back."""

from datetime import timedelta
from urllib.parse import quote

import httpx

from realtime.clock import instant
from realtime.node import Node
from storage.email import SOFT_BOUNCES, SOFT_BOUNCES_FORGOTTEN_AFTER, SOFT_BOUNCES_REST
from tests.api.calling import KEY, key_with, problem
from tests.factories import make_people

PATH = "/v1/platform/suppressions"
ADA = "Ada+x@chat.example"


async def holds(node: Node, address: str, after: timedelta = timedelta(0)) -> str:
    """For which classes an address is suppressed, by their first letters."""
    now = node.clock() + after
    async with node.transaction() as work:
        found = [
            class_[0]
            for class_ in ("service", "alert", "promotion")
            if await work.emails.is_suppressed(address, class_, now)
        ]
    return "".join(found)


async def test_a_dead_address_gets_nothing_and_a_complainer_services_only(
    node: Node, http: httpx.AsyncClient
) -> None:
    now = node.clock()
    async with node.transaction() as work:
        await work.emails.suppress(ADA, "all", "hard_bounce", detail="5.1.1", now=now)
        await work.emails.suppress("g@chat.example", "commercial", "complaint", now=now)
    assert await holds(node, ADA.upper()) == "sap"
    assert await holds(node, "g@chat.example") == "ap"
    assert await holds(node, "k@chat.example") == ""
    listed = (await http.get(PATH, headers=KEY)).json()["items"]
    assert [(each["address"], each["scope"], each["reason"]) for each in listed] == [
        (ADA.lower(), "all", "hard_bounce"),
        ("g@chat.example", "commercial", "complaint"),
    ]
    first = (await http.get(f"{PATH}?limit=1", headers=KEY)).json()
    rest = await http.get(f"{PATH}?limit=1&next={first['next']}", headers=KEY)
    assert rest.json() == {"items": [listed[1]], "next": None}

    path = f"{PATH}/{quote(ADA)}"
    problem(
        await http.delete(f"{path}?scope=commercial", headers=KEY), 404, "not_found"
    )
    assert (await http.delete(path, headers=KEY)).status_code == 204
    assert await holds(node, ADA) == ""
    problem(await http.delete(path, headers=KEY), 404, "not_found")
    others = await key_with(node, "users")
    problem(await http.get(PATH, headers=others), 403, "forbidden")


async def test_soft_bounces_add_up_rest_a_week_and_are_forgotten(node: Node) -> None:
    now = node.clock()

    async def bounce(times: int, after: timedelta) -> list[bool]:
        told = []
        for _ in range(times):
            async with node.transaction() as work:
                told.append(await work.emails.soft_bounce(ADA, now=now + after))
        return told

    assert not any(await bounce(SOFT_BOUNCES - 1, timedelta(0)))
    assert await holds(node, ADA) == ""
    later = SOFT_BOUNCES_FORGOTTEN_AFTER + timedelta(seconds=1)
    # Too long ago: it begins anew.
    assert not any(await bounce(SOFT_BOUNCES - 1, later))
    assert await bounce(1, later) == [True]
    assert await holds(node, ADA, later) == "sap"
    # What was on its way does not make the rest longer.
    assert await bounce(1, later) == [False]
    over = later + SOFT_BOUNCES_REST + timedelta(seconds=1)
    assert await holds(node, ADA, over) == ""
    assert not any(await bounce(SOFT_BOUNCES - 1, over))
    assert await bounce(1, over) == [True]
    # A dead mailbox stays so, whatever bounced before and after.
    async with node.transaction() as work:
        await work.emails.suppress(ADA, "all", "hard_bounce", now=now + over)
    assert await bounce(1, over) == [False]
    assert await holds(node, ADA, over * 100) == "sap"


async def test_scores_are_forgotten_and_suppressions_that_hold_are_not(
    node: Node,
) -> None:
    now = node.clock()
    async with node.transaction() as work:
        await work.emails.soft_bounce("s@chat.example", now=now)
        await work.emails.suppress("h@chat.example", "all", "hard_bounce", now=now)
        await work.emails.suppress(
            "e@chat.example", "all", "manual", expires_at=now, now=now
        )
        assert await work.emails.forget(now) == 0
        later = now + SOFT_BOUNCES_FORGOTTEN_AFTER + timedelta(seconds=1)
        assert await work.emails.forget(later) == 2
    assert await holds(node, "h@chat.example") == "sap"


async def test_a_platform_suppresses_for_a_while(
    node: Node, http: httpx.AsyncClient
) -> None:
    until = node.clock() + timedelta(days=3)
    body = {"scope": "commercial", "expires_at": instant(until), "detail": "on leave"}
    for _ in range(2):
        answer = await http.put(f"{PATH}/{quote(ADA)}", json=body, headers=KEY)
        assert answer.status_code == 204
    assert await holds(node, ADA, timedelta(days=2)) == "ap"
    assert await holds(node, ADA, timedelta(days=4)) == ""
    problem(await http.put(f"{PATH}/nobody", json={}, headers=KEY), 422, "invalid")


async def test_an_address_that_the_platform_gives_is_tried_again(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    now = node.clock()
    async with node.transaction() as work:
        await work.emails.suppress(ADA, "all", "hard_bounce", now=now)
        await work.emails.suppress(ADA, "commercial", "complaint", now=now)
    user = {"display_name": "Ada", "email": ADA}
    await http.put(f"/v1/platform/users/{ada.id}", json=user, headers=KEY)
    # That somebody complained is no matter of a mailbox.
    assert await holds(node, ADA) == "ap"
    async with node.transaction() as work:
        await work.emails.suppress(ADA, "all", "hard_bounce", now=now)
    await http.put(f"/v1/platform/users/{ada.id}", json=user, headers=KEY)
    assert await holds(node, ADA) == "sap"
