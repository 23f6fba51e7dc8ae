"""Nobody is shut out: axe finds nothing against WCAG 2.2 AA, and keys are enough."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.clients.nodejs import CLIENTS
from tests.pages.conftest import OpenAs
from tests.pages.scenes import set_scene, show, views_of
from tests.pages.site import Site
from tests.pages.threads import both_enter, enter, field_of, give_past, row_of, say
from tests.pages.windows import Look

_AXE = CLIENTS / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_LOOK = """async rules => {
  const { violations } = await axe.run(document, {
    runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 4).map(
    ({ html, failureSummary }) => html.slice(0, 200) + "\\n" + failureSummary) }));
}"""


async def barriers(page: Page) -> list[dict[str, Any]]:
    """Find what shuts people out of the page as it is."""
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(_LOOK, _RULES)
    return found


def told(found: Mapping[str, list[dict[str, Any]]]) -> str:
    """Write each finding once, with the views that have it."""
    views: dict[str, list[str]] = {}
    for view, some in found.items():
        for each in some:
            for node in each["nodes"]:
                views.setdefault(f"{each['id']}: {node}", []).append(view)
    return "\n\n".join(
        f"{each}\n  in {', '.join(where)}" for each, where in views.items()
    )


# Every width meets every colour, language and direction, and so do the colours.
_LOOKS: Mapping[str, Look] = {
    "desktop light en ltr": {
        "width": 1280,
        "color_scheme": "light",
        "locale": "en-GB",
        "dir": "ltr",
    },
    "desktop dark de rtl": {
        "width": 1280,
        "color_scheme": "dark",
        "locale": "de-DE",
        "dir": "rtl",
    },
    "phone light de rtl": {
        "width": 360,
        "color_scheme": "light",
        "locale": "de-DE",
        "dir": "rtl",
    },
    "phone dark en ltr": {
        "width": 360,
        "color_scheme": "dark",
        "locale": "en-GB",
        "dir": "ltr",
    },
}


@pytest.mark.parametrize("look", _LOOKS)
async def test_no_view_has_a_barrier(open_as: OpenAs, site: Site, look: str) -> None:
    views = views_of(await set_scene(site))
    # Colours are measured when they have stopped to change.
    still: Look = {"reduced_motion": "reduce"}
    page = await open_as("ada", **(_LOOKS[look] | still))
    found = {}
    for name, place in views.items():
        await show(page, place)
        if some := await barriers(page):
            found[name] = some
    assert not found, told(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_that_opens_has_a_barrier(
    open_as: OpenAs, site: Site, scheme: Literal["light", "dark"]
) -> None:
    views = views_of(await set_scene(site))
    page = await open_as("ada", color_scheme=scheme, reduced_motion="reduce")
    found = {}

    async def look(name: str) -> None:
        if some := await barriers(page):
            found[name] = some

    await show(page, views["search"])
    await page.get_by_role("searchbox").fill("primes")
    await expect(page.locator("mark").first).to_be_visible()
    await look("results")

    await show(page, views["talk"])
    row = page.locator(".thread-row").last
    await row.hover()
    await row.get_by_role("button", name="Message options").click()
    await expect(page.get_by_role("menu")).to_be_visible()
    await look("menu of a message")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Emoji").last.click()
    await look("emoji")
    await page.keyboard.press("Escape")
    assert not found, told(found)


async def test_the_keyboard_is_enough(open_as: OpenAs) -> None:
    ada, grace = await both_enter(open_as)
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
    # The list keeps where one was.
    await ada.keyboard.press("Shift+Tab")
    await ada.keyboard.press("Shift+Tab")
    await expect(ada.locator(".thread-row", has_text="First").first).to_be_focused()
    await ada.keyboard.press("ArrowDown")
    await expect(row_of(ada, "Second")).to_be_focused()
    react = row_of(ada, "Second").get_by_role("button", name="React")
    await expect(react).to_be_visible()
    await ada.keyboard.press("Tab")
    await expect(react).to_be_focused()
    await ada.keyboard.press("Enter")
    await ada.keyboard.press("ArrowRight")
    await ada.keyboard.press("Enter")
    given = row_of(grace, "Second").locator(".thread-reaction")
    await expect(given).to_have_count(1)
    await ada.keyboard.press("Escape")
    await expect(row_of(ada, "Second")).to_be_focused()
    await ada.keyboard.press("Escape")
    await expect(field_of(ada)).to_be_focused()


async def test_what_moves_stands_still_for_who_wants_that(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await give_past(site, "ada", "grace", 100)
    still = await open_as("ada", reduced_motion="reduce")
    moving = await open_as("ada")
    grace = await site.socket("grace")
    for page, dance in ((moving, _DOTS_DANCE), (still, _DOTS_STAND)):
        await enter(page, "Grace Okafor")
        await grace.request("typing", conversation_id=conversation, active=True)
        await page.wait_for_function(dance)
    await grace.close()
    # Where one has jumped to is marked all the same.
    place = f"conversation={conversation}&message=23"
    await still.evaluate("place => { location.hash = place }", place)
    await still.wait_for_function(_MARKED)


_DOTS = """
() => {
  const root = document.querySelector("callboard-chat").shadowRoot;
  return root.querySelector(".thread-dots") !== null
    && root.getAnimations().length %s;
}
"""
_DOTS_DANCE, _DOTS_STAND = _DOTS % ">= 3", _DOTS % "=== 0"
_MARKED = """
() => {
  const root = document.querySelector("callboard-chat").shadowRoot;
  const row = root.querySelector(".thread-row-lit");
  return row !== null && getComputedStyle(row, "::before").opacity > 0.2;
}
"""
