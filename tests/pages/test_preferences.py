"""Preferences: each is saved at once, and put back where the server refuses."""

from playwright.async_api import Locator, Page, Route, expect

from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.windows import Windows

_HERE = "/#panel=preferences"


async def saved(page: Page) -> None:
    """Wait until it is said that a change was saved."""
    await expect(
        page.get_by_role("status").get_by_text("Saved", exact=True)
    ).to_be_visible()


async def tab(page: Page, name: str) -> None:
    """Choose a part of the preferences."""
    await page.get_by_role("tab", name=name).click()


async def mode_of(site: Site, type_: str, channel: str) -> tuple[str, str]:
    """Ask the server how Ada is told, and what decides it."""
    async with site.api("ada") as ada:
        told = await ada.call("GET", "/v1/notification-preferences")
    found = next(each for each in told["types"] if each["type"] == type_)
    at = found["channels"][channel]
    return at["mode"], at["source"]


def cell(page: Page, channel: str, type_: str) -> Locator:
    """Find where is chosen how a channel tells of a type."""
    return page.get_by_label(f"{channel}: {type_}", exact=True)


# --- how one is told ----------------------------------------------------------------


async def test_a_choice_for_a_type_is_saved_and_taken_back(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada", path=_HERE)
    mails = cell(ada, "E-mail", "Connection requests")
    await expect(mails).to_have_value("daily")
    await mails.select_option("weekly")
    await saved(ada)
    assert await mode_of(site, "connection_request", "email") == ("weekly", "type")
    await ada.reload()
    await expect(mails).to_have_value("weekly")

    await ada.get_by_role("button", name="Back to the defaults").click()
    await expect(mails).to_have_value("daily")
    await expect(
        ada.get_by_role("button", name="Back to the defaults")
    ).not_to_be_attached()
    assert await mode_of(site, "connection_request", "email") == ("daily", "default")


async def test_a_channel_that_is_off_says_so_at_each_type_but_what_is_required(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada", path=_HERE)
    whole = ada.get_by_role("switch", name="Push as a whole")
    await whole.uncheck()
    await saved(ada)
    off = ada.get_by_role("switch", name="Push: Mentions of you")
    await expect(off).to_be_disabled()
    await expect(off).to_have_attribute("title", "Push is off as a whole")
    row = ada.locator(".panels-matrix-row", has_text="Warnings by moderators")
    await expect(row).to_contain_text("Required: cannot be switched off")
    mails = cell(ada, "E-mail", "Warnings by moderators")
    await expect(mails.get_by_role("option", name="Off")).to_have_count(0)
    await whole.check()
    await expect(off).to_be_enabled()


async def test_a_class_is_chosen_at_once(site: Site, open_as: OpenAs) -> None:
    ada = await open_as("ada", path=_HERE)
    await cell(ada, "E-mail", "Alerts, All of these").select_option("weekly")
    await saved(ada)
    await expect(cell(ada, "E-mail", "Likes")).to_have_value("weekly")
    assert await mode_of(site, "like", "email") == ("weekly", "class")


async def test_what_the_server_refuses_is_put_back(
    open_as: OpenAs, windows: Windows
) -> None:
    windows.allow("503")
    ada = await open_as("ada", path=_HERE)
    mails = cell(ada, "E-mail", "Connection requests")
    await expect(mails).to_have_value("daily")

    async def refuse(route: Route) -> None:
        if route.request.method == "GET":
            await route.fallback()
            return
        body = '{"code": "unavailable", "detail": "Away.", "status": 503}'
        await route.fulfill(
            status=503, body=body, content_type="application/problem+json"
        )

    await ada.route("**/v1/notification-preferences", refuse)
    await mails.select_option("off")
    await expect(ada.get_by_text("Not saved, and put back")).to_be_visible()
    await expect(mails).to_have_value("daily")
    await ada.unroute("**/v1/notification-preferences", refuse)
    await mails.select_option("off")
    await saved(ada)
    await expect(mails).to_have_value("off")


# --- quiet hours --------------------------------------------------------------------


async def test_quiet_hours_are_kept_by_weekday_and_copied(
    site: Site, open_as: OpenAs
) -> None:
    ada = await open_as("ada", path=_HERE)
    await tab(ada, "Quiet hours")
    await ada.get_by_role("button", name="Add a time on Monday").click()
    await saved(ada)
    await ada.get_by_label("From, Monday").fill("21:30")
    await ada.get_by_role("button", name="Same every day as on Monday").click()
    await expect(ada.get_by_label("From, Sunday")).to_have_value("21:30")
    await ada.get_by_role(
        "button", name="Remove 21:30 to 07:00 on Saturday", exact=True
    ).click()
    await ada.get_by_label("Time zone").select_option("Asia/Tokyo")
    await ada.get_by_label("Daily digest at").fill("18:45")
    await ada.get_by_label("Weekly digest on").select_option("friday")
    await ada.get_by_label("Pushes a day").fill("7")
    await ada.get_by_label("Pushes a day").press("Tab")
    await saved(ada)

    await ada.reload()
    await tab(ada, "Quiet hours")
    await expect(ada.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    await expect(ada.get_by_label("Pushes a day")).to_have_value("7")
    async with site.api("ada") as api:
        kept = await api.call("GET", "/v1/quiet-hours")
    night = [{"from": "21:30", "to": "07:00"}]
    assert kept["quiet_hours"].keys() == {
        *("monday", "tuesday", "wednesday", "thursday", "friday", "sunday")
    }
    assert all(windows == night for windows in kept["quiet_hours"].values())
    assert (kept["digest_at"], kept["digest_weekday"]) == ("18:45", "friday")


async def test_nobody_disturbs_for_an_hour(site: Site, open_as: OpenAs) -> None:
    ada = await open_as("ada", path=_HERE)
    await tab(ada, "Quiet hours")
    await ada.get_by_role("button", name="Do not disturb").click()
    await ada.get_by_role("menuitem", name="For an hour").click()
    await expect(ada.get_by_text("It is quiet until")).to_be_visible()
    await ada.get_by_role("button", name="Switch off").click()
    await expect(ada.get_by_text("It is quiet until")).not_to_be_attached()
    await saved(ada)
    async with site.api("ada") as api:
        kept = await api.call("GET", "/v1/quiet-hours")
    assert kept["do_not_disturb_until"] is None


# --- what others see ----------------------------------------------------------------


async def test_who_hides_their_presence_is_not_there_for_others(
    open_as: OpenAs,
) -> None:
    ada = await open_as("ada", path=_HERE)
    grace = await open_as("grace")
    await grace.get_by_role("button", name="Ada Moreau").first.click()
    under = grace.locator(".panels-head-under")
    await expect(under).to_have_text("online")
    await tab(ada, "Privacy")
    await ada.get_by_role("switch", name="Show when I am online").uncheck()
    await saved(ada)
    await expect(under).not_to_have_text("online")


async def test_the_words_are_german_for_who_reads_german(open_as: OpenAs) -> None:
    ada = await open_as("ada", path=_HERE, locale="de-DE")
    await tab(ada, "Privatsphäre")
    await ada.get_by_label("Wer sich mit mir verbinden darf").select_option("nobody")
    await expect(ada.get_by_role("status").get_by_text("Gespeichert")).to_be_visible()
