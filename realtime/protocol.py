"""
The wire: commands, replies, events, and their JSON.

The documents that describe it (`/asyncapi.json`, `/openapi.json`, docs/errors.md) are
generated from this file and `errors.py`. Commands refuse what they do not know;
events may grow, so clients must ignore what they do not know.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from realtime.clock import instant
from realtime.plain_json import dumps

BODY_CHARS = 8000
FRAME_BYTES = 65_536
ATTACHMENTS = 10
METADATA_BYTES = 4096
NOTE_CHARS = 500
USER_IDS = 100

# 2^53 − 1: the largest whole number that every JSON reader keeps.
LARGEST_SEQ = 9_007_199_254_740_991

_NUL = "\0"


def _is_storable(text: str) -> str:
    """Refuse what PostgreSQL cannot keep or UTF-8 cannot say."""
    if _NUL in text:
        raise ValueError("must not contain the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain lone surrogates") from None
    return text


def _is_https(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme == "https" and bool(parts.hostname)
        is_good = is_good and parts.username is None and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("must be an https URL without credentials")
    return url


def _is_plain_object(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what would not come back from the database as it went in."""
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            _is_storable(item)
        elif isinstance(item, float) and not isfinite(item):
            raise ValueError("must not contain numbers beyond the range of doubles")
    try:
        size = len(orjson.dumps(value))
    except (TypeError, orjson.JSONEncodeError):
        raise ValueError("must be plain JSON, not nested too deeply") from None
    if size > METADATA_BYTES:
        raise ValueError(f"must be at most {METADATA_BYTES} bytes of JSON")
    return value


Instant = Annotated[
    datetime,
    PlainSerializer(instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
# Strict everywhere, but JSON has no UUIDs: their text is what is meant.
Id = Annotated[UUID, Field(strict=False)]
Text = Annotated[str, AfterValidator(_is_storable)]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_is_storable),
]
Body = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=BODY_CHARS),
    AfterValidator(_is_storable),
]
Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=NOTE_CHARS),
    AfterValidator(_is_storable),
]
Seq = Annotated[int, Field(ge=0, le=LARGEST_SEQ)]
Metadata = Annotated[dict[str, Any], AfterValidator(_is_plain_object)]
HttpsUrl = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_is_https)]


class Wire(BaseModel):
    """Base of what the server sends."""

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        # What is sent is sent always, and the documents say so.
        json_schema_serialization_defaults_required=True,
    )

    def json_data(self) -> dict[str, Any]:
        """Give this as the JSON object that a client reads."""
        return self.model_dump(mode="json")


class Attachment(BaseModel):
    """A file by reference: Callboard keeps where it is, not the file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, from_attributes=True
    )

    url: HttpsUrl
    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
        AfterValidator(_is_storable),
    ]
    mime_type: Annotated[
        str,
        StringConstraints(
            max_length=127, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"
        ),
    ]
    size: Annotated[int, Field(ge=0, le=LARGEST_SEQ)]


# --- shapes -----------------------------------------------------------------------


class Message(Wire):
    """One message; a tombstone has an empty body and no attachments."""

    id: UUID
    conversation_id: UUID
    seq: int
    client_id: UUID | None
    sender_id: UUID | None
    kind: Literal["text", "system", "assistant"]
    body: str
    attachments: Sequence[Mapping[str, Any]]
    reply_to_id: UUID | None
    metadata: Mapping[str, Any]
    reactions: Mapping[str, Sequence[UUID]] = Field(default_factory=dict)
    sent_at: Instant
    edited_at: Instant | None
    deleted_at: Instant | None
    read_at: Instant | None


class Participant(Wire):
    """Somebody in a conversation, with how far they got."""

    user_id: UUID
    role: Literal["owner", "member"]
    read_seq: int
    delivered_seq: int
    joined_at: Instant


class Conversation(Wire):
    """A conversation as the reader sees it."""

    id: UUID
    kind: Literal["direct", "gig", "group", "assistant"]
    gig_id: UUID | None
    application_id: UUID | None
    title: str | None
    status: Literal["active", "blocked", "archived"]
    participants: Sequence[Participant]
    last_seq: int
    last_message: Message | None
    last_message_at: Instant | None
    unread: int
    muted_until: Instant | None
    created_at: Instant


ConnectionStatus = Literal["pending", "accepted", "rejected", "withdrawn", "removed"]


class Connection(Wire):
    """A link between two people."""

    id: UUID
    requester_id: UUID
    recipient_id: UUID
    status: ConnectionStatus
    message: str | None
    created_at: Instant
    updated_at: Instant


class Unread(Wire):
    """What waits for a user."""

    conversations: int
    messages: int
    notifications: int


class Permission(Wire):
    """May I, and if not: why, and what would unlock it."""

    reason: str | None
    unlock: Sequence[str]


# --- commands ---------------------------------------------------------------------


class Command(BaseModel):
    """Base of what a client asks for; refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: ClassVar[str]


class Authenticate(Command):
    """Prove who is speaking, or refresh the token of a live session."""

    kind = "auth"
    token: str
    cursor: str | None = None


class Ping(Command):
    """Ask whether the server hears."""

    kind = "ping"


class Content(BaseModel):
    """What is said, and the `client_id` by which saying it again is safe."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    client_id: Id
    body: Body = ""
    attachments: Annotated[tuple[Attachment, ...], Field(strict=False)] = Field(
        default=(), max_length=ATTACHMENTS
    )
    reply_to_id: Id | None = None
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.body and not self.attachments:
            raise ValueError("a message has a body or attachments")
        return self


class SendMessage(Content, Command):
    """Send a message; the same `client_id` again is the same message."""

    kind = "message.send"
    conversation_id: Id | None = None
    to_user_id: Id | None = None

    @model_validator(mode="after")
    def _has_one_address(self) -> Self:
        if (self.conversation_id is None) == (self.to_user_id is None):
            raise ValueError("give either conversation_id or to_user_id")
        return self


class MarkRead(Command):
    """Say how far one has read; never moves back."""

    kind = "conversation.read"
    conversation_id: Id
    seq: Seq


class MarkDelivered(Command):
    """Say how far messages have arrived on a device; never moves back."""

    kind = "conversation.delivered"
    conversation_id: Id
    seq: Seq


class RequestConnection(Command):
    """Ask somebody for a connection, with a note."""

    kind = "connection.request"
    user_id: Id
    message: Note | None = None


class AcceptConnection(Command):
    """Accept a connection that was asked of one."""

    kind = "connection.accept"
    connection_id: Id


class RejectConnection(Command):
    """Reject a connection that was asked of one."""

    kind = "connection.reject"
    connection_id: Id


class WithdrawConnection(Command):
    """Take back a request of one's own."""

    kind = "connection.withdraw"
    connection_id: Id


class RemoveConnection(Command):
    """End a connection; either side may."""

    kind = "connection.remove"
    connection_id: Id


class BlockUser(Command):
    """Block somebody: neither can write to the other."""

    kind = "user.block"
    user_id: Id


class UnblockUser(Command):
    """Take a block of one's own away."""

    kind = "user.unblock"
    user_id: Id


COMMANDS: Mapping[str, type[Command]] = {
    command.kind: command
    for command in (
        Authenticate,
        Ping,
        SendMessage,
        MarkRead,
        MarkDelivered,
        RequestConnection,
        AcceptConnection,
        RejectConnection,
        WithdrawConnection,
        RemoveConnection,
        BlockUser,
        UnblockUser,
    )
}

# In the contract, not built yet: answered `not_found`, so that nothing pretends.
LATER_COMMANDS = frozenset(
    {
        "message.edit",
        "message.delete",
        "reaction.add",
        "reaction.remove",
        "typing",
        "presence.watch",
        "presence.unwatch",
        "presence.set",
        "notification.seen",
        "notification.read",
        "notification.archive",
    }
)


class Frame(BaseModel):
    """What every command comes in; its data is validated by the command."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: (
        Annotated[int, Field(ge=-LARGEST_SEQ, le=LARGEST_SEQ)]
        | Annotated[str, StringConstraints(min_length=1, max_length=64)]
    )
    type: Annotated[str, StringConstraints(max_length=64)]
    data: dict[str, Any] = Field(default_factory=dict)


# --- events -----------------------------------------------------------------------


class Limits(Wire):
    """What the server takes at the most."""

    frame_bytes: int = FRAME_BYTES
    body_chars: int = BODY_CHARS
    attachments: int = ATTACHMENTS


class Event(Wire):
    """Base of what the server tells unasked."""

    kind: ClassVar[str]
    is_durable: ClassVar[bool] = True


class Hello(Event):
    """The first frame after authentication."""

    kind = "hello"
    is_durable = False
    user_id: UUID
    session_id: UUID
    resumed: bool | None
    cursor: str
    unread: Unread
    heartbeat_s: int | float
    limits: Limits = Limits()


class MessageCreated(Event):
    """A message was stored; its sender has read all before it, without a receipt."""

    kind = "message.created"
    message: Message


class _Receipt(Event):
    conversation_id: UUID
    user_id: UUID
    seq: int
    at: Instant


class ReceiptRead(_Receipt):
    """Somebody has read up to and including `seq`."""

    kind = "receipt.read"


class ReceiptDelivered(_Receipt):
    """Messages up to and including `seq` have arrived with somebody."""

    kind = "receipt.delivered"


class ConversationCreated(Event):
    """A conversation has begun, or begins for the reader."""

    kind = "conversation.created"
    conversation: Conversation


class ConversationUpdated(Event):
    """Something of a conversation itself has changed."""

    kind = "conversation.updated"
    conversation: Conversation


class _ConnectionEvent(Event):
    connection: Connection


class ConnectionRequested(_ConnectionEvent):
    """Somebody asks for a connection."""

    kind = "connection.requested"


class ConnectionAccepted(_ConnectionEvent):
    """A connection was accepted."""

    kind = "connection.accepted"


class ConnectionRejected(_ConnectionEvent):
    """A connection was rejected."""

    kind = "connection.rejected"


class ConnectionWithdrawn(_ConnectionEvent):
    """A request was taken back."""

    kind = "connection.withdrawn"


class ConnectionRemoved(_ConnectionEvent):
    """A connection has ended."""

    kind = "connection.removed"


CONNECTION_EVENTS: Mapping[str, type[_ConnectionEvent]] = {
    "pending": ConnectionRequested,
    "accepted": ConnectionAccepted,
    "rejected": ConnectionRejected,
    "withdrawn": ConnectionWithdrawn,
    "removed": ConnectionRemoved,
}


class CursorMoved(Event):
    """Everything up to here has been sent; keep the newest."""

    kind = "cursor"
    is_durable = False
    cursor: str


class Resync(Event):
    """Something cannot be told as events: reload over HTTP."""

    kind = "resync"
    is_durable = False
    reason: str


class Draining(Event):
    """The server is going away; come back after this time."""

    kind = "draining"
    is_durable = False
    reconnect_after_ms: int


_EVENTS: tuple[type[Event], ...] = (
    Hello,
    MessageCreated,
    ReceiptRead,
    ReceiptDelivered,
    ConversationCreated,
    ConversationUpdated,
    *CONNECTION_EVENTS.values(),
    CursorMoved,
    Resync,
    Draining,
)
EVENTS: Mapping[str, type[Event]] = {event.kind: event for event in _EVENTS}


# --- encoding ---------------------------------------------------------------------


def encode_ok(reference: int | str, data: Mapping[str, Any]) -> bytes:
    """Say that a command was done."""
    return dumps({"type": "ok", "id": reference, "data": data})


def encode_event(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Tell a fact, with the moment at which it became one."""
    return dumps({"type": kind, "at": instant(at), "data": data})
