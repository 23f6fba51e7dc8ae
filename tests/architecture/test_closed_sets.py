"""The closed sets of the contract: nothing is missing, nothing stands twice."""

import pytest

from realtime.commands import HANDLERS, SESSION_HANDLERS
from realtime.errors import BY_CODE, REFUSALS, Problem
from realtime.protocol import COMMANDS, EVENTS, Authenticate, SendMessage

# As protocol.md has them, which checks are written against.
CODES = {
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "not_connected",
    "not_a_participant",
    "blocked",
    "conversation_archived",
    "conversation_blocked",
    "gig_closed",
    "suspended",
    "already_connected",
    "already_requested",
    "conflict",
    "too_large",
    "rate_limited",
    "unavailable",
    "internal",
}
COMMAND_TYPES = {
    "auth",
    "ping",
    "message.send",
    "message.edit",
    "message.delete",
    "reaction.add",
    "reaction.remove",
    "conversation.read",
    "conversation.delivered",
    "typing",
    "presence.watch",
    "presence.unwatch",
    "presence.set",
    "notification.seen",
    "notification.read",
    "notification.archive",
    "connection.request",
    "connection.accept",
    "connection.reject",
    "connection.withdraw",
    "connection.remove",
    "user.block",
    "user.unblock",
}


def test_every_code_of_the_contract_has_one_refusal() -> None:
    assert [kind.code for kind in REFUSALS].count("internal") == 1
    assert set(BY_CODE) == CODES
    assert len(REFUSALS) == len(CODES)


def test_every_refusal_is_on_the_list() -> None:
    assert set(Problem.__subclasses__()) == set(REFUSALS)


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.code)
def test_a_refusal_says_something_to_people(kind: type[Problem]) -> None:
    problem = kind()
    assert problem.detail.endswith((".", "again."))
    assert 400 <= kind.status < 600
    assert kind.close is None or 4000 <= kind.close < 5000


def test_every_command_of_the_contract_is_built() -> None:
    assert set(COMMANDS) == COMMAND_TYPES


def test_every_command_has_a_handler() -> None:
    elsewhere = {Authenticate, SendMessage}
    built = [*HANDLERS, *SESSION_HANDLERS, *elsewhere]
    assert set(built) == set(COMMANDS.values())
    assert len(built) == len(set(built))


def test_every_event_has_a_name_of_its_own() -> None:
    assert len(EVENTS) == len(set(EVENTS.values()))
    assert all(EVENTS[kind].kind == kind for kind in EVENTS)
