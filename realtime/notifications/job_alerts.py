"""
Job alerts: what a saved search finds is told once, together, and only while it is open.

`find` follows the gigs as they are published and changed, and keeps what alerts find;
`JobAlertLine` tells what is due. In between a gig may close, be edited or blocked, so
everything is looked at again when it is told.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.clock import Clock, instant
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.finding import place_of, posting
from realtime.notifications.planning import Intent, notify
from realtime.notifications.schedule import next_digest, realign
from realtime.notifications.wording import one_line
from realtime.work import Transactions
from storage.domain_events import DomainEvent
from storage.job_alerts import JobAlert, Match
from storage.preferences import NotificationSettings
from storage.records import Gig, GigId, Organization
from storage.unit_of_work import UnitOfWork

# The consumer of domain events, and the type of the catalogue.
CONSUMER = "job_alerts"
TYPE = "job_alert"

INSTANT = "instant"

# What one notification lists, of each who offers, and in all; the rest is counted.
LISTED = 10
LISTED_OF_ONE = 3
_LINE_CHARS = 70

# Gigs that one statement compares, and matches that are kept at a time.
_GIGS = 10
_KEPT = 5000

# Matches looked at and told in one go, and alerts in one transaction.
_LOOKED = 500
_TOLD = 1000
_ALERTS = 20


async def find(work: UnitOfWork, events: Sequence[DomainEvent], now: datetime) -> None:
    """Keep for each alert what it finds among the gigs of these events, as they are."""
    gigs = {
        GigId(UUID(event.subject["gig_id"]))
        for event in events
        if event.type.startswith("gig.") and "gig_id" in event.subject
    }
    if not gigs:
        return
    postings = [
        posting(gig)
        for gig in (await work.gigs.named(gigs)).values()
        if gig.status != "draft"
    ]
    for start in range(0, len(postings), _GIGS):
        some = postings[start : start + _GIGS]
        async for matches in work.job_alerts.found(some, _KEPT):
            await _keep(work, matches, now)


async def _keep(work: UnitOfWork, matches: Sequence[Match], now: datetime) -> None:
    once = {(match.alert_id, match.content_hash): match for match in matches}
    if not once:
        return
    settings = await work.preferences.settings_of(
        {match.user_id for match in once.values() if match.frequency != INSTANT}
    )
    # Many have the same time: a zone's changes are not worked out for each of them.
    known: dict[object, datetime] = {}
    due = []
    for match in once.values():
        mine = settings.get(match.user_id)
        digest = (
            (mine.timezone, mine.digest_minute, mine.digest_weekday) if mine else ()
        )
        key = (match.frequency, *digest)
        if key not in known:
            known[key] = due_at(match.frequency, mine, now)
        due.append((match, known[key]))
    await work.job_alerts.keep(due, now)


def due_at(
    frequency: str, settings: NotificationSettings | None, now: datetime
) -> datetime:
    """Say when what is found now is told: at once, or with that person's digest."""
    if frequency == INSTANT or settings is None:
        return now
    return next_digest(frequency, settings, now)


class JobAlertLine:
    """Tells what alerts have found, when it is due; any number of workers may."""

    def __init__(
        self, transactions: Transactions, catalogue: Catalogue, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._catalogue = catalogue
        self._clock = clock

    async def __call__(self) -> bool:
        """
        Tell what some alerts have found, and say whether there were any.

        Raises:
            Busy: The database is away.
        """
        now = self._clock()
        async with self._transactions() as work:
            alerts = await work.job_alerts.due(now, looked=_LOOKED, limit=_ALERTS)
            settings = await work.preferences.settings_of(
                {alert.user_id for alert in alerts}
            )
            for alert in alerts:
                await _tell(work, self._catalogue, alert, settings[alert.user_id], now)
        return bool(alerts)


async def _tell(
    work: UnitOfWork,
    catalogue: Catalogue,
    alert: JobAlert,
    settings: NotificationSettings,
    now: datetime,
) -> None:
    pending = await work.job_alerts.pending(alert.id, now, _TOLD)
    if not pending:
        # Another worker has told them since they were looked for.
        return
    if alert.frequency != INSTANT:
        first = min(due for _, due in pending)
        moved = realign(alert.frequency, settings, first, now)
        if moved > now:
            await work.job_alerts.reschedule(alert.id, moved)
            return
    gigs = await _still_wanted(work, alert, [gig for gig, _ in pending], now)
    if not gigs:
        return
    told = await notify(work, catalogue, [await _intent(work, alert, gigs)], now)
    if not told:
        await work.job_alerts.settle(
            alert.id, [gig.id for gig in gigs], reason="not_told"
        )
        return
    await work.job_alerts.settle(
        alert.id, [gig.id for gig in gigs], notification=told[0]
    )
    await work.job_alerts.change(alert.id, {"last_sent_at": now})


async def _still_wanted(
    work: UnitOfWork, alert: JobAlert, ids: Sequence[GigId], now: datetime
) -> list[Gig]:
    """Give the gigs that are still to be told; keep of the others why they are not."""
    gigs = await work.gigs.named(ids)
    reasons = {id_: _reason(alert, gigs.get(id_), now) for id_ in ids}
    left = [gigs[id_] for id_ in ids if reasons[id_] is None]
    if left:
        postings = [posting(gig) for gig in left]
        reasons |= await work.job_alerts.unwanted(alert.id, postings)
    dropped: dict[str, list[GigId]] = defaultdict(list)
    for id_, reason in reasons.items():
        if reason is not None:
            dropped[reason].append(id_)
    for reason, those in dropped.items():
        await work.job_alerts.settle(alert.id, those, reason=reason)
    return [gig for gig in left if reasons[gig.id] is None]


def _reason(alert: JobAlert, gig: Gig | None, now: datetime) -> str | None:
    if alert.status != "active":
        return "paused"
    if gig is None:
        return "gig_gone"
    if gig.status not in alert.criteria["statuses"]:
        return f"gig_{gig.status}"
    if gig.deadline is not None and gig.deadline <= now:
        return "gig_expired"
    return None


@dataclass
class _Group:
    """What one organization, or one person, offers of what was found."""

    organization: Organization | None
    listed: list[Gig] = field(default_factory=list)
    more: int = 0


async def _intent(work: UnitOfWork, alert: JobAlert, gigs: Sequence[Gig]) -> Intent:
    organizations = await work.organizations.named(
        {gig.organization_id for gig in gigs if gig.organization_id}
    )
    return Intent(
        TYPE,
        alert.user_id,
        data={
            "job_alert_id": str(alert.id),
            "name": alert.name,
            "count": len(gigs),
            **listing(gigs, organizations),
        },
        # Of one, whoever looks again before it leaves can see whether it is open.
        gig_id=gigs[0].id if len(gigs) == 1 else None,
    )


def listing(
    gigs: Sequence[Gig], organizations: Mapping[Any, Organization]
) -> dict[str, Any]:
    """
    Choose what is listed of what was found, by who offers it, in the order given.

    `more` of a group counts what is not listed of it, the other `more` what is of
    nobody listed: lines and both counts together are all that was found.
    """
    groups: dict[UUID, _Group] = {}
    lines = 0
    for gig in gigs:
        group = groups.setdefault(
            gig.organization_id or gig.owner_id,
            _Group(organizations.get(gig.organization_id)),
        )
        if lines < LISTED and len(group.listed) < LISTED_OF_ONE:
            group.listed.append(gig)
            lines += 1
        else:
            group.more += 1
    return {
        "groups": [
            {
                "organization": group.organization.name if group.organization else None,
                "gigs": [_line(gig, group.organization) for gig in group.listed],
                "more": group.more,
            }
            for group in groups.values()
            if group.listed
        ],
        "more": sum(group.more for group in groups.values() if not group.listed),
    }


def _line(gig: Gig, organization: Organization | None) -> dict[str, Any]:
    place = place_of(gig)
    said = [gig.title, organization.name if organization else None, place]
    return {
        "gig_id": str(gig.id),
        "kind": gig.kind,
        "title": gig.title,
        "place": place,
        "deadline": instant(gig.deadline) if gig.deadline else None,
        # What a text has of it: short, so that no line of ten is cut off.
        "line": one_line(" · ".join(part for part in said if part), _LINE_CHARS),
    }
