"""
Mails in a browser: narrow and wide, light and dark, both directions, and offline.

With CALLBOARD_PICTURES=<folder> the pictures are kept there, to be looked at.
"""

import os
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Request, async_playwright

from realtime.mail.composing import compose
from realtime.notifications.notifier import Parcel
from tests.realtime.mail.parcels import NOW, digest, messages, notification, parcel
from tests.realtime.mail.parcels import recipient as to
from tests.realtime.mail.test_composing import LINKS, SENDER

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium to look at mails with"
)

LONG = "https://example.com/" + "x" * 120
PARCELS: dict[str, Parcel] = {
    "conversation": parcel(
        messages(
            f"Hi Ada!\nTuesday, <b>second</b> reading?\n\nBring this: {LONG}",
            "مرحبا، هل أنت متاح غدًا؟ (call me)",
            names=("Grace Hopper", "W" * 60),
            title="Hamlet: " + "X" * 90,
        ),
        more=3,
    ),
    "conversation-ar": parcel(
        messages("مرحبًا، هل نلتقي؟", "See you at 10:30!", names=("ليلى", "Grace")),
        recipient=to("ar", "آدا"),
        more=2,
    ),
    "notification-de": parcel([notification()], recipient=to("de")),
    "digest": digest(),
    "digest-ar": digest("ar", "weekly"),
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield running
        await running.close()


def _keep(fetched: list[str], request: Request) -> None:
    fetched.append(request.url)


async def test_mails_fit_and_fetch_nothing(browser: Browser) -> None:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    folder = os.environ.get("CALLBOARD_PICTURES")
    for scheme in schemes:
        for width in (320, 600):
            page = await browser.new_page(
                viewport={"width": width, "height": 700}, color_scheme=scheme
            )
            fetched: list[str] = []
            page.on("request", partial(_keep, fetched))
            for name, made in PARCELS.items():
                mail = compose(made, SENDER, LINKS, may_unsubscribe=True, now=NOW)
                html = mail.get_body(("html",))
                assert html is not None
                await page.set_content(html.get_content())
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (name, scheme, width)
                back = await page.evaluate(
                    "getComputedStyle(document.querySelector('.card')).backgroundColor"
                )
                assert (back == "rgb(255, 255, 255)") is (scheme == "light")
                if folder:
                    path = Path(folder) / f"{name}-{scheme}-{width}.png"
                    await page.screenshot(path=path, full_page=True)
            assert fetched == []
            await page.close()
