"""Where one is in a long thread: read and unread, both ways, and found again."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import (
    both_enter,
    enter,
    give_past,
    row_of,
    say,
    top_of,
    write_as,
)


async def test_new_messages_begin_below_a_line_and_are_read_when_seen(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await give_past(site, "ada", "grace", 60)
    news = [f"News {number}" + " and so on" * 40 for number in range(40)]
    await write_as(site, "ada", conversation, *news)
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    line = grace.locator(".thread-new")
    await expect(line).to_be_in_viewport()
    below = grace.locator(".thread-new + .thread-row")
    await expect(below).to_contain_text("News 0")
    # What was not in view is not read, as Ada sees.
    newest = grace.get_by_role("button", name="To the newest message")
    await expect(newest).to_have_text(re.compile(r"^3\d new messages$"))
    first = row_of(ada, "News 0 ").get_by_text("Read", exact=True)
    await expect(first).to_be_attached()
    last = row_of(ada, "News 39").get_by_text(re.compile("^(Delivered|Read)$"))
    await expect(last).to_have_text("Delivered")
    await newest.click()
    await expect(row_of(grace, "News 39")).to_be_in_viewport()
    await expect(newest).to_have_count(0)
    await expect(grace.get_by_label("Unread")).to_have_count(0)
    await expect(last).to_have_text("Read")


async def test_what_comes_while_one_looks_elsewhere_begins_below_a_line(
    open_as: OpenAs,
) -> None:
    ada, grace = await both_enter(open_as)
    await grace.evaluate("document.hasFocus = () => false")
    await say(ada, "Are you coming?")
    await say(ada, "The ferry waits.")
    await expect(row_of(grace, "The ferry waits.")).to_be_in_viewport()
    below = grace.locator(".thread-new + .thread-row")
    await expect(below).to_contain_text("Are you coming?")
    # Two wait elsewhere.
    await expect(grace).to_have_title("(4) Grace Okafor – Callboard")
    mark = row_of(ada, "ferry").get_by_text(re.compile("^(Delivered|Read)$"))
    await expect(mark).to_have_text("Delivered")
    await grace.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
    await expect(grace).to_have_title("(2) Grace Okafor – Callboard")
    await expect(mark).to_have_text("Read")
    # It stays until one writes.
    await expect(grace.locator(".thread-new")).to_be_visible()
    await say(grace, "On my way")
    await expect(grace.locator(".thread-new")).to_have_count(0)


@pytest.mark.parametrize("delay_s", [0, 0.7])
async def test_scrolling_keeps_the_place_to_the_pixel_both_ways(
    open_as: OpenAs, site: Site, delay_s: float
) -> None:
    async def delay(route: Route) -> None:
        await asyncio.sleep(delay_s)
        await route.continue_()

    conversation = await give_past(site, "ada", "grace", 1000)
    ada = await open_as("ada", path=f"/#conversation={conversation}&message=503")
    found = ada.locator(".thread-row", has_text=re.compile(r"Line 500\b"))
    await expect(found).to_be_in_viewport()
    # Late, so that one has come to the edge of what is there.
    await ada.route("**/messages?*", delay)
    for step in (-150, 150):
        seen = await ada.evaluate(_WATCHED_SCROLL, step)
        assert seen["pages"] == 5, seen
        assert seen["largest"] <= 1, seen
        assert seen["rows"] <= 210, seen
        assert seen["gaps"] == 0, seen
    await ada.unroute_all(behavior="ignoreErrors")


# Scrolls in small steps; whatever comes in meanwhile, what is in view stays there.
_WATCHED_SCROLL = """
async (step) => {
  const root = document.querySelector("callboard-chat").shadowRoot;
  const scroller = root.querySelector(".thread-scroller");
  const list = root.querySelector(".thread-list");
  const frame = () =>
    new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const rowsNow = () => [...list.querySelectorAll("[data-seq]")];
  const edgeOf = (rows) => Number(rows.at(step < 0 ? 0 : -1).dataset.seq);
  let largest = 0, pages = 0, most = 0, gaps = 0;
  let reached = edgeOf(rowsNow());
  const end = performance.now() + 60000;
  while (pages < 5 && performance.now() < end) {
    scroller.scrollTop += step;
    const edge = scroller.getBoundingClientRect().top;
    const seen = rowsNow().find(
      (row, index) => index > 0 && row.getBoundingClientRect().top >= edge);
    const before = seen.getBoundingClientRect().top;
    await frame();
    await frame();
    largest = Math.max(largest, Math.abs(seen.getBoundingClientRect().top - before));
    const rows = rowsNow();
    most = Math.max(most, rows.length);
    const last = Number(rows.at(-1).dataset.seq);
    if (last - Number(rows[0].dataset.seq) + 1 !== rows.length) gaps++;
    const now = edgeOf(rows);
    if ((now - reached) * step > 0) pages++;
    reached = now;
  }
  return { largest, pages, rows: most, gaps };
}
"""


async def test_reactions_and_messages_move_nobody_who_reads_above(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await give_past(site, "ada", "grace", 400)
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    # What one reads stands at the top: only what is above or below it changes.
    row = ada.locator(".thread-row", has_text="Line 385")
    await row.evaluate("row => row.scrollIntoView({ block: 'start' })")
    button = ada.get_by_role("button", name="To the newest message")
    await expect(button).to_be_visible()
    before = await top_of(row)
    async with site.api("grace") as api:
        page = await api.call(
            "GET",
            f"/v1/conversations/{conversation}/messages",
            query={"after": 385, "limit": 6},
        )
        for message in page["items"]:
            await api.call("PUT", f"/v1/messages/{message['id']}/reactions/🎉")
    await write_as(site, "grace", conversation, "Down here")
    await expect(button).to_have_text("1 new message")
    given = ada.get_by_role("button", name="🎉, 1 person")
    await expect(given).to_have_count(6)
    assert abs(await top_of(row) - before) <= 1


async def test_a_place_is_found_again_and_searches_jump(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await give_past(site, "ada", "grace", 500)
    ada = await open_as("ada", path=f"/#conversation={conversation}&message=103")
    found = ada.locator(".thread-row", has_text=re.compile(r"Line 100\b"))
    await expect(found).to_be_in_viewport()
    # Leave, and come back to where one was.
    await expect(ada.locator(".thread-row-lit")).to_have_count(0)
    before = await top_of(found)
    await enter(ada, "Harbour crew")
    await enter(ada, "Grace Okafor")
    await expect(found).to_be_in_viewport()
    assert abs(await top_of(found) - before) <= 1
