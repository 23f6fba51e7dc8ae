"""Windows of a browser with people in them; what they complain of is a failure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypedDict, Unpack

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from tests.pages.site import Site

# What any browser says when a server cannot be reached.
_UNREACHABLE = re.compile(r"net::ERR_|WebSocket connection to .* failed")
# On a machine with other things to do.
_PATIENCE_MS = 60_000
_HEIGHTS: Mapping[int, int] = {360: 740, 768: 1024}
_DESKTOP_HEIGHT = 800
_PHONE_WIDTH = 480


class Look(TypedDict, total=False):
    """How somebody's window is."""

    width: int
    height: int
    color_scheme: Literal["light", "dark"]
    locale: str
    dir: Literal["ltr", "rtl"]
    reduced_motion: Literal["reduce", "no-preference"]
    context: BrowserContext
    """A browser that is there already: another window of the same person's."""
    path: str
    """Where in the site, `/#conversation=…`."""


@dataclass
class Windows:
    """All windows of a test."""

    browser: Browser
    site: Site
    complaints: list[str] = field(default_factory=list)
    _allowed: list[re.Pattern[str]] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def open_as(self, handle: str, **look: Unpack[Look]) -> Page:
        """
        Open the chat as somebody of the demonstration, in a browser of their own.

        Gives the page when the chat is there.
        """
        context = look.get("context") or await self.new_context(**look)
        page = await context.new_page()
        page.on("console", partial(self._on_console, handle))
        page.on("pageerror", partial(self._on_error, handle))
        path, _, place = look.get("path", "/").partition("#")
        await page.goto(
            f"{self.site.url}{path}?as={handle}{'#' + place if place else ''}"
        )
        if "dir" in look:
            await page.evaluate(
                "dir => { document.documentElement.dir = dir }", look["dir"]
            )
        return page

    def allow(self, pattern: str) -> None:
        """Let windows complain of this, because the test has it happen."""
        self._allowed.append(re.compile(pattern))

    async def close(self) -> None:
        """Close all, and make sure that nobody had anything to complain of."""
        for context in self._contexts:
            await context.close()
        allowed = [*self._allowed, *([_UNREACHABLE] if self.site.has_failed else [])]
        left = [
            each
            for each in self.complaints
            if not any(pattern.search(each) for pattern in allowed)
        ]
        assert left == [], "windows complained:\n" + "\n".join(left)

    async def new_context(self, **look: Unpack[Look]) -> BrowserContext:
        """Have a browser of somebody's own, for `open_as` with their windows."""
        width = look.get("width", 1280)
        context = await self.browser.new_context(
            viewport={
                "width": width,
                "height": look.get("height", _HEIGHTS.get(width, _DESKTOP_HEIGHT)),
            },
            has_touch=width <= _PHONE_WIDTH,
            color_scheme=look.get("color_scheme", "light"),
            locale=look.get("locale", "en-GB"),
            timezone_id="Europe/London",
            reduced_motion=look.get("reduced_motion", "no-preference"),
        )
        context.set_default_navigation_timeout(_PATIENCE_MS)
        self._contexts.append(context)
        return context

    def _on_console(self, handle: str, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location["url"]
            self.complaints.append(f"{handle}: {message.text} ({where})")

    def _on_error(self, handle: str, error: Error) -> None:
        self.complaints.append(f"{handle}: {error.stack or error.message}")
