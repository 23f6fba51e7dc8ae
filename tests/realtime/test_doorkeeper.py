"""Who may open a socket."""

from uuid import uuid4

import pytest

from realtime.doorkeeper import Doorkeeper
from realtime.settings import load
from storage.records import UserId


def doorkeeper(**settings: object) -> Doorkeeper:
    """Make one with some settings."""
    return Doorkeeper(load({}, **settings))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "chat.example"),
        ("https://chat.example", "chat.example"),
        ("http://CHAT.example:8080", "chat.example:8080"),
        ("https://app.example", "chat.example"),
        ("HTTPS://APP.EXAMPLE", None),
        ("null", "chat.example"),
    ],
)
def test_own_and_listed_origins_may_connect(origin: str | None, host: str) -> None:
    keeper = doorkeeper(allowed_origins=("https://app.example/", "null"))
    assert keeper.is_origin_allowed(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "chat.example"),
        ("https://chat.example.evil.example", "chat.example"),
        ("https://chat.example:444", "chat.example"),
        ("https://chat.example@evil.example", "chat.example"),
        ("https://app.example.evil.example", "chat.example"),
        ("http://app.example", "chat.example"),
        ("null", "chat.example"),
        ("null", ""),
        ("", ""),
        ("https://chat.example", None),
        ("http://[", "["),
        ("http://[::1", "[::1"),
    ],
)
def test_other_origins_may_not(origin: str, host: str | None) -> None:
    keeper = doorkeeper(allowed_origins="https://app.example")
    assert not keeper.is_origin_allowed(origin, host)


def test_a_star_lets_every_origin_in() -> None:
    assert doorkeeper(allowed_origins="*").is_origin_allowed("http://[", None)


def test_a_process_takes_so_many_sockets_and_again_when_some_have_left() -> None:
    keeper = doorkeeper(max_connections=2)
    assert keeper.enter("127.0.0.1")
    assert keeper.enter("192.0.2.1")
    assert not keeper.enter("192.0.2.2")
    keeper.leave("127.0.0.1")
    assert keeper.enter("192.0.2.2")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "192.0.2.1:50123"),
        ("2001:db8::1", "2001:db8::ffff:2"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("someone", "someone"),
    ],
)
def test_an_address_has_so_many_sockets(one: str, other: str) -> None:
    keeper = doorkeeper(max_connections_per_address=1)
    assert keeper.enter(one)
    assert not keeper.enter(other)
    assert keeper.enter("198.51.100.7")
    keeper.leave(one)
    assert keeper.enter(other)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_has_no_limit_of_its_own(address: str) -> None:
    keeper = doorkeeper(max_connections_per_address=1)
    assert keeper.enter(address)
    assert keeper.enter(address)
    keeper.leave(address)
    keeper.leave(address)


def test_a_user_has_so_many_sockets() -> None:
    keeper = doorkeeper(max_connections_per_user=1)
    ada, grace = UserId(uuid4()), UserId(uuid4())
    assert keeper.enter_user(ada)
    assert not keeper.enter_user(ada)
    assert keeper.enter_user(grace)
    keeper.leave_user(ada)
    assert keeper.enter_user(ada)


def test_who_left_is_forgotten() -> None:
    keeper = doorkeeper()
    ada = UserId(uuid4())
    for number in range(3):
        assert keeper.enter(f"2001:db8::{number}")
        assert keeper.enter_user(ada)
    for number in range(3):
        keeper.leave(f"2001:db8::{number}")
        keeper.leave_user(ada)
    assert not keeper._addresses
    assert not keeper._users
    assert keeper._total == 0
