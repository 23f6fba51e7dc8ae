"""What one writes, and what goes with it."""

import re
from pathlib import Path

from playwright.async_api import FilePayload, Page, expect

from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import (
    both_enter,
    conversation_of,
    enter,
    field_of,
    png,
    row_of,
    say,
    write_as,
)
from tests.pages.windows import Windows

# What a window says of an upload that was refused, as tests here have it happen.
_REFUSED = r"the server responded with a status of 4(13|22)"


def _image(name: str, width: int = 40, height: int = 40) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": png(width, height)}


def _letter(name: str, size: int = 2000) -> FilePayload:
    return {
        "name": name,
        "mimeType": "application/pdf",
        "buffer": b"%PDF" * (size // 4),
    }


_GIVEN = """
(name) => {
  const given = new DataTransfer();
  given.items.add(new File([name], name, { type: "application/pdf" }));
  return given;
}
"""

_PASTE = """
(field, clipboardData) => field.dispatchEvent(new ClipboardEvent(
  "paste", { clipboardData, bubbles: true, cancelable: true, composed: true }))
"""


async def _attach(page: Page, *files: FilePayload) -> None:
    await page.locator("input[type=file]").set_input_files(list(files))


async def _are_there(page: Page, *names: str) -> None:
    """Wait until these files have been uploaded."""
    files = page.get_by_role("list", name="Files to send").get_by_role("listitem")
    for name in names:
        await expect(files.get_by_text(f"{name}, ready", exact=True)).to_be_attached()


async def _saved(page: Page, text: str, name: str, directory: Path) -> bytes:
    """Save a file of a message; gives what is in it."""
    async with page.expect_download() as downloading:
        await row_of(page, text).get_by_role("button", name=f"Save {name}").click()
    path = directory / name
    await (await downloading.value).save_as(path)
    return path.read_bytes()


async def test_a_draft_outlives_switching_and_reloading_and_is_gone_once_sent(
    open_as: OpenAs, site: Site
) -> None:
    conversation = await conversation_of(site, "ada", "grace")
    ada = await open_as("ada", path=f"/#conversation={conversation}")
    await field_of(ada).fill("Half a thou")
    await enter(ada, "Harbour crew")
    await expect(field_of(ada)).to_have_value("")
    await enter(ada, "Grace Okafor")
    await expect(field_of(ada)).to_have_value("Half a thou")
    await row_of(ada, "usual crew").hover()
    await row_of(ada, "usual crew").get_by_role("button", name="Reply").click()
    await _attach(ada, _letter("kept.pdf"))
    await _are_there(ada, "kept.pdf")
    await ada.reload()
    await expect(field_of(ada)).to_have_value("Half a thou")
    await _are_there(ada, "kept.pdf")
    await expect(ada.get_by_text("Answering Grace Okafor")).to_be_visible()
    # Somebody else in the same browser sees nothing of it.
    grace = await open_as("grace", context=ada.context)
    await enter(grace, "Ada Moreau")
    await expect(field_of(grace)).to_have_value("")
    await say(ada, "Half a thought")
    await expect(row_of(grace, "Half a thought")).to_contain_text("usual crew")
    await expect(row_of(grace, "Half a thought")).to_contain_text("kept.pdf")
    kept = "Object.keys(localStorage).filter((name) => name.includes('draft'))"
    assert await ada.evaluate(kept) == []


async def test_shift_enter_and_input_methods_do_not_send(open_as: OpenAs) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    count = await ada.locator(".thread-row").count()
    field = field_of(ada)
    await field.press_sequentially("one")
    await field.press("Shift+Enter")
    await field.press_sequentially("two")
    await expect(field).to_have_value("one\ntwo")
    # Enter that takes what an input method offers.
    await field.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await expect(field).to_have_value("one\ntwo")
    await expect(ada.locator(".thread-row")).to_have_count(count)
    await field.press("Enter")
    await expect(ada.locator(".thread-row")).to_have_count(count + 1)
    await expect(field).to_have_value("")


async def test_files_go_with_a_message_and_images_are_shown(
    open_as: OpenAs, tmp_path: Path
) -> None:
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    await _attach(ada, _image("set.png", 300, 1200), _letter("call sheet.pdf"))
    await _are_there(ada, "set.png", "call sheet.pdf")
    await say(ada, "For Thursday")
    row = row_of(grace, "For Thursday")
    await row.get_by_role("button", name="Show set.png in full").click()
    shown = grace.get_by_role("dialog", name="set.png").get_by_role("img")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.naturalHeight") == 1200
    await grace.keyboard.press("Escape")
    await expect(shown).to_have_count(0)
    saved = await _saved(grace, "For Thursday", "call sheet.pdf", tmp_path)
    assert saved == b"%PDF" * 500


async def test_files_that_cannot_go_say_why_and_can_be_taken_away(
    open_as: OpenAs, windows: Windows
) -> None:
    windows.allow(_REFUSED)
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    tool: FilePayload = {
        "name": "tool.exe",
        "mimeType": "application/x-msdownload",
        "buffer": b"MZ" * 100,
    }
    await _attach(ada, tool, _image("fine.png"))
    files = ada.get_by_role("list", name="Files to send").get_by_role("listitem")
    await expect(files.first).to_contain_text("Files of this type cannot be sent.")
    await expect(files.last).to_contain_text("ready")
    await field_of(ada).fill("Look")
    await field_of(ada).press("Enter")
    await expect(ada.get_by_text("A file did not arrive")).to_be_visible()
    await expect(field_of(ada)).to_have_value("Look")
    await ada.get_by_role("button", name="Remove tool.exe").click()
    await _attach(ada, *(_image(f"{number}.png") for number in range(12)))
    await expect(files).to_have_count(10)
    await expect(
        ada.get_by_text("At most 10 files go with one message.")
    ).to_be_visible()


async def test_files_are_pasted_and_dropped(open_as: OpenAs, tmp_path: Path) -> None:
    ada, grace = await both_enter(open_as)
    files = ada.get_by_role("list", name="Files to send").get_by_role("listitem")
    given = await ada.evaluate_handle(_GIVEN, "given.pdf")
    thread = ada.locator(".thread")
    await thread.dispatch_event("dragenter", {"dataTransfer": given})
    await expect(ada.get_by_text("Drop files here")).to_be_visible()
    await thread.dispatch_event("drop", {"dataTransfer": given})
    await expect(ada.get_by_text("Drop files here")).to_have_count(0)
    await expect(files).to_have_count(1)
    pasted = await ada.evaluate_handle(_GIVEN, "pasted.pdf")
    await field_of(ada).evaluate(_PASTE, pasted)
    await expect(files).to_have_count(2)
    await expect(files.last).to_contain_text("pasted.pdf")
    await _are_there(ada, "given.pdf", "pasted.pdf")
    await say(ada, "Both contracts")
    for name in ("given.pdf", "pasted.pdf"):
        assert await _saved(grace, "Both contracts", name, tmp_path) == name.encode()


async def test_people_are_offered_after_an_at_sign(open_as: OpenAs) -> None:
    ada, mei = await open_as("ada"), await open_as("mei")
    await enter(ada, "Harbour crew")
    await enter(mei, "Harbour crew")
    field = field_of(ada)
    await field.press_sequentially("Ask @")
    offered = ada.get_by_role("listbox", name="People to mention")
    options = offered.get_by_role("option")
    await expect(options).to_have_count(3)
    await field.press("ArrowDown")
    await expect(field).to_have_attribute("aria-activedescendant", re.compile("-1$"))
    await field.press_sequentially("tom")
    await expect(options).to_have_text(["Tomás Vidal@tomas"])
    await expect(field).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    await expect(options).to_have_attribute("aria-selected", "true")
    await field.press("Enter")
    await expect(field).to_have_value("Ask @tomas ")
    await field.press_sequentially("or @me")
    await field.press("Tab")
    await field.press("Enter")
    row = row_of(mei, "Ask @tomas or @mei")
    await expect(row.locator(".thread-mention")).to_have_text(["@tomas", "@mei"])
    await expect(row.locator(".thread-mention-me")).to_have_text("@mei")


async def test_an_emoji_goes_where_the_caret_is(open_as: OpenAs) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    field = field_of(ada)
    await field.fill("ab")
    await field.press("ArrowLeft")
    await ada.get_by_role("button", name="Emoji").click()
    await (
        ada.get_by_role("dialog", name="Emoji").get_by_role("button", name="🎉").click()
    )
    await expect(field).to_be_focused()
    await field.press_sequentially("!")
    await expect(field).to_have_value("a🎉!b")


async def test_the_end_of_what_fits_is_counted(open_as: OpenAs) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    await field_of(ada).fill("x" * 7400)
    await expect(ada.get_by_text("characters left")).to_have_count(0)
    await field_of(ada).fill("x" * 7990)
    await expect(ada.get_by_text("10 characters left")).to_be_visible()
    await field_of(ada).fill("x" * 8001)
    await expect(ada.get_by_text("1 character too many")).to_be_visible()
    await field_of(ada).press("Enter")
    await expect(field_of(ada)).to_have_value("x" * 8001)


async def test_an_edit_that_is_given_up_brings_the_draft_back(
    open_as: OpenAs, site: Site
) -> None:
    ada = await open_as("ada")
    await enter(ada, "Grace Okafor")
    await say(ada, "Typo hree")
    await field_of(ada).fill("Next thought")
    await row_of(ada, "Typo hree").hover()
    await row_of(ada, "Typo hree").get_by_role("button", name="Message options").click()
    await ada.get_by_role("menuitem", name="Edit").click()
    await expect(field_of(ada)).to_have_value("Typo hree")
    await field_of(ada).press("Escape")
    await expect(field_of(ada)).to_have_value("Next thought")
    conversation = await conversation_of(site, "ada", "grace")
    await write_as(site, "grace", conversation, "Meanwhile")
    await expect(row_of(ada, "Meanwhile")).to_be_visible()
    await expect(field_of(ada)).to_have_value("Next thought")
