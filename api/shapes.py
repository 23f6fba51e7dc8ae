"""What only HTTP shows or takes; everything else is `realtime/protocol.py`."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from re import fullmatch
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from realtime.protocol import Instant, Line, PresenceEntry, Unread, Wire
from storage.content_preferences import FilterLevel
from storage.privacy import TakesRequests

Item = TypeVar("Item")
AccountStatus = Literal["active", "suspended", "deleted"]

EMAIL_CHARS = 254
HEADLINE_CHARS = 300


def _has_no_controls(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("must not contain control characters")
    return text


def _is_an_address(text: str) -> str:
    # Whether mail arrives only mail can tell: one @ with something on both sides.
    if not fullmatch(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)*", text):
        raise ValueError("must be an e-mail address")
    return text


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_a_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError("must be a name of the IANA time zone database")
    return name


def _is_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 time as a string")  # noqa: TRY004 - pydantic's
    return value


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must name its offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be in the years 1 to 9999, in UTC") from None


Moment = Annotated[
    datetime, Field(strict=False), AfterValidator(_in_utc), BeforeValidator(_is_text)
]
DisplayName = Annotated[Line, AfterValidator(_has_no_controls)]
Headline = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=HEADLINE_CHARS),
    AfterValidator(_has_no_controls),
]
Handle = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")
]
Email = Annotated[
    str,
    StringConstraints(max_length=EMAIL_CHARS),
    AfterValidator(_has_no_controls),
    AfterValidator(_is_an_address),
]
Locale = Annotated[
    str,
    StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"),
]
Timezone = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(_is_a_timezone)
]
Role = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    AfterValidator(_has_no_controls),
]


class Body(BaseModel):
    """Base of what callers send; refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Page(Wire, Generic[Item]):
    """A part of a list; `next` asks for the following one."""

    items: Sequence[Item]
    next: str | None = None


class Profile(Wire):
    """A person as anybody may see them."""

    id: UUID
    display_name: str
    handle: str | None
    avatar_url: str | None
    headline: str | None
    role: str | None


class Profiles(Wire):
    """People as anybody may see them."""

    items: Sequence[Profile]


class User(Profile):
    """A person as they and their platform see them."""

    email: str | None
    locale: str | None
    timezone: str | None
    account_status: AccountStatus
    created_at: Instant
    updated_at: Instant


class Privacy(Wire):
    """What one shows of oneself, and from whom one takes requests."""

    hide_receipts: bool
    hide_presence: bool
    hide_typing: bool
    connection_requests: TakesRequests


class ContentPreferences(Wire):
    """What kind of content one wants to see."""

    allow_nsfw_content: bool
    show_nsfw_warnings: bool
    auto_hide_nsfw: bool
    content_filter_level: FilterLevel
    blocked_categories: Sequence[str]


class NotificationsInShort(Wire):
    """How one is told, in short: which channels are on, and the zone for the rest."""

    in_app: bool
    push: bool
    email: bool
    timezone: str
    do_not_disturb_until: Instant | None


class Preferences(Wire):
    """What one has chosen."""

    privacy: Privacy
    content: ContentPreferences
    notifications: NotificationsInShort


class Me(Wire):
    """Oneself: profile, preferences, and what waits."""

    profile: User
    preferences: Preferences
    unread: Unread


class UnreadAnswer(Wire):
    """What still waits."""

    unread: Unread


class PresenceList(Wire):
    """How people stand, of those whom one may know."""

    presence: Sequence[PresenceEntry]


class UserPermission(Wire):
    """May I message this person, may I ask for a connection, and why not."""

    message: bool
    connect: bool
    reason: str | None
    unlock: Sequence[str]


class WritePermission(Wire):
    """
    May I write into this conversation, and if not: why, what would unlock it.

    `closed_by` is the life-cycle rule that makes it read-only, `read_only_at` from when
    on, which may be to come.
    """

    write: bool
    reason: str | None
    unlock: Sequence[str]
    closed_by: str | None
    read_only_at: Instant | None


class Block(Wire):
    """Somebody whom one has blocked."""

    user_id: UUID
    created_at: Instant


class ReadMarker(Wire):
    """How far one has read, and what is left."""

    read_seq: int
    unread: int
