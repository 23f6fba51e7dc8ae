"""
The Python client's types and calls are those of the server's own documents.
"""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, Unpack, get_args, get_origin

import pytest
from callboard_client import Platform
from callboard_client.calls import Asked, Call, Listed, Listing
from callboard_client.platform import PlatformCalls

from api.app import describe_http
from api.documents import contract

GENERATOR = Path(__file__).parents[2] / "clients" / "python" / "scripts" / "generate.py"
OPERATIONS = {
    f"{method.upper()} {path.replace('{', '').replace('}', '')}": operation
    for path, operations in describe_http()["paths"].items()
    if path.startswith("/v1/platform/")
    for method, operation in operations.items()
}
# What a call adds to the object that goes out: the rest of the schema is its own.
BATCHES = {"Iterable": "Batch_{}_"}
NAMES = {"Notification-Input": "NewNotification"}


class Method(NamedTuple):
    """
    A method of the platform, and what it asks when called with its arguments' names.
    """

    name: str
    takes: inspect.Signature
    call: Call[Any]
    answer: Any


def methods() -> Iterator[Method]:
    """
    Call each method with the names of its arguments in place of ids.
    """
    for name, each in inspect.getmembers(PlatformCalls):
        if not isinstance(each, Asked | Listed):
            continue
        takes = inspect.signature(each.make)
        given = [
            [] if parameter.name == "items" else parameter.name
            for parameter in list(takes.parameters.values())[1:]
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        asked = each.make(None, *given)
        (answer,) = get_args(takes.return_annotation)
        call = asked.page(None) if isinstance(asked, Listing) else asked
        yield Method(name, takes, call, answer)


METHODS = list(methods())
BY_CALL = {f"{each.call.method} {each.call.path}": each for each in METHODS}


def test_the_generated_types_are_up_to_date(tmp_path: Path) -> None:
    for name, text in contract().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, str(GENERATOR), str(tmp_path), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


def test_every_call_of_a_platform_has_one_method() -> None:
    assert sorted(BY_CALL) == sorted(OPERATIONS)
    assert len(BY_CALL) == len(METHODS)


@pytest.mark.parametrize("what", sorted(OPERATIONS))
def test_a_method_takes_and_answers_what_the_contract_says(what: str) -> None:
    operation, method = OPERATIONS[what], BY_CALL[what]
    asks_for = {each["name"] for each in operation.get("parameters", [])}

    assert ("Idempotency-Key" in asks_for) == (method.call.key is not None)
    assert set(method.call.query) <= asks_for
    assert shape_told(method) == schema_of(operation.get("requestBody"))
    told = next(each for status, each in operation["responses"].items() if status < "3")
    answered = schema_of(told)
    if method.answer is NoneType:
        assert answered is None
    elif isinstance(PlatformCalls.__dict__.get(method.name), Listed) or "limit" in (
        method.call.query
    ):
        assert answered in {f"Page_{name_of(method.answer)}_", name_of(method.answer)}
    else:
        assert answered == name_of(method.answer)


def shape_told(method: Method) -> str | None:
    """
    Name the schema of what a method sends, by its keywords or its one list.
    """
    for parameter in method.takes.parameters.values():
        kind = parameter.annotation
        if get_origin(kind) is Unpack:
            return str(get_args(kind)[0].__name__)
        if parameter.name == "items":
            return f"Batch_{get_args(kind)[0].__name__}_"
        if parameter.name == "results":
            return "Ack"
        if parameter.name == "expires_in":
            return "TokenRequest"
    return None


def schema_of(told: dict[str, Any] | None) -> str | None:
    """
    Name the schema of a body or an answer, None where it has none.
    """
    found = json.dumps((told or {}).get("content", {}))
    if "$ref" not in found:
        return None
    name = found.split("#/components/schemas/")[1].split('"')[0]
    return NAMES.get(name, name)


def name_of(shape: Any) -> str:  # noqa: ANN401 - a type, generic or not
    """
    Name the schema of a type.
    """
    inner = [name_of(each) for each in get_args(shape)]
    name = str(getattr(shape, "__name__", shape))
    return f"{name}_{inner[0]}_" if inner else name


def test_the_platform_that_is_awaited_has_them_all() -> None:
    assert issubclass(Platform, PlatformCalls)
