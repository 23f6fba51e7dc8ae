"""Unsubscribing without a login: the page, the one click, and the way back."""

from collections.abc import Collection
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from realtime.mail.links import Frequency, open_links
from realtime.node import Node
from realtime.notifications.preferences import PreferenceChannel, resolve
from storage.preferences import PreferenceRow
from storage.records import UserId
from tests.api.calling import KEY, problem
from tests.conftest import settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_people

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def settings(database: TestDatabase) -> object:
    """A server that people reach."""
    return settings_for(
        database, public_url="http://callboard.test", mail_name="Castboard <b>"
    )


async def link(
    node: Node, person: Person, purpose: str, frequency: Frequency = "instant"
) -> str:
    async with node.transaction() as work:
        links = await open_links(work, node.settings)
    made = links.unsubscribe_link(person.id, purpose, uuid4(), frequency)
    assert made is not None
    return made


async def mailed(node: Node, person: Person, *types: str) -> dict[str, str]:
    """How some types are mailed to somebody now."""
    async with node.transaction() as work:
        rows = (await work.preferences.of([person.id]))[person.id]
    entries = node.catalogue.entries
    return {name: resolve(entries[name], rows)["email"].mode for name in types}


async def sources(node: Node, person: Person) -> Collection[tuple[str, str, str]]:
    async with node.transaction() as work:
        rows = (await work.preferences.of([person.id]))[person.id]
    return {(row.type, row.mode, row.source) for row in rows}


async def choose(node: Node, person: Person, type_: str, mode: str) -> None:
    channel: PreferenceChannel = "email"
    async with node.transaction() as work:
        at = node.clock() - timedelta(days=1)
        await work.preferences.choose(
            person.id, [PreferenceRow(type_, channel, mode, "user", at)]
        )


async def test_looking_changes_nothing_and_one_click_ends_exactly_one_purpose(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    url = await link(node, ada, "message_received")
    for method in ("GET", "HEAD", "GET"):
        page = await http.request(method, url)
        assert page.status_code == 200
    assert await sources(node, ada) == set()
    assert "Stop these e-mails?" in page.text
    assert "Castboard &lt;b&gt;" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in page.text
    assert "http" not in page.text.replace("httpequiv", "")

    for _ in range(2):
        answer = await http.post(url, data=ONE_CLICK)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert await sources(node, ada) == {("message_received", "off", "one_click")}
    assert "You will get no more" in (await http.get(url)).text
    assert await mailed(node, ada, "connection_request") == {
        "connection_request": "daily"
    }


async def test_the_page_ends_and_takes_back_without_scripts(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    await choose(node, ada, "message_received", "hourly")
    url = await link(node, ada, "message_received", "hourly")
    await http.post(url, data={"action": "stop", **ONE_CLICK})
    assert await sources(node, ada) == {("message_received", "off", "unsubscribe")}
    undone = await http.post(url, data={"action": "undo"})
    assert "You get these e-mails again." in undone.text
    assert await sources(node, ada) == {("message_received", "hourly", "user")}
    # What somebody has switched off by themselves is not a link's to switch on.
    await choose(node, ada, "message_received", "off")
    await http.post(url, data={"action": "undo"})
    assert await sources(node, ada) == {("message_received", "off", "user")}


async def test_a_form_in_parts_is_understood_and_anything_else_does_nothing(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    url = await link(node, ada, "message_received")
    for content in (b"", b"List-Unsubscribe=Two-Clicks", b"\xff\x00", b"x" * 20_000):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = await http.post(url, content=content, headers=kind)
        problem(refused, 422, "invalid")
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = await http.post(url, content=b"--x\r\n\xe9", headers=kind)
    problem(refused, 422, "invalid")
    assert await sources(node, ada) == set()
    parts = {"List-Unsubscribe": (None, "One-Click")}
    assert (await http.post(url, files=parts)).status_code == 200
    assert await sources(node, ada) == {("message_received", "off", "one_click")}


async def test_promotions_end_with_every_yes_that_was_given(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    await choose(node, ada, "class:promotion", "weekly")
    await choose(node, ada, "promotion", "instant")
    url = await link(node, ada, "class:promotion", "weekly")
    await http.post(url, data=ONE_CLICK)
    assert await mailed(node, ada, "promotion") == {"promotion": "off"}
    assert "offers and recommendations" in (await http.get(url)).text
    await http.post(url, data={"action": "undo"})
    assert await mailed(node, ada, "promotion") == {"promotion": "weekly"}


async def test_summaries_end_and_what_comes_at_once_stays(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    await choose(node, ada, "gig_cancelled", "weekly")
    before = await mailed(node, ada, *node.catalogue.entries)
    assert before["connection_request"] == "daily"
    url = await link(node, ada, "digest", "daily")
    await http.post(url, data=ONE_CLICK)
    after = await mailed(node, ada, *node.catalogue.entries)
    gathered = {"hourly", "daily", "weekly"}
    for name, mode in before.items():
        is_required = node.catalogue.entries[name].required
        ends = mode in gathered and not is_required
        assert after[name] == ("off" if ends else mode), name
    await http.post(url, data={"action": "undo"})
    again = await mailed(node, ada, *node.catalogue.entries)
    assert again == before | {"gig_cancelled": "daily"}


async def test_what_is_no_link_of_ours_is_not_found(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    url = await link(node, ada, "message_received")
    for bad in (
        f"{url[:-4]}AAAA",
        "/v1/unsubscribe/x",
        f"{url}AAAA",
        "/v1/unsubscribe/%00",
    ):
        problem(await http.get(bad), 404, "not_found")
        problem(await http.post(bad, data=ONE_CLICK), 404, "not_found")
    async with node.transaction() as work:
        links = await open_links(work, node.settings)
    gone = links.unsubscribe_link(UserId(uuid4()), "digest", uuid4())
    problem(await http.get(gone or ""), 404, "not_found")


async def test_the_page_speaks_its_readers_language(
    node: Node, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(node, "Ada")
    user = {"display_name": "Ada", "locale": "ar-EG"}
    await http.put(f"/v1/platform/users/{ada.id}", json=user, headers=KEY)
    page = (await http.get(await link(node, ada, "digest"))).text
    assert '<html lang="ar-EG" dir="rtl">' in page
    assert "هل تريد إيقاف هذه الرسائل؟" in page
