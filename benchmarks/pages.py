"""
What the chat costs those who open it: `python -m benchmarks.pages [--write]`.

How large it is, how soon it is seen, and how a conversation of 100,000 messages scrolls
in a real browser. Server, PostgreSQL and browser share the machine.
"""

import argparse
import asyncio
import gzip
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from api.chat_files import shipped
from benchmarks import report
from benchmarks.frames import STUTTER_MS, Scrolled, measure_scrolling
from benchmarks.paints import Paint, measure_paints
from tests.clients.nodejs import run_node
from tests.pages.alone import run_alone
from tests.pages.threads import give_past
from tests.pages.windows import Windows

_DOCUMENT = Path(__file__).parents[1] / "docs" / "pages.md"
_MESSAGES = 100_000
_STRETCH = 2_000
_MOST_SECONDS = 540
_MOST_BYTES = 150_000
_MOST_PAINT_MS = 1000

_INTRODUCTION = f"""\
# The chat in a browser

Written by `make bench-pages` (`benchmarks/pages.py`). Compare with the first line of
each table, which is from the same run; the figures belong to the machine.

- *sizes*: what is shipped; asked of the chat: less than {_MOST_BYTES // 1000} kB
  gzipped.
- *paints*: over loopback, each time by a browser that has nothing in its cache; asked:
  a first paint in less than a second.
- *frames*: a conversation of {_MESSAGES:,} messages, scrolled by wheel as somebody in a
  hurry does, {_STRETCH:,} messages upwards and back, and as far around its middle. A
  frame of more than {STUTTER_MS:g} ms is a stutter; *long* are those in which the page
  itself was at work, by the browser's own word (`long-animation-frame`).
  What is left of them are frames in which twenty more messages are drawn.
- *memory*: elements of the chat, nodes of the whole page, and its heap, after the
  browser has collected its garbage.

"""


@dataclass(frozen=True)
class _Measured:
    browser: str
    paints: Sequence[Paint]
    scrolled: Scrolled


async def _measure(windows: Windows) -> _Measured:
    async with asyncio.timeout(_MOST_SECONDS):
        conversation = await give_past(windows.site, "ada", "grace", _MESSAGES)
        paints = await measure_paints(windows, conversation)
        scrolled = await measure_scrolling(windows, conversation, _MESSAGES, _STRETCH)
    return _Measured(windows.browser.version, paints, scrolled)


def _sizes() -> list[tuple[str, ...]]:
    folder = files("api").joinpath("pages", "chat")
    rows = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        content = file.read_bytes()
        rows.append((file.name, len(content), len(gzip.compress(content, 9))))
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    return [(name, f"{raw:,}", f"{small:,}") for name, raw, small in rows]


def _client_sizes() -> list[str]:
    lines = asyncio.run(run_node("scripts/size.js")).splitlines()
    return [line for line in lines if line.endswith("bytes gzipped")]


def _render(measured: _Measured) -> str:
    scrolled = measured.scrolled
    return "\n\n".join(
        [
            _table(("file", "bytes", "gzipped"), _sizes()),
            "`@callboard/client`, bundled and minified:",
            "\n".join(f"- {line}" for line in _client_sizes()),
            _table(
                ("paint", "median ms", "worst ms"),
                [
                    (each.name, f"{each.median_ms:.0f}", f"{each.worst_ms:.0f}")
                    for each in measured.paints
                ],
            ),
            _table(
                (
                    "frames",
                    "s",
                    "drawn",
                    "p50 ms",
                    "p99 ms",
                    "worst ms",
                    "stutters",
                    "long",
                ),
                [
                    (
                        each.name,
                        f"{each.seconds:.1f}",
                        f"{each.drawn:,}",
                        f"{each.p50_ms:.1f}",
                        f"{each.p99_ms:.1f}",
                        f"{each.worst_ms:.1f}",
                        str(each.stutters),
                        str(each.long_frames),
                    )
                    for each in scrolled.frames
                ],
            ),
            _table(
                ("memory", "elements", "nodes", "heap MB"),
                [
                    (
                        each.when,
                        f"{each.elements:,}",
                        f"{each.nodes:,}",
                        f"{each.heap_megabytes:.1f}",
                    )
                    for each in scrolled.memory
                ],
            ),
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [
        "| "
        + " | ".join(
            f"{cell:<{width}}" if at == 0 else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in (head, ["-" * width for width in widths], *rows)
    ]
    return "\n".join(lines)


def _is_as_asked(measured: _Measured) -> bool:
    chat = shipped().get("callboard-chat.js")
    first = next(
        each for each in measured.paints if each.name == "the chat: first paint"
    )
    return len(chat.compressed) < _MOST_BYTES and first.worst_ms < _MOST_PAINT_MS


def main() -> int:
    """Measure and print; exit code 1 where size or first paint are not as asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pages", description=__doc__
    )
    parser.add_argument("--write", action="store_true", help="write docs/pages.md")
    chosen = parser.parse_args()
    others = os.getloadavg()[0]
    measured = run_alone(shipped(), _measure)
    about = report.machine() | {
        "browser": f"Chromium {measured.browser}, headless, without a GPU",
        "other work": f"load average {others:.1f} before the first measurement,"
        f" priority of ours nice {os.nice(0)}",
    }
    known = "\n".join(f"- {name}: {value}" for name, value in about.items())
    text = f"{_render(measured)}\n\n{known}\n"
    print(text)
    if chosen.write:
        _DOCUMENT.write_text(_INTRODUCTION + text, encoding="utf-8")
    return 0 if _is_as_asked(measured) else 1


if __name__ == "__main__":
    sys.exit(main())
