"""Connections, and why one may not write: said in words, with what unlocks it."""

import re
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from realtime import demo
from realtime.actions import gigs, users
from realtime.lifecycle import Rule
from storage.records import UserId
from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import conversation_of, enter, field_of, row_of, say

_AT_ONCE = {"gig.cancelled": Rule(read_only_days=0, archive_days=0)}


def why(page: Page) -> Locator:
    """Find what is said where one would write."""
    return page.get_by_role("region", name="Why you cannot write here")


def people(page: Page) -> Locator:
    """Find requests, connections and blocks."""
    return page.get_by_role("complementary", name="People")


def head(page: Page) -> Locator:
    """Find the line above a thread."""
    return page.locator(".panels-head")


def at(site: Site, handle: str) -> str:
    """Give where one looks at somebody."""
    return f"/#user={site.person(handle).id}"


async def ask(page: Page, note: str) -> None:
    """Ask for a connection from where one would write."""
    await why(page).get_by_role("button", name="Send a request").click()
    dialog = page.get_by_role("dialog", name="Send a request")
    await dialog.get_by_label("A note").fill(note)
    await dialog.get_by_role("button", name="Send request").click()
    await expect(dialog).not_to_be_attached()


async def choose(page: Page, within: Locator, item: str) -> None:
    """Choose something of a menu."""
    await within.get_by_role("button", name=re.compile("^More")).click()
    await page.get_by_role("menuitem", name=item).click()


async def put_gig(
    site: Site, *, lifecycle: dict[str, Rule] | None = None, **changes: str
) -> None:
    """Have the platform change the gig of Ada."""
    gig: dict[str, object] = {
        "id": demo.GIG,
        "kind": "gig",
        "owner_id": demo.ADA.id,
        "title": "Night shoot at the harbour",
        "status": "published",
    }
    node = site.node
    settings = node.settings.model_copy(
        update={} if lifecycle is None else {"lifecycle": lifecycle}
    )
    async with node.transaction() as work:
        await gigs.put_gigs(work, [gig | changes], settings, node.clock())


# --- requests -----------------------------------------------------------------------


async def test_a_request_with_a_note_is_accepted_and_both_write(
    site: Site, open_as: OpenAs
) -> None:
    ivan = await open_as("ivan", path=at(site, "grace"))
    grace = await open_as("grace")
    await expect(why(ivan)).to_contain_text("You and Grace Okafor are not connected")
    await ask(ivan, "I have a part for your camera.")
    await expect(why(ivan)).to_contain_text("Grace Okafor has not answered")

    await grace.get_by_role("button", name="Connections, 1 request waits").click()
    asking = people(grace).get_by_role("listitem")
    await expect(asking).to_contain_text("Ivan Petrov")
    await expect(asking).to_contain_text("I have a part for your camera.")
    await asking.get_by_role("button", name="Accept").click()
    await expect(
        grace.get_by_text("You are connected with Ivan Petrov.")
    ).to_be_visible()
    await expect(people(grace).get_by_text("No requests are waiting")).to_be_visible()

    first = ivan.get_by_label("Write the first message to Grace Okafor")
    await first.fill("It shoots in May.")
    await ivan.reload()
    await expect(first).to_have_value("It shoots in May.")
    await first.press("Enter")
    await expect(row_of(ivan, "It shoots in May.")).to_be_visible()
    await enter(grace, "Ivan Petrov")
    await expect(row_of(grace, "It shoots in May.")).to_be_visible()
    await say(grace, "May is good.")
    await expect(row_of(ivan, "May is good.")).to_be_visible()


async def test_a_request_is_withdrawn_and_another_one_declined(
    site: Site, open_as: OpenAs
) -> None:
    tomas = await open_as("tomas", path="/#panel=requests")
    ada = await open_as("ada", path="/#panel=requests")
    asking = people(tomas).get_by_role("listitem")
    await expect(asking).to_contain_text("falls off horses")
    await people(ada).get_by_role("tab", name="Sent").click()
    sent = people(ada).get_by_role("listitem").filter(has_text="Tomás Vidal")
    await sent.get_by_role("button", name="Withdraw").click()
    await expect(asking).to_have_count(0)

    await people(ada).get_by_role("button", name="Find people").click()
    await ada.get_by_role("searchbox", name="Find people").fill("Tomas")
    await ada.get_by_role("button", name="Tomás Vidal").click()
    await ask(ada, "Once more, with a cushion.")
    await expect(asking).to_contain_text("with a cushion")
    await asking.get_by_role("button", name="Decline").click()
    await expect(asking).to_have_count(0)
    await expect(why(ada)).to_contain_text("You and Tomás Vidal are not connected")
    await expect(why(ada).get_by_role("button", name="Send a request")).to_be_visible()


async def test_a_removed_connection_is_asked_for_again_within_the_thread(
    open_as: OpenAs,
) -> None:
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    await field_of(grace).fill("A thought that stays")
    await ada.get_by_role("button", name=re.compile("^Connections")).click()
    await people(ada).get_by_role("tab", name="Connections").click()
    linked = people(ada).get_by_role("listitem").filter(has_text="Grace Okafor")
    await choose(ada, linked, "Remove connection")
    await ada.get_by_role("dialog").get_by_role("button", name="Remove").click()
    for page in (ada, grace):
        await expect(why(page)).to_contain_text("are no longer connected")

    await ask(grace, "Did you mean to?")
    await expect(why(ada)).to_contain_text("Grace Okafor would like to connect")
    await expect(why(ada)).to_contain_text("Did you mean to?")
    await why(ada).get_by_role("button", name="Accept").click()
    await expect(field_of(grace)).to_have_value("A thought that stays")
    await field_of(grace).press("Enter")
    await expect(row_of(ada, "A thought that stays")).to_be_visible()
    await say(ada, "By mistake!")
    await expect(row_of(grace, "By mistake!")).to_be_visible()


async def test_who_takes_no_requests_cannot_be_asked(
    site: Site, open_as: OpenAs
) -> None:
    grace = await open_as("grace", path="/#panel=preferences")
    await grace.get_by_role("tab", name="Privacy").click()
    await grace.get_by_label("Who may ask for a connection").select_option("nobody")
    await expect(
        grace.get_by_role("status").get_by_text("Saved", exact=True)
    ).to_be_visible()
    ivan = await open_as("ivan", path=at(site, "grace"))
    await expect(why(ivan)).to_contain_text("Grace Okafor is taking no requests")
    await expect(why(ivan).get_by_role("button")).to_have_count(0)


# --- blocks -------------------------------------------------------------------------


async def test_a_block_holds_for_both_and_is_lifted_by_who_did_it(
    open_as: OpenAs,
) -> None:
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    await choose(ada, head(ada), "Block …")
    await ada.get_by_role("dialog").get_by_role("button", name="Block").click()
    await expect(why(ada)).to_contain_text("You have blocked Grace Okafor.")
    # Who is blocked is not told by whom, and can do nothing about it.
    await expect(why(grace)).to_have_text(
        "You and Ada Moreau cannot write to each other."
    )
    await expect(why(grace).get_by_role("button")).to_have_count(0)

    await why(ada).get_by_role("button", name="Unblock").click()
    await say(ada, "Sorry, wrong button.")
    await expect(row_of(grace, "wrong button")).to_be_visible()
    await say(grace, "Ha!")
    await expect(row_of(ada, "Ha!")).to_be_visible()


async def test_who_asks_can_be_blocked_and_is_found_among_the_blocked(
    open_as: OpenAs,
) -> None:
    ada = await open_as("ada", path="/#panel=requests")
    asking = people(ada).get_by_role("listitem").filter(has_text="Mei Tanaka")
    await choose(ada, asking, "Block …")
    await ada.get_by_role("dialog").get_by_role("button", name="Block").click()
    await people(ada).get_by_role("tab", name="Blocked").click()
    mei = people(ada).get_by_role("listitem").filter(has_text="Mei Tanaka")
    await mei.get_by_role("button", name="Unblock").click()
    await expect(mei).to_have_count(0)
    # The one whom Ada has blocked from the start stays.
    await expect(people(ada).get_by_role("listitem")).to_have_count(1)


# --- gigs, groups, accounts ---------------------------------------------------------


async def test_a_gig_that_is_filled_closes_its_thread_until_it_opens_again(
    site: Site, open_as: OpenAs
) -> None:
    grace = await open_as("grace")
    line = grace.locator(".list-row", has_text="Night shoot at the harbour")
    await expect(line).to_contain_text("Open")
    await enter(grace, "Night shoot at the harbour")
    await field_of(grace).fill("My reel is ready")
    await expect(head(grace)).to_contain_text("Open")

    await put_gig(site, title="Night shoot at the pier", status="filled")
    await expect(why(grace)).to_contain_text("The gig has been filled")
    await expect(head(grace)).to_contain_text("Night shoot at the pier")
    await expect(head(grace)).to_contain_text("Filled")
    await expect(head(grace)).to_contain_text("Read-only since")
    renamed = grace.locator(".list-row", has_text="Night shoot at the pier")
    await expect(renamed).to_contain_text("Filled")

    await put_gig(site, title="Night shoot at the pier")
    await expect(head(grace)).to_contain_text("Open")
    await expect(field_of(grace)).to_have_value("My reel is ready")
    await field_of(grace).press("Enter")
    sent = row_of(grace, "My reel is ready").get_by_text("Sent", exact=True)
    await expect(sent).to_be_attached()


async def test_a_thread_that_the_platform_archives_can_still_be_read(
    site: Site, open_as: OpenAs
) -> None:
    grace = await open_as("grace")
    await enter(grace, "Night shoot at the harbour")
    await put_gig(site, lifecycle=_AT_ONCE, status="cancelled")
    await expect(why(grace)).to_contain_text("The gig was cancelled")
    await expect(why(grace)).to_contain_text("You can still read everything.")
    await expect(row_of(grace, "Shall I send my reel?")).to_be_visible()
    # It is archived for all: there is nothing that she could take back.
    await head(grace).get_by_role("button", name="More").click()
    mute = grace.get_by_role("menuitem", name="For an hour")
    await expect(mute).to_be_visible()
    archive = grace.get_by_role("menuitem", name=re.compile("archive", re.IGNORECASE))
    await expect(archive).to_have_count(0)


async def test_who_is_taken_out_of_a_group_is_told_and_comes_back(
    site: Site, open_as: OpenAs
) -> None:
    async with site.api("ada") as ada:
        group = await ada.open_conversation(
            [str(site.person("grace").id)], kind="group", title="Rushes"
        )
        grace = await open_as("grace")
        await enter_empty(grace, "Rushes")
        await field_of(grace).fill("Reel four is")
        place = (
            f"/v1/conversations/{group['id']}/participants/{site.person('grace').id}"
        )
        await ada.call("DELETE", place)
        await expect(why(grace)).to_contain_text(
            "You are no longer in this conversation"
        )
        await expect(grace.locator(".list-row", has_text="Rushes")).to_have_count(0)
        await ada.call("PUT", place)
    await expect(grace.locator(".list-row", has_text="Rushes")).to_be_visible()
    await expect(field_of(grace)).to_have_value("Reel four is")
    await field_of(grace).press("Enter")
    sent = row_of(grace, "Reel four is").get_by_text("Sent", exact=True)
    await expect(sent).to_be_attached()


async def enter_empty(page: Page, title: str) -> None:
    """Open a conversation in which nothing has been said."""
    await page.locator(".list-rows").get_by_text(title, exact=True).click()
    await expect(field_of(page)).to_be_visible()


async def test_a_suspended_account_is_explained_when_a_message_is_refused(
    site: Site, open_as: OpenAs
) -> None:
    node = site.node
    conversation = await conversation_of(site, "ada", "grace")
    ada = await open_as("ada", path=f"/#conversation={conversation}")
    await expect(row_of(ada, "Is it your usual crew?")).to_be_visible()
    async with node.transaction() as work:
        await users.suspend_user(work, demo.GRACE.id, node.clock())
    await say(ada, "Are you there?")
    failed = row_of(ada, "Are you there?").get_by_role("alert")
    await expect(failed).to_be_visible()
    await expect(why(ada)).to_contain_text("One of the accounts is suspended")

    await activate(site, demo.GRACE.id)
    # Coming back to the window asks again.
    await ada.evaluate("dispatchEvent(new Event('focus'))")
    await expect(field_of(ada)).to_be_visible()
    await failed.get_by_role("button", name="Try again").click()
    sent = row_of(ada, "Are you there?").get_by_text("Sent", exact=True)
    await expect(sent).to_be_attached()


async def activate(site: Site, user: UUID) -> None:
    """Let an account be active again."""
    async with site.node.transaction() as work:
        await work.users.set_status(UserId(user), "active")
