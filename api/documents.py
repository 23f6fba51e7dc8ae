"""
The pages of docs/ that are generated: `python -m api.documents --write docs/`.

A test fails where they are not as this module would write them.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from api.app import describe_http, version_of_callboard
from api.asyncapi import describe_socket
from api.errors import title_of
from realtime.errors import REFUSALS, Problem

_INTRODUCTION = """\
# Errors

Every refusal, as `error.code` of a socket's `error` frame and as `code` of an HTTP
answer in `application/problem+json`. *Retry*: the same call may succeed later,
unchanged; where `retry_after_ms` (HTTP: `Retry-After`) is given, not before that.
*Close*: the socket's close code where the session ends with it.

Generated from `realtime/errors.py` by `python -m api.documents --write docs/`.

| Code | HTTP | Close | Retry | Meaning |
| --- | --- | --- | --- | --- |
"""


def error_table() -> str:
    """Write the page of all errors."""
    return _INTRODUCTION + "".join(_row(kind) for kind in REFUSALS)


def documents() -> dict[str, str]:
    """Give every generated page by its name."""
    return {"errors.md": error_table()}


def contract() -> dict[str, str]:
    """
    Give the documents that a server serves, for what is generated from them.

    They are not kept: `scripts/generate` makes the clients' types from them.
    """
    return {
        "openapi.json": json.dumps(describe_http()),
        "asyncapi.json": json.dumps(describe_socket(version_of_callboard())),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages; without `--write`, say which are out of date."""
    parser = argparse.ArgumentParser(prog="python -m api.documents")
    parser.add_argument("directory", type=Path, help="where the pages are")
    parser.add_argument("--write", action="store_true", help="write them")
    parser.add_argument(
        "--contract", action="store_true", help="the contract's documents instead"
    )
    chosen = parser.parse_args(arguments)
    stale = []
    for name, text in (contract() if chosen.contract else documents()).items():
        page = chosen.directory / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if chosen.write:
                page.write_text(text, encoding="utf-8")
    done = "written" if chosen.write else "out of date"
    sys.stdout.write("".join(f"{name}: {done}\n" for name in stale))
    return 1 if stale and not chosen.write else 0


def _row(kind: type[Problem]) -> str:
    close = "" if kind.close is None else str(kind.close)
    retry = "yes" if kind.retry else ""
    status = "400, 422" if kind.code == "invalid" else str(kind.status)
    return f"| `{kind.code}` | {status} | {close} | {retry} | {title_of(kind)} |\n"


if __name__ == "__main__":
    sys.exit(main())
