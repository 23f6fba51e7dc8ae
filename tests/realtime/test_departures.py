"""Whoever has left is told no more of what comes late."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import orjson

from realtime.announcements import Run, Told
from realtime.departures import Departures
from storage.records import ConversationId, UserId

ADA, GRACE = UserId(uuid4()), UserId(uuid4())
HERE, ELSEWHERE = ConversationId(uuid4()), ConversationId(uuid4())


def told(kind: str, audience: Sequence[UserId], **data: object) -> Told:
    plain = orjson.dumps({"type": kind, "at": "now", "data": data})
    return Told(audience, kind, plain)


def left(user: UserId, last_seq: int, conversation: UUID = HERE) -> Told:
    return told(
        "participant.left",
        [ADA, GRACE],
        conversation_id=str(conversation),
        user_id=str(user),
        last_seq=last_seq,
    )


def run(first_seq: int, conversation: ConversationId = HERE) -> Run:
    return Run(conversation, first_seq, 0, [ADA, GRACE], [b"{}"])


def test_a_late_message_from_before_is_for_who_stayed() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    assert departures.readers_of_run(run(7)) == [GRACE]
    assert departures.readers_of_run(run(7, ELSEWHERE)) == [ADA, GRACE]


def test_who_came_back_gets_what_is_said_since() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    assert departures.readers_of_run(run(8)) == [ADA, GRACE]


def test_a_late_event_about_the_conversation_is_for_who_stayed() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    for data in (
        {"conversation_id": str(HERE)},
        {"message": {"conversation_id": str(HERE)}},
        {"conversation": {"id": str(HERE)}},
    ):
        event = told("message.updated", [ADA, GRACE], **data)
        assert departures.readers_of(event) == [GRACE]
    other = told("receipt.read", [ADA, GRACE], conversation_id=str(ELSEWHERE))
    assert departures.readers_of(other) == [ADA, GRACE]


def test_who_leaves_is_told_so() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    assert departures.readers_of(left(ADA, 7)) == [ADA, GRACE]


def test_after_a_return_events_come_again() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    back = told("conversation.created", [ADA], conversation={"id": str(HERE)})
    departures.note(back, now=1)
    event = told("receipt.read", [ADA, GRACE], conversation_id=str(HERE))
    assert departures.readers_of(event) == [ADA, GRACE]


def test_after_a_return_to_very_many_events_come_again() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    departures.note(told("resync", [ADA], reason="many_conversations"), now=1)
    event = told("receipt.read", [ADA, GRACE], conversation_id=str(HERE))
    assert departures.readers_of(event) == [ADA, GRACE]


def test_an_event_about_a_person_is_not_touched() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    event = told("connection.removed", [ADA, GRACE], connection={"id": str(uuid4())})
    assert departures.readers_of(event) == [ADA, GRACE]


def test_departures_are_forgotten_in_time() -> None:
    departures = Departures()
    departures.note(left(ADA, 7), now=0)
    departures.note(left(GRACE, 7, ELSEWHERE), now=61)
    assert departures.readers_of_run(run(7)) == [ADA, GRACE]
