"""What two people see of one thread, at once."""

import re

from playwright.async_api import expect

from realtime.actions import connections
from realtime.actor import Actor
from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import (
    both_enter,
    choose,
    conversation_of,
    enter,
    field_of,
    give_past,
    row_of,
    say,
)


async def test_a_message_goes_from_sent_to_read(open_as: OpenAs, site: Site) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    # Whoever is not connected yet would have it wait.
    await say(ada, "Hello again!")
    await expect(row_of(ada, "Hello").get_by_text("Sent", exact=True)).to_be_attached()
    site.line.freeze()
    await say(ada, "Is Thursday still good?")
    await expect(
        row_of(ada, "Thursday").get_by_text("Sending …", exact=True)
    ).to_be_attached()
    site.line.calm()
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
    await expect(status.get_by_text("Is Thursday")).to_have_count(0)

    await say(ada, "Friday would do as well.")
    await expect(status.get_by_text("Ada Moreau: Friday would do")).to_be_attached()


async def test_who_types_is_seen_until_the_message_comes(open_as: OpenAs) -> None:
    ada, grace = await both_enter(open_as)
    await field_of(ada).press_sequentially("Well")
    await expect(grace.get_by_text("Ada Moreau is typing …")).to_be_visible()
    await field_of(ada).press("Enter")
    await expect(row_of(grace, "Well")).to_be_visible()
    await expect(grace.get_by_text("is typing")).to_have_count(0)


async def test_who_is_there_is_said_above_the_thread(open_as: OpenAs) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    about = ada.get_by_role("region", name="Messages").get_by_role(
        "button", name=re.compile("^(online|offline|away)? ?Grace Okafor")
    )
    grace = await open_as("grace")
    await expect(about).to_contain_text("online")
    await grace.get_by_role("button", name="Grace Okafor, Online").click()
    await grace.get_by_role("menuitemradio", name="Away").click()
    await expect(about).to_contain_text("away")
    await grace.close()
    # Whoever only reloads has not gone: it takes ten seconds.
    await expect(about).to_contain_text("last seen just now", timeout=40_000)


async def test_an_answer_quotes_and_leads_back(open_as: OpenAs, site: Site) -> None:
    await give_past(site, "ada", "grace", 300)
    ada, grace = await both_enter(open_as)
    await say(grace, "Which lens do you want?")
    await choose(ada, "Which lens", "Reply")
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
    question = grace.locator(".thread-row", has_text="Which lens do you want?").first
    await expect(question).to_have_class(re.compile("thread-row-lit"))
    await expect(question).to_be_in_viewport()
    await expect(question).to_be_focused()
    await expect(grace.locator(".thread-row-lit")).to_have_count(0)


async def test_reactions_come_and_go_and_say_whose_they_are(open_as: OpenAs) -> None:
    ada, grace = await both_enter(open_as)
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
    ada, grace = await both_enter(open_as)
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
    ada, grace = await both_enter(open_as)
    await say(ada, "My number is 555")
    await expect(row_of(grace, "555")).to_be_visible()
    await choose(ada, "555", "Delete")
    await ada.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await choose(ada, "555", "Delete")
    await ada.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in (ada, grace):
        await expect(page.get_by_text("555")).to_have_count(0)
        await expect(row_of(page, "This message was deleted.")).to_be_visible()


async def test_a_message_of_somebody_else_can_be_reported(
    open_as: OpenAs, site: Site
) -> None:
    ada, grace = await both_enter(open_as)
    await say(grace, "Buy my course")
    await choose(ada, "Buy my course", "Report")
    dialog = ada.get_by_role("dialog")
    await dialog.get_by_label("Spam").check()
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog).to_have_count(0)
    async with site.api("ada") as api:
        [report] = (await api.call("GET", "/v1/reports"))["items"]
    assert (report["content_type"], report["reason"]) == ("message", "spam")


async def test_what_people_write_is_text_and_links_are_safe(open_as: OpenAs) -> None:
    ada, grace = await both_enter(open_as)
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


async def test_what_could_not_go_out_waits_and_goes_once(
    open_as: OpenAs, site: Site
) -> None:
    ada, grace = await both_enter(open_as)
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
    ada, grace = await both_enter(open_as)
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
    ada, grace = await both_enter(open_as)
    await field_of(ada).fill("Half a thou")
    conversation = await conversation_of(site, "ada", "grace")
    assert conversation
    async with site.api("ada") as api:
        await api.block(str(site.person("grace").id))
    await expect(field_of(ada)).to_have_count(0)
    await ada.get_by_role("button", name="Unblock").click()
    await expect(field_of(ada)).to_have_value("Half a thou")
    await expect(field_of(grace)).to_be_visible()
