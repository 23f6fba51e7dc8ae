"""
The store: state before + events = state fetched now, whatever the events' order.
"""

import pytest
from callboard_client import Conversations, Event, Gap, Message, Timeline
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.histories import FRIEND, ME, TALK, History

LINK = "00000000-0000-4000-8000-0000000000d1"


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    people = st.sampled_from([ME, FRIEND])
    for _ in range(draw(st.integers(1, 25))):
        last = len(history.messages)
        verbs = ["send", "rename", "connect"]
        if last:
            verbs += ["send", "edit", "delete", "read", "delivered", "react", "react"]
        seq = draw(st.integers(1, max(last, 1)))
        match draw(st.sampled_from(verbs)):
            case "send":
                history.send(draw(people), "Hi")
            case "edit":
                history.edit(seq, f"Hi again {history.ticks}")
            case "delete":
                history.delete(seq)
            case "react":
                history.react(seq, draw(people), draw(st.sampled_from("👍🎬")))
            case "read" | "delivered" as marker:
                mark = {"read": history.mark_read, "delivered": history.mark_delivered}
                mark[marker](draw(people), seq)
            case "rename":
                history.rename(f"Title {history.ticks}")
            case "connect":
                states = ["accepted", "rejected", "removed"]
                history.connect(LINK, draw(st.sampled_from(states)))
    return history


def applied(events: list[Event], **options: int) -> Conversations:
    store = Conversations(ME, **options)
    for event in events:
        store.apply(event)
    return store


@given(st.data())
def test_events_in_any_order_and_number_end_in_what_the_server_has(
    data: st.DataObject,
) -> None:
    history = data.draw(histories())
    again = data.draw(st.lists(st.sampled_from(history.events), max_size=20))
    events = data.draw(st.permutations(history.events + again))

    store = applied(events)

    assert store.snapshot() == history.snapshot(ME)
    assert store.missing() == []


@given(histories())
def test_a_repeat_changes_nothing_and_says_so(history: History) -> None:
    store = applied(history.events)

    assert [store.apply(event) for event in history.events] == [False] * len(
        history.events
    )


@given(st.data())
def test_what_was_lost_is_reported_and_filling_it_in_completes_the_store(
    data: st.DataObject,
) -> None:
    history = data.draw(histories())
    lost = set(data.draw(st.lists(st.sampled_from(range(len(history.events))))))
    kept = [each for place, each in enumerate(history.events) if place not in lost]
    store = applied(kept)

    store.load_conversation(history.conversation(ME))
    for missing in store.missing():
        for gap in missing.gaps:
            store.load_messages(history.messages[gap.after : gap.upto])

    assert store.missing() == []
    held = [message["seq"] for message in store.messages(TALK)]
    assert held == list(range(1, len(history.messages) + 1))


@given(st.data())
def test_a_bounded_store_ends_with_the_newest_messages_in_any_order(
    data: st.DataObject,
) -> None:
    history = data.draw(histories())
    store = applied(data.draw(st.permutations(history.events)), limit=3)

    assert store.messages(TALK) == history.messages[-3:]
    assert store.missing() == []


def numbered(count: int) -> list[Message]:
    history = History()
    for number in range(count):
        history.send(FRIEND, f"{number}")
    return history.messages


def test_gaps_name_each_missing_stretch_oldest_first() -> None:
    timeline = Timeline()
    messages = numbered(9)
    for seq in (3, 4, 8):
        timeline.put(messages[seq - 1])
    timeline.reach(9)

    assert timeline.gaps() == [Gap(0, 2), Gap(4, 7), Gap(8, 9)]


def test_a_gap_the_server_does_not_give_is_reported_once_and_still_taken() -> None:
    timeline = Timeline()
    messages = numbered(5)
    for seq in (1, 2, 5):
        timeline.put(messages[seq - 1])

    timeline.give_up(Gap(2, 4))
    assert timeline.gaps() == []

    timeline.put(messages[2])
    assert timeline.gaps() == []
    assert [each["seq"] for each in timeline] == [1, 2, 3, 5]


def test_history_before_the_first_message_heard_of_is_wanted_as_far_as_asked() -> None:
    history = History()
    for number in range(10):
        history.send(FRIEND, f"{number}")
    store = Conversations(ME, history=2)

    store.load_conversation(history.conversation(ME))

    assert store.missing()[0].gaps == [Gap(8, 9)]  # number 10 is known


def test_an_event_of_a_newer_server_is_ignored() -> None:
    store = applied([{"type": "message.pinned", "data": {"by": FRIEND}}])

    assert store.snapshot() == Conversations(ME).snapshot()


@pytest.mark.parametrize("sender_id", [ME, FRIEND])
def test_unread_is_what_came_after_what_one_has_read_or_sent(sender_id: str) -> None:
    history = History()
    history.send(ME, "one")
    history.send(sender_id, "two")

    conversation = applied(history.events).conversation(TALK)

    assert conversation is not None
    assert conversation["unread"] == (0 if sender_id == ME else 1)


def test_a_conversation_that_is_gone_after_a_reload_is_dropped() -> None:
    history = History()
    history.send(FRIEND, "Hi")
    store = applied(history.events)

    store.reload([], [])

    assert store.snapshot() == Conversations(ME).snapshot()


def test_a_history_of_which_nothing_is_held_is_missing() -> None:
    history = History()
    history.send(FRIEND, "Hi")
    store = Conversations(ME)

    store.load_conversation({**history.conversation(ME), "last_message": None})

    assert store.missing()[0].gaps == [Gap(0, 1)]
    assert store.listing()[0]["last_seq"] == 1


def moved(kind: str, user_id: str, at: str, count: int) -> Event:
    data = {
        "conversation_id": TALK,
        "user_id": user_id,
        "participant_count": count,
        "last_seq": 0,
        "reason": "left",
        "at": at,
        "participant": {
            "user_id": user_id,
            "role": "member",
            "read_seq": 1,
            "delivered_seq": 1,
            "joined_at": at,
        },
    }
    return {"type": f"participant.{kind}", "at": at, "data": data}


THIRD = "00000000-0000-4000-8000-000000000003"


def test_who_comes_and_goes_is_shown_and_counted() -> None:
    history = History()
    history.send(FRIEND, "Hi")
    store = applied(
        [*history.events, moved("joined", THIRD, "2026-11-22T01:00:00.000Z", 3)]
    )
    shown = store.listing()[0]
    assert [one["user_id"] for one in shown["participants"]] == [ME, FRIEND, THIRD]
    assert shown["participants"][2]["read_seq"] == 1
    assert shown["participant_count"] == 3

    store.apply(moved("left", THIRD, "2026-11-22T02:00:00.000Z", 2))
    assert [one["user_id"] for one in store.listing()[0]["participants"]] == [
        ME,
        FRIEND,
    ]
    assert store.listing()[0]["participant_count"] == 2


def test_what_one_has_left_is_gone_until_one_is_back() -> None:
    history = History()
    history.send(FRIEND, "Hi")
    store = applied(history.events)
    assert store.apply(moved("left", ME, "2026-11-22T01:00:00.000Z", 1))
    assert store.snapshot() == Conversations(ME).snapshot()

    # Repeats of what was told before bring nothing back.
    assert [store.apply(event) for event in history.events] == [False] * 2
    assert store.snapshot() == Conversations(ME).snapshot()

    back = "2026-11-22T02:00:00.000Z"
    conversation = history.conversation(ME)
    conversation["participants"][0]["joined_at"] = back
    event: Event = {
        "type": "conversation.created",
        "at": back,
        "data": {"conversation": conversation},
    }
    assert store.apply(event)
    assert not store.apply(moved("left", ME, "2026-11-22T01:00:00.000Z", 1))
    assert store.ids() == [TALK]


def test_the_past_is_fetched_anew_by_who_was_away_while_they_left_and_came_back() -> (
    None
):
    history = History()
    history.send(FRIEND, "Hi")
    store = applied(history.events)
    conversation = history.conversation(ME)
    conversation["participants"][0]["joined_at"] = back = "2026-11-22T02:00:00.000Z"
    conversation["last_message"] = None
    store.apply(
        {
            "type": "conversation.created",
            "at": back,
            "data": {"conversation": conversation},
        }
    )
    assert store.messages(TALK) == []
    assert store.missing()[0].gaps == [Gap(0, 1)]
