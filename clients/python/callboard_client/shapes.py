"""
The objects of the contract as typed dictionaries, the way they stand on the wire.

Fields a newer server adds are simply there; nothing in this package drops them.
"""

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "Attachment",
    "Connection",
    "Conversation",
    "Event",
    "Hello",
    "Json",
    "Message",
    "Page",
    "Participant",
    "Quote",
]

Json = dict[str, Any]


class Attachment(TypedDict):
    """
    A file that lies elsewhere, by its address.
    """

    url: str
    name: str
    mime_type: str
    size: int


class Quote(TypedDict):
    """
    The head of a message that another one answers.
    """

    id: str
    seq: int
    sender_id: str | None
    kind: str
    body: str
    deleted_at: str | None


class Message(TypedDict):
    """
    One message of a conversation; a tombstone when `deleted_at` is set.
    """

    id: str
    conversation_id: str
    seq: int
    client_id: str | None
    sender_id: str | None
    kind: str
    body: str
    attachments: list[Attachment]
    reply_to_id: str | None
    metadata: Json
    mentions: list[str]
    reply_to: Quote | None
    reactions: dict[str, list[str]]
    sent_at: str
    edited_at: str | None
    deleted_at: str | None
    read_at: str | None


class Participant(TypedDict):
    """
    Who takes part in a conversation, and how far they have got.
    """

    user_id: str
    role: str
    read_seq: int
    delivered_seq: int
    joined_at: str | None


class Conversation(TypedDict):
    """
    A conversation as its reader sees it.
    """

    id: str
    kind: str
    gig_id: str | None
    application_id: str | None
    title: str | None
    status: str
    participants: list[Participant]
    participant_count: int
    last_seq: int
    last_message: Message | None
    last_message_at: str | None
    unread: int
    muted_until: str | None
    created_at: str


class Connection(TypedDict):
    """
    A link between two people, from its request on.
    """

    id: str
    requester_id: str
    recipient_id: str
    status: Literal["pending", "accepted", "rejected", "withdrawn", "removed"]
    message: str | None
    created_at: str
    updated_at: str


class Event(TypedDict):
    """
    A frame that the server sent unasked.
    """

    type: str
    data: Json
    at: NotRequired[str]


class Hello(TypedDict):
    """
    The data of the first frame of a session.
    """

    user_id: str
    session_id: str
    resumed: bool | None
    cursor: str
    unread: dict[str, int]
    heartbeat_s: float
    limits: dict[str, int]


class Page(TypedDict):
    """
    One answer of a list; `next` asks for the following one.
    """

    items: list[Json]
    next: str | None
