"""What two people see of one thread, at once."""

import re

from playwright.async_api import Page, expect

from realtime.actions import connections
from realtime.actor import Actor
from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import (
    conversation_of,
    enter,
    field_of,
    give_past,
    row_of,
    say,
    scroll_by,
    top_of,
    write_as,
)


async def _both(open_as: OpenAs) -> tuple[Page, Page]:
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    return ada, grace


async def _choose(page: Page, text: str, item: str) -> None:
    """Choose something in a message's menu, as with a mouse."""
    await row_of(page, text).hover()
    await row_of(page, text).get_by_role("button", name="Message options").click()
    await page.get_by_role("menuitem", name=item).click()


async def test_a_message_goes_from_sent_to_read(open_as: OpenAs, site: Site) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    await say(ada, "Is Thursday still good?")
    await expect(
        row_of(ada, "Thursday").get_by_text("Sent", exact=True)
    ).to_be_attached()

    grace = await open_as("grace")
    mark = row_of(ada, "Thursday").get_by_text("Delivered", exact=True)
    await expect(mark).to_be_attached()
    await enter(grace, "Ada Moreau")
    await expect(
        row_of(ada, "Thursday").get_by_text("Read", exact=True)
    ).to_be_attached()
    # What was there before is not read out.
    status = grace.get_by_role("status")
    await expect(status.get_by_text("Ada Moreau: Is Thursday")).to_have_count(0)

    await say(ada, "Friday would do as well.")
    await expect(status.get_by_text("Ada Moreau: Friday would do")).to_be_attached()


async def test_who_types_is_seen_until_the_message_comes(open_as: OpenAs) -> None:
    ada, grace = await _both(open_as)
    await field_of(ada).press_sequentially("Well")
    await expect(grace.get_by_text("Ada Moreau is typing …")).to_be_visible()
    await field_of(ada).press("Enter")
    await expect(row_of(grace, "Well")).to_be_visible()
    await expect(grace.get_by_text("is typing")).to_have_count(0)


async def test_an_answer_quotes_and_leads_back(open_as: OpenAs, site: Site) -> None:
    await give_past(site, "ada", "grace", 300)
    ada, grace = await _both(open_as)
    await say(grace, "Which lens do you want?")
    await _choose(ada, "Which lens", "Reply")
    await expect(ada.get_by_text("Answering Grace Okafor")).to_be_visible()
    await say(ada, "The 35.")
    answer = row_of(grace, "The 35.")
    await expect(answer).to_contain_text("Which lens do you want?")
    for number in range(20):
        await say(ada, f"More {number}")
    await expect(row_of(grace, "More 19")).to_be_visible()
    await expect(row_of(grace, "The 35.")).not_to_be_in_viewport()
    await row_of(grace, "The 35.").scroll_into_view_if_needed()
    await (
        row_of(grace, "The 35.").get_by_role("button", name="Go to the message").click()
    )
    question = grace.locator(".thread-row-lit", has_text="Which lens do you want?")
    await expect(question).to_be_in_viewport()
    await expect(question).to_be_focused()
    await expect(grace.locator(".thread-row-lit")).to_have_count(0)


async def test_reactions_come_and_go_and_say_whose_they_are(open_as: OpenAs) -> None:
    ada, grace = await _both(open_as)
    await say(ada, "We wrapped!")
    await row_of(grace, "We wrapped!").hover()
    await row_of(grace, "We wrapped!").get_by_role("button", name="React").click()
    await grace.get_by_label("Any other emoji").fill("🦊")
    chip = row_of(ada, "We wrapped!").get_by_role("button", name="🦊, 1 person")
    await expect(chip).to_have_attribute("aria-pressed", "false")
    await chip.hover()
    await expect(ada.get_by_role("tooltip")).to_have_text(
        "Grace Okafor reacted with 🦊"
    )
    await chip.click()
    both = row_of(grace, "We wrapped!").get_by_role(
        "button", name="🦊, 2 people, you too"
    )
    await expect(both).to_have_attribute("aria-pressed", "true")
    await both.click()
    await expect(
        row_of(ada, "We wrapped!").get_by_role("button", name="🦊, you")
    ).to_be_visible()


async def test_an_edit_is_marked_and_its_past_is_shown(open_as: OpenAs) -> None:
    ada, grace = await _both(open_as)
    await say(ada, "Call is at six")
    await expect(row_of(grace, "Call is at six")).to_be_visible()
    await field_of(ada).fill("")
    await field_of(ada).press("ArrowUp")
    await expect(ada.get_by_text("Editing a message")).to_be_visible()
    await expect(field_of(ada)).to_have_value("Call is at six")
    await say(ada, "Call is at seven")
    await row_of(grace, "Call is at seven").get_by_role("button", name="Edited").click()
    versions = grace.get_by_role("dialog", name="Earlier versions")
    await expect(versions).to_contain_text("Call is at six")
    await expect(versions).to_contain_text("Call is at seven")
    await grace.keyboard.press("Escape")
    await expect(versions).to_have_count(0)


async def test_deleting_asks_first_and_leaves_a_tombstone(open_as: OpenAs) -> None:
    ada, grace = await _both(open_as)
    await say(ada, "My number is 555")
    await expect(row_of(grace, "555")).to_be_visible()
    await _choose(ada, "555", "Delete")
    await ada.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await _choose(ada, "555", "Delete")
    await ada.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in (ada, grace):
        await expect(page.get_by_text("555")).to_have_count(0)
        await expect(row_of(page, "This message was deleted.")).to_be_visible()


async def test_a_message_of_somebody_else_can_be_reported(
    open_as: OpenAs, site: Site
) -> None:
    ada, grace = await _both(open_as)
    await say(grace, "Buy my course")
    await _choose(ada, "Buy my course", "Report")
    dialog = ada.get_by_role("dialog")
    await dialog.get_by_label("Spam").check()
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog).to_have_count(0)
    async with site.api("ada") as api:
        [report] = (await api.call("GET", "/v1/reports"))["items"]
    assert (report["content_type"], report["reason"]) == ("message", "spam")


async def test_what_people_write_is_text_and_links_are_safe(open_as: OpenAs) -> None:
    ada, grace = await _both(open_as)
    await say(
        ada,
        "<b>bold</b> javascript:alert(1) see https://example.com/a_(b)."
        " and http://example.org, @grace?",
    )
    row = row_of(grace, "<b>bold</b>")
    await expect(row).to_contain_text("<b>bold</b> javascript:alert(1)")
    links = row.get_by_role("link", include_hidden=True)
    await expect(links).to_have_text(
        ["https://example.com/a_(b)", "http://example.org"]
    )
    await expect(links.first).to_have_attribute("rel", re.compile("noopener"))
    await expect(row.locator(".thread-mention-me")).to_have_text("@grace")


async def test_the_keyboard_is_enough(open_as: OpenAs) -> None:
    ada, grace = await _both(open_as)
    await say(grace, "First")
    await say(grace, "Second")
    await expect(row_of(ada, "Second")).to_be_visible()
    await field_of(ada).focus()
    await ada.keyboard.press("Shift+Tab")
    await ada.keyboard.press("Shift+Tab")
    await expect(row_of(ada, "Second")).to_be_focused()
    await ada.keyboard.press("ArrowUp")
    await expect(row_of(ada, "First")).to_be_focused()
    await ada.keyboard.press("Enter")
    await expect(ada.get_by_role("menuitem", name="Reply")).to_be_focused()
    await ada.keyboard.press("Enter")
    await expect(field_of(ada)).to_be_focused()
    await ada.keyboard.type("To the first")
    await ada.keyboard.press("Enter")
    await expect(row_of(grace, "To the first")).to_contain_text("First")
    await row_of(ada, "First").first.focus()
    await ada.keyboard.press("Escape")
    await expect(field_of(ada)).to_be_focused()


async def test_new_messages_begin_below_a_line_and_are_read_when_seen(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await give_past(site, "ada", "grace", 60)
    news = [f"News {number}" + " and so on" * 40 for number in range(40)]
    await write_as(site, "ada", conversation, *news)
    grace = await open_as("grace")
    await enter(grace, "Ada Moreau")
    line = grace.locator(".thread-new")
    await expect(line).to_be_in_viewport()
    below = grace.locator(".thread-new + .thread-row")
    await expect(below).to_contain_text("News 0")
    # What was not in view is not read.
    newest = grace.get_by_role("button", name="To the newest message")
    await expect(newest).to_have_text(re.compile(r"^3\d new messages$"))
    async with site.api("grace") as api:
        unread = (await api.conversation(conversation))["unread"]
    assert 30 <= unread < 40, unread
    await newest.click()
    await expect(row_of(grace, "News 39")).to_be_in_viewport()
    await expect(newest).to_have_count(0)
    await expect(grace.get_by_label("Unread")).to_have_count(0)


async def test_scrolling_up_keeps_the_place_to_the_pixel(
    open_as: OpenAs, site: Site
) -> None:
    await give_past(site, "ada", "grace", 1000)
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    steps = await ada.evaluate(_WATCHED_SCROLL)
    assert steps["pages"] >= 4, steps
    assert steps["largest"] <= 1, steps
    assert steps["rows"] <= 210, steps


# Scrolls up in small steps; whatever comes in meanwhile, what is in view stays there.
_WATCHED_SCROLL = """
async () => {
  const root = document.querySelector("callboard-chat").shadowRoot;
  const scroller = root.querySelector(".thread-scroller");
  const list = root.querySelector(".thread-list");
  const frame = () =>
    new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  let largest = 0, pages = 0, rows = 0;
  let first = list.querySelector("[data-seq]").dataset.seq;
  const end = performance.now() + 12000;
  while (pages < 5 && performance.now() < end) {
    scroller.scrollTop -= 90;
    const edge = scroller.getBoundingClientRect().top;
    const seen = [...list.querySelectorAll("[data-seq]")].find(
      (row) => row.getBoundingClientRect().bottom > edge + 60);
    const before = seen.getBoundingClientRect().top;
    await frame();
    await frame();
    largest = Math.max(largest, Math.abs(seen.getBoundingClientRect().top - before));
    rows = Math.max(rows, list.querySelectorAll("[data-seq]").length);
    const now = list.querySelector("[data-seq]").dataset.seq;
    if (now !== first) pages++;
    first = now;
  }
  return { largest, pages, rows };
}
"""


async def test_reactions_and_messages_move_nobody_who_reads_above(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await give_past(site, "ada", "grace", 400)
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    await scroll_by(ada, -2500)
    button = ada.get_by_role("button", name="To the newest message")
    await expect(button).to_be_visible()
    row = ada.locator(".thread-row", has_text="Line 385").last
    await row.scroll_into_view_if_needed()
    await ada.mouse.move(0, 0)
    before = await top_of(row)
    async with site.api("grace") as api:
        page = await api.call(
            "GET",
            f"/v1/conversations/{conversation}/messages",
            query={"after": 378, "limit": 8},
        )
        for message in page["items"]:
            await api.call("PUT", f"/v1/messages/{message['id']}/reactions/🎉")
    await write_as(site, "grace", conversation, "Down here")
    await expect(button).to_have_text("1 new message")
    await expect(ada.get_by_role("button", name="🎉, 1 person").first).to_be_attached()
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


async def test_what_could_not_go_out_waits_and_goes_once(
    open_as: OpenAs, site: Site
) -> None:
    ada, grace = await _both(open_as)
    site.line.lost_replies = 1
    site.has_failed = True
    await say(ada, "Only once, please")
    await expect(
        row_of(ada, "Only once")
        .get_by_text("Delivered", exact=True)
        .or_(row_of(ada, "Only once").get_by_text("Read", exact=True))
    ).to_be_attached()
    await expect(grace.locator(".thread-row", has_text="Only once")).to_have_count(1)

    site.go_away()
    await say(ada, "Written in a tunnel")
    waiting = row_of(ada, "tunnel").get_by_text("Waiting to be sent")
    await expect(waiting).to_be_attached()
    site.come_back()
    await expect(row_of(grace, "tunnel")).to_be_visible()
    await expect(waiting).to_have_count(0)
    for page in (ada, grace):
        await expect(page.locator(".thread-row", has_text="tunnel")).to_have_count(1)


async def test_a_refused_message_says_why_and_can_be_discarded(
    open_as: OpenAs, site: Site
) -> None:
    ada, grace = await _both(open_as)
    site.go_away()
    await say(ada, "Are you there?")
    await expect(
        row_of(ada, "there?").get_by_text("Waiting to be sent")
    ).to_be_attached()
    # Grace's browser is cut off, too; she does it elsewhere.
    blocker = Actor(site.person("grace").id)
    async with site.node.transaction(blocker.user_id) as work:
        await connections.block_user(work, blocker, site.person("ada").id)
    site.come_back()
    failed = row_of(ada, "there?").get_by_role("alert")
    await expect(failed).to_contain_text("Not sent: You cannot reach this person.")
    await failed.get_by_role("button", name="Discard").click()
    await expect(ada.locator(".thread-row", has_text="there?")).to_have_count(0)
    await expect(grace.get_by_text("Are you there?")).to_have_count(0)


async def test_where_one_may_not_write_it_is_said_why(
    open_as: OpenAs, site: Site
) -> None:
    ada, grace = await _both(open_as)
    await field_of(ada).fill("Half a thou")
    conversation = await conversation_of(site, "ada", "grace")
    assert conversation
    async with site.api("ada") as api:
        await api.block(str(site.person("grace").id))
    await expect(field_of(ada)).to_have_count(0)
    await ada.get_by_role("button", name="Unblock").click()
    await expect(field_of(ada)).to_have_value("Half a thou")
    await expect(field_of(grace)).to_be_visible()
