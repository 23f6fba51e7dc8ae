"""Whether a long conversation scrolls without a stutter: the frames that are drawn."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.async_api import CDPSession, Page, expect

from benchmarks.measured import percentile
from tests.pages.windows import Windows

STUTTER_MS = 50.0
# Somebody in a hurry: so many pixels with each turn of the wheel, and so many turns.
_WHEEL_PX = 400
_TURNS_A_SECOND = 60
_PATIENCE_MS = 30_000

# What the browser is asked to remember while somebody scrolls.
_RECORDER = """
() => {
  const frames = [], long = [];
  let before = null, isOver = false;
  const frame = (now) => {
    if (before !== null) frames.push(now - before);
    before = now;
    if (!isOver) requestAnimationFrame(frame);
  };
  const observer = new PerformanceObserver((list) => {
    for (const each of list.getEntries()) long.push(each.duration);
  });
  observer.observe({ type: "long-animation-frame" });
  requestAnimationFrame(frame);
  window.endRecording = () => {
    isOver = true;
    for (const each of observer.takeRecords()) long.push(each.duration);
    observer.disconnect();
    return { frames, long };
  };
}
"""
_ROOT = "document.querySelector('callboard-chat').shadowRoot"
_SEQS = f"[...{_ROOT}.querySelectorAll('.thread-row')].map((row) => +row.dataset.seq)"
_FIRST_SEQ = f"() => {_SEQS}.at(0) ?? 0"
_LAST_SEQ = f"() => {_SEQS}.at(-1) ?? 0"
_ELEMENTS = f"() => {_ROOT}.querySelectorAll('*').length"
# What any page does here that only has text in it and loads nothing.
_PLAIN = """
() => {
  const text = "A line of text that is as long as what people say to each other. ";
  for (let line = 0; line < 20000; line += 1) {
    const made = document.createElement("p");
    made.textContent = `${line} ${text.repeat(1 + (line % 3))}`;
    document.body.append(made);
  }
}
"""


@dataclass(frozen=True)
class Frames:
    """How one stretch of scrolling was drawn."""

    name: str
    seconds: float
    drawn: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    stutters: int
    """Frames that took longer than `STUTTER_MS`."""
    long_frames: int
    """Those of them in which the page itself was at work, as the browser says."""


@dataclass(frozen=True)
class Memory:
    """What the page holds, after the browser has tidied up."""

    when: str
    elements: int
    nodes: int
    heap_megabytes: float


@dataclass(frozen=True)
class Scrolled:
    """All stretches of one run, and what was held between them."""

    frames: Sequence[Frames]
    memory: Sequence[Memory]


async def measure_scrolling(
    windows: Windows, conversation: str, messages: int, stretch: int
) -> Scrolled:
    """Scroll from the newest message over so many and back, and in the middle."""
    frames = [await _plain_page(windows)]
    place = urlencode({"conversation": conversation})
    page = await windows.open_as("ada", path=f"/#{place}")
    await expect(page.locator(".thread-row").last).to_be_visible(timeout=_PATIENCE_MS)
    await page.locator(".dev-hint button").click()
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    memory = [await _memory(page, session, "opened")]

    await page.locator(".thread-scroller").hover()
    newest = int(await page.evaluate(_LAST_SEQ))
    upwards = f"{stretch:,} messages upwards"
    frames.append(await _scroll(page, upwards, -1, newest - stretch))
    memory.append(await _memory(page, session, f"after {upwards}"))
    frames.append(await _scroll(page, "and down again", 1, newest))
    memory.append(await _memory(page, session, "and down again"))

    middle = newest - messages // 2
    jump = f"{place}&message={middle}"
    began = time.perf_counter()
    await page.evaluate("place => { location.hash = place }", jump)
    await expect(page.locator(f'.thread-row[data-seq="{middle}"]')).to_be_in_viewport(
        timeout=_PATIENCE_MS
    )
    jumped = (time.perf_counter() - began) * 1000
    memory.append(await _memory(page, session, f"in the middle, {jumped:.0f} ms later"))
    half = stretch // 2
    name = f"from the middle, {half:,} upwards"
    frames.append(await _scroll(page, name, -1, middle - half))
    name = f"and {stretch:,} downwards"
    frames.append(await _scroll(page, name, 1, middle + half))
    memory.append(await _memory(page, session, "at the end"))
    return Scrolled(frames, memory)


async def _plain_page(windows: Windows) -> Frames:
    context = await windows.new_context()
    page = await context.new_page()
    await page.goto(f"{windows.site.url}/healthz")
    await page.evaluate(_PLAIN)
    await page.mouse.move(600, 400)
    await page.evaluate(_RECORDER)
    began = time.perf_counter()
    for turn in range(300):
        await _turn(page, 1, began, turn)
    frames = await _recorded(page, "a page of 20,000 lines of text", began)
    await context.close()
    return frames


async def _scroll(page: Page, name: str, direction: int, seq: int) -> Frames:
    """Turn the wheel until a message has come; who waits for it still draws frames."""
    edge = _FIRST_SEQ if direction < 0 else _LAST_SEQ
    deadline = time.perf_counter() + 120
    await page.evaluate(_RECORDER)
    began = time.perf_counter()
    turn = 0
    while True:
        await _turn(page, direction, began, turn)
        turn += 1
        # Asking is work for the page, so it is asked rarely.
        if turn % 30 == 0:
            at = int(await page.evaluate(edge))
            if at <= seq if direction < 0 else at >= seq:
                return await _recorded(page, name, began)
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{name}: only {at} was reached, not {seq}")


async def _turn(page: Page, direction: int, began: float, turn: int) -> None:
    await page.mouse.wheel(0, direction * _WHEEL_PX)
    # In time with a hand, and not as fast as events can be made.
    ahead = began + (turn + 1) / _TURNS_A_SECOND - time.perf_counter()
    if ahead > 0:
        await asyncio.sleep(ahead)


async def _recorded(page: Page, name: str, began: float) -> Frames:
    seconds = time.perf_counter() - began
    recorded = await page.evaluate("() => window.endRecording()")
    times = sorted(float(each) for each in recorded["frames"])
    frames = Frames(
        name=name,
        seconds=seconds,
        drawn=len(times),
        p50_ms=percentile(times, 0.5),
        p99_ms=percentile(times, 0.99),
        worst_ms=times[-1],
        stutters=sum(each > STUTTER_MS for each in times),
        long_frames=len(recorded["long"]),
    )
    print(frames, file=sys.stderr)
    return frames


async def _memory(page: Page, session: CDPSession, when: str) -> Memory:
    await session.send("HeapProfiler.collectGarbage")
    answer = await session.send("Performance.getMetrics")
    metrics = {each["name"]: each["value"] for each in answer["metrics"]}
    return Memory(
        when=when,
        elements=int(await page.evaluate(_ELEMENTS)),
        nodes=int(metrics["Nodes"]),
        heap_megabytes=metrics["JSHeapUsedSize"] / 1_000_000,
    )
