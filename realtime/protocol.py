"""
The wire: commands, replies, events, and their JSON.

The documents that describe it (`/asyncapi.json`, `/openapi.json`, docs/errors.md) are
generated from this file and `errors.py`. Commands refuse what they do not know;
events may grow, so clients must ignore what they do not know.
"""

import re
import unicodedata
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
NOTIFICATION_IDS = 200

# 2^53 − 1: the largest whole number that every JSON reader keeps.
LARGEST_SEQ = 9_007_199_254_740_991

_NUL = "\0"
# What an emoji is made of besides symbols: a key and its cap, two letters of a flag,
# parts with a joiner between them.
_KEYCAP, _KEYS, _AS_EMOJI = "\u20e3", "0123456789#*", "\ufe0f"
_FLAG_LETTERS, _FLAG_LENGTH = frozenset(map(chr, range(0x1F1E6, 0x1F200))), 2
_JOINER = "\u200d"
# A symbol, its presentation or the tone of its skin, and the tags of a region's flag.
_ONE_SYMBOL = re.compile(
    "[^\u200d\ufe0e\ufe0f](?:[\ufe0e\ufe0f]|[\U0001f3fb-\U0001f3ff])?"
    "(?:[\U000e0020-\U000e007e]{1,7}\U000e007f)?"
)
# Emoji that Unicode calls punctuation or a letter.
_SYMBOLS_TOO = "‼⁉〰〽ℹ"


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


def _is_a_file_url(url: str) -> str:
    # Those of this server may be http, in development; which they are, the settings
    # know (`attachments.py`).
    secure = re.sub(r"^http(?=://[^?#]*/v1/uploads/[0-9a-f-]{36}$)", "https", url)
    _is_https(secure)
    return url


def _is_an_emoji(text: str) -> str:
    """Take one emoji, and nothing that only looks like one: UTS 51, roughly."""
    flags = [character for character in text if character in _FLAG_LETTERS]
    if flags:
        is_emoji = len(flags) == len(text) == _FLAG_LENGTH
    elif text.endswith(_KEYCAP):
        is_emoji = text[0] in _KEYS and text[1:-1] in {"", _AS_EMOJI}
    else:
        is_emoji = all(_ONE_SYMBOL.fullmatch(part) for part in text.split(_JOINER))
        is_emoji = is_emoji and all(
            _is_a_symbol(part[0]) for part in text.split(_JOINER)
        )
    if not is_emoji:
        raise ValueError("must be an emoji")
    return text


def _is_a_symbol(character: str) -> bool:
    # Those that Unicode has added since this Python was made have no category yet.
    return (
        unicodedata.category(character) in {"So", "Sk", "Sm"}
        or character in _SYMBOLS_TOO
        or "\U0001f000" <= character <= "\U0001faff"
    )


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
FileUrl = Annotated[
    str, StringConstraints(max_length=2048), AfterValidator(_is_a_file_url)
]
FileName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
    AfterValidator(_is_storable),
]
MimeType = Annotated[
    str,
    StringConstraints(
        max_length=127, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"
    ),
]


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

    url: FileUrl
    name: FileName
    mime_type: MimeType
    size: Annotated[int, Field(ge=0, le=LARGEST_SEQ)]


# --- shapes -----------------------------------------------------------------------


class Quote(Wire):
    """The head of a message that another one answers."""

    id: UUID
    seq: int
    sender_id: UUID | None
    kind: Literal["text", "system", "assistant"]
    body: str
    deleted_at: Instant | None


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
    # Participants whose @handle the body names.
    mentions: Sequence[UUID] = ()
    # The head of the message that this one answers: for who may read that, in what is
    # fetched; in events only where every participant may.
    reply_to: Quote | None = None
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
    # Who may write in a group, and what who joins may read of the past.
    writers: Literal["members", "owners"]
    history: Literal["all", "joined"]
    # From when on nobody may write, and the life-cycle rule which says so.
    read_only_at: Instant | None
    closed_by: str | None
    # Of a large group only some; `participant_count` says how many there are.
    participants: Sequence[Participant]
    participant_count: int
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


Priority = Literal["low", "normal", "high", "urgent"]


class Notification(Wire):
    """
    What a person is shown.

    It only moves on: `count` rises while it is unread, and what has been seen, read or
    archived stays so. Of two events about one, the newer is the one further along.
    """

    id: UUID
    type: str
    title: str
    message: str
    data: Mapping[str, Any]
    priority: Priority
    related_user_id: UUID | None
    related_connection_id: UUID | None
    conversation_id: UUID | None
    gig_id: UUID | None
    # How many of the same came until it was read.
    count: int
    is_read: bool
    seen_at: Instant | None
    read_at: Instant | None
    archived_at: Instant | None
    expires_at: Instant | None
    created_at: Instant


class Unread(Wire):
    """What waits for a user."""

    conversations: int
    messages: int
    notifications: int


PresenceStatus = Literal["online", "away", "offline"]


class PresenceEntry(Wire):
    """Whether somebody is there, and if not, when they last were."""

    user_id: UUID
    status: PresenceStatus
    last_seen_at: Instant | None


class Permission(Wire):
    """
    May I, and if not: why, and what would unlock it.

    A thread whose gig or application has ended names the rule that closes it, and from
    when on.
    """

    reason: str | None
    unlock: Sequence[str]
    closed_by: str | None = None
    read_only_at: Instant | None = None


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


class EditMessage(Command):
    """Say it better; what it said before is kept as its history."""

    kind = "message.edit"
    message_id: Id
    body: Body


class DeleteMessage(Command):
    """Take a message back: a tombstone stays in its place."""

    kind = "message.delete"
    message_id: Id


Emoji = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=32),
    AfterValidator(_is_storable),
    AfterValidator(_is_an_emoji),
]


class AddReaction(Command):
    """React to a message; a second time changes nothing."""

    kind = "reaction.add"
    message_id: Id
    emoji: Emoji


class RemoveReaction(Command):
    """Take a reaction back; where there is none, nothing happens."""

    kind = "reaction.remove"
    message_id: Id
    emoji: Emoji


class Type(Command):
    """Say that one is typing, or no longer; lapses after 6 s."""

    kind = "typing"
    conversation_id: Id
    active: bool


class WatchPresence(Command):
    """Be told whether these people are there, as far as one may know it."""

    kind = "presence.watch"
    user_ids: Annotated[list[Id], Field(max_length=USER_IDS)]


class UnwatchPresence(Command):
    """Be told no more."""

    kind = "presence.unwatch"
    user_ids: Annotated[list[Id], Field(max_length=USER_IDS)]


class SetPresence(Command):
    """
    Say how one is there in this session; `invisible` looks like being offline.

    It holds until the session ends; who comes back within 10 s stays invisible.
    """

    kind = "presence.set"
    status: Literal["online", "away", "invisible"]


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


class _Notifications(Command):
    ids: Annotated[list[Id], Field(max_length=NOTIFICATION_IDS)] | None = None
    all: bool = False

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.ids is None) == (not self.all):
            raise ValueError("give either ids or all: true")
        return self


class SeeNotifications(_Notifications):
    """Say that notifications, or all, have been seen; what is not there is ignored."""

    kind = "notification.seen"


class ReadNotifications(_Notifications):
    """Say that notifications, or all, have been read, and so seen."""

    kind = "notification.read"


class ArchiveNotifications(_Notifications):
    """Put notifications, or all, away; they wait no longer, read or not."""

    kind = "notification.archive"


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
        EditMessage,
        DeleteMessage,
        AddReaction,
        RemoveReaction,
        Type,
        WatchPresence,
        UnwatchPresence,
        SetPresence,
        MarkRead,
        MarkDelivered,
        SeeNotifications,
        ReadNotifications,
        ArchiveNotifications,
        RequestConnection,
        AcceptConnection,
        RejectConnection,
        WithdrawConnection,
        RemoveConnection,
        BlockUser,
        UnblockUser,
    )
}


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


class MessageUpdated(Event):
    """A message was edited; `edited_at` tells a repeat."""

    kind = "message.updated"
    message: Message


class MessageDeleted(Event):
    """A message was taken back; what is left of it is a tombstone."""

    kind = "message.deleted"
    message: Message


class ReactionChanged(Event):
    """The reactions to a message, all of them, as they are now."""

    kind = "reaction.changed"
    conversation_id: UUID
    message_id: UUID
    reactions: Mapping[str, Sequence[UUID]]


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


class ParticipantJoined(Event):
    """Somebody takes part from now on."""

    kind = "participant.joined"
    conversation_id: UUID
    user_id: UUID
    participant: Participant
    participant_count: int


class ParticipantLeft(Event):
    """
    Somebody takes part no more.

    They themselves are told too, and are told nothing of the conversation after it;
    `last_seq` is the last message that was theirs to read.
    """

    kind = "participant.left"
    conversation_id: UUID
    user_id: UUID
    reason: Literal["left", "removed", "ledger"]
    last_seq: int
    participant_count: int
    at: Instant


class Typing(Event):
    """Somebody is typing, or no longer; lapses after 6 s."""

    kind = "typing"
    is_durable = False
    conversation_id: UUID
    user_id: UUID
    active: bool


class Presence(Event):
    """Somebody has come, gone, or stepped away."""

    kind = "presence"
    is_durable = False
    user_id: UUID
    status: PresenceStatus
    last_seen_at: Instant | None


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


class _NotificationEvent(Event):
    notification: Notification


class NotificationCreated(_NotificationEvent):
    """Somebody is told something; on resuming, as it is by then."""

    kind = "notification.created"


class NotificationUpdated(_NotificationEvent):
    """A notification was counted up, seen, read or archived."""

    kind = "notification.updated"


class CursorMoved(Event):
    """Everything up to here has been sent; keep the newest."""

    kind = "cursor"
    is_durable = False
    cursor: str


# Reasons of `resync`: more conversations or notifications than are told one by one.
MANY_CONVERSATIONS = "many_conversations"
MANY_NOTIFICATIONS = "many_notifications"


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
    MessageUpdated,
    MessageDeleted,
    ReactionChanged,
    ReceiptRead,
    ReceiptDelivered,
    ConversationCreated,
    ConversationUpdated,
    ParticipantJoined,
    ParticipantLeft,
    *CONNECTION_EVENTS.values(),
    NotificationCreated,
    NotificationUpdated,
    CursorMoved,
    Typing,
    Presence,
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
