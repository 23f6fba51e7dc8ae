"""Packing what leaves: the newest words, for this person, as notifiers take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from realtime.notifications.catalogue import Catalogue
from realtime.notifications.facts import Facts
from realtime.notifications.notifier import (
    Channel,
    Class,
    Item,
    Parcel,
    Priority,
    Recipient,
    Target,
)
from realtime.notifications.wording import Reader, Wording
from storage.devices import Device
from storage.rechecks import Addressee, Subject, Told
from storage.releases import Claimed
from storage.retracts import RETRACT

DEFAULT_LOCALE = "en"


@dataclass(frozen=True, slots=True)
class Load:
    """
    What of a delivery leaves, oldest first, and how much is left out.

    `carried` are the items of a digest that are in it, `last_seq` the last message.
    """

    items: Sequence[Item]
    more: int = 0
    last_seq: int | None = None


def recipient(person: Addressee, timezone: str) -> Recipient:
    """Say who is told, in which language and zone."""
    return Recipient(
        person.id, person.name, person.email, person.locale or DEFAULT_LOCALE, timezone
    )


def target(device: Device) -> Target:
    """Say where a push goes."""
    return Target(
        device.id,
        device.kind,
        device.token,
        device.keys,
        device.vapid_key_id,
        device.app,
        device.payload,
    )


def notification_item(subject: Subject, facts: Facts) -> Item:
    """Pack a notification; a message that it quotes, as that reads now."""
    place = facts.place_of(subject.user_id, subject.conversation_id)
    text = subject.message
    quoted = subject.data.get("text")
    if subject.message_body is not None and isinstance(quoted, str) and quoted:
        text = text.replace(quoted, subject.message_body)
    return Item(
        type=subject.type,
        title=subject.title,
        text=text,
        at=subject.created_at,
        link=subject.link,
        notification_id=subject.id,
        conversation_id=subject.conversation_id,
        conversation_title=place.title if place else None,
        message_id=subject.message_id,
        seq=subject.seq,
        sender_id=subject.related_user_id,
        sender_name=subject.actor_name,
        gig_id=subject.gig_id,
        count=subject.count,
        data=subject.data,
    )


def message_items(
    delivery: Claimed, told: Sequence[Told], facts: Facts, catalogue: Catalogue
) -> list[Item]:
    """Pack messages of a conversation."""
    place = facts.place_of(delivery.user_id, delivery.conversation_id)
    entry = catalogue.get(delivery.type)
    wording = Wording(Reader(), {"conversation_id": str(delivery.conversation_id)})
    link = wording.link(entry.link) if entry is not None else None
    return [
        Item(
            type=delivery.type,
            title=each.sender_name or "",
            text=each.body,
            at=each.sent_at,
            link=link,
            conversation_id=delivery.conversation_id,
            conversation_title=place.title if place else None,
            message_id=each.id,
            seq=each.seq,
            sender_id=each.sender_id,
            sender_name=each.sender_name,
            data={"attachments": each.attachments} if each.attachments else {},
        )
        for each in told
    ]


def taken_back(delivery: Claimed) -> Item:
    """Name what a device is to take back, and say nothing of it."""
    return Item(
        type=delivery.type,
        title="",
        text="",
        at=delivery.created_at,
        notification_id=delivery.notification_id,
        conversation_id=delivery.conversation_id,
        # Up to where, of messages.
        seq=delivery.first_seq,
    )


def pack(
    delivery: Claimed, load: Load, facts: Facts, *, collapse_key: str | None, badge: int
) -> Parcel:
    """Make the parcel of a delivery that leaves now."""
    person = facts.people[delivery.user_id]
    device = facts.devices.get(delivery.device_id) if delivery.device_id else None
    if delivery.type == RETRACT:
        kind = "retract"
    elif delivery.conversation_id is not None:
        kind = "conversation"
    else:
        kind = "notification" if delivery.digest_id is None else "digest"
    return Parcel(
        delivery_id=delivery.id,
        channel=cast("Channel", delivery.channel),
        kind=kind,  # type: ignore[arg-type]
        type=delivery.type,
        class_=cast("Class", delivery.class_),
        priority=cast("Priority", delivery.priority),
        recipient=recipient(person, facts.settings[delivery.user_id].timezone),
        items=load.items,
        created_at=delivery.created_at,
        more=load.more,
        frequency=delivery.mode if delivery.digest_id is not None else None,
        collapse_key=collapse_key,
        expires_at=delivery.expires_at,
        target=target(device) if device is not None else None,
        badge=badge,
        attempt=delivery.attempts + 1,
    )
