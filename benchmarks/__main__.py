"""Measure, compare, print: `python -m benchmarks [--seconds N] [--write]`."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import uvloop

from benchmarks import report
from benchmarks.direct import measure_direct
from benchmarks.fanout import SOCKETS, measure_fanout
from benchmarks.measured import Measured
from benchmarks.pgbench import measure_inserts
from benchmarks.report import Ratio
from benchmarks.stage import (
    CannotMeasure,
    Cores,
    Stage,
    choose_cores,
    on_core,
    running,
    set_stage,
)
from benchmarks.writes import BYTES, measure_writes

_DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"

# (pairs, outstanding each), and messages outstanding to the crowd.
_DIRECT = [(100, 1), (200, 4)]
_FANOUT = [1, 4, 32]

# What the first release must reach of what the machine gives away in the same run.
_LEAST_DIRECT = 0.7
_LEAST_FANOUT = 0.85

_INTRODUCTION = f"""\
# Benchmarks

Written by `make bench` (`python -m benchmarks --write`). The server and PostgreSQL
share one core, whoever measures has another.

- *direct*: one person sends, the message is committed durably, the other reads it and
  the sender has its `ok`. Tokens are checked, commands validated, nothing is off.
- *fan-out*: one message to {SOCKETS:,} sockets.
- *pgbench*: a commit for each row, with the clients on the core of PostgreSQL, as our
  server is, and with the clients on the other core, where they cost PostgreSQL nothing.
- *loop of writes*: `send` of {BYTES} bytes to one socket after another. Unpaced, most
  writes find a reader that is behind, and are cheap; in rounds, every write finds a
  reader that waits.

Compare ratios; the figures belong to the machine. *server* and *load* say how busy
either was; a load near 100% was itself the limit.

"""


async def _measure(
    stage: Stage, cores: Cores, seconds: float, only: str
) -> tuple[list[Measured], list[Ratio], str]:
    rows: list[Measured] = []
    ratios: list[Ratio] = []
    version = await stage.postgres_version()
    if only in {"all", "direct"}:
        inserts = await measure_inserts(stage, cores, seconds)
        direct = [await measure_direct(stage, *load, seconds) for load in _DIRECT]
        rows += [*direct, *inserts]
        ratios += [_over(row, inserts[0], _LEAST_DIRECT) for row in direct]
        ratios += [_over(row, inserts[1], None) for row in direct]
    if only in {"all", "fanout"}:
        fanout = await measure_fanout(stage, _FANOUT, seconds)
        loop = await _measure_writes(cores, seconds, "unpaced")
        rounds = await _measure_writes(cores, seconds, "rounds")
        rows += [*fanout, loop, rounds]
        for row, outstanding in zip(fanout, _FANOUT, strict=True):
            least = _LEAST_FANOUT if outstanding == 4 else None
            ratios += [_over(row, loop, least), _over(row, rounds, None)]
    return rows, ratios, version


async def _measure_writes(cores: Cores, seconds: float, pace: str) -> Measured:
    with ExitStack() as started:
        with on_core(cores.server):
            _, port = started.enter_context(
                running("benchmarks.writes", os.environ, pace)
            )
        per_second, busy = await measure_writes(port, seconds)
    name = f"loop of {BYTES}-byte writes to {SOCKETS} sockets, {pace}"
    return Measured(name, per_second, "writes/s", load_busy=busy)


def _over(row: Measured, yardstick: Measured, least: float | None) -> Ratio:
    return Ratio(
        f"{row.name} / {yardstick.name}", row.per_second / yardstick.per_second, least
    )


def main() -> int:
    """Run everything; exit code 1 where this machine cannot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="per measurement")
    parser.add_argument("--only", choices=["all", "direct", "fanout"], default="all")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    chosen = parser.parse_args()
    others = os.getloadavg()[0]
    try:
        cores = choose_cores()
        with set_stage(cores) as stage, on_core(cores.load):
            rows, ratios, version = uvloop.run(
                _measure(stage, cores, chosen.seconds, chosen.only)
            )
    except CannotMeasure as why:
        print(why, file=sys.stderr)
        return 1
    about = report.conditions(cores, version, chosen.seconds, others)
    text = report.render(rows, ratios, about)
    print(text)
    if chosen.write:
        _DOCUMENT.write_text(_INTRODUCTION + text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
