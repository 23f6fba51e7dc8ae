"""
Deciding about deliveries one after the other, each knowing of those before it.

Pushes first, then mails, digests last: a mail waits for the push of the same page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from realtime.notifications.catalogue import Catalogue, Entry
from realtime.notifications.facts import Facts, told_up_to
from realtime.notifications.listed import still_listed
from realtime.notifications.notifier import Item
from realtime.notifications.parcels import (
    DEFAULT_LOCALE,
    Load,
    message_items,
    notification_item,
    taken_back,
)
from realtime.notifications.preferences import Choice, PreferenceChannel, resolve
from realtime.notifications.rechecking import (
    DIGEST_WAITS_FOR,
    STEP,
    Go,
    Hold,
    Moment,
    Skip,
    Verdict,
    address_flaw,
    gathering,
    held_since,
    other_channel,
    other_course,
    person_flaw,
    place_flaw,
    subject_flaw,
    time_for,
)
from realtime.notifications.wording import Reader
from realtime.presence import Found
from realtime.settings import Settings
from storage.rechecks import Sibling
from storage.records import ConversationId, UserId
from storage.releases import Claimed
from storage.retracts import RETRACT

# However often those who carry something end without a word.
_MOST_ATTEMPTS = 50

# A digest shows so many things, and says how many more there are.
DIGEST_ITEMS = 50

# Why a digest is looked at once more, or something waits for the next.
LONG_DIGEST = "long_digest"


@dataclass(slots=True)
class Judge:
    """
    Decides about the deliveries of one page.

    `loads` holds what leaves, `dropped` the reasons of what digests leave out, and
    `carried_up_to` the last message of each conversation that a digest carries.
    """

    facts: Facts
    catalogue: Catalogue
    settings: Settings
    found: Found
    # Of what a digest carries so many have been looked up.
    most_items: int
    loads: dict[UUID, Load] = field(default_factory=dict)
    dropped: dict[UUID, str] = field(default_factory=dict)
    carried_up_to: dict[UUID, int] = field(default_factory=dict)
    _going: set[tuple[UserId, UUID]] = field(default_factory=set)

    def in_order(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Give deliveries in the order in which to decide about them."""
        return sorted(
            claimed,
            key=lambda each: (each.digest_id is not None, each.channel != "push"),
        )

    def judge(self, delivery: Claimed) -> Verdict:
        """Decide about one; what leaves is packed in `loads`."""
        if delivery.type == RETRACT:
            return self._retract(delivery)
        verdict = self._judge(delivery)
        about = delivery.notification_id or delivery.conversation_id
        if isinstance(verdict, Go) and delivery.channel == "push" and about:
            self._going.add((delivery.user_id, about))
        return verdict

    def is_long(self, carrier: Claimed) -> bool:
        """Tell whether a digest may carry more than has been looked up."""
        return len(self.facts.items.get(carrier.id, ())) >= self.most_items

    def flaw_of(self, delivery: Claimed) -> str | None:
        """Say why one means nothing any more, whatever the time."""
        return self._flaw(delivery, self.catalogue.get(delivery.type))

    def _judge(self, delivery: Claimed) -> Verdict:
        if delivery.digest_id is not None:
            flaw = person_flaw(self.facts.people.get(delivery.user_id))
            return self._digest(delivery) if flaw is None else Skip(flaw)
        entry = self.catalogue.get(delivery.type)
        flaw = self._flaw(delivery, entry)
        if flaw is not None or entry is None:
            return Skip(flaw or "unknown_type")
        verdict = self._other(delivery, entry)
        if not isinstance(verdict, Go):
            return verdict
        held = None
        if delivery.conversation_id is not None:
            held = gathering(
                delivery,
                entry.push_waits if delivery.channel == "push" else entry.email_waits,
                self.facts.own_course(delivery),
                self.facts.now,
            )
        return held or time_for(delivery, entry, self._moment(delivery, entry))

    def _flaw(self, delivery: Claimed, entry: Entry | None) -> str | None:
        """Say why something means nothing any more; else pack it."""
        flaw = person_flaw(self.facts.people.get(delivery.user_id))
        if flaw is not None:
            return flaw
        if delivery.expires_at is not None and delivery.expires_at <= self.facts.now:
            return "expired"
        if entry is None:
            return "unknown_type"
        flaw = self._content_flaw(delivery, entry)
        if flaw is None and self._choice(delivery, entry).mode == "off":
            flaw = "preference_off"
        return flaw or self._target_flaw(delivery, delivery.class_)

    def _content_flaw(self, delivery: Claimed, entry: Entry) -> str | None:
        """Say why there is nothing to tell; else pack it."""
        if delivery.conversation_id is not None:
            return self._messages_flaw(delivery, delivery.conversation_id, entry)
        subject = (
            self.facts.subjects.get(delivery.notification_id)
            if delivery.notification_id
            else None
        )
        if subject is None:
            return "deleted"
        place = self.facts.place_of(subject.user_id, subject.conversation_id)
        flaw = subject_flaw(subject, place, entry, self.facts.now)
        if flaw is not None:
            return flaw
        person = self.facts.people[subject.user_id]
        zone = self.facts.settings[subject.user_id].timezone
        reader = Reader(person.locale or DEFAULT_LOCALE, zone)
        left = still_listed(subject, entry, self.facts.gigs, reader, self.facts.now)
        if left is None:
            return "gig_closed"
        self.loads[delivery.id] = Load([notification_item(left, self.facts)])
        return None

    def _messages_flaw(
        self, delivery: Claimed, conversation: ConversationId, entry: Entry
    ) -> str | None:
        place = self.facts.place_of(delivery.user_id, conversation)
        flaw = place_flaw(place, delivery.priority, self.facts.now)
        if flaw is not None:
            return flaw
        told = self.facts.messages.get(delivery.id, ())
        sound = [each for each in told if each.flaw is None]
        if sound:
            self.loads[delivery.id] = Load(
                message_items(delivery, sound, self.facts, self.catalogue),
                more=sound[-1].visible - len(sound),
                last_seq=sound[-1].seq,
            )
            return None
        if told and told[-1].flaw is not None:
            return told[-1].flaw
        bounds = told_up_to(delivery, self.facts, every_channel=entry.every_channel)
        reason, seq = max(bounds.items(), key=lambda bound: bound[1])
        return reason if seq >= (delivery.first_seq or 1) else "nothing_left"

    def _target_flaw(self, delivery: Claimed, class_: str) -> str | None:
        if delivery.attempts >= _MOST_ATTEMPTS:
            # Nobody ever said what came of it: it may be what ends those who carry it.
            return "no_outcome"
        if delivery.channel == "email":
            return address_flaw(self.facts.people[delivery.user_id], class_)
        if delivery.device_id is None or delivery.device_id not in self.facts.devices:
            return "device_gone"
        return None

    def _retract(self, delivery: Claimed) -> Verdict:
        """Take back what was read: at any time, for it shows nothing."""
        flaw = person_flaw(self.facts.people.get(delivery.user_id))
        flaw = flaw or self._target_flaw(delivery, delivery.class_)
        if flaw is not None:
            return Skip(flaw)
        if delivery.expires_at is not None and delivery.expires_at <= self.facts.now:
            return Skip("expired")
        self.loads[delivery.id] = Load([taken_back(delivery)])
        return Go()

    def _other(self, delivery: Claimed, entry: Entry) -> Verdict:
        if entry.every_channel:
            return Go()
        about = delivery.notification_id or delivery.conversation_id
        if delivery.channel == "email" and (delivery.user_id, about) in self._going:
            return Hold(self.facts.now + STEP, "push_sending")
        if delivery.conversation_id is not None:
            courses = self.facts.courses_of(delivery)
            return other_course(delivery, courses, self.facts.now)
        return other_channel(delivery, self._siblings(delivery), self.facts.now)

    def _siblings(self, delivery: Claimed) -> Sequence[Sibling]:
        if delivery.notification_id is None:
            return ()
        return self.facts.siblings.get(delivery.notification_id, ())

    def _choice(self, delivery: Claimed, entry: Entry) -> Choice:
        channel: PreferenceChannel = "push" if delivery.channel == "push" else "email"
        return resolve(entry, self.facts.chosen.get(delivery.user_id, ()))[channel]

    def _moment(self, delivery: Claimed, entry: Entry) -> Moment:
        settings = self.facts.settings[delivery.user_id]
        if delivery.channel == "push":
            own, everybody = settings.daily_pushes, self.settings.daily_pushes
        else:
            own, everybody = settings.daily_emails, self.settings.daily_emails
        return Moment(
            now=self.facts.now,
            settings=settings,
            choice=self._choice(delivery, entry),
            budget=everybody if own is None else own,
            spent=self.facts.spent.get(delivery.lane, 0),
            presence=self.found.of(delivery.user_id),
        )

    def _digest(self, carrier: Claimed) -> Verdict:
        flaw = self._target_flaw(carrier, "service")
        if flaw is not None:
            return Skip(flaw)
        packed: list[Item] = []
        more = 0
        for item in self.facts.items.get(carrier.id, ()):
            verdict = self._item(carrier, item)
            if isinstance(verdict, Hold):
                return verdict
            if isinstance(verdict, Skip):
                self.dropped[item.id] = verdict.reason
                continue
            load = self.loads.pop(item.id)
            if load.last_seq is not None:
                self.carried_up_to[item.id] = load.last_seq
            room = max(DIGEST_ITEMS - len(packed), 0)
            packed.extend(load.items[:room])
            more += load.more + max(len(load.items) - room, 0)
        if not packed:
            # Nothing of these is left; what is behind them has not been looked at.
            is_all = not self.is_long(carrier)
            return Skip("empty") if is_all else Hold(self.facts.now, LONG_DIGEST)
        self.loads[carrier.id] = Load(packed, more)
        return Go()

    def _item(self, carrier: Claimed, item: Claimed) -> Verdict:
        """Decide about what a digest carries: the same, but for its time."""
        entry = self.catalogue.get(item.type)
        flaw = self._flaw(item, entry)
        if flaw is not None or entry is None:
            return Skip(flaw or "unknown_type")
        verdict = self._other(item, entry)
        if not isinstance(verdict, Hold):
            return verdict
        if verdict.reason == "push_first":
            # A push that is not on its way comes too late: the mail wins.
            return Go()
        now = self.facts.now
        waited = now - held_since(carrier.trail, verdict.reason, now)
        return verdict if waited < DIGEST_WAITS_FOR else Skip("pushed")
