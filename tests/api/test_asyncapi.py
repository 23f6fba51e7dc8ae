"""The description of the socket holds everything that the socket knows."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.asyncapi import ANSWERS, describe_socket
from realtime.errors import REFUSALS
from realtime.protocol import COMMANDS, EVENTS


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description."""
    return describe_socket("0.0.0")


def test_every_command_has_an_answer() -> None:
    assert ANSWERS.keys() == COMMANDS.keys()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(_references(document)):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_command_is_received_and_replied_to(document: dict[str, Any]) -> None:
    for kind in COMMANDS:
        operation = document["operations"][f"receive.{kind}"]
        assert operation["action"] == "receive"
        assert operation["summary"]
        assert len(operation["reply"]["messages"]) == 2
        payload = document["components"]["messages"][kind]["payload"]
        assert payload["properties"]["type"] == {"const": kind}
        assert payload["additionalProperties"] is False


def test_every_event_is_sent(document: dict[str, Any]) -> None:
    for kind in EVENTS:
        operation = document["operations"][f"send.{kind}"]
        assert operation["action"] == "send"
        (message,) = operation["messages"]
        name = message["$ref"].rsplit("/", 1)[1]
        shown = document["components"]["messages"][name]
        assert shown["summary"] == operation["summary"]
        # An event, also where a command has the same name.
        assert set(shown["payload"]["required"]) == {"type", "at", "data"}


def test_every_refusal_is_named(document: dict[str, Any]) -> None:
    payload = document["components"]["messages"]["error"]["payload"]
    codes = payload["properties"]["error"]["properties"]["code"]["enum"]
    assert codes == [kind.code for kind in REFUSALS]


def test_no_schema_is_missing_or_unused(document: dict[str, Any]) -> None:
    used = {
        reference.rsplit("/", 1)[1]
        for reference in _references(document)
        if reference.startswith("#/components/schemas/")
    }
    assert used == set(document["components"]["schemas"])


async def test_it_is_served(http: httpx.AsyncClient) -> None:
    answer = (await http.get("/asyncapi.json")).json()
    assert answer["asyncapi"] == "3.0.0"
    assert answer["channels"]["socket"]["address"] == "/v1/ws"
