"""What is around the threads: who one is, the list, the keys, the bar, the phone."""

import re
from uuid import uuid4

from playwright.async_api import Locator, Page, Route, expect

from tests.factories import make_group
from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.windows import Windows

_FIRST_PAGE = 50


def row(page: Page, name: str) -> Locator:
    """Find a conversation in the list."""
    return page.get_by_role("list", name="Chats").get_by_role(
        "button", name=re.compile(re.escape(name))
    )


async def show(page: Page, name: str) -> None:
    """Choose a filter."""
    await page.get_by_role("button", name=name, exact=True).click()


def titled(name: str) -> re.Pattern[str]:
    """The title of somebody's window, whatever waits for them."""
    return re.compile(rf"^(\(\d+\) )?{name} – Callboard$")


async def direct_of(site: Site, handle: str, other: str) -> str:
    """Give the conversation of two people."""
    async with site.api(handle) as api:
        opened = await api.open_conversation([str(site.person(other).id)])
    return opened["id"]


async def say(site: Site, handle: str, other: str, body: str) -> str:
    """Have somebody write to somebody; gives the id of the message."""
    conversation = await direct_of(site, handle, other)
    async with site.api(handle) as api:
        message = await api.send(conversation, client_id=str(uuid4()), body=body)
    return message["id"]


# --- who one is ---------------------------------------------------------------------


async def test_two_windows_are_two_people(open_as: OpenAs, site: Site) -> None:
    ada = await open_as("ada")
    await expect(ada).to_have_title(titled("Ada Moreau"))
    async with ada.context.expect_page() as opened:
        await ada.get_by_role("link", name="Open a second window as Grace").click()
    grace = await opened.value
    await expect(grace).to_have_title(titled("Grace Okafor"))
    await expect(row(grace, "Ada Moreau")).to_be_visible()
    await ada.reload()
    await expect(ada).to_have_title(titled("Ada Moreau"))


async def test_a_switch_shows_nothing_of_whom_one_was(open_as: OpenAs) -> None:
    page = await open_as("ada")
    await row(page, "Grace Okafor").click()
    await expect(page.get_by_role("heading", name="Grace Okafor")).to_be_visible()
    await page.get_by_label("You are").select_option(label="Ivan Petrov · Talent agent")
    await expect(page).to_have_title("Ivan Petrov – Callboard")
    await expect(page).to_have_url(re.compile(r"\?as=ivan$"))
    await expect(page.get_by_text("No conversations yet")).to_be_visible()
    await expect(page.get_by_text("Grace Okafor", exact=True)).to_have_count(0)
    await page.reload()
    await expect(page).to_have_title("Ivan Petrov – Callboard")


async def test_a_browser_elsewhere_is_told_where_to_look(
    open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("404")
    page = await open_as("ada")
    await page.route(
        "**/dev/people", lambda route: route.fulfill(status=404, body="{}")
    )
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("the server's own machine")


async def test_a_server_that_is_away_is_asked_again(
    open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("ERR_FAILED")
    page = await open_as("ada")

    async def refuse(route: Route) -> None:
        await route.abort()

    await page.route("**/dev/people", refuse)
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("does not answer")
    await page.unroute("**/dev/people")
    await page.get_by_role("button", name="Try now").click()
    await expect(row(page, "Grace Okafor")).to_be_visible()


# --- the list -----------------------------------------------------------------------


async def test_what_comes_in_moves_up_and_counts(open_as: OpenAs, site: Site) -> None:
    page = await open_as("grace")
    await expect(row(page, "Harbour crew")).to_be_visible()
    await say(site, "ada", "grace", "The ferry leaves at **six**.")
    first = page.get_by_role("list", name="Chats").get_by_role("button").first
    await expect(first).to_contain_text("The ferry leaves at")
    await expect(first).to_contain_text("unread message")
    await first.click()
    await expect(first).not_to_contain_text("unread message")


async def test_the_title_counts_and_stops_counting(open_as: OpenAs, site: Site) -> None:
    page = await open_as("ada")
    # Two wait in the thread of the gig.
    await expect(page).to_have_title("(2) Ada Moreau – Callboard")
    await row(page, "Night shoot at the harbour").click()
    await expect(page).to_have_title("Ada Moreau – Callboard")


async def test_the_latest_line_tells_what_there_is(open_as: OpenAs, site: Site) -> None:
    page = await open_as("grace")
    line = row(page, "Ada Moreau")
    await expect(line).to_be_visible()
    conversation = await direct_of(site, "ada", "grace")
    socket = await site.socket("ada")
    await socket.request("typing", conversation_id=conversation, active=True)
    await expect(line).to_contain_text("typing …")
    await socket.request("typing", conversation_id=conversation, active=False)
    message = await say(site, "ada", "grace", "Never mind")
    await expect(line).to_contain_text("Never mind")
    await socket.request("message.delete", message_id=message)
    await expect(line).to_contain_text("Message deleted")
    await socket.close()
    await line.click()
    await page.get_by_role("textbox").fill("half a thought")
    await row(page, "Harbour crew").click()
    await expect(line).to_contain_text(re.compile("Draft: ?half a thought"))


async def test_filters_show_what_they_say(open_as: OpenAs, site: Site) -> None:
    page = await open_as("ada")
    rows = page.get_by_role("list", name="Chats").get_by_role("button")
    await expect(rows).to_have_count(3)
    await show(page, "Gigs")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("Night shoot at the harbour")
    await show(page, "Unread")
    await expect(rows).to_have_count(1)
    # What is open stays where it is, though it is read now.
    await rows.first.click()
    await expect(rows.first).not_to_contain_text("unread message")
    await expect(rows).to_have_count(1)
    conversation = await direct_of(site, "ada", "grace")
    async with site.api("ada") as api:
        await api.call(
            "PATCH", f"/v1/conversations/{conversation}", body={"status": "archived"}
        )
    await show(page, "Archived")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("Grace Okafor")
    await show(page, "All")
    await expect(rows).to_have_count(2)


async def test_the_list_goes_on_where_a_page_ends(open_as: OpenAs, site: Site) -> None:
    ada = site.person("ada")
    for _ in range(_FIRST_PAGE + 10):
        await make_group(site.node, ada)
    page = await open_as("ada")
    rows = page.get_by_role("list", name="Chats").get_by_role("button")
    await expect(rows.first).to_be_visible()
    await rows.last.scroll_into_view_if_needed()
    await expect(rows).to_have_count(_FIRST_PAGE + 13)


async def test_a_list_that_fails_can_be_asked_for_again(
    open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("503")
    page = await open_as("ada")
    await page.route(
        re.compile(r"/v1/conversations(\?|$)"),
        lambda route: route.fulfill(status=503, body="{}"),
    )
    await page.reload()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("cannot do that right now")
    await page.unroute_all()
    await alert.get_by_role("button", name="Try again").click()
    await expect(row(page, "Grace Okafor")).to_be_visible()
    await expect(alert).to_have_count(0)


# --- keys ---------------------------------------------------------------------------


async def test_the_list_is_walked_by_keys(open_as: OpenAs) -> None:
    page = await open_as("ada")
    rows = page.get_by_role("list", name="Chats").get_by_role("button")
    await expect(rows).to_have_count(3)
    await rows.first.focus()
    for key, place in (
        ("ArrowDown", 1),
        ("End", 2),
        ("ArrowDown", 2),
        ("ArrowUp", 1),
        ("Home", 0),
        ("End", 2),
    ):
        await page.keyboard.press(key)
        await expect(rows.nth(place)).to_be_focused()
    # Tab comes to one row, and leaves the list from there.
    await expect(page.locator(".list-row[tabindex='0']")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(rows.nth(2)).to_have_attribute("aria-current", "true")
    thread = page.get_by_role("region", name="Messages")
    focused = page.locator(":focus")
    await expect(thread.locator(focused).or_(thread.and_(focused))).to_have_count(1)


async def test_a_menu_is_walked_by_keys_and_gives_the_focus_back(
    open_as: OpenAs,
) -> None:
    page = await open_as("ada")
    button = page.get_by_role("button", name="Ada Moreau")
    await button.focus()
    await page.keyboard.press("ArrowDown")
    items = page.get_by_role("menu").get_by_role("menuitemradio")
    await expect(items.first).to_be_focused()
    await page.keyboard.press("End")
    await expect(items.last).to_be_focused()
    await page.keyboard.press("d")
    await expect(page.get_by_role("menuitemradio", name="Dark")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(0)
    await expect(button).to_be_focused()


# --- appearance and status ----------------------------------------------------------


async def test_theme_and_language_are_chosen_and_kept(open_as: OpenAs) -> None:
    page = await open_as("ada")
    await page.get_by_role("button", name="Ada Moreau").click()
    await page.get_by_role("menuitemradio", name="Dark").click()
    await expect(page.locator(".shell-list")).to_have_css(
        "background-color", "rgb(33, 30, 26)"
    )
    await page.get_by_role("button", name="Ada Moreau").click()
    await page.get_by_role("menuitemradio", name="Deutsch").click()
    await expect(page.get_by_text("Wählen Sie eine Unterhaltung")).to_be_visible()
    await expect(page.get_by_label("Sie sind")).to_be_visible()
    await page.reload()
    await expect(
        page.get_by_role("button", name="Ungelesen", exact=True)
    ).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "de"


async def test_who_is_invisible_looks_offline(open_as: OpenAs) -> None:
    grace, ada = await open_as("grace"), await open_as("ada")
    await expect(row(grace, "Ada Moreau")).to_contain_text("online")
    await ada.get_by_role("button", name="Ada Moreau").click()
    await ada.get_by_role("menuitemradio", name="Invisible").click()
    await expect(row(grace, "Ada Moreau")).to_contain_text("offline")


# --- the bar ------------------------------------------------------------------------


async def test_a_lost_connection_is_said_and_comes_back(
    open_as: OpenAs, site: Site
) -> None:
    page = await open_as("ada")
    await expect(row(page, "Grace Okafor")).to_be_visible()
    site.go_away()
    bar = page.get_by_role("status").filter(has_text="No connection to the server")
    await expect(bar).to_be_visible()
    # What was there stays to be read.
    await expect(row(page, "Grace Okafor")).to_be_visible()
    site.come_back()
    await page.get_by_role("button", name="Try now").click()
    await expect(bar).to_have_count(0)
    await say(site, "grace", "ada", "Are you back?")
    await expect(row(page, "Grace Okafor")).to_contain_text("Are you back?")


# --- phones -------------------------------------------------------------------------


async def test_a_phone_shows_one_thing_at_a_time(open_as: OpenAs) -> None:
    page = await open_as("ada", width=360)
    chats = page.get_by_role("navigation", name="Chats")
    thread = page.get_by_role("region", name="Messages")
    await expect(chats).to_be_visible()
    await expect(thread).to_be_hidden()
    await row(page, "Grace Okafor").click()
    await expect(thread).to_be_visible()
    await expect(chats).to_be_hidden()
    await page.go_back()
    await expect(chats).to_be_visible()
    await expect(row(page, "Grace Okafor")).to_be_focused()
    await row(page, "Grace Okafor").click()
    await page.get_by_role("button", name="Back to the list").click()
    await expect(chats).to_be_visible()
    await page.get_by_role("button", name="New conversation").click()
    await expect(
        page.get_by_role("complementary", name="New conversation")
    ).to_be_visible()
    await page.go_back()
    await expect(chats).to_be_visible()


async def test_nothing_is_cut_off_at_320_pixels(open_as: OpenAs) -> None:
    page = await open_as("ada", width=320, height=640, locale="de-DE")
    await expect(row(page, "Grace Okafor")).to_be_visible()
    wide = "document.documentElement.scrollWidth"
    assert await page.evaluate(wide) == 320
    await row(page, "Grace Okafor").click()
    await expect(page.get_by_role("textbox")).to_be_visible()
    assert await page.evaluate(wide) == 320
