"""A thread under a thumb: what a mouse does by hovering, a long press does."""

from playwright.async_api import Locator, Page, expect

from tests.pages.conftest import OpenAs
from tests.pages.threads import enter, field_of, row_of, say


async def test_a_long_press_shows_what_one_can_do_with_a_message(
    open_as: OpenAs,
) -> None:
    ada, grace = await open_as("ada", width=360), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    await say(grace, "Shall I bring the drone?")
    menu = ada.get_by_role("menu", name="Message options")
    await _press_until(ada, row_of(ada, "drone").locator(".thread-text"), menu)
    await menu.get_by_role("menuitem", name="Reply").tap()
    await expect(ada.get_by_text("Answering Grace Okafor")).to_be_visible()
    await field_of(ada).fill("Leave it at home.")
    await ada.get_by_role("button", name="Send").tap()
    answer = row_of(grace, "Leave it at home.")
    await expect(answer).to_contain_text("Shall I bring the drone?")
    # The keyboard of the phone stays for the next message.
    await expect(field_of(ada)).to_be_focused()
    # Nothing is wider than the phone.
    wide = "document.documentElement.scrollWidth"
    assert await ada.evaluate(wide) == 360


async def _press_until(page: Page, what: Locator, shown: Locator) -> None:
    """Keep a finger on something until something is shown."""
    await expect(what).to_be_in_viewport()
    box = await what.bounding_box()
    assert box is not None, "it is not there"
    finger = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    devtools = await page.context.new_cdp_session(page)
    await devtools.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]}
    )
    await expect(shown).to_be_visible()
    await devtools.send(
        "Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}
    )
    await expect(shown).to_be_visible()
