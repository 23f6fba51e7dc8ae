"""
The words of the catalogue: templates, in the language and the time of who reads.

What templates make is plain text: whoever shows it escapes it for where it is shown.
Templates are the operator's, what they are filled with is anybody's, so they run in
Jinja's sandbox, and what comes out is cleaned and cut.
"""

import logging
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format
from jinja2 import (
    ChainableUndefined,
    StrictUndefined,
    Template,
    TemplateError,
    Undefined,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from realtime.notifications.zones import zone

log = logging.getLogger(__name__)

TITLE_CHARS = 200
MESSAGE_CHARS = 1000
KEY_CHARS = 200
LINK_CHARS = 2000

DEFAULT_LOCALE = "en"

_SPACES = re.compile(r"[ \t\f\v]+")
_ALL_SPACES = re.compile(r"\s+")

# What a template may do wrong with what it is filled with.
_FAULTS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class _Silent(ChainableUndefined):
    """Something that is not there says nothing, and nothing of it does either."""


def _environment(undefined: type[Undefined]) -> ImmutableSandboxedEnvironment:
    # Text, not HTML: escaping is for the page or mail in which it is shown.
    environment = ImmutableSandboxedEnvironment(undefined=undefined, autoescape=False)
    environment.filters["segment"] = lambda value: quote(str(value), safe="")
    return environment


_LENIENT = _environment(_Silent)
_STRICT = _environment(StrictUndefined)


@cache
def _template(environment: ImmutableSandboxedEnvironment, text: str) -> Template:
    return environment.from_string(text)


def problem_of(text: str) -> str | None:
    """Say what is wrong with a template, None where nothing is."""
    try:
        _LENIENT.parse(text)
    except TemplateError as error:
        return str(error)
    return None


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something is worded: their language and their zone."""

    locale: str = DEFAULT_LOCALE
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Wording:
    """
    What a template is filled with, for one reader.

    `strict` makes anything that is not there an error, which tests want and people who
    wait for a notification do not.
    """

    reader: Reader
    values: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False

    def title(self, texts: Mapping[str, str]) -> str:
        """Word one line."""
        return one_line(self._in_language(texts), TITLE_CHARS)

    def message(self, texts: Mapping[str, str]) -> str:
        """Word some lines."""
        return cut(self._in_language(texts), MESSAGE_CHARS)

    def key(self, text: str | None) -> str | None:
        """
        Word what collapses; nothing where nothing comes out.

        Nor where it comes out as if nothing were known: what does not say what it is
        about is not about the same as whatever else does not.
        """
        if text is None:
            return None
        key = one_line(self._render(text, DEFAULT_LOCALE), KEY_CHARS)
        if self.values and "{{" in text and key == Wording(self.reader).key(text):
            return None
        return key or None

    def link(self, text: str | None) -> str | None:
        """Word where it leads; nothing where that is not a place on the web."""
        if text is None:
            return None
        return safe_link(self._render(text, DEFAULT_LOCALE).strip())

    def _in_language(self, texts: Mapping[str, str]) -> str:
        language = language_of(self.reader.locale, texts)
        return self._render(texts[language], language) if texts else ""

    def _render(self, text: str, language: str) -> str:
        helpers = {
            "plural": _plural(language),
            "moment": _moment(language, self.reader.timezone),
        }
        environment = _STRICT if self.strict else _LENIENT
        try:
            rendered: str = _template(environment, text).render(
                {**self.values, **helpers}
            )
        except _FAULTS as error:
            if self.strict:
                raise
            # The error's own text may repeat what the template was filled with.
            log.warning("template failed", extra={"error": type(error).__name__})
            return ""
        return rendered


def language_of(locale: str, texts: Mapping[str, str]) -> str:
    """
    Choose the language nearest to a locale: itself, without its region, English.

    Raises:
        StopIteration: There is no text at all.
    """
    wanted = locale.replace("_", "-")
    while wanted:
        for language in texts:
            if language.lower() == wanted.lower():
                return language
        wanted = wanted.rpartition("-")[0]
    return DEFAULT_LOCALE if DEFAULT_LOCALE in texts else next(iter(texts), "")


def one_line(text: str, chars: int) -> str:
    """Make one line of a text, without what cannot be seen, of so many characters."""
    return cut(_ALL_SPACES.sub(" ", text), chars)


def cut(text: str, chars: int) -> str:
    """Take out control characters and cut to so many characters."""
    seen = "".join(
        character
        for character in text.replace("\r\n", "\n")
        if character == "\n" or unicodedata.category(character) not in {"Cc", "Cs"}
    )
    seen = _SPACES.sub(" ", seen).strip()
    return seen if len(seen) <= chars else seen[: chars - 1].rstrip() + "…"


def safe_link(link: str) -> str | None:
    """Give a link that is a page: https, http, or a path of the platform's own."""
    if (
        not link
        or len(link) > LINK_CHARS
        or any(c <= " " or c in '\\"<>' for c in link)
    ):
        return None
    if link.startswith("/"):
        return None if link.startswith("//") else link
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in {"https", "http"} and parts.hostname else None


def _plural(language: str) -> Callable[..., str]:
    """
    Make `plural(count, one="…", other="…")`, by the language's own forms (CLDR).

    A form that is left out is `other`; `#` in it is the count.
    """
    form_of = _locale(language).plural_form

    def plural(count: object, **forms: str) -> str:
        number = count if isinstance(count, int | float) else 0
        form = forms.get(form_of(number), forms["other"])
        return form.replace("#", str(number))

    return plural


def _moment(language: str, timezone: str) -> Callable[[object], str]:
    """Make `moment(data.starts_at)`: a time as this reader says it."""

    def moment(value: object) -> str:
        if not isinstance(value, str | datetime):
            return ""
        try:
            at = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            return str(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        try:
            local = at.astimezone(zone(timezone))
        except OverflowError:
            return str(value)
        locale = _locale(language)
        day = format_date(local, "full", locale=locale)
        time = format_time(local, "short", tzinfo=local.tzinfo, locale=locale)
        joined = str(get_datetime_format("medium", locale=locale)).replace("'", "")
        return joined.format(time, day)

    return moment


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LOCALE)
