"""
Refusals over HTTP: every `Problem` as RFC 9457 `application/problem+json`.

Nothing here repeats what the caller sent: answers are logged by proxies, and a
request may hold a password or a token in the wrong place.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from realtime.errors import (
    REFUSALS,
    Internal,
    Invalid,
    NotFound,
    Problem,
    TooLarge,
    Unauthenticated,
)

MEDIA_TYPE = "application/problem+json"

# More wrong fields than this help nobody.
_FIELDS = 20
_FIELD_CHARS = 100

# Where a request said it, as FastAPI calls it; the caller knows their own field names.
_PLACES = {"body", "query", "path", "header"}


class ProblemDetails(BaseModel):
    """A refusal (RFC 9457); `code` is what programs decide by."""

    type: str = Field(description="`urn:callboard:error:` and the code.")
    title: str = Field(description="What the code means, the same every time.")
    status: int
    detail: str = Field(description="What happened this time, for people.")
    code: str = Field(json_schema_extra={"enum": [kind.code for kind in REFUSALS]})
    retry_after_ms: int | None = Field(
        default=None, description="Earliest time at which trying again makes sense."
    )
    details: dict[str, Any] | None = Field(
        default=None,
        description="`fields`: which were wrong, each with a `message`;"
        " `index`: the first bad item of a batch;"
        " `field`: what of it refers to nothing known here, or cannot change.",
    )


def title_of(kind: type[Problem]) -> str:
    """Say what a code means, in one sentence."""
    return (kind.__doc__ or "").strip().splitlines()[0]


def problem_object(problem: Problem, status: int | None = None) -> dict[str, Any]:
    """Write a refusal as RFC 9457 has it."""
    shown: dict[str, Any] = {
        "type": f"urn:callboard:error:{problem.code}",
        "title": title_of(type(problem)),
        "status": status or problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.retry_after_ms is not None:
        shown["retry_after_ms"] = problem.retry_after_ms
    if problem.details:
        shown["details"] = problem.details
    return shown


def render(problem: Problem, status: int | None = None) -> Response:
    """Answer with a refusal."""
    headers = {}
    if problem.retry:
        headers["Retry-After"] = str(max(ceil((problem.retry_after_ms or 0) / 1000), 1))
    if isinstance(problem, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        orjson.dumps(problem_object(problem, status)),
        status_code=status or problem.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def refusals(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Describe for OpenAPI how an operation refuses, with an example of each code."""
    by_status: dict[int | str, list[type[Problem]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": " ".join(title_of(kind) for kind in group),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                    "examples": {
                        kind.code: {"value": problem_object(kind())} for kind in group
                    },
                }
            },
        }
        for status, group in by_status.items()
    }


def wrong_item(index: int, field: str, message: str) -> dict[str, Any]:
    """Give the details of a refusal that is one item's fault."""
    fields = [{"field": f"items.{index}.{field}", "message": message}]
    return {"index": index, "fields": fields}


def describe(errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say which fields are wrong and why, without their values."""
    details: dict[str, Any] = {
        "fields": [
            {
                "field": _name(error["loc"]),
                "message": error["msg"].removeprefix("Value error, "),
            }
            for error in errors[:_FIELDS]
        ]
    }
    if indexes := [index for error in errors if (index := _index(error)) is not None]:
        details["index"] = min(indexes)
    return details


def add_handlers(app: FastAPI) -> None:
    """Have an application render every refusal this one way."""
    app.add_exception_handler(Problem, _render_problem)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(HTTPException, _render_http)


async def _render_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return render(error)


async def _render_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return render(Invalid("The body is not JSON."), HTTPStatus.BAD_REQUEST)
    details = describe(error.errors())
    first = details["fields"][0]
    sentence = f"{first['field'] or 'body'}: {first['message']}"
    return render(Invalid(sentence, details=details))


async def _render_http(request: Request, error: Exception) -> Response:
    """Translate what the framework says by itself."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    match error.status_code:
        # Calls of the contract that are not built yet are other methods of paths
        # that exist, so both are `not_found`.
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return render(NotFound("There is no such call."))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return render(TooLarge())
        case HTTPStatus.BAD_REQUEST:
            return render(Invalid("The body cannot be read."), HTTPStatus.BAD_REQUEST)
        case status if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return render(Invalid(), status)
    return render(Internal())


def _name(place: Sequence[int | str]) -> str:
    parts = place[1:] if place and place[0] in _PLACES else place
    name = ".".join(str(part) for part in parts)[:_FIELD_CHARS]
    # A name may be the caller's own, and JSON lets it hold half a character.
    return name.encode("utf-8", "replace").decode()


def _index(error: Mapping[str, Any]) -> int | None:
    match tuple(error["loc"]):
        case ("body", "items", int(index), *_):
            return index
    return None
