"""The inbox, search, new conversations and details: what opens beside a thread."""

import re

from playwright.async_api import Locator, Page, expect

from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import conversation_of, give_past, row_of, say, write_as


def inbox(page: Page) -> Locator:
    """Find the notifications."""
    return page.get_by_role("complementary", name="Notifications")


def bell(page: Page) -> Locator:
    """Find what opens the notifications."""
    return page.get_by_role("button", name=re.compile("^Notifications"))


def note(page: Page, title: str) -> Locator:
    """Find one notification."""
    return inbox(page).get_by_role("listitem").filter(has_text=title)


async def connect_ivan(site: Site, whom: str) -> None:
    """Have Ivan ask somebody for a connection."""
    async with site.api("ivan") as ivan:
        other = str(site.person(whom).id)
        await ivan.request_connection(other, message="I represent forty actors.")


# --- the inbox ----------------------------------------------------------------------


async def test_the_bell_counts_and_a_notification_leads_to_the_request(
    site: Site, open_as: OpenAs
) -> None:
    grace = await open_as("grace")
    await expect(bell(grace)).to_be_visible()
    await bell(grace).click()
    await connect_ivan(site, "grace")
    told = note(grace, "Ivan Petrov would like to connect")
    await expect(told).to_contain_text("Unread")
    await expect(inbox(grace).get_by_role("heading", name="Today")).to_be_visible()
    await expect(bell(grace)).to_have_accessible_name(re.compile("unread"))
    await told.get_by_role("button").first.click()
    people = grace.get_by_role("complementary", name="People")
    await expect(people.get_by_text("I represent forty actors.")).to_be_visible()
    async with site.api("grace") as api:
        page = await api.call("GET", "/v1/notifications")
    ivan_id = str(site.person("ivan").id)
    [kept] = [each for each in page["items"] if each["related_user_id"] == ivan_id]
    assert kept["is_read"]
    assert kept["seen_at"] is not None


async def test_what_is_archived_in_one_window_goes_from_the_other(
    site: Site, open_as: OpenAs
) -> None:
    await connect_ivan(site, "grace")
    one = await open_as("grace", path="/#panel=notifications")
    other = await open_as("grace", path="/#panel=notifications")
    title = "Ivan Petrov would like to connect"
    await expect(note(other, title)).to_be_visible()
    await note(one, title).get_by_role("button", name="More about").click()
    await one.get_by_role("menuitem", name="Archive").click()
    await expect(note(one, title)).not_to_be_attached()
    await expect(note(other, title)).not_to_be_attached()


async def test_all_is_read_and_archived_at_once(site: Site, open_as: OpenAs) -> None:
    await connect_ivan(site, "grace")
    grace = await open_as("grace", path="/#panel=notifications")
    await expect(note(grace, "Ivan Petrov would like")).to_be_visible()
    more = inbox(grace).get_by_role("button", name="More", exact=True)
    await more.click()
    await grace.get_by_role("menuitem", name="Mark all as read").click()
    await expect(bell(grace)).to_have_accessible_name("Notifications")
    await more.click()
    await grace.get_by_role("menuitem", name="Archive all").click()
    await expect(inbox(grace).get_by_text("You’re all caught up")).to_be_visible()


async def test_escape_closes_the_panel_and_gives_the_focus_back(
    open_as: OpenAs,
) -> None:
    ada = await open_as("ada")
    await bell(ada).focus()
    await ada.keyboard.press("Enter")
    await expect(inbox(ada)).to_be_visible()
    await ada.keyboard.press("Escape")
    await expect(inbox(ada)).not_to_be_attached()
    await expect(bell(ada)).to_be_focused()


# --- search -------------------------------------------------------------------------


async def test_search_finds_highlights_and_leads_into_the_thread(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada", path="/#panel=search")
    field = ada.get_by_role("searchbox", name="Search messages")
    await expect(field).to_be_focused()
    await field.fill("Lisbon")
    await expect(ada.get_by_text("1 message found")).to_be_visible()
    hit = ada.get_by_role("complementary", name="Search").get_by_role("listitem")
    await expect(hit.locator("mark")).to_have_text("Lisbon")
    await expect(hit).to_contain_text("Grace Okafor")
    await ada.keyboard.press("ArrowDown")
    await expect(hit.get_by_role("button")).to_be_focused()
    await ada.keyboard.press("Enter")
    thread = ada.get_by_role("list", name="Messages")
    await expect(thread.get_by_text("a two-day shoot in Lisbon")).to_be_visible()


async def test_what_is_found_far_back_is_shown_where_it_was_said(
    site: Site, open_as: OpenAs
) -> None:
    here = await conversation_of(site, "ada", "grace")
    await write_as(site, "grace", here, "The tide tables are in the blue folder.")
    await give_past(site, "ada", "grace", 300)
    ada = await open_as("ada", path=f"/#conversation={here}&panel=search")
    await expect(row_of(ada, "Line 300")).to_be_in_viewport()
    await ada.get_by_role("searchbox", name="Search messages").fill("tide tables")
    hit = ada.get_by_role("complementary", name="Search").get_by_role("listitem")
    await expect(hit.locator("mark")).to_have_text(["tide", "tables"])
    await hit.get_by_role("button").click()
    await expect(row_of(ada, "The tide tables")).to_be_in_viewport()
    # Beside the thread the search stays, for the next one.
    await expect(hit).to_be_visible()


async def test_search_is_here_or_everywhere(site: Site, open_as: OpenAs) -> None:
    here = await conversation_of(site, "ada", "grace")
    ada = await open_as("ada", path=f"/#conversation={here}&panel=search")
    await ada.get_by_role("searchbox", name="Search messages").fill("friday")
    await expect(ada.get_by_text("Nothing found for “friday”")).to_be_visible()
    await ada.get_by_role("button", name="Search everywhere").click()
    await expect(ada.get_by_text("1 message found")).to_be_visible()
    await ada.get_by_label("In this conversation").check()
    await expect(ada.get_by_text("Nothing found for “friday”")).to_be_visible()


async def test_only_what_is_typed_last_is_shown(open_as: OpenAs) -> None:
    ada = await open_as("ada", path="/#panel=search")
    field = ada.get_by_role("searchbox", name="Search messages")
    await field.press_sequentially("friday")
    await field.fill("callboard")
    panel = ada.get_by_role("complementary", name="Search")
    await expect(panel.locator("mark")).to_have_text("callboard")
    await expect(panel.get_by_role("listitem")).to_have_count(1)
    await field.press("Escape")
    await expect(field).to_have_value("")
    await expect(panel.get_by_text("Find what was said")).to_be_visible()


# --- something new ------------------------------------------------------------------


async def test_a_person_is_found_by_name_and_shown(open_as: OpenAs) -> None:
    ada = await open_as("ada", path="/#panel=new")
    await ada.get_by_role("searchbox", name="Find people").fill("tomas")
    await ada.get_by_role("button", name="Tomás Vidal").click()
    region = ada.get_by_role("region", name="Why you cannot write here")
    await expect(region).to_contain_text("Tomás Vidal has not answered your request")


async def test_a_group_is_made_renamed_filled_and_left(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada", path="/#panel=new")
    grace = await open_as("grace")
    await ada.get_by_role("tab", name="A group").click()
    await ada.get_by_label("Name of the group").fill("Lisbon")
    await ada.get_by_role("checkbox", name="Grace Okafor").check()
    await ada.get_by_role("button", name="Create group").click()
    head = ada.locator(".panels-head").get_by_role("heading")
    await expect(head).to_have_text("Lisbon")
    await grace.get_by_role("button", name="Lisbon").first.click()

    await ada.get_by_role("button", name="Lisbon").last.click()
    details = ada.get_by_role("complementary", name="Details")
    await details.get_by_label("Name").fill("Lisbon crew")
    await details.get_by_role("button", name="Save").click()
    await expect(head).to_have_text("Lisbon crew")
    theirs = grace.locator(".panels-head").get_by_role("heading")
    await expect(theirs).to_have_text("Lisbon crew")

    await details.get_by_label("Who may write").select_option("owners")
    region = grace.get_by_role("region", name="Why you cannot write here")
    await expect(region).to_have_text("Only the owners write here.")

    await grace.locator(".panels-head-who").click()
    leave = grace.get_by_role("complementary", name="Details")
    await leave.get_by_role("button", name="Leave conversation").click()
    await grace.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(leave).not_to_be_attached()
    await expect(details.get_by_role("heading", name="1 person")).to_be_visible()

    # And in again.
    await details.get_by_role("button", name="Add people").click()
    dialog = ada.get_by_role("dialog", name="Add people")
    await dialog.get_by_role("checkbox", name="Grace Okafor").check()
    await dialog.get_by_role("button", name="Add people").click()
    await expect(details.get_by_role("heading", name="2 people")).to_be_visible()
    await details.get_by_role("button", name="More for Grace Okafor").click()
    await ada.get_by_role("menuitem", name="Take out").click()
    await ada.get_by_role("dialog").get_by_role("button", name="Take out").click()
    await expect(details.get_by_role("heading", name="1 person")).to_be_visible()


async def test_three_people_make_a_group_and_one_is_taken_out(
    site: Site, open_as: OpenAs
) -> None:
    async with site.api("ada") as api:
        asked = await api.connections(status="pending")
        mei_id = str(site.person("mei").id)
        link = next(each for each in asked if each["requester_id"] == mei_id)
        await api.accept_connection(link["id"])
    ada = await open_as("ada", path="/#panel=new")
    grace, mei = await open_as("grace"), await open_as("mei")
    await ada.get_by_role("tab", name="A group").click()
    await ada.get_by_label("Name of the group").fill("Dailies")
    await ada.get_by_role("checkbox", name="Grace Okafor").check()
    await ada.get_by_role("checkbox", name="Mei Tanaka").check()
    await ada.get_by_role("button", name="Create group").click()
    for page in (grace, mei):
        await page.locator(".list-rows").get_by_text("Dailies", exact=True).click()
        await expect(page.locator(".panels-head")).to_contain_text("3 people")
    await say(mei, "Sound is synced.")
    await expect(row_of(ada, "Sound is synced.")).to_contain_text("Mei Tanaka")
    await expect(row_of(grace, "Sound is synced.")).to_be_visible()

    await ada.locator(".panels-head-who").click()
    details = ada.get_by_role("complementary", name="Details")
    await details.get_by_role("button", name="More for Mei Tanaka").click()
    await ada.get_by_role("menuitem", name="Take out").click()
    await ada.get_by_role("dialog").get_by_role("button", name="Take out").click()
    await expect(mei.locator(".list-rows").get_by_text("Dailies")).to_have_count(0)
    await expect(grace.locator(".panels-head")).to_contain_text("with Ada Moreau")
    await say(ada, "Only for the two of us.")
    await expect(row_of(grace, "Only for the two of us.")).to_be_visible()
    await expect(mei.get_by_text("Only for the two of us.")).to_have_count(0)


async def test_a_conversation_is_muted_and_archived_for_oneself(
    site: Site, open_as: OpenAs
) -> None:
    here = await conversation_of(site, "ada", "grace")
    ada = await open_as("ada", path=f"/#conversation={here}&panel=details")
    details = ada.get_by_role("complementary", name="Details")
    await details.get_by_role("button", name="Mute notifications").click()
    await ada.get_by_role("menuitem", name="Until I turn it on again").click()
    await expect(details.get_by_role("button", name="Unmute")).to_be_visible()
    await expect(ada.locator(".panels-head-muted")).to_be_visible()
    await details.get_by_role("button", name="Unmute").click()
    await expect(ada.locator(".panels-head-muted")).not_to_be_attached()
    await details.get_by_role("button", name="Archive", exact=True).click()
    await expect(
        details.get_by_role("button", name="Take out of the archive")
    ).to_be_visible()
    # What comes in does not bring it back; one does that oneself.
    await write_as(site, "grace", here, "Still there?")
    await expect(row_of(ada, "Still there?")).to_be_visible()
    await details.get_by_role("button", name="Take out of the archive").click()
    await expect(
        details.get_by_role("button", name="Archive", exact=True)
    ).to_be_visible()


async def test_panels_fill_a_phone_and_back_closes_them(open_as: OpenAs) -> None:
    ada = await open_as("ada", width=360)
    await bell(ada).click()
    box = await inbox(ada).bounding_box()
    assert box is not None
    assert box["width"] == 360
    await ada.go_back()
    await expect(inbox(ada)).not_to_be_attached()
