"""Ending mails of one purpose by link or mail, without a login; and the way back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from realtime.actions.preferences import Chosen, change_preferences
from realtime.errors import NotFound
from realtime.mail.links import Unsubscribing
from realtime.notifications.catalogue import Catalogue, Entry, Mode
from realtime.notifications.preferences import default, of_class, resolve
from storage.preferences import PreferenceRow
from storage.records import UserId
from storage.unit_of_work import UnitOfWork

DIGEST = "digest"
PROMOTION = of_class("promotion")

_GATHERED = frozenset({"hourly", "daily", "weekly"})
_BY_LINK = frozenset({"one_click", "unsubscribe"})

LinkSource = Literal["one_click", "unsubscribe", "complaint"]
_Rows = Mapping[str, PreferenceRow]


def purpose_of_delivery(type_: str, class_: str) -> str:
    """Name what somebody ends who wants no more of what a delivery was."""
    if type_ == DIGEST:
        return DIGEST
    return PROMOTION if class_ == "promotion" else type_


async def are_ended(
    work: UnitOfWork, catalogue: Catalogue, user: UserId, purpose: str
) -> bool:
    """Tell whether no mail of this purpose comes as things are."""
    rows = (await work.preferences.of([user]))[user]
    return not _still_coming(catalogue, rows, purpose)


async def end_mails(
    work: UnitOfWork,
    catalogue: Catalogue,
    user: UserId,
    purpose: str,
    source: LinkSource,
    now: datetime,
) -> None:
    """
    Send no more mails of a purpose, and leave everything else as it is.

    A purpose is a type, `class:promotion`, or `digest` for whatever comes gathered.
    Again it changes nothing. What is required keeps coming; what the catalogue no
    longer has comes no more anyway.

    Raises:
        NotFound: There is no such person any more.
    """
    rows = await _locked(work, user, now)
    ending = _still_coming(catalogue, rows, purpose)
    modes: dict[str, Mode | None] = dict.fromkeys(ending, "off")
    await _choose(work, catalogue, user, modes, source, now)


async def resume_mails(
    work: UnitOfWork, catalogue: Catalogue, which: Unsubscribing, now: datetime
) -> None:
    """
    Take an unsubscribing back, where it was done by a link: as often as they came.

    Raises:
        NotFound: There is no such person any more.
    """
    rows = await _locked(work, which.user_id, now)
    ended = {
        row.type: row
        for row in rows
        if row.channel == "email" and row.mode == "off" and row.source in _BY_LINK
    }
    back = _ended_by(catalogue, ended, which.purpose)
    modes = {name: _mode_before(catalogue.get(name), which) for name in back}
    await _choose(work, catalogue, which.user_id, modes, "user", now)


async def _locked(
    work: UnitOfWork, user: UserId, now: datetime
) -> Sequence[PreferenceRow]:
    """Give what somebody has chosen; nothing is released to them meanwhile."""
    if user not in await work.preferences.lock([user], now):
        raise NotFound
    return (await work.preferences.of([user]))[user]


def _still_coming(
    catalogue: Catalogue, rows: Sequence[PreferenceRow], purpose: str
) -> Sequence[str]:
    """Name the preferences that have to be switched off for nothing to come."""
    mailed = {
        name: mode
        for name, entry in catalogue.entries.items()
        if (mode := resolve(entry, rows)["email"].mode) != "off" and not entry.required
    }
    if purpose == DIGEST:
        return [name for name, mode in mailed.items() if mode in _GATHERED]
    if purpose != PROMOTION:
        return [purpose] if purpose in mailed else []
    chosen = {
        row.type: row for row in rows if row.channel == "email" and row.mode != "off"
    }
    # The nearest choice wins, so a type's own yes has to end as well.
    own = [
        name
        for name in mailed
        if catalogue.entries[name].class_ == "promotion" and name in chosen
    ]
    return [*([PROMOTION] if PROMOTION in chosen else []), *own]


def _ended_by(catalogue: Catalogue, ended: _Rows, purpose: str) -> Sequence[str]:
    """Name what an unsubscribing of this purpose has ended."""
    if purpose == DIGEST:
        # All of them at one moment; what was ended by itself before stays so.
        last = max((row.changed_at for row in ended.values()), default=None)
        return [name for name, row in ended.items() if row.changed_at == last]
    if purpose == PROMOTION:
        return [
            name
            for name in ended
            if name == PROMOTION
            or ((entry := catalogue.get(name)) and entry.class_ == "promotion")
        ]
    return [purpose] if purpose in ended else []


def _mode_before(entry: Entry | None, which: Unsubscribing) -> Mode | None:
    """Say how it came before: None is the catalogue's own way."""
    if which.purpose == DIGEST and entry and default(entry, "email") in _GATHERED:
        return None
    return which.frequency


async def _choose(
    work: UnitOfWork,
    catalogue: Catalogue,
    user: UserId,
    modes: Mapping[str, Mode | None],
    source: LinkSource | Literal["user"],
    now: datetime,
) -> None:
    chosen = [
        Chosen(name, "email", mode)
        for name, mode in modes.items()
        if name == PROMOTION or catalogue.get(name)
    ]
    await change_preferences(work, catalogue, user, chosen, source, now)
