"""How somebody wants to be told: what they choose, and what they take back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from realtime.errors import Invalid, NotFound
from realtime.notifications.catalogue import Catalogue, Mode
from realtime.notifications.digests import replan
from realtime.notifications.notifier import Class
from realtime.notifications.preferences import (
    EVERYTHING,
    PreferenceChannel,
    able,
    modes,
    of_class,
)
from realtime.notifications.reminders import replan_reminders
from storage.preferences import NotificationSettings, PreferenceRow, Source
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

_CLASSES = {of_class(class_) for class_ in get_args(Class)}

# What of one's settings says when digests leave.
_SCHEDULE = {"timezone", "digest_minute", "digest_weekday"}
# And what says when reminders are told.
_QUIET = {"timezone", "quiet_hours", "do_not_disturb_until"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    A choice: for a type, a class (`class:promotion`), or everything on a channel (`*`).

    Without a mode it is taken back, and the catalogue says again.
    """

    type: str
    channel: PreferenceChannel
    mode: Mode | None


async def change_preferences(
    work: UnitOfWork,
    catalogue: Catalogue,
    user: UserId,
    chosen: Sequence[Chosen],
    source: Source,
    now: datetime,
) -> None:
    """
    Keep choices with when and how they were made; what is not named stays.

    Raises:
        Invalid: One names a type that there is not, or a mode that is not to be had
            there; says which.
    """
    _check(catalogue, chosen)
    before = {
        (row.type, row.channel): row
        for row in (await work.preferences.of([user]))[user]
    }
    kept: list[PreferenceRow] = []
    back: list[tuple[str, str]] = []
    for each in chosen:
        row = before.get((each.type, each.channel))
        if each.mode is None:
            if row is not None:
                back.append((each.type, each.channel))
        elif row is None or (row.mode, row.source) != (each.mode, source):
            kept.append(PreferenceRow(each.type, each.channel, each.mode, source, now))
    if not kept and not back:
        return
    await work.preferences.choose(user, kept)
    await work.preferences.take_back(user, back)
    changed = [
        {"type": row.type, "channel": row.channel, "mode": row.mode} for row in kept
    ] + [{"type": type_, "channel": channel, "mode": None} for type_, channel in back]
    work.happen(
        "notification_preferences.changed",
        {"user_id": user},
        {"changed": changed, "source": source},
    )


def _check(catalogue: Catalogue, chosen: Sequence[Chosen]) -> None:
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(chosen):
        if (each.type, each.channel) in seen:
            raise _wrong(index, "type", "is chosen twice for the channel")
        seen.add((each.type, each.channel))
        entry = catalogue.get(each.type)
        if entry is not None:
            to_be_had = modes(entry, each.channel)
        elif each.type == EVERYTHING or each.type in _CLASSES:
            to_be_had = able(each.channel)
            if each.type == of_class("service") and each.channel == "in_app":
                to_be_had = ("instant",)
        else:
            raise _wrong(index, "type", "is no type or class of the catalogue")
        if each.mode is not None and each.mode not in to_be_had:
            raise _wrong(index, "mode", f"must be one of {', '.join(to_be_had)}")


def _wrong(index: int, field: str, message: str) -> Invalid:
    name = f"preferences.{index}.{field}"
    return Invalid(
        f"{name} {message}.",
        details={"index": index, "fields": [{"field": name, "message": message}]},
    )


async def get_settings(work: UnitOfWork, user: UserId) -> NotificationSettings:
    """
    Give when somebody wants to be told, and how much.

    Raises:
        NotFound: The account has just been erased.
    """
    found = (await work.preferences.settings_of([user])).get(user)
    if found is None:
        raise NotFound
    return found


async def change_settings(
    work: UnitOfWork, user: UserId, changes: Mapping[str, Any], now: datetime
) -> NotificationSettings:
    """
    Keep when somebody wants to be told and how much, by column.

    What waits for a digest follows a new zone or time: the day's leaves at the new time
    where that is yet to come, else as planned, so that no day has two or none. What
    one is to be reminded of is told before the new quiet hours.

    Raises:
        NotFound: The account has just been erased.
    """
    before = await get_settings(work, user)
    if not changes:
        return before
    await work.preferences.set(user, changes, now)
    after = await get_settings(work, user)
    changed = {
        name
        for name in _SCHEDULE | _QUIET
        if getattr(before, name) != getattr(after, name)
    }
    if changed:
        # Deliveries and reminders are the server's; these are this person's own.
        async with work.as_the_server():
            if changed & _SCHEDULE:
                await replan(work, user, now)
            if changed & _QUIET:
                await replan_reminders(work, after, now)
    if after != before:
        work.happen(
            "quiet_hours.changed", {"user_id": user}, {"changed": sorted(changes)}
        )
    return after
