"""The table: figures, ratios and the conditions under which they hold."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measured import Measured
from benchmarks.stage import Cores

_PACKAGES = ("websockets", "uvloop", "asyncpg", "pydantic", "orjson")
_HEAD = ("measured", "per second", "", "p50 ms", "p99 ms", "server", "load")


@dataclass(frozen=True)
class Ratio:
    """One figure over another of the same run, and the least it has to be, if any."""

    name: str
    value: float
    least: float | None


def conditions(
    cores: Cores, postgres: str, seconds: float, others: float
) -> Mapping[str, str]:
    """Say where, with what and beside how much else was measured."""
    return machine() | {
        "cores": f"server and PostgreSQL on {cores.server}, load on {cores.load}",
        "postgresql": f"{postgres}, fsync and synchronous_commit on",
        "packages": ", ".join(
            f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES
        ),
        "seconds": f"{seconds:g} a measurement",
        "other work": f"load average {others:.1f} before the first measurement,"
        f" priority of ours nice {os.nice(0)}",
    }


def machine() -> dict[str, str]:
    """Say when and on what was measured."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    parts = (line.partition(":") for line in text.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in parts}
    model, frequency = fields.get("model name", "unknown"), fields.get("cpu MHz")
    return f"{model}, {float(frequency):.0f} MHz" if frequency else model


def render(
    rows: Sequence[Measured], ratios: Sequence[Ratio], about: Mapping[str, str]
) -> str:
    """Give the report as Markdown that reads well on a terminal too."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, _line(["-" * width for width in widths], widths))
    ratio_lines = [
        f"- {ratio.value:.2f}{_verdict(ratio)}: {ratio.name}" for ratio in ratios
    ]
    known = [f"- {name}: {value}" for name, value in about.items()]
    return "\n".join([*lines, "", *ratio_lines, "", *known, ""])


def _verdict(ratio: Ratio) -> str:
    if ratio.least is None:
        return ""
    word = "reached" if ratio.value >= ratio.least else "not reached"
    return f" (at least {ratio.least:g}: {word})"


def _cells(row: Measured) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.per_second:,.0f}",
        row.unit,
        "" if row.p50_ms is None else f"{row.p50_ms:.1f}",
        "" if row.p99_ms is None else f"{row.p99_ms:.1f}",
        "" if row.server_busy is None else f"{row.server_busy:.0%}",
        "" if row.load_busy is None else f"{row.load_busy:.0%}",
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        f"{cell:<{width}}" if index in {0, 2} else f"{cell:>{width}}"
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "| " + " | ".join([first, *rest]) + " |"
