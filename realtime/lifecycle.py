"""
What becomes of a thread when its gig or application ends: one table of rules.

A rule says after how many days nobody may write any more, and after how many the
thread is archived; without either it stays writable. Operators change rules by the
setting `lifecycle`; of several that apply the earlier one counts. Where none applies
any more, the thread is open again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from realtime.clock import instant

LARGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Rule:
    """Days from the moment of the status; None is never, 0 is at once."""

    read_only_days: int | None
    archive_days: int | None


WRITABLE = Rule(None, None)

# `.chosen` holds for the thread of an accepted application and for a team's group:
# whoever fills a gig goes on talking about it.
DEFAULT_RULES: Mapping[str, Rule] = {
    "gig.filled": Rule(0, 90),
    "gig.filled.chosen": WRITABLE,
    "gig.closed": Rule(0, 90),
    "gig.closed.chosen": WRITABLE,
    "gig.cancelled": Rule(0, 30),
    "gig.completed": Rule(30, 180),
    "application.rejected": Rule(0, 30),
    "application.withdrawn": Rule(0, 30),
}

# What is said in a thread when its end comes, or when it is known.
_WHY: Mapping[str, str] = {
    "gig.filled": "The gig has been filled.",
    "gig.filled.chosen": "The gig has been filled.",
    "gig.closed": "The gig is closed.",
    "gig.closed.chosen": "The gig is closed.",
    "gig.cancelled": "The gig was cancelled.",
    "gig.completed": "The gig is completed.",
    "application.rejected": "The application was not successful.",
    "application.withdrawn": "The application was withdrawn.",
}

CLOSED = "thread.closed"
CLOSING = "thread.closing"
REOPENED = "thread.reopened"


def read_rules(given: Mapping[str, Any]) -> dict[str, Rule]:
    """
    Lay an operator's rules over the shipped ones.

    Raises:
        ValueError: A rule has no such name or says something else than days.
    """
    rules = dict(DEFAULT_RULES)
    for name, days in given.items():
        if name not in rules:
            raise ValueError(f"has no rule {name}, only {', '.join(rules)}")
        if not isinstance(days, dict) or days.keys() - {
            "read_only_days",
            "archive_days",
        }:
            raise ValueError(f"{name} takes read_only_days and archive_days")
        for number in days.values():
            if number is not None and not (
                type(number) is int and 0 <= number <= LARGEST_DAYS
            ):
                raise ValueError(f"{name} takes whole days from 0, or null")
        rules[name] = Rule(days.get("read_only_days"), days.get("archive_days"))
    return rules


def as_days(rules: Mapping[str, Rule]) -> dict[str, dict[str, int | None]]:
    """Write rules as PostgreSQL reads them."""
    return {
        name: {
            "read_only_days": rule.read_only_days,
            "archive_days": rule.archive_days,
        }
        for name, rule in rules.items()
    }


def words(
    rule: str | None, read_only_at: datetime | None, *, is_closed: bool
) -> tuple[str, dict[str, Any]]:
    """
    Give what the server says in a thread, in English and for programs.

    A client that speaks another language goes by `event` and `rule`.
    """
    if rule is None or read_only_at is None:
        return "This conversation is open again.", {"event": REOPENED}
    if is_closed:
        text = f"{_WHY[rule]} This conversation is read-only now."
        return text, {"event": CLOSED, "rule": rule}
    day = f"{read_only_at.day} {read_only_at:%B %Y}"
    return f"{_WHY[rule]} This conversation will be read-only from {day}.", {
        "event": CLOSING,
        "rule": rule,
        "read_only_at": instant(read_only_at),
    }
