"""
Judge what wstest found in our WebSocket layer, and lay it out in Markdown.

wstest judges what was exchanged and how the connection was closed apart; here
each case gets one verdict, the worse of both, in the sense in which wstest
colours its own report.
"""

import json
import platform
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

VERDICTS = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")
CLOSE_FAILED = {"FAILED", "UNCLEAN"}
CLOSE_NON_STRICT = {"WRONG CODE", "FAILED BY CLIENT"}

GROUPS = {
    1: "Framing",
    2: "Pings and pongs",
    3: "Reserved bits",
    4: "Opcodes",
    5: "Fragmentation",
    6: "UTF-8 handling",
    7: "Close handling",
    9: "Limits and performance",
    10: "Automatic fragmentation",
    12: "Compression, different payloads",
    13: "Compression, different parameters",
}
NAME_WIDTH = max(len(name) for name in GROUPS.values()) + len("13 ")

MEANINGS = """\
- **OK**: what the specification demands, closing included.
- **NON-STRICT**: conforming, but short of a SHOULD or of the behaviour the suite
  prefers, for example refusing bad UTF-8 at the end of a frame and not at its first
  bad byte; or closed cleanly with another close code than the suite expects.
- **INFORMATIONAL**: the specification leaves the behaviour open; recorded only.
- **UNIMPLEMENTED**: the server declined the extension under test. Without
  permessage-deflate that is every case of groups 12 and 13.
- **FAILED**: a MUST is violated, or the connection was not closed cleanly.
"""


@dataclass(frozen=True)
class Case:
    """One test case: what was exchanged, and how the connection was closed."""

    id: str
    behavior: str
    close: str
    close_code: int | None

    @property
    def number(self) -> tuple[int, ...]:
        """The id in parts, so that 7.10 sorts after 7.9."""
        return tuple(int(part) for part in self.id.split("."))

    @property
    def verdict(self) -> str:
        """The worse of behaviour and close; anything unheard of counts as failed."""
        if self.behavior not in VERDICTS or self.close in CLOSE_FAILED:
            return "FAILED"
        if self.behavior == "OK" and self.close in CLOSE_NON_STRICT:
            return "NON-STRICT"
        return self.behavior


@dataclass(frozen=True)
class Outcome:
    """A completed run: every case in order, and the suite that judged them."""

    suite: str
    patterns: str
    cases: Sequence[Case]
    seconds: float

    @property
    def has_failed(self) -> bool:
        """Whether a single case failed, which is enough not to conform."""
        return any(case.verdict == "FAILED" for case in self.cases)


def read_cases(index: Path, agent: str) -> list[Case]:
    """Read the `index.json` of wstest, in the order of the case numbers."""
    report = json.loads(index.read_bytes()).get(agent, {})
    cases = [
        Case(id_, found["behavior"], found["behaviorClose"], found["remoteCloseCode"])
        for id_, found in report.items()
    ]
    return sorted(cases, key=lambda case: case.number)


def table_of_groups(cases: Sequence[Case]) -> str:
    """Count the verdicts of each case group, and of all, as a Markdown table."""
    groups: dict[int, Counter[str]] = {}
    for case in cases:
        groups.setdefault(case.number[0], Counter())[case.verdict] += 1
    rules = " | ".join("-" * (len(verdict) - 1) + ":" for verdict in VERDICTS)
    lines = [
        f"| {'Group':<{NAME_WIDTH}} | {' | '.join(VERDICTS)} |",
        f"| {'-' * NAME_WIDTH} | {rules} |",
    ]
    for group, counts in sorted(groups.items()):
        lines.append(_row(f"{group} {GROUPS.get(group, '')}".strip(), counts))
    lines.append(_row("all", Counter(case.verdict for case in cases)))
    return "\n".join(lines) + "\n"


def _row(name: str, counts: Mapping[str, int]) -> str:
    # Padded, because the same table is read in a terminal.
    cells = (f"{counts.get(verdict, 0):>{len(verdict)}}" for verdict in VERDICTS)
    return f"| {name:<{NAME_WIDTH}} | {' | '.join(cells)} |"


def list_of_exceptions(cases: Sequence[Case]) -> str:
    """Name each case that is neither OK nor unimplemented; they deserve a look."""
    lines = [
        f"- {case.id}: {case.verdict} (behaviour {case.behavior}, "
        f"close {case.close}, close code {case.close_code or 'none'})\n"
        for case in cases
        if case.verdict not in {"OK", "UNIMPLEMENTED"}
    ]
    return "".join(lines) or "None.\n"


def render_document(outcome: Outcome, root: Path) -> str:
    """Write the page for docs/: the result, its circumstances, how to read it."""
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    callboard = tomllib.loads(pyproject)["project"]["version"]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"""\
# WebSocket conformance

The [Autobahn|Testsuite](https://github.com/crossbario/autobahn-testsuite) plays a
client that tries the corners of RFC 6455 and RFC 7692, and breaks their rules in
every way it knows, against our WebSocket layer answering each message with itself.
Written by `tests/autobahn/run.py`, not by hand.

- Date: {datetime.now(UTC):%Y-%m-%d}
- Callboard {callboard}, websockets {version("websockets")}, {python}
- Autobahn|Testsuite {outcome.suite}
- Cases: {outcome.patterns}; {len(outcome.cases)} in {outcome.seconds:.0f} s

{table_of_groups(outcome.cases)}
## What the categories mean

{MEANINGS}
## Cases that are neither OK nor unimplemented

{list_of_exceptions(outcome.cases)}"""
