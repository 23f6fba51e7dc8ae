"""What storage hands out: rows as plain values, with the types they really have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

UserId = NewType("UserId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
GigId = NewType("GigId", UUID)
ApplicationId = NewType("ApplicationId", UUID)
UploadId = NewType("UploadId", UUID)


@dataclass(frozen=True, slots=True)
class User:
    """A person of the platform, with what only that person may see."""

    id: UserId
    display_name: str
    handle: str | None
    email: str | None
    avatar_url: str | None
    headline: str | None
    locale: str | None
    timezone: str | None
    role: str | None
    account_status: str
    tokens_valid_after: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as anybody may see them."""

    id: UserId
    display_name: str
    handle: str | None
    avatar_url: str | None
    headline: str | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A link between two people, at the stage it has reached."""

    id: ConnectionId
    requester_id: UserId
    recipient_id: UserId
    status: str
    message: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Organization:
    """A company, an agency: people who hire together."""

    id: OrganizationId
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Gig:
    """A gig, a job or a project: what people apply for and work on."""

    id: GigId
    kind: str
    owner_id: UserId
    organization_id: OrganizationId | None
    title: str
    status: str
    status_at: datetime
    deadline: datetime | None
    starts_at: datetime | None
    data: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class KnownGig:
    """A gig as people see it who may know of it."""

    id: GigId
    kind: str
    title: str
    status: str
    deadline: datetime | None
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Application:
    """Somebody's application to a gig."""

    id: ApplicationId
    gig_id: GigId
    applicant_id: UserId
    status: str
    status_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of an organization or of a gig's team."""

    user_id: UserId
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """The head of a message that another one answers."""

    id: MessageId
    seq: int
    sender_id: UserId | None
    kind: str
    body: str
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is now."""

    id: MessageId
    conversation_id: ConversationId
    seq: int
    client_id: UUID | None
    sender_id: UserId | None
    kind: str
    body: str
    attachments: Sequence[Mapping[str, Any]]
    reply_to_id: MessageId | None
    metadata: Mapping[str, Any]
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    read_at: datetime | None
    xid: int
    mentions: Sequence[UserId] = ()
    reply_to: Quote | None = None
    reactions: Mapping[str, Sequence[UserId]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LockedMessage:
    """A message that nobody else changes now, and what its changer is to it."""

    conversation_id: ConversationId
    seq: int
    sender_id: UserId | None
    kind: str
    body: str
    has_attachments: bool
    sent_at: datetime
    deleted_at: datetime | None
    conversation_kind: str
    role: str
    reason: str | None
    versions: int


@dataclass(frozen=True, slots=True)
class MessageEdit:
    """What a message said until it was edited."""

    version: int
    body: str
    edited_at: datetime


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """
    A message that was searched for, with the matches marked in what it says.

    Of a long one, in a part: `searched`, from the character `begins` on, of `chars`.
    """

    message: Message
    chars: int
    begins: int
    searched: str
    headlines: Sequence[str]
    phrases: Sequence[str]


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody in a conversation, with how far they got."""

    user_id: UserId
    role: str
    read_seq: int
    delivered_seq: int
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as one participant sees it."""

    id: ConversationId
    kind: str
    gig_id: UUID | None
    application_id: UUID | None
    title: str | None
    status: str
    writers: str
    history: str
    read_only_at: datetime | None
    closed_by: str | None
    participants: Sequence[Participant]
    participant_count: int
    last_seq: int
    last_message: Message | None
    last_message_at: datetime | None
    unread: int
    muted_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """What waits for a user."""

    conversations: int
    messages: int
    notifications: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has a place: what the batch writer is given."""

    id: MessageId
    conversation_id: ConversationId
    sender_id: UserId
    client_id: UUID
    digest: UUID
    body: str
    attachments: str
    reply_to_id: MessageId | None
    metadata: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a draft; exactly one of the three holds."""

    is_new: bool
    is_same: bool
    reason: str | None
    conversation_id: ConversationId
    message_id: MessageId | None
    seq: int
    sent_at: datetime | None
    xid: int
    prev_xid: int
    audience: Sequence[UserId] | None
    mentions: Sequence[UserId] = ()
    reply_to: Quote | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Messages that one transaction added to one conversation, by reference."""

    conversation_id: ConversationId
    first_seq: int
    last_seq: int
    prev_xid: int


@dataclass(frozen=True, slots=True)
class Announced:
    """A message that this transaction has written, and what announcing it takes."""

    message: Message
    prev_xid: int
    audience: Sequence[UserId]


@dataclass(frozen=True, slots=True)
class FeedRow:
    """What one transaction announced."""

    xid: int
    node_id: UUID
    events: Sequence[Mapping[str, Any]]
    appended: Sequence[Appended]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A platform backend's key, without the key."""

    id: ApiKeyId
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody may put into a conversation, or has."""

    id: UploadId
    conversation_id: ConversationId
    uploader_id: UserId
    name: str
    mime_type: str
    size: int
    seq: int | None
    created_at: datetime
    deleted_at: datetime | None
