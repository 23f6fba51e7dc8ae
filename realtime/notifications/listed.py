"""
Gigs that a notification lists by name: which of them are still open when it leaves.

What a job alert found may lie for a night or a week, in quiet hours or until a digest.
Gigs that are closed by then are taken out, and the rest is worded anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.notifications.catalogue import Entry
from realtime.notifications.wording import Reader, Wording
from storage.rechecks import Subject
from storage.records import Gig


def listed_in(subject: Subject) -> Iterator[UUID]:
    """Name the gigs that a notification lists, as far as it does it as alerts do."""
    for _, gigs in _groups(subject.data):
        for gig in gigs:
            named = _id(gig)
            if named is not None:
                yield named


def still_listed(
    subject: Subject,
    entry: Entry,
    gigs: Mapping[UUID, Gig],
    reader: Reader,
    now: datetime,
) -> Subject | None:
    """
    Give a notification with the gigs in it that are still open; None: none is.

    One that lists no gigs, or none that has ended, is given as it is. What the platform
    has never told of is not over.
    """
    over = {
        id_
        for id_ in listed_in(subject)
        if (gig := gigs.get(id_)) is not None and _is_over(gig, entry, now)
    }
    if not over:
        return subject
    groups = []
    left_out = 0
    for group, listed in _groups(subject.data):
        left = [gig for gig in listed if _id(gig) not in over]
        left_out += len(listed) - len(left)
        if left:
            groups.append({**group, "gigs": left})
    if not groups:
        return None
    count = subject.data.get("count")
    data = {**subject.data, "groups": groups}
    if isinstance(count, int):
        data["count"] = max(count - left_out, 1)
    wording = Wording(reader, {"data": data, "count": subject.count})
    return replace(
        subject,
        data=data,
        title=wording.title(entry.title) or entry.name,
        message=wording.message(entry.message),
    )


def _is_over(gig: Gig, entry: Entry, now: datetime) -> bool:
    if entry.while_gig and gig.status not in entry.while_gig:
        return True
    return gig.deadline is not None and gig.deadline <= now


def _groups(
    data: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], Sequence[object]]]:
    groups = data.get("groups")
    for group in groups if isinstance(groups, list) else ():
        gigs = group.get("gigs") if isinstance(group, dict) else None
        if isinstance(gigs, list):
            yield group, gigs


def _id(gig: object) -> UUID | None:
    try:
        return UUID(gig["gig_id"]) if isinstance(gig, dict) else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
