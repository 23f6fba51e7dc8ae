"""Everything that decides about some deliveries, asked for all of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from realtime.notifications.catalogue import Catalogue
from realtime.notifications.listed import listed_in
from realtime.notifications.schedule import local_day
from storage.devices import Device
from storage.preferences import NotificationSettings, PreferenceRow
from storage.rechecks import Addressee, Asked, Course, Place, Sibling, Subject, Told
from storage.records import ConversationId, Gig, GigId, UserId
from storage.releases import Claimed
from storage.unit_of_work import UnitOfWork

_Pair = tuple[UserId, ConversationId]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the people, the subjects and the messages of some deliveries."""

    now: datetime
    # What digests carry, by the digest's delivery.
    items: Mapping[UUID, Sequence[Claimed]]
    people: Mapping[UserId, Addressee]
    settings: Mapping[UserId, NotificationSettings]
    chosen: Mapping[UserId, Sequence[PreferenceRow]]
    spent: Mapping[tuple[UserId, str, UUID | None], int]
    subjects: Mapping[UUID, Subject]
    siblings: Mapping[UUID, Sequence[Sibling]]
    places: Mapping[_Pair, Place]
    courses: Mapping[_Pair, Sequence[Course]]
    messages: Mapping[UUID, Sequence[Told]]
    devices: Mapping[UUID, Device]
    # Those that notifications list by name.
    gigs: Mapping[UUID, Gig]

    def place_of(
        self, user: UserId, conversation: ConversationId | None
    ) -> Place | None:
        """Tell how somebody stands in a conversation."""
        if conversation is None:
            return None
        return self.places.get((user, conversation))

    def courses_of(self, delivery: Claimed) -> Sequence[Course]:
        """Tell how deliveries of the same conversation have gone."""
        if delivery.conversation_id is None:
            return ()
        return self.courses.get((delivery.user_id, delivery.conversation_id), ())

    def own_course(self, delivery: Claimed) -> Course | None:
        """Tell how those have gone that left the same way."""
        for course in self.courses_of(delivery):
            if (course.channel, course.device_id) == delivery.lane[1:]:
                return course
        return None


async def gather(
    work: UnitOfWork,
    catalogue: Catalogue,
    claimed: Sequence[Claimed],
    now: datetime,
    *,
    most_items: int,
) -> Facts:
    """Ask for all that decides about these deliveries and about what digests carry."""
    items = await work.releases.items(
        [each.id for each in claimed if each.digest_id is not None], most_items
    )
    everything = [*claimed, *(item for each in items.values() for item in each)]
    users = {each.user_id for each in everything}
    settings = await work.preferences.settings_of(users)
    notifications = {
        each.notification_id for each in everything if each.notification_id is not None
    }
    subjects = await work.rechecks.subjects(notifications)
    talks = {
        (each.user_id, each.conversation_id)
        for each in everything
        if each.conversation_id is not None
    }
    mentioned = {
        (each.user_id, each.conversation_id)
        for each in subjects.values()
        if each.conversation_id is not None
    }
    places = await work.rechecks.places(talks | mentioned)
    courses = await work.rechecks.courses(talks, now)
    listed = {GigId(id_) for each in subjects.values() for id_ in listed_in(each)}
    facts = Facts(
        now=now,
        items=items,
        people=await work.rechecks.addressees(users, now),
        settings=settings,
        chosen=await work.preferences.of(users),
        spent=await work.rechecks.spent(
            {user: local_day(each, now)[0] for user, each in settings.items()}
        ),
        subjects=subjects,
        siblings=await work.rechecks.siblings(notifications),
        places=places,
        courses=courses,
        messages={},
        devices=await work.devices.with_ids(
            {each.device_id for each in everything if each.device_id is not None}
        ),
        gigs=await work.gigs.named(listed) if listed else {},
    )
    asked = [
        _asked(each, facts, catalogue)
        for each in everything
        if each.conversation_id is not None
    ]
    messages = await work.rechecks.messages(asked)
    return Facts(
        **{
            name: getattr(facts, name) for name in Facts.__slots__ if name != "messages"
        },
        messages=messages,
    )


def told_up_to(
    delivery: Claimed, facts: Facts, *, every_channel: bool
) -> dict[str, int]:
    """Say up to where messages need not be told, and why not."""
    place = facts.place_of(delivery.user_id, delivery.conversation_id)
    own = facts.own_course(delivery)
    others = [
        course.last_seq or 0
        for course in facts.courses_of(delivery)
        if course.channel != delivery.channel and not every_channel
    ]
    return {
        "read": place.read_seq if place else 0,
        "left": place.joined_seq if place else 0,
        "joined": (own.last_seq if own else None) or 0,
        "pushed" if delivery.channel == "email" else "mailed": max(others, default=0),
    }


def _asked(delivery: Claimed, facts: Facts, catalogue: Catalogue) -> Asked:
    entry = catalogue.get(delivery.type)
    told = told_up_to(
        delivery, facts, every_channel=entry is not None and entry.every_channel
    )
    most = 1
    if entry is not None:
        waits = entry.push_waits if delivery.channel == "push" else entry.email_waits
        most = waits.items
    assert delivery.conversation_id is not None  # noqa: S101 - for the type checker
    return Asked(
        delivery.id,
        delivery.user_id,
        delivery.conversation_id,
        max((delivery.first_seq or 1) - 1, *told.values()),
        most,
    )
