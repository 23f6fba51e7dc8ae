"""Which preference decides: every rule by itself, and all of them at random."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.notifications.catalogue import Entry, Mode
from realtime.notifications.notifier import Class
from realtime.notifications.preferences import (
    CHANNELS,
    Choice,
    default,
    modes,
    resolve,
)
from storage.preferences import PreferenceRow, Source

CLASSES: tuple[Class, ...] = get_args(Class)
MODES: tuple[Mode, ...] = get_args(Mode)
SOURCES: tuple[Source, ...] = get_args(Source)


def entry(class_: Class = "alert", **more: object) -> Entry:
    texts = {"en": "Text"}
    return Entry.model_validate(
        {"name": "thing", "class": class_, "title": texts, "message": texts} | more
    )


def row(type_: str, channel: str, mode: str, source: Source = "user") -> PreferenceRow:
    return PreferenceRow(type_, channel, mode, source, datetime(2026, 6, 1, tzinfo=UTC))


ALERT = entry(push="instant", email="daily")
SERVICE = entry("service", push="instant", email="daily")
REQUIRED = entry("service", push="off", email="instant", required=True)
PROMOTION = entry("promotion", push="off", email="weekly")


@pytest.mark.parametrize(
    ("of", "rows", "channel", "choice"),
    [
        # Where nothing is chosen the catalogue says, of whatever version it is.
        (ALERT, [], "in_app", Choice("instant", "default")),
        (ALERT, [], "email", Choice("daily", "default")),
        (entry(email="off"), [], "email", Choice("off", "default")),
        (entry(in_app=False), [], "in_app", Choice("off", "default")),
        # A choice wins over any default.
        (ALERT, [row("thing", "email", "off")], "email", Choice("off", "type")),
        (
            entry(email="off"),
            [row("thing", "email", "hourly")],
            "email",
            Choice("hourly", "type"),
        ),
        # It is for its channel, its type and its class alone.
        (ALERT, [row("thing", "push", "off")], "email", Choice("daily", "default")),
        (ALERT, [row("other", "email", "off")], "email", Choice("daily", "default")),
        (
            ALERT,
            [row("class:service", "email", "off")],
            "email",
            Choice("daily", "default"),
        ),
        # The nearest wins.
        (
            ALERT,
            [row("class:alert", "email", "off"), row("thing", "email", "weekly")],
            "email",
            Choice("weekly", "type"),
        ),
        (
            ALERT,
            [row("class:alert", "email", "weekly"), row("*", "email", "hourly")],
            "email",
            Choice("weekly", "class"),
        ),
        (ALERT, [row("*", "email", "hourly")], "email", Choice("hourly", "channel")),
        # How a channel tells switches nothing on.
        (
            entry(email="off"),
            [row("*", "email", "hourly")],
            "email",
            Choice("off", "default"),
        ),
        # A channel that is off is off.
        (
            ALERT,
            [row("*", "email", "off"), row("thing", "email", "instant")],
            "email",
            Choice("off", "channel"),
        ),
        (ALERT, [row("*", "in_app", "off")], "in_app", Choice("off", "channel")),
        # A service stays in the app, where the catalogue has it there.
        (
            SERVICE,
            [row("*", "in_app", "off"), row("thing", "in_app", "off")],
            "in_app",
            Choice("instant", "service"),
        ),
        (
            entry("service", in_app=False),
            [row("thing", "in_app", "instant")],
            "in_app",
            Choice("off", "default"),
        ),
        (SERVICE, [row("thing", "push", "off")], "push", Choice("off", "type")),
        # What is required is told, in the mode that was chosen.
        (REQUIRED, [], "email", Choice("instant", "required")),
        (
            REQUIRED,
            [row("*", "email", "off"), row("thing", "email", "off", "one_click")],
            "email",
            Choice("instant", "required"),
        ),
        (
            REQUIRED,
            [row("thing", "email", "off"), row("class:service", "email", "daily")],
            "email",
            Choice("daily", "class"),
        ),
        (REQUIRED, [row("thing", "push", "off")], "push", Choice("off", "type")),
        # A promotion needs a yes of one's own, on this channel.
        (PROMOTION, [], "email", Choice("off", "consent")),
        (PROMOTION, [], "in_app", Choice("off", "consent")),
        (PROMOTION, [row("*", "email", "weekly")], "email", Choice("off", "consent")),
        (
            PROMOTION,
            [row("class:promotion", "email", "weekly", "platform")],
            "email",
            Choice("off", "consent"),
        ),
        (
            PROMOTION,
            [row("class:promotion", "in_app", "instant")],
            "email",
            Choice("off", "consent"),
        ),
        (
            PROMOTION,
            [row("class:promotion", "email", "daily")],
            "email",
            Choice("daily", "class"),
        ),
        (
            PROMOTION,
            [
                row("class:promotion", "email", "daily"),
                row("thing", "email", "off", "one_click"),
            ],
            "email",
            Choice("off", "type"),
        ),
    ],
)
def test_the_nearest_preference_decides_below_the_rules(
    of: Entry, rows: list[PreferenceRow], channel: str, choice: Choice
) -> None:
    assert resolve(of, rows)[channel] == choice
    assert resolve(of, rows[::-1])[channel] == choice


ENTRIES = st.builds(
    entry,
    st.sampled_from(CLASSES),
    in_app=st.booleans(),
    push=st.sampled_from(MODES),
    email=st.sampled_from(MODES),
    required=st.booleans(),
)
ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from(
            ["thing", "other", "*", *(f"class:{each}" for each in CLASSES)]
        ),
        st.sampled_from(CHANNELS),
        st.sampled_from(MODES),
        st.sampled_from(SOURCES),
    ),
    unique_by=lambda each: (each.type, each.channel),
    max_size=12,
)


@given(ENTRIES, ROWS)
def test_whatever_is_chosen_the_rules_hold(
    of: Entry, rows: list[PreferenceRow]
) -> None:
    chosen = {(each.type, each.channel): each for each in rows}
    for channel in CHANNELS:
        choice = resolve(of, rows)[channel]
        nearest = [
            chosen.get(("thing", channel)),
            chosen.get((f"class:{of.class_}", channel)),
        ]
        whole = chosen.get(("*", channel))
        assert choice.mode in MODES
        if of.class_ == "service" and channel == "in_app":
            assert choice.mode == default(of, channel)
        elif of.class_ == "promotion" and choice.mode != "off" and not of.required:
            assert any(
                each and each.source == "user" and each.mode == choice.mode
                for each in nearest
            )
        if of.required and of.class_ != "promotion" and default(of, channel) != "off":
            assert choice.mode != "off"
        elif whole is not None and whole.mode == "off" and not of.required:
            assert choice.mode == "off" or (of.class_, channel) == ("service", "in_app")


@given(ENTRIES, ROWS, st.sampled_from(MODES))
def test_a_default_that_changes_overwrites_no_choice(
    of: Entry, rows: list[PreferenceRow], mode: Mode
) -> None:
    rows = [each for each in rows if each.type != "thing"]
    rows.append(row("thing", "email", mode))
    before = resolve(of, rows)["email"]
    if before.source == "type":
        other = of.model_copy(update={"email": "instant", "push": "off"})
        if not of.required:
            assert resolve(other, rows)["email"] == before


@pytest.mark.parametrize(
    ("of", "channel", "able"),
    [
        (ALERT, "in_app", ["off", "instant"]),
        (ALERT, "push", ["off", "instant"]),
        (ALERT, "email", ["off", "instant", "hourly", "daily", "weekly"]),
        (SERVICE, "in_app", ["instant"]),
        (entry("service", in_app=False), "in_app", ["off"]),
        (REQUIRED, "email", ["instant", "hourly", "daily", "weekly"]),
        (REQUIRED, "push", ["off", "instant"]),
    ],
)
def test_what_can_be_chosen_depends_on_channel_and_type(
    of: Entry, channel: str, able: list[Mode]
) -> None:
    (found,) = [each for each in CHANNELS if each == channel]
    assert list(modes(of, found)) == able
