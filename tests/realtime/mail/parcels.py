"""What is mailed in these tests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from realtime.notifications.notifier import Item, Parcel, Recipient
from storage.records import ConversationId, UserId

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
TALK = ConversationId(UUID(int=7))
APP_URL = "https://app.example"


def recipient(
    locale: str = "en",
    name: str = "Ada Lovelace",
    email: str | None = "ada@chat.example",
) -> Recipient:
    """Somebody in Berlin."""
    return Recipient(UserId(UUID(int=3)), name, email, locale, "Europe/Berlin")


def messages(
    *texts: str, names: Sequence[str] = ("Grace Hopper",), title: str | None = None
) -> list[Item]:
    """Messages of one conversation, by these in turn."""
    return [
        Item(
            "message_received",
            names[index % len(names)],
            text,
            NOW + timedelta(minutes=3 * index),
            link=f"/conversations/{TALK}",
            conversation_id=TALK,
            conversation_title=title,
            message_id=uuid4(),
            seq=index + 1,
            sender_id=UserId(uuid4()),
            sender_name=names[index % len(names)],
        )
        for index, text in enumerate(texts)
    ]


def notification(
    type_: str = "connection_request",
    title: str = "Grace Hopper would like to connect",
    text: str = "I saw you in Hamlet.",
    count: int = 1,
) -> Item:
    """Something of the inbox."""
    link = "/connections/1?a=1&b=2"
    return Item(
        type_, title, text, NOW, link=link, notification_id=uuid4(), count=count
    )


def parcel(items: Sequence[Item], **changes: object) -> Parcel:
    """A mail's worth of these."""
    is_talk = items[0].message_id is not None
    made = Parcel(
        delivery_id=uuid4(),
        channel="email",
        kind="conversation" if is_talk else "notification",
        type=items[0].type,
        class_="service",
        priority="normal",
        recipient=recipient(),
        items=items,
        created_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def digest(locale: str = "en", frequency: str = "daily") -> Parcel:
    """A bit of everything."""
    items = [
        *messages("Hello again", "And one more thing"),
        notification(),
        notification("application_status", "“Hamlet” has shortlisted you", "Well!", 3),
        notification("gig_published", "New: lighting assistant", "Berlin, December"),
        notification("something_new", "A type of the operator's", "Whatever."),
    ]
    return parcel(
        items,
        kind="digest",
        type="digest",
        class_="alert",
        frequency=frequency,
        more=7,
        recipient=recipient(locale),
    )
