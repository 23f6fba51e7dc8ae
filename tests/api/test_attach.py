"""What a terminal session shows, and what it must not obey."""

import pytest

from api.attach import addresses
from api.attach_text import describe, printable
from api.refusals import Misused

ADA, GRACE = "ada-id", "grace-id"
NAMES = {ADA: "Ada", GRACE: "Grace"}


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:8080/v1/ws",
        "http://127.0.0.1:8080",
        "http://127.0.0.1:8080/",
        "ws://127.0.0.1:8080/v1/ws/",
    ],
)
def test_either_address_gives_both(url: str) -> None:
    assert addresses(url) == ("ws://127.0.0.1:8080/v1/ws", "http://127.0.0.1:8080")


def test_a_path_in_front_stays() -> None:
    assert addresses("https://host.example/chat") == (
        "wss://host.example/chat/v1/ws",
        "https://host.example/chat",
    )


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://host", "ws://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Misused):
        addresses(url)


def test_a_message_cannot_command_the_terminal() -> None:
    said = describe(
        {
            "type": "message.created",
            "at": "2026-11-21T01:20:00.000Z",
            "data": {"message": {"sender_id": ADA, "body": "\x1b]0;x\x07\nHi 👩‍🚀"}},
        },
        NAMES,
        GRACE,
    )
    assert said is not None
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "Ada: " in said
    assert said.endswith("Hi 👩‍🚀")


@pytest.mark.parametrize("text", ["\x9b31m", "\r", "\u202egnp.exe", "\x00"])
def test_what_cannot_be_seen_is_shown_as_such(text: str) -> None:
    assert "\N{REPLACEMENT CHARACTER}" in printable(text)


def test_cursors_are_not_for_people() -> None:
    assert describe({"type": "cursor", "data": {"cursor": "x"}}, NAMES, ADA) is None


def test_an_event_of_a_later_release_is_shown_as_it_came() -> None:
    said = describe({"type": "something.new", "at": "?", "data": {"a": 1}}, NAMES, ADA)
    assert said == '--:--:--  something.new {"a": 1}'
