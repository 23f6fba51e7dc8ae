"""What people see while the server is away, and what of theirs is there afterwards."""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from playwright.async_api import Locator, Page, Route, expect

from realtime.actions import users
from realtime.actor import Actor
from realtime.protocol import SendMessage
from storage.records import ConversationId
from tests.factories import token_for
from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import conversation_of, enter, field_of, row_of, say
from tests.pages.windows import Windows

# The client comes back after a while, which grows; and this machine may be busy.
_BACK_MS = 45_000


def bar(page: Page) -> Locator:
    """Find what says that there is no connection."""
    return page.get_by_role("status").filter(has_text="No connection to the server")


async def back(page: Page) -> None:
    """Wait until the page has come back by itself."""
    await expect(bar(page)).to_have_count(0, timeout=_BACK_MS)


async def write_inside(
    site: Site, handle: str, conversation: str, bodies: Sequence[str]
) -> None:
    """Have somebody write who reaches the server in another way."""
    for body in bodies:
        command = SendMessage(
            conversation_id=ConversationId(UUID(conversation)),
            client_id=uuid4(),
            body=body,
        )
        await site.node.sender.send(Actor(site.person(handle).id), command)


async def lines(page: Page, pattern: str) -> list[str]:
    """Give what the thread shows of a kind, from top to bottom."""
    texts = await page.locator(".thread-row").all_inner_texts()
    return [found[0] for text in texts if (found := re.search(pattern, text))]


def waiting(page: Page, text: str) -> Locator:
    """Find the mark of a message that has not been sent yet."""
    return row_of(page, text).get_by_text("Waiting to be sent")


# --- the connection -----------------------------------------------------------------


async def test_a_server_that_restarts_is_found_again_and_nothing_is_lost(
    site: Site, open_as: OpenAs
) -> None:
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    await site.stop()
    await expect(bar(ada)).to_be_visible()
    await say(ada, "Before it was back")
    await expect(waiting(ada, "Before it was back")).to_be_attached()
    await site.start()
    await back(ada)
    await back(grace)
    await expect(row_of(grace, "Before it was back")).to_be_visible()
    await say(grace, "After it was back")
    await expect(row_of(ada, "After it was back")).to_be_visible()
    for page in (ada, grace):
        assert await lines(page, r"\w+ it was back") == [
            "Before it was back",
            "After it was back",
        ]


async def test_a_line_that_breaks_for_a_moment_is_no_news(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    for number in range(3):
        site.cut()
        await say(ada, f"Bump {number}")
    for number in range(3):
        sent = row_of(ada, f"Bump {number}").get_by_text("Sent", exact=True)
        await expect(sent).to_be_attached(timeout=_BACK_MS)
    assert await lines(ada, r"Bump \d") == ["Bump 0", "Bump 1", "Bump 2"]


# --- what one writes ----------------------------------------------------------------


async def test_what_is_written_offline_survives_a_reload_and_arrives_once(
    site: Site, open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("502")
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    site.lose_api()
    await expect(bar(ada)).to_be_visible()
    await say(ada, "Dark one")
    await say(ada, "Dark two")
    await field_of(ada).fill("Dark three, unfinished")
    await expect(waiting(ada, "Dark two")).to_be_attached()
    await ada.reload()
    # The page is there, but not yet whose it is.
    await expect(bar(ada)).to_be_visible()

    site.come_back()
    await back(ada)
    await expect(row_of(grace, "Dark two")).to_be_visible(timeout=_BACK_MS)
    await expect(waiting(ada, "Dark two")).to_have_count(0)
    await expect(field_of(ada)).to_have_value("Dark three, unfinished")
    await field_of(ada).press("Enter")
    await expect(row_of(grace, "Dark three")).to_be_visible()
    for page in (ada, grace):
        assert await lines(page, r"Dark \w+") == ["Dark one", "Dark two", "Dark three"]


async def test_a_reload_without_any_server_loses_nothing(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    address = ada.url
    site.go_away()
    await say(ada, "Sealed")
    await expect(waiting(ada, "Sealed")).to_be_attached()
    await ada.goto("about:blank")
    site.come_back()
    await ada.goto(address)
    sent = row_of(ada, "Sealed").get_by_text("Sent", exact=True)
    await expect(sent).to_be_attached(timeout=_BACK_MS)
    assert await lines(ada, "Sealed") == ["Sealed"]


async def test_another_thread_is_opened_offline_and_no_draft_is_lost(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    await field_of(ada).fill("Half a thought")
    site.go_away()
    await expect(bar(ada)).to_be_visible()
    rows = ada.locator(".list-rows")
    await rows.get_by_text("Harbour crew", exact=True).click()
    await expect(ada.get_by_role("heading", name="Harbour crew")).to_be_visible()
    await field_of(ada).fill("For the crew")
    await rows.get_by_text("Grace Okafor", exact=True).click()
    # What was there can still be read.
    await expect(row_of(ada, "Is it your usual crew?")).to_be_visible()
    await expect(field_of(ada)).to_have_value("Half a thought")
    await rows.get_by_text("Harbour crew", exact=True).click()
    await expect(field_of(ada)).to_have_value("For the crew")

    site.come_back()
    await back(ada)
    # Without anybody's doing.
    welcome = row_of(ada, "Welcome, crew.")
    await expect(welcome).to_be_visible(timeout=_BACK_MS)
    await ada.reload()
    await expect(field_of(ada)).to_have_value("For the crew")
    await enter(ada, "Grace Okafor")
    await expect(field_of(ada)).to_have_value("Half a thought")


# --- what others write --------------------------------------------------------------


async def test_what_others_wrote_meanwhile_comes_in_order_and_without_gaps(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    conversation = await conversation_of(site, "ada", "grace")
    site.go_away()
    await expect(bar(ada)).to_be_visible()
    bodies = [f"Meanwhile {number}" for number in range(1, 31)]
    await write_inside(site, "grace", conversation, bodies)
    await say(ada, "Meanwhile, over here")
    site.come_back()
    await back(ada)
    sent = row_of(ada, "Meanwhile, over here").get_by_text("Sent", exact=True)
    await expect(sent).to_be_attached(timeout=_BACK_MS)
    assert await lines(ada, r"Meanwhile.*") == [*bodies, "Meanwhile, over here"]


# --- who one is ---------------------------------------------------------------------


async def test_a_token_that_expires_meanwhile_costs_nothing(
    site: Site, open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("401|503")
    context = await windows.new_context()
    signing_in = SigningIn(site)
    await context.route("**/dev/people", signing_in.answer)
    ada = await open_as("ada", context=context)
    await enter(ada, "Grace Okafor")
    # The token will be over, and for now there is no other.
    signing_in.is_away = True
    await expect(bar(ada)).to_be_visible(timeout=_BACK_MS)
    await say(ada, "Who am I?")
    await expect(waiting(ada, "Who am I?")).to_be_attached()
    signing_in.is_away = False
    await back(ada)
    sent = row_of(ada, "Who am I?").get_by_text("Sent", exact=True)
    await expect(sent).to_be_attached(timeout=_BACK_MS)
    assert await lines(ada, r"Who am I\?") == ["Who am I?"]


class SigningIn:
    """Where tokens come from, all of them short; it may be away."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.is_away = False

    async def answer(self, route: Route) -> None:
        """Answer as a host page's backend would."""
        if self.is_away:
            await route.fulfill(status=503, body="{}")
            return
        answer = await route.fetch()
        told = await answer.json()
        ada = self._site.person("ada").id
        for person in told["items"]:
            if person["id"] == str(ada):
                person["token"] = token_for(ada, timedelta(seconds=8))
        await route.fulfill(response=answer, json=told)


async def test_whose_access_has_ended_is_told_and_keeps_what_they_wrote(
    site: Site, open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("40[13]")
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    await field_of(ada).fill("Not yet said")
    async with site.node.transaction() as work:
        await users.revoke_sessions(work, site.person("ada").id, site.node.clock())
    ended = ada.get_by_role("status").filter(has_text="You have been signed out.")
    await expect(ended).to_be_visible()
    await expect(field_of(ada)).to_have_value("Not yet said")
