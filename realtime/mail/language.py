"""
The fixed words of mails in a person's language, and how it writes times and numbers.

`words/` has a file per language. A region that has none of its own uses its language's
words with its own dates; a language that is not there gets English.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_decimal

from realtime.mail.cleaning import Direction

LANGUAGES = ("en", "de", "es", "fr", "ar")
_LONGEST_LOCALE = 35  # RFC 5646, 4.4.1: what need not be truncated

Words = Mapping[str, "str | Mapping[str, str]"]


@dataclass(frozen=True, slots=True)
class Language:
    """Says things in one language, at times of one zone."""

    locale: Locale
    zone: tzinfo
    words: Words

    @property
    def tag(self) -> str:
        """Name the language as HTML and `Content-Language` do (BCP 47)."""
        return str(self.locale).replace("_", "-")

    @property
    def direction(self) -> Direction:
        """Say which way it is written."""
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    def say(self, key: str, **values: str) -> str:
        """Say a sentence, with names filled in as they are."""
        sentence = self.words[key]
        assert isinstance(sentence, str)  # noqa: S101 - the files are ours
        return sentence.format(**values)

    def say_of(self, table: str, key: str, **values: str) -> str:
        """Say a sentence of a table of sentences."""
        sentences = self.words[table]
        assert not isinstance(sentences, str)  # noqa: S101 - as above
        return sentences[key].format(**values)

    def count(self, key: str, count: int, **values: str) -> str:
        """Say a sentence in the form that the number asks for (CLDR plurals)."""
        forms = self.words[key]
        assert not isinstance(forms, str)  # noqa: S101 - as above
        form = forms.get(self.locale.plural_form(count)) or forms["other"]
        return form.format(count=format_decimal(count, locale=self.locale), **values)

    def date(self, moment: datetime) -> str:
        """Write the day: 21 November 2026."""
        local = moment.astimezone(self.zone)
        return _plain(format_date(local, "long", locale=self.locale))

    def time(self, moment: datetime) -> str:
        """Write day and time, without the year: Sat, Nov 21, 10:15 AM."""
        local = moment.astimezone(self.zone)
        day = format_skeleton("MMMEd", local, locale=self.locale)
        hour = format_time(local, "short", locale=self.locale)
        pattern = str(self.locale.datetime_formats["medium"])
        return _plain(pattern.replace("{1}", day).replace("{0}", hour))

    def zone_name(self) -> str:
        """Name the zone in which times are written."""
        if str(self.zone) == "UTC":
            return "UTC"
        return get_timezone_name(self.zone, locale=self.locale)

    def listed(self, names: Sequence[str]) -> str:
        """Name several: Ada, Grace and Katherine."""
        return format_list(list(names), locale=self.locale)


def language_of(locale: str, timezone: str = "UTC") -> Language:
    """Find how to write to somebody; what is unknown becomes English and UTC."""
    found = _locale(locale)
    return Language(found, _zone(timezone), _words(found.language))


def _locale(text: str) -> Locale:
    """Read as much of a tag as is known: de-DE-u-co-phonebk is de-DE."""
    subtags = text[:_LONGEST_LOCALE].replace("_", "-").split("-")
    while subtags:
        try:
            found = Locale.parse("-".join(subtags), sep="-")
        except (UnknownLocaleError, ValueError):
            subtags.pop()
        else:
            return found if found.language in LANGUAGES else Locale("en")
    return Locale("en")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return UTC


@lru_cache(maxsize=len(LANGUAGES))
def _words(language: str) -> Words:
    text = files(__package__).joinpath(f"words/{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _plain(text: str) -> str:
    # The narrow space before AM is a box in fonts of older clients.
    return text.replace("\u202f", "\u00a0")
