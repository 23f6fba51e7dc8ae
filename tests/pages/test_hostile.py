"""People who write what is no message, and pages that should get nothing."""

import json
import re
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from tests.factories import make_group, token_for
from tests.pages.conftest import OpenAs
from tests.pages.site import PEOPLE, Site
from tests.pages.test_embedding import define, host
from tests.pages.test_shell import direct_of, row
from tests.pages.windows import Windows

MARKUP = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"
TURN = "\u202e"
PILE = "Z" + "\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 8

BODIES = (
    MARKUP,
    "javascript:window.pwned=1 [x](javascript:window.pwned=1)",
    'https://a.example/"onmouseover="window.pwned=1',
    "https://paypal.example@evil.example/login",
    f"{TURN}https://evil.example/elpmaxe.lapyap//:sptth",
    "https://аррӏе.com/",
    "W" * 4000,
    "\ufdfd" * 500,
    PILE * 60,
    "👩‍👩‍👧‍👦" * 300,
    "\u2067 never closed",
    "Done",
)

# Everything that the browser keeps for the page, as one text.
_KEPT = """async () => {
  const kept = [location.href, document.cookie];
  for (const storage of [localStorage, sessionStorage])
    kept.push(JSON.stringify(Object.entries(storage)));
  for (const { name } of await indexedDB.databases()) {
    const opening = indexedDB.open(name);
    await new Promise(done => { opening.onsuccess = done; });
    for (const store of opening.result.objectStoreNames) {
      const all = opening.result.transaction(store).objectStore(store).getAll();
      await new Promise(done => { all.onsuccess = done; });
      kept.push(name, JSON.stringify(all.result));
    }
    opening.result.close();
  }
  for (const name of await caches.keys()) kept.push(name);
  for (const entry of performance.getEntriesByType("resource")) kept.push(entry.name);
  return kept.join("\\n");
}"""

_ARRIVED = re.compile(r"^(Sent|Delivered|Read)")

_SET = "token => { document.querySelector('callboard-chat').token = token }"


async def is_unharmed(page: Page) -> None:
    """Make sure that nothing ran, nothing was loaded, and nothing sticks out."""
    assert await page.evaluate("window.pwned") is None
    await expect(page.locator("img[src=x], script[src=x]")).to_have_count(0)
    wider = (
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert await page.evaluate(wider) <= 0


async def bodies_since(site: Site, conversation: str, start: str) -> list[str]:
    """Give what was said and begins so, the newest first."""
    async with site.api("ada") as ada:
        items = (await ada.messages(conversation))["items"]
    return [each["body"] for each in items if each["body"].startswith(start)]


# --- what people write ------------------------------------------------------------


@pytest.mark.parametrize(("width", "way"), [(1280, "ltr"), (360, "rtl")])
async def test_what_people_write_is_text_and_stays_in_its_place(
    open_as: OpenAs, site: Site, windows: Windows, width: int, way: str
) -> None:
    # A picture elsewhere would tell who looks; the page does not ask for it.
    windows.allow("img-src 'self'")
    names = (MARKUP, f"{TURN}evil", PILE, "W" * 200)
    async with site.node.transaction() as work:
        for name in names:
            await work.users.put(
                [{"id": uuid4(), "display_name": name, "headline": MARKUP}]
            )
        await work.users.put(
            [
                {
                    "id": site.person("grace").id,
                    "display_name": MARKUP,
                    "headline": MARKUP,
                    "avatar_url": "https://evil.example/x.png",
                }
            ]
        )
    people = [site.person(handle) for handle in ("ada", "grace", "ivan")]
    for name in names:
        group = await make_group(site.node, *people)
        async with site.node.transaction() as work:
            await work.connection.execute(
                text(
                    "UPDATE callboard.conversations SET title = :title WHERE id = :id"
                ),
                {"title": name, "id": group},
            )
    conversation = await direct_of(site, "ada", "grace")
    async with site.api("grace") as grace:
        for body in BODIES:
            await grace.send(conversation, client_id=str(uuid4()), body=body)

    page = await open_as(
        "ada",
        width=width,
        dir="rtl" if way == "rtl" else "ltr",
        path=f"/#conversation={conversation}",
    )
    await expect(page.get_by_text("never closed").last).to_be_attached()
    await expect(page.get_by_role("heading", name=MARKUP)).to_be_visible()
    # What is piled on letters stays within its message.
    await expect(page.locator(".thread-said").first).to_have_css("overflow-y", "clip")
    await is_unharmed(page)
    for panel in ("search", "details", "new", "requests", "notifications"):
        await page.evaluate(
            "place => { location.hash = place }",
            f"conversation={conversation}&panel={panel}",
        )
        await expect(page.locator(".ui-panel, [class*=panel]").first).to_be_attached()
        await is_unharmed(page)
    await page.evaluate("() => { location.hash = '' }")
    await is_unharmed(page)


async def test_a_link_shows_where_it_leads_and_takes_nothing_along(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await direct_of(site, "ada", "grace")
    here = f"{site.url}/healthz"
    async with site.api("grace") as grace:
        for body in (*BODIES, f"See {here} now"):
            await grace.send(conversation, client_id=str(uuid4()), body=body)
    page = await open_as("ada", path=f"/#conversation={conversation}")
    links = page.get_by_role("region", name="Messages").get_by_role("link")
    await expect(links.last).to_have_text(here)
    told = await links.evaluate_all(
        "all => all.map(a => [a.textContent, a.href, a.dir, a.target, a.rel])"
    )
    shown = [each[0] for each in told]
    # Nothing before the host, nothing turned round, no other letters.
    assert shown == [
        "https://a.example/",
        "https://evil.example/elpmaxe.lapyap//:sptth",
        "https://xn--80ak6aa92e.com/",
        here,
    ]
    assert {tuple(each[2:]) for each in told} == {
        ("ltr", "_blank", "noopener noreferrer nofollow ugc")
    }
    async with page.context.expect_page() as opened:
        await links.last.click()
    other = await opened.value
    await other.wait_for_load_state()
    assert await other.evaluate("[window.opener, document.referrer]") == [None, ""]


async def test_what_calls_itself_a_picture_and_is_none_is_a_file(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await direct_of(site, "ada", "grace")
    async with site.api("grace") as grace:
        picture = await grace.upload(
            conversation, MARKUP.encode(), name="not-a-picture.png"
        )
        await grace.send(
            conversation, client_id=str(uuid4()), body="See", attachments=[picture]
        )
    page = await open_as("ada", path=f"/#conversation={conversation}")
    await expect(page.get_by_text("not-a-picture.png")).to_be_visible()
    await is_unharmed(page)


@pytest.mark.parametrize(
    "place",
    [
        "conversation=..",
        "conversation=%2e%2e%2fme",
        "conversation=__proto__&panel=details&message=1e999",
        "conversation=" + quote(MARKUP),
        "conversation=" + "x" * 5000,
        f"user={quote(MARKUP)}&panel=details",
        "user=constructor&panel=toString",
        "%ff%fe=%00&message=-1&panel=search",
    ],
)
async def test_an_address_that_leads_nowhere_breaks_nothing(
    open_as: OpenAs, windows: Windows, place: str
) -> None:
    windows.allow(r"the server responded with a status of 4\d\d")
    page = await open_as("ada", path=f"/#{place}")
    await is_unharmed(page)
    if await page.get_by_role("button", name="Back").is_visible():
        await page.get_by_role("button", name="Back").click()
    await row(page, "Harbour crew").click()
    await expect(page.get_by_role("heading", name="Harbour crew")).to_be_visible()


# --- what is kept, and whose it is ---------------------------------------------------


async def test_the_token_is_kept_nowhere_and_is_in_no_address(
    open_as: OpenAs, site: Site
) -> None:
    page = await open_as("ada")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.on("websocket", lambda socket: addresses.append(socket.url))
    await page.reload()
    await row(page, "Grace Okafor").click()
    field = page.get_by_role("textbox")
    await field.fill("A thought that is not finished")
    await expect(page.get_by_role("region", name="Messages")).to_be_visible()
    kept = await page.evaluate(_KEPT)
    secret = PEOPLE["ada"].token
    assert "A thought that is not finished" in kept
    assert any("/v1/ws" in each for each in addresses)
    for part in (secret, secret.rpartition(".")[2]):
        assert part not in kept
        assert not any(part in each for each in addresses)


async def test_who_signs_out_leaves_no_count_and_no_place(
    open_as: OpenAs, site: Site, windows: Windows
) -> None:
    windows.allow("favicon")
    page = await open_as("ada")
    await host(page, site, "<callboard-chat></callboard-chat>")
    await define(page, site)
    await page.evaluate(
        """() => {
          window.told = {};
          for (const name of ["callboard-unread", "callboard-open"])
            addEventListener(name, event => { window.told[name] = event.detail; });
        }"""
    )
    await page.evaluate(_SET, site.person("ada").token)
    await page.wait_for_function("told['callboard-unread']?.messages > 0")
    await row(page, "Grace Okafor").click()
    await page.wait_for_function("told['callboard-open']?.conversationId")
    await page.evaluate(_SET, None)
    assert json.loads(await page.evaluate("JSON.stringify(told)")) == {
        "callboard-unread": {"conversations": 0, "messages": 0, "notifications": 0},
        "callboard-open": {"conversationId": None},
    }


async def test_a_function_that_gives_somebody_elses_token_makes_it_theirs(
    open_as: OpenAs, site: Site, windows: Windows
) -> None:
    windows.allow("favicon")
    page = await open_as("ada")
    await host(page, site, "<callboard-chat></callboard-chat>")
    await define(page, site)
    # Soon due, so that the next one is asked for.
    brief = token_for(site.person("ada").id, timedelta(seconds=8))
    await page.evaluate(
        """([first, second]) => {
          let given = 0;
          const chat = document.querySelector("callboard-chat");
          chat.token = () => given++ ? second : first;
        }""",
        [brief, site.person("noor").token],
    )
    await expect(row(page, "Grace Okafor")).to_be_visible()
    await expect(page.get_by_text("No conversations yet")).to_be_visible()
    await expect(page.get_by_text("Grace Okafor")).to_have_count(0)


async def test_what_one_wrote_offline_is_never_sent_by_the_next(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await direct_of(site, "ada", "grace")
    page = await open_as("ada", path=f"/#conversation={conversation}")
    await expect(page.get_by_role("textbox")).to_be_enabled()
    site.go_away()
    await page.get_by_role("textbox").fill("From Ada alone")
    await page.get_by_role("textbox").press("Enter")
    waiting = page.get_by_role("listitem").filter(has_text="From Ada alone")
    await expect(waiting).to_be_visible()
    you = page.get_by_label("You are")
    await you.select_option(value=PEOPLE["grace"].id)
    site.come_back()
    await row(page, "Ada Moreau").click()
    await expect(page.get_by_role("heading", name="Ada Moreau")).to_be_visible()
    # Grace's own goes out, and nothing with it.
    await page.get_by_role("textbox").fill("From Grace")
    await page.get_by_role("textbox").press("Enter")
    said = page.get_by_role("listitem").filter(has_text="From Grace")
    await expect(said.get_by_title(_ARRIVED)).to_be_attached()
    await expect(page.get_by_text("From Ada alone")).to_have_count(0)
    assert await bodies_since(site, conversation, "From ") == ["From Grace"]

    await you.select_option(value=PEOPLE["ada"].id)
    await row(page, "Grace Okafor").click()
    await expect(said).to_be_visible()
    await expect(waiting.get_by_title(_ARRIVED)).to_be_attached()
    async with site.api("ada") as ada:
        page_of = await ada.messages(conversation, limit=2)
    assert [(each["body"], each["sender_id"]) for each in page_of["items"]] == [
        ("From Ada alone", PEOPLE["ada"].id),
        ("From Grace", PEOPLE["grace"].id),
    ]


async def test_no_page_shows_the_chat_in_a_frame(
    open_as: OpenAs, site: Site, windows: Windows
) -> None:
    windows.allow("favicon|frame-ancestors|Refused to display|X-Frame-Options")
    page = await open_as("ada")
    await host(page, site, "<p>Win a prize</p>")
    shown = await page.evaluate(
        """async address => {
          const frame = document.createElement("iframe");
          frame.src = address;
          const loaded = new Promise(done => { frame.onload = done; });
          document.body.append(frame);
          await loaded;
          return frame.contentDocument?.documentElement.outerHTML ?? null;
        }""",
        f"{site.url}/?as=ada",
    )
    # Of what it shows in place of the page, nothing is the site's.
    assert shown is None
