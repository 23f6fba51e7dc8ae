"""`callboard recount`: every count again from the messages, beside running servers."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import orjson

from api.readiness import database_url, wait_for_database
from realtime.recount import Recount, Tally, announce_drift
from realtime.settings import Settings
from storage.checkup import explained
from storage.database import Database
from storage.recount import KINDS, Drift
from storage.unit_of_work import begin

_PATIENCE_SECONDS = 3.0

# More is for the tool that reads `--json`.
_SHOWN = 20


async def recount(settings: Settings, *, is_mending: bool, as_json: bool) -> int:
    """
    Count everything again, print what was wrong, and give the exit code.

    0 where nothing is wrong any more, 1 where something is. What the servers show in
    their metrics is set by it.

    Raises:
        CannotRun, Unusable: The database is not there, or not as it must be.
        Busy: It went away meanwhile; what was mended is.
    """
    await wait_for_database(settings, patience=_PATIENCE_SECONDS)
    dsn = database_url(settings)
    database = Database(dsn)
    # Nodes find by their sweeps what is announced here.
    transaction = partial(begin, database, uuid4())
    tally = Tally()
    try:
        with explained(dsn):
            await database.open()
        going = Recount(transaction, is_mending=is_mending)
        while await going.go_on(tally):
            pass
        await announce_drift(transaction, tally)
    finally:
        await database.close()
    write = sys.stdout.write
    write(_as_json(tally) if as_json else _as_text(tally, is_mending=is_mending))
    return 1 if tally.left else 0


def _as_json(tally: Tally) -> str:
    left = set(tally.left)
    found: dict[str, Any] = {
        "conversations": tally.conversations,
        "participants": tally.participants,
        "messages": tally.messages,
        "found": tally.found_by_kind(),
        "left": tally.left_by_kind(),
        "drift": [
            {
                "conversation_id": str(drift.conversation_id),
                "user_id": drift.user_id and str(drift.user_id),
                "kind": drift.kind,
                "held": drift.held,
                "due": drift.due,
                "is_mended": drift not in left,
            }
            for drift in tally.found
        ],
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"


def _as_text(tally: Tally, *, is_mending: bool) -> str:
    found, left = tally.found_by_kind(), tally.left_by_kind()
    rows = [("count", "wrong", "left")]
    rows += [(kind, str(found[kind]), str(left[kind])) for kind in KINDS]
    lines = [
        f"Looked at {tally.conversations} conversations with"
        f" {tally.participants} participants and {tally.messages} messages.",
        *(f"{kind:<16}{wrong:>8}{still:>8}" for kind, wrong, still in rows),
        *_examples(tally.left or tally.found),
    ]
    if not tally.found:
        lines.append("Every count is right.")
    elif not tally.left:
        lines.append("All of it is mended.")
    elif is_mending:
        lines.append("What is left cannot be mended from what is stored.")
    else:
        lines.append("`callboard recount --mend` mends what can be mended.")
    return "\n".join(lines) + "\n"


def _examples(drifts: Sequence[Drift]) -> list[str]:
    lines = [
        f"  {drift.conversation_id}  {drift.user_id or '-'!s:<36}  {drift.kind}:"
        f" {drift.held or 'nothing'} instead of {drift.due or 'nothing'}"
        for drift in drifts[:_SHOWN]
    ]
    if len(drifts) > _SHOWN:
        lines.append(f"  and {len(drifts) - _SHOWN} more; --json names all.")
    return lines
