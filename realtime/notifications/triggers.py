"""
From domain events to what they mean for people: the catalogue's triggers.

Who is told is asked for a whole page of events at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from realtime.actions.notifications import settle_events
from realtime.notifications.broadcasts import AT_ONCE, NOBODY, begin, to
from realtime.notifications.catalogue import Catalogue, Entry, Trigger
from realtime.notifications.messages import tell_messages
from realtime.notifications.planning import Intent, notify
from storage.domain_events import DomainEvent
from storage.records import (
    Application,
    ApplicationId,
    ConversationId,
    Gig,
    GigId,
    UserId,
)
from storage.unit_of_work import UnitOfWork

# Under which name it follows the domain events.
CONSUMER = "notifications"

_TOPIC = "topic:"


@dataclass(frozen=True, slots=True)
class Matched:
    """An event, what it makes, and for whom: people, or who follows a topic."""

    event: DomainEvent
    intent: Intent
    people: Sequence[UserId]
    topics: Sequence[str]

    @property
    def intents(self) -> list[Intent]:
        """Give the intent for each of the people."""
        return [to(self.intent, person) for person in self.people]


class Triggers:
    """What the line `events` does: has people told of what happened."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def __call__(
        self, work: UnitOfWork, events: Sequence[DomainEvent], now: datetime
    ) -> None:
        """Tell who is concerned by these events; many of them some at a time."""
        await tell_messages(work, self._catalogue, events, now)
        few: list[Intent] = []
        for each in await match(work, self._catalogue, events):
            for topic in each.topics:
                await begin(work, each.intent, now, topic=topic)
            if len(each.people) > AT_ONCE:
                await begin(work, each.intent, now, people=each.people)
            else:
                few += each.intents
        await notify(work, self._catalogue, few, now)
        await settle_events(work, events, now)


async def match(
    work: UnitOfWork, catalogue: Catalogue, events: Sequence[DomainEvent]
) -> list[Matched]:
    """Say what these events make, and for whom; changes nothing."""
    triggered = [
        (event, entry, trigger)
        for event in events
        for entry, trigger in catalogue.triggers.get(event.type, ())
        if _holds(trigger, event)
    ]
    if not triggered:
        return []
    named = {name for _, _, trigger in triggered for name in trigger.to}
    around = await _look_around(work, [event for event, _, _ in triggered], named)
    return [
        Matched(
            event,
            _intent(event, entry, trigger, around),
            around.people(trigger, event),
            [
                name.removeprefix(_TOPIC)
                for name in trigger.to
                if name.startswith(_TOPIC)
            ],
        )
        for event, entry, trigger in triggered
    ]


def _holds(trigger: Trigger, event: DomainEvent) -> bool:
    return all(
        str(event.data.get(name)) in values for name, values in trigger.when.items()
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What events concern: gigs with their people, applications."""

    applications: Mapping[UUID, Application] = field(default_factory=dict)
    gigs: Mapping[UUID, Gig] = field(default_factory=dict)
    teams: Mapping[UUID, Mapping[UserId, str]] = field(default_factory=dict)
    applicants: Mapping[GigId, tuple[Sequence[UserId], Sequence[UserId]]] = field(
        default_factory=dict
    )

    def gig_of(self, event: DomainEvent) -> UUID | None:
        """Name the gig that an event concerns, if only by an application."""
        gig = member(event, "gig_id")
        application = self.applications.get(
            member(event, "application_id") or UUID(int=0)
        )
        return gig or (application.gig_id if application else None)

    def people(self, trigger: Trigger, event: DomainEvent) -> list[UserId]:
        """Name whom a trigger tells of an event, each once, in one order."""
        found = {person for name in trigger.to for person in self._named(name, event)}
        return sorted(found)

    def _named(self, name: str, event: DomainEvent) -> Iterable[UserId]:
        if "." not in name:
            one = member(event, name)
            return () if one is None or name.startswith(_TOPIC) else (UserId(one),)
        if name == "application.applicant":
            named = member(event, "application_id")
            application = self.applications.get(named) if named else None
            return (application.applicant_id,) if application else ()
        gig = self.gigs.get(self.gig_of(event) or UUID(int=0))
        if gig is None:
            return ()
        everybody, undecided = self.applicants.get(gig.id, ((), ()))
        return {
            "gig.owner": (gig.owner_id,),
            "gig.team": (gig.owner_id, *self.teams.get(gig.id, ())),
            "gig.applicants": everybody,
            "gig.candidates": undecided,
        }.get(name, ())


async def _look_around(
    work: UnitOfWork, events: Sequence[DomainEvent], named: Collection[str]
) -> _Around:
    applications = {
        ApplicationId(one)
        for event in events
        if (one := member(event, "application_id")) is not None
    }
    around = _Around(
        await work.applications.named(applications) if applications else {}
    )
    gigs = {GigId(gig) for event in events if (gig := around.gig_of(event)) is not None}
    of_gig = {name for name in named if name.startswith("gig.")}
    if not gigs or not of_gig:
        return around
    needs_applicants = not of_gig.isdisjoint({"gig.applicants", "gig.candidates"})
    return _Around(
        around.applications,
        await work.gigs.named(gigs),
        await work.gigs.members.roles(gigs) if "gig.team" in of_gig else {},
        await work.broadcasts.applicants_of(gigs) if needs_applicants else {},
    )


def member(event: DomainEvent, name: str) -> UUID | None:
    """Read an id of an event's subject; None where there is none."""
    try:
        return UUID(event.subject[name])
    except (KeyError, ValueError):
        return None


def _intent(
    event: DomainEvent, entry: Entry, trigger: Trigger, around: _Around
) -> Intent:
    actor = member(event, trigger.actor) if trigger.actor else None
    talk = member(event, "conversation_id")
    # What is said of a message need not end when that is read or gone.
    is_of_message = "message_id" in event.subject
    return Intent(
        entry.name,
        NOBODY,
        actor_id=UserId(actor) if actor else None,
        data={**event.subject, **event.data},
        related_connection_id=member(event, "connection_id"),
        conversation_id=None if is_of_message or talk is None else ConversationId(talk),
        gig_id=around.gig_of(event),
        application_id=member(event, "application_id"),
        event_id=event.id,
        subject=event.subject,
    )
