"""`<callboard-chat>` in a page of somebody else's, and what it promises there."""

import pytest
from playwright.async_api import Page, expect

from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.test_shell import direct_of, row, say
from tests.pages.windows import Windows

_LOAD = "address => import(address).then(loaded => Object.keys(loaded).sort())"


@pytest.fixture(autouse=True)
def _without_an_icon(windows: Windows) -> None:
    """The host's page has none, which a browser remarks."""
    windows.allow("favicon")


async def host(page: Page, site: Site, body: str) -> None:
    """Show a page of somebody else's with this in it, without the component yet."""
    # Browsers let only pages that were really served reach a server on this machine.
    await page.goto(f"{site.url}/healthz")
    await page.evaluate(
        """html => {
          document.title = "Host";
          document.body.innerHTML = html;
          for (const chat of document.querySelectorAll("callboard-chat"))
            chat.style.height = "22rem";
        }""",
        body,
    )


async def define(page: Page, site: Site) -> list[str]:
    """Load the component; gives the names that it exports."""
    names: list[str] = await page.evaluate(
        _LOAD, f"{site.url}/assets/callboard-chat.js"
    )
    return names


async def test_what_was_set_before_it_was_defined_holds(
    open_as: OpenAs, site: Site
) -> None:
    page = await open_as("ada")
    await host(page, site, "<callboard-chat></callboard-chat>")
    await page.evaluate(
        "token => { document.querySelector('callboard-chat').token = () => token }",
        site.person("ada").token,
    )
    assert "CallboardChat" in await define(page, site)
    await expect(row(page, "Grace Okafor")).to_be_visible()
    # The host's page stays as it was.
    await expect(page).to_have_title("Host")


async def test_two_on_a_page_are_two_people_who_talk(
    open_as: OpenAs, site: Site
) -> None:
    page = await open_as("ada")
    await host(
        page,
        site,
        '<callboard-chat id="a"></callboard-chat>'
        '<callboard-chat id="b"></callboard-chat>',
    )
    await define(page, site)
    conversation = await direct_of(site, "ada", "grace")
    for name, handle in (("a", "ada"), ("b", "grace")):
        await page.evaluate(
            """([name, token, conversationId]) => {
              const chat = document.getElementById(name);
              chat.token = token;
              chat.open({ conversationId });
            }""",
            [name, site.person(handle).token, conversation],
        )
    ada, grace = page.locator("#a"), page.locator("#b")
    await ada.get_by_role("textbox").fill("From the one above")
    await ada.get_by_role("textbox").press("Enter")
    messages = grace.get_by_role("region", name="Messages")
    await expect(
        messages.get_by_role("listitem").filter(has_text="From the one above")
    ).to_be_visible()
    assert page.url.endswith("/healthz")


async def test_it_tells_the_page_what_waits_and_what_is_shown(
    open_as: OpenAs, site: Site
) -> None:
    page = await open_as("ada")
    await host(page, site, "<callboard-chat></callboard-chat>")
    await define(page, site)
    conversation = await direct_of(site, "ada", "grace")
    await page.evaluate(
        """token => {
          window.told = {};
          for (const name of ["callboard-unread", "callboard-open"])
            addEventListener(name, event => { window.told[name] = event.detail; });
          document.querySelector("callboard-chat").token = token;
        }""",
        site.person("ada").token,
    )
    await page.wait_for_function("told['callboard-unread']?.messages === 2")
    await say(site, "grace", "ada", "One more")
    await page.wait_for_function("told['callboard-unread']?.messages === 3")
    await row(page, "Grace Okafor").click()
    await page.wait_for_function(
        "id => told['callboard-open']?.conversationId === id", arg=conversation
    )


async def test_it_follows_its_attributes(open_as: OpenAs, site: Site) -> None:
    page = await open_as("ada")
    conversation = await direct_of(site, "ada", "grace")
    await host(
        page,
        site,
        f'<callboard-chat lang="de" theme="dark" conversation="{conversation}">'
        "</callboard-chat>",
    )
    await define(page, site)
    await page.evaluate(
        "token => { document.querySelector('callboard-chat').token = token }",
        site.person("ada").token,
    )
    await expect(page.get_by_role("heading", name="Grace Okafor")).to_be_visible()
    await expect(
        page.get_by_role("button", name="Ungelesen", exact=True)
    ).to_be_visible()
    head = page.locator(".shell-list")
    await expect(head).to_have_css("background-color", "rgb(33, 30, 26)")
    await page.evaluate(
        """() => {
          const chat = document.querySelector("callboard-chat");
          chat.setAttribute("theme", "light");
          chat.lang = "en";
          chat.dir = "rtl";
        }"""
    )
    await expect(page.get_by_role("button", name="Unread", exact=True)).to_be_visible()
    await expect(head).to_have_css("background-color", "rgb(255, 255, 255)")
    await expect(head).to_have_css("direction", "rtl")


async def test_another_person_or_none_leaves_nothing_of_the_former(
    open_as: OpenAs, site: Site
) -> None:
    page = await open_as("ada")
    await host(page, site, "<callboard-chat></callboard-chat>")
    await define(page, site)
    become = "token => { document.querySelector('callboard-chat').token = token }"
    await page.evaluate(become, site.person("ada").token)
    await row(page, "Grace Okafor").click()
    await expect(page.get_by_role("heading", name="Grace Okafor")).to_be_visible()
    await page.evaluate(become, site.person("noor").token)
    await expect(page.get_by_text("No conversations yet")).to_be_visible()
    await expect(page.get_by_text("Grace Okafor")).to_have_count(0)
    await page.evaluate(become, None)
    await expect(page.get_by_text("No conversations yet")).to_have_count(0)


async def test_taken_out_of_the_page_it_leaves(open_as: OpenAs, site: Site) -> None:
    page = await open_as("ada")
    await host(page, site, "<main></main><callboard-chat></callboard-chat>")
    await define(page, site)
    await page.evaluate(
        "token => { document.querySelector('callboard-chat').token = token }",
        site.person("ada").token,
    )
    await expect(row(page, "Grace Okafor")).to_be_visible()
    # Moved, it goes on with the same connection.
    moved = await page.evaluate(
        """async () => {
          const chat = document.querySelector("callboard-chat");
          const before = chat.client;
          document.querySelector("main").append(chat);
          await Promise.resolve();
          return chat.client === before && chat.client.status.get().state;
        }"""
    )
    assert moved == "online"
    state = await page.evaluate(
        """async () => {
          const chat = document.querySelector("callboard-chat");
          const { client } = chat;
          chat.remove();
          await Promise.resolve();
          const { state } = client.status.get();
          return [state, chat.client, chat.shadowRoot.childElementCount];
        }"""
    )
    assert state == ["closed", None, 0]
