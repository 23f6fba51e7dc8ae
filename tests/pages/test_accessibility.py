"""Nobody is shut out: axe finds nothing against WCAG 2.2 AA, in any view or look."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.clients.nodejs import CLIENTS
from tests.pages.conftest import OpenAs
from tests.pages.scenes import set_scene, show, views_of
from tests.pages.site import Site

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


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_no_view_has_a_barrier(
    open_as: OpenAs,
    site: Site,
    width: int,
    scheme: Literal["light", "dark"],
    locale: str,
) -> None:
    views = views_of(await set_scene(site))
    page = await open_as(
        "ada",
        width=width,
        color_scheme=scheme,
        locale=locale,
        # Colours are measured when they have stopped to change.
        reduced_motion="reduce",
    )
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
