"""
Which channels tell somebody of a type, and how: choices over the catalogue.

Of what was chosen the nearest wins: the type's own choice, then its class', then the
channel's, then the catalogue. Over all of them stand three rules: a whole channel that
is switched off carries only what is required; a service is always in the app; and a
promotion goes nowhere without the person's own yes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from realtime.notifications.catalogue import Entry, Mode
from storage.preferences import PreferenceRow

PreferenceChannel = Literal["in_app", "push", "email"]
CHANNELS: tuple[PreferenceChannel, ...] = get_args(PreferenceChannel)

# Which preference decided: the type's, its class', the whole channel's, the catalogue's
# default; or a rule: required, a service in the app, a promotion without consent.
Decider = Literal[
    "type", "class", "channel", "default", "required", "service", "consent"
]

EVERYTHING = "*"

_MODES: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}


def of_class(class_: str) -> str:
    """Name the preference that is for a whole class."""
    return f"class:{class_}"


@dataclass(frozen=True, slots=True)
class Choice:
    """How a channel tells of a type, and which preference says so."""

    mode: Mode
    source: Decider


def resolve(entry: Entry, rows: Collection[PreferenceRow]) -> Mapping[str, Choice]:
    """Decide for each channel; `rows` are all that the person has chosen."""
    chosen = {(row.type, row.channel): row for row in rows}
    return {channel: _resolve(entry, channel, chosen) for channel in CHANNELS}


def default(entry: Entry, channel: PreferenceChannel) -> Mode:
    """Say what the catalogue has for a channel, consent aside."""
    if channel == "in_app":
        return "instant" if entry.in_app else "off"
    return entry.push if channel == "push" else entry.email


def switches(rows: Collection[PreferenceRow]) -> Mapping[PreferenceChannel, bool]:
    """Say which channels are on as a whole."""
    off = {row.channel for row in rows if row.type == EVERYTHING and row.mode == "off"}
    return {channel: channel not in off for channel in CHANNELS}


def able(channel: PreferenceChannel) -> Sequence[Mode]:
    """
    Say in which modes a channel can tell.

    The inbox and pushes are of the moment: a digest of them is a mail.
    """
    return get_args(Mode) if channel == "email" else ("off", "instant")


def modes(entry: Entry, channel: PreferenceChannel) -> Sequence[Mode]:
    """
    Say what a person may choose of a type.

    A service is in the app as the catalogue has it. What is required stays on, though a
    channel that the catalogue leaves off may stay off.
    """
    if channel == "in_app" and entry.class_ == "service":
        return (default(entry, channel),)
    if entry.required and default(entry, channel) != "off":
        return [mode for mode in able(channel) if mode != "off"]
    return able(channel)


def _resolve(
    entry: Entry,
    channel: PreferenceChannel,
    chosen: Mapping[tuple[str, str], PreferenceRow],
) -> Choice:
    catalogued = default(entry, channel)
    if channel == "in_app" and entry.class_ == "service":
        return Choice(catalogued, "service" if catalogued != "off" else "default")
    must_be_on = entry.required and catalogued != "off"
    whole = chosen.get((EVERYTHING, channel))
    if whole is not None and whole.mode == "off" and not must_be_on:
        return Choice("off", "channel")
    nearest: Sequence[tuple[str, Decider]] = (
        (entry.name, "type"),
        (of_class(entry.class_), "class"),
    )
    for name, decider in nearest:
        row = chosen.get((name, channel))
        if row is not None and _counts(row, entry, must_be_on=must_be_on):
            return Choice(_MODES[row.mode], decider)
    return _undecided(entry, catalogued, whole, must_be_on=must_be_on)


def _counts(row: PreferenceRow, entry: Entry, *, must_be_on: bool) -> bool:
    if row.mode == "off":
        return not must_be_on
    # Consent is one's own: nobody says yes for somebody else.
    return entry.class_ != "promotion" or row.source == "user"


def _undecided(
    entry: Entry, catalogued: Mode, whole: PreferenceRow | None, *, must_be_on: bool
) -> Choice:
    """Decide where neither the type nor its class says anything that counts."""
    if entry.class_ == "promotion":
        return Choice("off", "consent")
    # How a whole channel tells says nothing of what it does not tell at all.
    if whole is not None and whole.mode != "off" and catalogued != "off":
        return Choice(_MODES[whole.mode], "channel")
    return Choice(catalogued, "required" if must_be_on else "default")
