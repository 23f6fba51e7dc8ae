"""
What a push says: everything, or no more than which thing there is to fetch.

The same JSON goes to service workers, apps and relays (docs/push.md describes it). All
pushes about one thing have one `tag`, so that a later one takes an earlier one's place
and a retract finds it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from realtime.clock import instant
from realtime.notifications.notifier import Item, Parcel
from realtime.push.encryption import encode

# How long a service keeps a push for a device that is away, unless it expires before.
KEPT_FOR = timedelta(days=7)
# What FCM takes at the most; others take as much.
_LONGEST = timedelta(days=28)

# Shown where the service demands words and the device is to be told none.
_SOMETHING = {
    "en": "You have something new",
    "de": "Es gibt etwas Neues",
    "es": "Tienes algo nuevo",
    "fr": "Vous avez du nouveau",
    "ar": "لديك شيء جديد",
}
_SUMMARY = {
    "en": "Your summary",
    "de": "Ihre Übersicht",
    "es": "Tu resumen",
    "fr": "Votre résumé",
    "ar": "ملخصك",
}
# What a notification shows when it is pulled open.
_LINES = 5
_TITLE_CHARS = 200
_BODY_CHARS = 2000
_TAG_CHARS = 32


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads."""

    title: str
    body: str


def words_of(parcel: Parcel) -> Words:
    """Put a parcel into the few words that a push has room for."""
    items = parcel.items
    if parcel.kind == "digest":
        title = _in_language_of(parcel, _SUMMARY)
        lines = [item.title for item in items[:_LINES]]
    else:
        # A group is named, and who of it speaks; of one person the name is enough.
        group = items[-1].conversation_title if parcel.kind == "conversation" else None
        title = group or items[-1].title
        lines = [_line(item, is_named=group is not None) for item in items[-_LINES:]]
    more = parcel.more + len(items) - len(lines)
    body = "\n".join(lines + ([f"+{more}"] if more else []))
    return Words(_cut(title, _TITLE_CHARS), _cut(body, _BODY_CHARS))


def generic_words_of(parcel: Parcel) -> Words:
    """Say in the recipient's language that there is something, and not what."""
    return Words(_in_language_of(parcel, _SOMETHING), "")


def tag_of(parcel: Parcel) -> str:
    """
    Name what a push is about, in the same 32 characters each time.

    They tell nobody what it is, and are right as a `Topic` (RFC 8030, section 5.4).
    """
    item = parcel.items[0] if parcel.items else None
    if parcel.collapse_key is not None:
        about = f"key {parcel.collapse_key}"
    elif item is not None and parcel.kind != "digest":
        about = _about(item)
    else:
        about = f"delivery {parcel.delivery_id}"
    digest = hashlib.sha256(f"{parcel.recipient.id} {about}".encode()).digest()
    return encode(digest)[:_TAG_CHARS]


def data_of(parcel: Parcel, *, is_full: bool) -> dict[str, Any]:
    """Give everything but the words: what it is, and the ids to fetch it by."""
    item = parcel.items[-1] if parcel.items else None
    data: dict[str, Any] = {
        "delivery_id": str(parcel.delivery_id),
        "kind": parcel.kind,
        "type": parcel.type,
        "tag": tag_of(parcel),
    }
    if item is not None and parcel.kind != "digest":
        data |= {
            name: str(value)
            for name in ("notification_id", "conversation_id", "message_id", "gig_id")
            if (value := getattr(item, name)) is not None
        }
        if item.seq is not None:
            data["seq"] = item.seq
    data["badge"] = parcel.badge
    if is_full and item is not None and parcel.kind != "retract":
        data["count"] = parcel.more + sum(each.count for each in parcel.items)
        data["at"] = instant(item.at)
        if item.link is not None and parcel.kind != "digest":
            data["link"] = item.link
    return data


def payload_of(parcel: Parcel, at_most: int, *, is_full: bool) -> bytes:
    """Write the JSON of a push that we word ourselves, within so many octets."""
    data = data_of(parcel, is_full=is_full)
    if not is_full or parcel.kind == "retract":
        return orjson.dumps(data)
    return fit(
        words_of(parcel),
        lambda words: orjson.dumps({"title": words.title, "body": words.body} | data),
        at_most,
        lambda: orjson.dumps(data_of(parcel, is_full=False)),
    )


def fit(
    words: Words,
    write: Callable[[Words], bytes],
    at_most: int,
    without_words: Callable[[], bytes],
) -> bytes:
    """Cut the words until what is written fits: the body first, the title last."""
    while True:
        written = write(words)
        over = len(written) - at_most
        if over <= 0:
            return written
        if words.body:
            words = replace(words, body=_shorter(words.body, over))
        elif words.title:
            words = replace(words, title=_shorter(words.title, over))
        else:
            return without_words()


def kept_for(parcel: Parcel, now: datetime) -> timedelta:
    """Tell how long it is worth keeping for a device that is away; none: expired."""
    if parcel.expires_at is None:
        return KEPT_FOR
    return min(max(parcel.expires_at - now, timedelta(0)), _LONGEST)


def has_expired(parcel: Parcel, now: datetime) -> bool:
    """Tell whether it has become pointless since it was handed out."""
    return parcel.expires_at is not None and parcel.expires_at <= now


def _about(item: Item) -> str:
    if item.conversation_id is not None and item.notification_id is None:
        return f"conversation {item.conversation_id}"
    return f"notification {item.notification_id}"


def _line(item: Item, *, is_named: bool) -> str:
    """Write what one thing says; of a message without words, what is attached to it."""
    text = item.text
    # Only messages have them; what a platform puts into `data` is its own.
    attached = item.data.get("attachments", ()) if item.notification_id is None else ()
    if not text:
        text = ", ".join(str(each.get("name", "")) for each in attached)
    return f"{item.sender_name}: {text}" if is_named and item.sender_name else text


def _in_language_of(parcel: Parcel, texts: Mapping[str, str]) -> str:
    language = parcel.recipient.locale.partition("-")[0].lower()
    return texts.get(language, texts["en"])


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def _shorter(text: str, octets: int) -> str:
    """Take at least so many octets off the end, and say that something is missing."""
    kept = text.rstrip("…").encode()
    # The sign itself takes three.
    kept = kept[: max(len(kept) - octets - 3, 0)]
    cut = kept.decode(errors="ignore").rstrip()
    return cut + "…" if cut else ""
