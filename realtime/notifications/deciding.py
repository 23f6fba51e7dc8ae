"""
Who is told of what, on which channels, and why so: it is decided here, and only read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.clock import instant
from realtime.notifications.catalogue import Catalogue, Entry
from realtime.notifications.notifier import Priority
from realtime.notifications.preferences import resolve
from storage.notifications import Relation
from storage.preferences import PreferenceRow
from storage.records import ConversationId, User, UserId
from storage.unit_of_work import UnitOfWork

# Among so many times what one may make another be told a day, it is counted.
_WINDOW = 5

# Why a channel that is switched on tells nothing after all.
_NOWHERE = ("no_address", "no_device")


@dataclass(frozen=True, slots=True)
class Intent:
    """
    Somebody is to be told something of a type of the catalogue.

    `title` and `message` are worded from the catalogue, in the recipient's language,
    where the intent has none; so are `link` and the key by which it collapses.
    """

    type: str
    user_id: UserId
    actor_id: UserId | None = None
    title: str | None = None
    message: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority | None = None
    collapse_key: str | None = None
    expires_at: datetime | None = None
    related_user_id: UserId | None = None
    related_connection_id: UUID | None = None
    conversation_id: ConversationId | None = None
    message_id: UUID | None = None
    seq: int | None = None
    gig_id: UUID | None = None
    application_id: UUID | None = None
    event_id: int | None = None
    broadcast_id: UUID | None = None
    # What else templates may name: the members of the event's subject.
    subject: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """
    How one channel tells, why so, and since when that is decided.

    `source` is the preference that decided; `reason` says why nothing leaves, or why
    it leaves otherwise than it would by that preference.
    """

    mode: str
    source: str
    at: datetime
    reason: str | None = None

    def frozen(self) -> dict[str, str]:
        """Give it as it is stored with the notification."""
        said = {"mode": self.mode, "source": self.source, "at": instant(self.at)}
        return said if self.reason is None else said | {"reason": self.reason}

    @property
    def leaves(self) -> bool:
        """Say whether anything is to leave."""
        return self.mode != "off" and self.reason not in _NOWHERE


@dataclass(frozen=True, slots=True)
class Planned:
    """An intent that somebody is told, and what was decided for each channel."""

    intent: Intent
    entry: Entry
    user: User
    decisions: Mapping[str, Decision]
    devices: Sequence[UUID]

    @property
    def channels(self) -> list[str]:
        """Name the channels that tell."""
        return [name for name, decision in self.decisions.items() if decision.leaves]


@dataclass(frozen=True, slots=True)
class _Known:
    """What planning asks about everybody at once."""

    people: Mapping[UserId, User]
    relations: Mapping[tuple[UserId, UserId], Relation]
    chosen: Mapping[UserId, Sequence[PreferenceRow]]
    devices: Mapping[UserId, Sequence[UUID]]


async def plan(
    work: UnitOfWork, catalogue: Catalogue, intents: Sequence[Intent], now: datetime
) -> list[Planned]:
    """
    Decide who is told of these intents, and where; changes nothing.

    Raises:
        KeyError: The catalogue has no such type.
    """
    if not intents:
        return []
    entries = [catalogue.entries[intent.type] for intent in intents]
    known = await _ask(work, catalogue, intents, now)
    # What this page adds to what one has made another be told.
    told: dict[tuple[UserId, UserId], int] = {}
    planned = []
    for intent, entry in zip(intents, entries, strict=True):
        user = known.people.get(intent.user_id)
        relation = None
        if user is None or user.account_status != "active":
            continue
        if intent.actor_id is not None:
            pair = (intent.actor_id, intent.user_id)
            relation = known.relations.get(pair)
            if intent.actor_id == intent.user_id or (relation and relation.is_blocked):
                continue
            told[pair] = told.get(pair, relation.told if relation else 0) + 1
        is_too_much = (
            relation is not None
            and told[intent.actor_id or intent.user_id, intent.user_id]
            > catalogue.limits.per_sender_a_day
        )
        decisions = _decide(
            entry, user, known, relation, is_too_much=is_too_much, now=now
        )
        devices = known.devices.get(intent.user_id, ())
        planned.append(Planned(intent, entry, user, decisions, devices))
    return planned


async def _ask(
    work: UnitOfWork, catalogue: Catalogue, intents: Sequence[Intent], now: datetime
) -> _Known:
    readers = {intent.user_id for intent in intents}
    actors = {intent.actor_id for intent in intents if intent.actor_id is not None}
    pairs = {
        (intent.actor_id, intent.user_id)
        for intent in intents
        if intent.actor_id is not None and intent.actor_id != intent.user_id
    }
    window = catalogue.limits.per_sender_a_day * _WINDOW + 1
    return _Known(
        people=await work.users.with_ids(readers | actors),
        relations=await work.notifications.relations(pairs, now, window=window),
        chosen=await work.preferences.of(readers),
        devices=await work.notifications.devices_of(readers),
    )


def _decide(
    entry: Entry,
    user: User,
    known: _Known,
    relation: Relation | None,
    *,
    is_too_much: bool,
    now: datetime,
) -> dict[str, Decision]:
    decisions: dict[str, Decision] = {}
    for channel, choice in resolve(entry, known.chosen.get(user.id, ())).items():
        decision = Decision(choice.mode, choice.source, now)
        if channel == "push":
            is_strange = relation is not None and not relation.is_connected
            if is_strange and not entry.push_from_strangers:
                decision = _otherwise(decision, "off", "stranger")
            elif is_too_much:
                decision = _otherwise(decision, "off", "sender_cap")
            elif decision.mode != "off" and not known.devices.get(user.id):
                decision = replace(decision, reason="no_device")
        elif channel == "email":
            if is_too_much and decision.mode == "instant":
                decision = _otherwise(decision, "daily", "sender_cap")
            if decision.mode != "off" and not user.email:
                decision = replace(decision, reason="no_address")
        decisions[channel] = decision
    return decisions


def _otherwise(decision: Decision, mode: str, reason: str) -> Decision:
    if decision.mode == "off":
        return decision
    return replace(decision, mode=mode, reason=reason)
