"""How soon people see something: pages opened by browsers that have never seen them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.async_api import BrowserContext, Page, expect

from benchmarks.measured import percentile
from realtime import demo
from tests.pages.windows import Windows

_VISITS = 10
_PATIENCE_MS = 30_000

# The moment in which the frame is drawn in which something is there for the first time.
_WATCH = """
(() => {
  window.shownAt = {};
  const watch = () => {
    const root = document.querySelector("callboard-chat")?.shadowRoot;
    for (const name of ["button.list-row", ".thread-row"]) {
      if (window.shownAt[name] === undefined && root?.querySelector(name)) {
        window.shownAt[name] = null;
        requestAnimationFrame((now) => { window.shownAt[name] = now; });
      }
    }
    requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
})();
"""
_SEEN = """
() => ({
  ...Object.fromEntries(
    performance.getEntriesByType("paint").map((each) => [each.name, each.startTime])),
  ...window.shownAt,
})
"""


_ROW = ".thread-row"


@dataclass(frozen=True)
class Paint:
    """How many milliseconds after it was asked for something was seen."""

    name: str
    median_ms: float
    worst_ms: float


async def measure_paints(windows: Windows, conversation: str) -> list[Paint]:
    """Open an empty page and the chat in turns, each in a browser without a cache."""
    site = windows.site
    visits: list[tuple[str, Mapping[str, str], str, str]] = [
        ("an empty answer", {"first-paint": "first paint"}, "/healthz", ""),
        (
            "the chat",
            {
                "first-paint": "first paint",
                "first-contentful-paint": "first contentful paint",
                "button.list-row": "the list is there",
            },
            "/?as=ada",
            "button.list-row",
        ),
        *(
            (name, {_ROW: "its messages are there"}, _place_of(each), _ROW)
            for name, each in (
                ("a thread of 100,000", conversation),
                ("a thread of a few", str(demo.CREW)),
            )
        ),
    ]
    seen: dict[str, list[float]] = {}
    for _ in range(_VISITS):
        for page_name, wanted, path, last in visits:
            context = await windows.new_context()
            found = await _visit(context, site.url + path, last, wanted)
            await context.close()
            for mark, words in wanted.items():
                seen.setdefault(f"{page_name}: {words}", []).append(found[mark])
    return [_paint(name, sorted(times)) for name, times in seen.items()]


def _place_of(conversation: str) -> str:
    return f"/?as=ada#{urlencode({'conversation': conversation})}"


async def _visit(
    context: BrowserContext, url: str, last: str, wanted: Mapping[str, str]
) -> Mapping[str, float]:
    page = await context.new_page()
    await page.add_init_script(_WATCH)
    await page.goto(url)
    if last:
        await expect(page.locator(last).first).to_be_visible(timeout=_PATIENCE_MS)
    await _until_all(page, list(wanted))
    found: Mapping[str, float] = await page.evaluate(_SEEN)
    return found


async def _until_all(page: Page, marks: Sequence[str]) -> None:
    await page.wait_for_function(
        f"marks => {{ const seen = ({_SEEN})();"
        " return marks.every((mark) => typeof seen[mark] === 'number'); }",
        arg=marks,
        timeout=_PATIENCE_MS,
    )


def _paint(name: str, times: Sequence[float]) -> Paint:
    return Paint(name, percentile(times, 0.5), times[-1])
