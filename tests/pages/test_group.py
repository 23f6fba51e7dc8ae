"""Three people in one group, at once, and how a thread is laid out."""

import asyncio
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Page, expect

from tests.factories import make_group
from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import (
    Line,
    choose,
    enter,
    field_of,
    lay_past,
    row_of,
    say,
)

_THREE = ("ada", "grace", "mei")


async def _all_enter(open_as: OpenAs) -> tuple[Page, Page, Page]:
    ada, grace, mei = [await open_as(each) for each in _THREE]
    for page in (ada, grace, mei):
        await enter(page, "Harbour crew")
    return ada, grace, mei


async def test_three_people_see_one_thread(open_as: OpenAs) -> None:
    pages = await _all_enter(open_as)
    # All write at once, and all see it in one order.
    await asyncio.gather(
        *(
            _say_all(page, [f"{name} {number}" for number in range(5)])
            for name, page in zip(_THREE, pages, strict=True)
        )
    )
    said = []
    for page in pages:
        own = page.locator(".thread-text").filter(has_text=_SAID)
        await expect(own).to_have_count(15)
        await expect(page.get_by_text("Sending …")).to_have_count(0)
        said.append(await own.all_inner_texts())
    assert said[0] == said[1] == said[2]
    for name in _THREE:
        own_words = [each for each in said[0] if each.startswith(name)]
        assert own_words == [f"{name} {number}" for number in range(5)]


_SAID = re.compile("^(ada|grace|mei) [0-9]$")


async def _say_all(page: Page, bodies: list[str]) -> None:
    for body in bodies:
        await say(page, body)
        await expect(field_of(page)).to_have_value("")


async def test_a_group_says_who_types_who_reacts_and_who_is_meant(
    open_as: OpenAs,
) -> None:
    ada, grace, mei = await _all_enter(open_as)
    await field_of(grace).press_sequentially("Which")
    await field_of(mei).press_sequentially("I do not")
    typing = ada.locator(".thread-typing")
    await expect(typing).to_have_text(_BOTH_TYPE)
    await say(grace, "Which pier is it, @mei?")
    await field_of(mei).press_sequentially(" know")
    await expect(typing).to_have_text("Mei Tanaka is typing …")
    asked = row_of(mei, "Which pier")
    await expect(asked.locator(".thread-mention-me")).to_have_text("@mei")
    await expect(asked.locator(".thread-name")).to_have_text("Grace Okafor")
    await expect(row_of(ada, "Which pier").locator(".thread-mention")).to_have_text(
        "@mei"
    )
    await expect(ada.locator(".thread-mention-me")).to_have_count(0)

    await choose(mei, "Which pier", "Reply")
    await say(mei, "The east one.")
    answer = row_of(ada, "The east one.")
    await expect(answer).to_contain_text("Which pier is it, @mei?")
    await expect(answer.locator(".thread-name")).to_have_text("Mei Tanaka")

    for page in (ada, grace):
        await row_of(page, "The east one.").hover()
        await row_of(page, "The east one.").get_by_role("button", name="React").click()
        await page.get_by_role("dialog").get_by_role("button", name="👍").click()
    both = row_of(mei, "The east one.").get_by_role("button", name="👍, 2 people")
    await both.hover()
    await expect(mei.get_by_role("tooltip")).to_have_text(
        re.compile("(Ada Moreau and Grace Okafor|Grace Okafor and Ada Moreau) reacted")
    )


_BOTH_TYPE = re.compile(
    "^(Grace Okafor and Mei Tanaka|Mei Tanaka and Grace Okafor) are typing …$"
)


async def test_a_message_to_a_group_is_read_when_the_last_has_read_it(
    open_as: OpenAs, site: Site
) -> None:
    people = [site.person(each) for each in _THREE]
    await make_group(site.node, *people)
    ada, grace = await open_as("ada"), await open_as("grace")
    await ada.locator(".list-rows").get_by_text("Us", exact=True).click()
    await say(ada, "Call is at six")
    mark = row_of(ada, "Call is at six").get_by_text(
        re.compile("^(Sent|Delivered|Read)$")
    )
    await enter(grace, "Us")
    await expect(row_of(grace, "Call is at six")).to_be_visible()
    await expect(mark).to_have_text("Sent")
    mei = await open_as("mei")
    await expect(mark).to_have_text("Delivered")
    await enter(mei, "Us")
    await expect(mark).to_have_text("Read")


async def test_messages_stand_together_by_person_and_day(
    open_as: OpenAs, site: Site
) -> None:
    group = str(await make_group(site.node, *(site.person(each) for each in _THREE)))
    noon = datetime.now(ZoneInfo("Europe/London")).replace(
        hour=12, minute=0, second=0, microsecond=0
    )
    earlier, yesterday = noon - timedelta(days=3), noon - timedelta(days=1)
    await lay_past(
        site,
        group,
        [
            Line("grace", "One", earlier),
            Line("grace", "Two", earlier + timedelta(minutes=4)),
            Line("mei", "Three", earlier + timedelta(minutes=5)),
            Line("mei", "Four", earlier + timedelta(minutes=11)),
            Line("mei", "Five", yesterday),
            Line("ada", "Six", yesterday + timedelta(minutes=1)),
            Line("ada", "Seven", noon),
        ],
    )
    ada = await open_as("ada")
    await enter(ada, "Us")
    days = ada.locator(".thread-day")
    await expect(days).to_have_text([f"{earlier:%A}", "Yesterday", "Today"])
    # Each is named once: Mei again after a while, and again on another day.
    await expect(ada.locator(".thread-name")).to_have_text(
        ["Grace Okafor", "Mei Tanaka", "Mei Tanaka", "Mei Tanaka"]
    )
    faces = ada.locator(".thread-row:has(.ui-avatar) .thread-text")
    await expect(faces).to_have_text(["Two", "Three", "Four", "Five"])
    await expect(ada.locator(".thread-day + .thread-row")).to_contain_text(
        ["One", "Five", "Seven"]
    )
