"""
From a frame to a command, or to the words that refuse it.

Refusals name fields, never their values.
"""

import json
from typing import Any

import orjson
from pydantic import ValidationError

from realtime.errors import Invalid, Problem
from realtime.protocol import COMMANDS, Command

# Longer names of fields are cut in refusals; longer integers are none that we take.
_FIELD_CHARS = 100
_INT_CHARS = 20

# What lies deeper is not read: how deep json goes differs by version of Python.
_LENIENT_LEVELS = 500


def parse_command(kind: str, data: object) -> Command:
    """
    Make a command of its type and data.

    Raises:
        Invalid: The data is not what the contract says; names the fields, not their
            values.
    """
    shape = COMMANDS.get(kind)
    if shape is None:
        raise Invalid("There is no command of this type.")
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise Invalid(details={"fields": describe(error)}) from None


def describe(error: ValidationError) -> list[dict[str, str]]:
    """Say which fields are wrong and why, without repeating what was sent."""
    return [
        {
            "field": ".".join(str(part) for part in problem["loc"])[:_FIELD_CHARS],
            "message": problem["msg"].removeprefix("Value error, "),
        }
        for problem in error.errors(
            include_input=False, include_url=False, include_context=False
        )[:20]
    ]


def check_envelope(frame: dict[str, Any]) -> None:
    """
    Look at what every command comes in.

    Raises:
        Invalid: It is not what the contract says.
    """
    reference = frame.get("id")
    if printable_id(reference) is None:
        raise Invalid("id must be a whole number or a string of 1 to 64 characters.")
    if not isinstance(frame.get("type"), str):
        raise Invalid("type must be a string.")
    if surplus := frame.keys() - {"id", "type", "data"}:
        raise Invalid(f"A frame has id, type and data, but {len(surplus)} more came.")
    if not isinstance(frame.get("data", {}), dict):
        raise Invalid("data must be an object.")


def printable_id(reference: object) -> int | str | None:
    """Give an id that can be answered to, None for what is no id."""
    if isinstance(reference, bool):
        return None
    if isinstance(reference, int) and abs(reference) < 2**63:
        return reference
    if isinstance(reference, str) and 1 <= len(reference) <= 64:  # noqa: PLR2004
        return reference if reference.isprintable() or _is_clean(reference) else None
    return None


def read_leniently(text: str) -> object:
    """
    Read what only a strict reader refuses: lone surrogates, NaN, huge numbers.

    Gives None for what is no JSON at all, and for what lies too deep.
    """
    try:
        value = json.loads(text, parse_int=_bounded_int)
    except (ValueError, RecursionError):
        return None
    return None if _is_too_deep(value) else value


def encode_refusal(reference: int | str | None, problem: Problem) -> bytes:
    """Render a refusal as the contract has it."""
    return orjson.dumps(
        {
            "type": "error",
            "id": reference,
            "error": {
                "code": problem.code,
                "message": problem.detail,
                "retry": problem.retry,
                "retry_after_ms": problem.retry_after_ms,
                "details": problem.details,
            },
        }
    )


def _bounded_int(digits: str) -> int | float:
    """Read a number of any length; Python refuses long ones as a whole."""
    return int(digits) if len(digits) <= _INT_CHARS else float(digits)


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(_LENIENT_LEVELS):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def _is_clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
