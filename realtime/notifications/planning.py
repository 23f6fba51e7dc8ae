"""
From an intent to what is planned: who is told of it, where, when, and why there.

Deciding only reads, so that what would happen can be asked (`POST /v1/platform/events`
answers it); `notify` decides and does it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from realtime.actions.notifications import tell_created, tell_updated
from realtime.notifications.catalogue import Catalogue
from realtime.notifications.deciding import Intent, Planned, plan
from realtime.notifications.notifier import Channel
from realtime.notifications.schedule import next_digest
from realtime.notifications.wording import Reader, Wording
from storage.deliveries import NewDelivery
from storage.ids import uuid7
from storage.notifications import NewNotification, Open, Out
from storage.preferences import NotificationSettings
from storage.records import Gig, GigId, User, UserId
from storage.unit_of_work import UnitOfWork

__all__ = ["Intent", "carry_out", "notify", "plan"]

# Two writers of the same key take turns; a third turn is nobody's.
_TURNS = 3


async def notify(
    work: UnitOfWork, catalogue: Catalogue, intents: Sequence[Intent], now: datetime
) -> Sequence[UUID]:
    """
    Show people what these intents say, and plan what leaves for them.

    Nobody is told of their own doing, nor who is suspended or deleted, nor of whom
    they blocked or are blocked by. What collapses into something unread changes that.
    Gives the ids of the notifications, of those who are told, in the order of the
    intents.

    Raises:
        KeyError: The catalogue has no such type.
    """
    planned = await plan(work, catalogue, intents, now)
    return await carry_out(work, planned, now)


async def carry_out(
    work: UnitOfWork, planned: Sequence[Planned], now: datetime
) -> Sequence[UUID]:
    """Write what was planned: notifications, what is told live, what is to leave."""
    words = await _words(work, planned)
    drafts, ids = _gathered(planned, words, now)
    for _ in range(_TURNS):
        if not drafts:
            break
        drafts = await _write(work, drafts, words, ids, now)
    return [ids[place] for place in range(len(planned)) if place in ids]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A notification to be made of some of what is planned, the last of it telling."""

    id: UUID
    places: Sequence[int]
    planned: Planned
    key: str | None


class _Words:
    """Words everything of one call, each in its reader's language."""

    def __init__(
        self,
        actors: Mapping[UserId, User],
        gigs: Mapping[UUID, Gig],
        titles: Mapping[UUID, str],
    ) -> None:
        self._actors = actors
        self._gigs = gigs
        self._titles = titles

    def of(self, planned: Planned, count: int) -> Wording:
        """Give what templates are filled with for one of them."""
        intent, user = planned.intent, planned.user
        actor = self._actors.get(intent.actor_id) if intent.actor_id else None
        gig = self._gigs.get(intent.gig_id) if intent.gig_id else None
        of_conversation = intent.conversation_id
        values = {
            **intent.subject,
            **{name: str(value) for name, value in _ids(intent).items() if value},
            "actor": actor.display_name if actor else "",
            "gig": gig.title if gig else "",
            "conversation": self._titles.get(of_conversation, "")
            if of_conversation
            else "",
            "data": intent.data,
            "count": count,
            "name": user.display_name,
        }
        return Wording(Reader(user.locale or "en", user.timezone or "UTC"), values)


def _ids(intent: Intent) -> Mapping[str, object]:
    return {
        "user_id": intent.user_id,
        "actor_id": intent.actor_id,
        "connection_id": intent.related_connection_id,
        "conversation_id": intent.conversation_id,
        "message_id": intent.message_id,
        "gig_id": intent.gig_id,
        "application_id": intent.application_id,
    }


async def _words(work: UnitOfWork, planned: Sequence[Planned]) -> _Words:
    intents = [each.intent for each in planned]
    actors = {intent.actor_id for intent in intents if intent.actor_id}
    gigs = {GigId(intent.gig_id) for intent in intents if intent.gig_id}
    talks = {intent.conversation_id for intent in intents if intent.conversation_id}
    return _Words(
        await work.users.with_ids(actors) if actors else {},
        await work.gigs.named(gigs) if gigs else {},
        await work.notifications.titles_of(talks),
    )


def _gathered(
    planned: Sequence[Planned], words: _Words, now: datetime
) -> tuple[list[_Draft], dict[int, UUID]]:
    """Make one draft of all that collapses into one."""
    gathered: dict[object, _Draft] = {}
    for place, each in enumerate(planned):
        key = each.intent.collapse_key or words.of(each, 1).key(each.entry.collapse)
        name: object = place if key is None else (each.intent.user_id, key)
        before = gathered.get(name)
        places = [place] if before is None else [*before.places, place]
        id_ = uuid7() if before is None else before.id
        gathered[name] = _Draft(id_, places, each, key)
    return list(gathered.values()), {}


async def _write(
    work: UnitOfWork,
    drafts: Sequence[_Draft],
    words: _Words,
    ids: dict[int, UUID],
    now: datetime,
) -> list[_Draft]:
    """Write drafts; gives back those whose place somebody else took meanwhile."""
    keyed = {(draft.planned.user.id, draft.key): draft for draft in drafts if draft.key}
    open_ = await work.notifications.unread_with(
        [(user, key) for user, key in keyed if key], now
    )
    changed: dict[UUID, _Draft] = {}
    new: dict[UUID, _Draft] = {}
    rows: dict[UUID, NewNotification] = {}
    for draft in drafts:
        of_key = (draft.planned.user.id, draft.key or "")
        found = open_.get(of_key) if draft.key else None
        id_ = found.id if found else draft.id
        (changed if found else new)[id_] = draft
        rows[id_] = _row(id_, draft, found, words, now)
    inserted = await work.notifications.insert([rows[id_] for id_ in new], now)
    updated = await work.notifications.update([rows[id_] for id_ in changed], now)
    out = await work.notifications.out(updated)
    leaving: list[tuple[UUID, _Draft, Collection[Channel]]] = []
    for id_, shown in inserted.items():
        if rows[id_].is_shown:
            tell_created(work, shown)
        leaving.append((id_, new[id_], ("push", "email")))
    for id_, shown in updated.items():
        if rows[id_].is_shown:
            tell_updated(work, shown)
        leaving.append((id_, changed[id_], _free(changed[id_], out.get(id_, {}), now)))
    await _plan_deliveries(work, leaving, rows, now)
    for id_ in (*inserted, *updated):
        for place in (new.get(id_) or changed[id_]).places:
            ids[place] = id_
    return [draft for id_, draft in new.items() if id_ not in inserted and draft.key]


def _free(draft: _Draft, out: Mapping[str, Out], now: datetime) -> list[Channel]:
    """
    Name the channels on which something that is counted again may leave again.

    What still waits carries it; what left a while ago is not repeated at once.
    """
    entry = draft.planned.entry
    idle: dict[Channel, int] = {
        "push": entry.push_waits.idle,
        "email": entry.email_waits.idle,
    }
    return [
        channel
        for channel, seconds in idle.items()
        if (before := out.get(channel)) is None
        or not (before.is_waiting or now < before.left_at + timedelta(seconds=seconds))
    ]


def _row(
    id_: UUID, draft: _Draft, found: Open | None, words: _Words, now: datetime
) -> NewNotification:
    planned = draft.planned
    intent, entry = planned.intent, planned.entry
    count = len(draft.places) + (found.count if found else 0)
    wording = words.of(planned, count)
    after = entry.expires_after
    return NewNotification(
        id=id_,
        user_id=intent.user_id,
        type=entry.name,
        class_=entry.class_,
        title=intent.title or wording.title(entry.title) or entry.name,
        message=wording.message(entry.message)
        if intent.message is None
        else intent.message,
        data=intent.data,
        priority=intent.priority or entry.priority,
        decisions={
            channel: decision.frozen()
            for channel, decision in planned.decisions.items()
        },
        count=count,
        is_shown=planned.decisions["in_app"].mode != "off",
        related_user_id=intent.related_user_id or intent.actor_id,
        related_connection_id=intent.related_connection_id,
        conversation_id=intent.conversation_id,
        message_id=intent.message_id,
        seq=intent.seq,
        gig_id=intent.gig_id,
        application_id=intent.application_id,
        link=wording.link(entry.link),
        collapse_key=draft.key,
        broadcast_id=intent.broadcast_id,
        event_id=intent.event_id,
        expires_at=intent.expires_at or (now + after if after else None),
    )


async def _plan_deliveries(
    work: UnitOfWork,
    leaving: Sequence[tuple[UUID, _Draft, Collection[Channel]]],
    rows: Mapping[UUID, NewNotification],
    now: datetime,
) -> None:
    channels = {
        id_: [each for each in free if draft.planned.decisions[each].leaves]
        for id_, draft, free in leaving
    }
    digested = {
        draft.planned.user.id
        for id_, draft, _ in leaving
        for channel in channels[id_]
        if draft.planned.decisions[channel].mode != "instant"
    }
    settings = await work.preferences.settings_of(digested) if digested else {}
    await work.deliveries.plan(
        [
            _delivery(rows[id_], draft.planned, channel, device, settings, now)
            for id_, draft, _ in leaving
            for channel in channels[id_]
            for device in (draft.planned.devices if channel == "push" else (None,))
        ],
        now,
    )


def _delivery(
    row: NewNotification,
    planned: Planned,
    channel: Channel,
    device: UUID | None,
    settings: Mapping[UserId, NotificationSettings],
    now: datetime,
) -> NewDelivery:
    entry = planned.entry
    mode = planned.decisions[channel].mode
    if mode == "instant":
        waits = entry.push_waits if channel == "push" else entry.email_waits
        due_at = now + timedelta(seconds=waits.delay)
    else:
        due_at = next_digest(mode, settings[row.user_id], now)
    return NewDelivery(
        user_id=row.user_id,
        channel=channel,
        type=row.type,
        class_=row.class_,
        mode=mode,
        due_at=due_at,
        priority=row.priority,
        notification_id=row.id,
        device_id=device,
        expires_at=row.expires_at,
        # What waits for a digest by a limit and not by preference says so.
        reason=planned.decisions[channel].reason,
    )
