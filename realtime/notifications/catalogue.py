"""
The catalogue: what people can be told, of which class, how, and in which words.

It is a file that operators read and extend (`catalogue.toml` beside this module is the
one that is always there, `CALLBOARD_CATALOGUE` names one that adds to it and overrides
it type by type). docs/notifications.md explains every key.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from realtime.notifications.notifier import Class, Priority
from realtime.notifications.wording import DEFAULT_LOCALE, problem_of

Mode = Literal["off", "instant", "hourly", "daily", "weekly"]
# Languages that every text of the catalogue itself has; an operator's may have more.
LOCALES = ("en", "de", "es", "fr", "ar")

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_Texts = dict[str, str]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(_Model):
    """
    A domain event that makes notifications, and for whom.

    `to` names members of the event's subject that are users (`recipient_id`), or
    `gig.owner`, `gig.team` (the owner too), `gig.applicants` (who still has a part in
    it), `gig.candidates` (nothing is decided about), `application.applicant`,
    `topic:<name>`. `actor` is the member of the subject whose doing it is: they are not
    told, and who blocked them or is blocked by them is not told either. `when`
    compares members of `data` (`{"status": ["rejected"]}`).
    """

    event: str
    to: tuple[str, ...]
    actor: str | None = None
    when: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Waiting(_Model):
    """How long a channel waits, in seconds, for somebody to see it by themselves."""

    # Before the first; what is read meanwhile does not leave.
    delay: int = Field(0, ge=0, le=86_400)
    # After one has left: until nothing has come for so long, …
    idle: int = Field(0, ge=0, le=86_400)
    # … but no longer than this, …
    cap: int = Field(3600, ge=0, le=86_400)
    # … and what a mail or push shows at the most.
    items: int = Field(20, ge=1, le=100)


class Entry(_Model):
    """
    One type.

    `required` types cannot be switched off by the person; services never can be in the
    app, and promotions go nowhere without a person's own yes. `every_channel` has each
    channel deliver by itself, instead of one winner.
    """

    name: str
    class_: Class = Field(alias="class")
    priority: Priority = "normal"
    required: bool = False
    in_app: bool = True
    push: Mode = "off"
    email: Mode = "off"
    every_channel: bool = False
    # Whether a push may come of somebody to whom one is not connected.
    push_from_strangers: bool = True
    on: tuple[Trigger, ...] = ()
    # Jinja2 with `actor`, `gig`, `conversation`, `data`, `count` and the subject's
    # members; the same in `collapse` and `link`.
    title: _Texts
    message: _Texts
    collapse: str | None = None
    link: str | None = None
    expires_hours: int | None = Field(None, ge=1)
    # It means something only while what it is about has one of these statuses.
    while_connection: tuple[str, ...] = ()
    while_gig: tuple[str, ...] = ()
    while_application: tuple[str, ...] = ()
    push_waits: Waiting = Waiting()
    email_waits: Waiting = Waiting()
    # Reminders: hours before the moment that `data.<reminder_of>` says.
    remind_hours: tuple[float, ...] = ()
    reminder_of: str | None = None
    reminder_type: str | None = None
    # Events about the same (by `collapse`) after which nobody is reminded any more.
    reminders_end_on: tuple[str, ...] = ()

    @field_validator("title", "message")
    @classmethod
    def _has_words(cls, texts: _Texts) -> _Texts:
        if DEFAULT_LOCALE not in texts:
            raise ValueError(f"has no text in {DEFAULT_LOCALE}")
        for text in texts.values():
            _check(text)
        return texts

    @field_validator("collapse", "link")
    @classmethod
    def _is_a_template(cls, text: str | None) -> str | None:
        if text is not None:
            _check(text)
        return text

    @property
    def expires_after(self) -> timedelta | None:
        """Say how long it means something."""
        if self.expires_hours is None:
            return None
        return timedelta(hours=self.expires_hours)


class CatalogueError(ValueError):
    """The catalogue is wrong; says where and how."""


class Limits(_Model):
    """What one may do to another, and how far a group is one."""

    # So much one person makes another be told at once, a day. More is in the app, and
    # in the next daily mail of who has mails of it.
    per_sender_a_day: int = Field(20, ge=0)
    # Of a group with more members, only who is mentioned is told outside the app.
    large_group: int = Field(100, ge=2)


@dataclass(frozen=True)
class Catalogue:
    """All types, by name."""

    entries: Mapping[str, Entry]
    limits: Limits = field(default_factory=Limits)

    def get(self, type_: str) -> Entry | None:
        """Give a type, if there is one of this name."""
        return self.entries.get(type_)

    @cached_property
    def triggers(self) -> Mapping[str, Sequence[tuple[Entry, Trigger]]]:
        """Give for each domain event the types that it makes."""
        found: dict[str, list[tuple[Entry, Trigger]]] = {}
        for entry in self.entries.values():
            for trigger in entry.on:
                found.setdefault(trigger.event, []).append((entry, trigger))
        return found


class _File(_Model):
    limits: dict[str, object] = Field(default_factory=dict)
    types: dict[_Name, dict[str, object]] = Field(default_factory=dict)


def _check(text: str) -> None:
    problem = problem_of(text)
    if problem is not None:
        raise ValueError(f"is no template: {problem}")


def load_catalogue(path: Path | None = None) -> Catalogue:
    """
    Read the catalogue, and an operator's file over it.

    A type of the file takes the place of keys of the built-in type of the same name,
    and is new where there is none.

    Raises:
        CatalogueError: The operator's file cannot be read or makes no sense.
    """
    built_in = _built_in()
    if path is None:
        return built_in[1]
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}.") from None
    types, limits = dict(built_in[0].types), built_in[0].limits
    added = _read(text, str(path))
    for name, values in added.types.items():
        types[name] = types.get(name, {}) | values
    return _understood(_File(types=types, limits=limits | added.limits))


@cache
def _built_in() -> tuple[_File, Catalogue]:
    text = files(__package__).joinpath("catalogue.toml").read_text("utf-8")
    file = _read(text, "the built-in catalogue")
    return file, _understood(file)


def _understood(file: _File) -> Catalogue:
    entries = {}
    for name, values in file.types.items():
        try:
            entries[name] = Entry.model_validate({"name": name} | values)
        except ValidationError as error:
            raise CatalogueError(
                f"The type {name} of the catalogue is wrong at {_first(error)}."
            ) from None
    try:
        limits = Limits.model_validate(file.limits)
    except ValidationError as error:
        raise CatalogueError(
            f"The limits of the catalogue are wrong at {_first(error)}."
        ) from None
    return Catalogue(entries, limits)


def _read(text: str, name: str) -> _File:
    try:
        return _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name} is not TOML: {error}.") from None
    except ValidationError as error:
        raise CatalogueError(f"{name} is wrong at {_first(error)}.") from None


def _first(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
