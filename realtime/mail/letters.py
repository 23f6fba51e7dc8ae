"""
What a mail says, before it is set as HTML and text: one `Letter` from one parcel.

All that people wrote is made harmless and cut here (`cleaning.py`); all that is said
besides is in the recipient's language (`language.py`). Nothing here knows of headers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from realtime.mail.cleaning import cut, isolated, lines, one_line
from realtime.mail.language import Language, language_of
from realtime.notifications.notifier import Item, Parcel

NAME_CHARS = 60
_TITLE_CHARS = 140
_TEXT_CHARS = 1500
# A digest is for looking over, the rest is behind the links.
_DIGEST_TEXT_CHARS = 300
_PREVIEW_CHARS = 120
_LINK_CHARS = 2000
_NAMES = 3

# What may stand in a link as it is; all else is escaped. Percent signs are escapes.
_URL_CHARS = "/?&=#%:;,+@!$*()~-._[]'"

# The sections of a digest, by the first word of a type.
_SECTIONS = {
    "connection": "connections",
    "message": "messages",
    "application": "applications",
    "interview": "applications",
    "offer": "applications",
    "gig": "gigs",
    "job": "alerts",
    "task": "projects",
    "team": "projects",
    "project": "projects",
    "like": "reactions",
    "wishlist": "reactions",
    "mention": "reactions",
    "reaction": "reactions",
    "industry": "news",
    "news": "news",
    "announcement": "announcements",
    "moderation": "safety",
    "report": "safety",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go, and what that is called."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing told; `who` or `title` stands above its text, if anything does."""

    time: str
    text: str
    who: str | None = None
    title: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Things that belong together."""

    entries: Sequence[Entry]
    title: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """All that is on the page, top to bottom."""

    language: Language
    product: str
    subject: str
    preview: str
    greeting: str
    heading: str
    sections: Sequence[Section]
    more: str | None
    button: Link | None
    hints: Sequence[str]
    links: Sequence[Link]


@dataclass(frozen=True, slots=True)
class Around:
    """What is the same in mails of one server, and the links of this one."""

    product: str
    app_url: str | None = None
    unsubscribe_url: str | None = None
    can_reply: bool = False


def write_letter(parcel: Parcel, around: Around) -> Letter:
    """Word a parcel for its recipient."""
    language = language_of(parcel.recipient.locale, parcel.recipient.timezone)
    product = one_line(around.product, NAME_CHARS)
    if parcel.kind == "conversation":
        head = _conversation_head(parcel, language)
    elif parcel.kind == "digest":
        head = _digest_head(parcel, language)
    else:
        head = _notification_head(parcel, language)
    sections = _sections(parcel, language, around.app_url)
    hints = [language.say("can_reply")] if around.can_reply else []
    hints.append(language.say("times", zone=language.zone_name()))
    hints.append(language.say("why", product=isolated(product, language.direction)))
    return Letter(
        language=language,
        product=product,
        subject=head[0],
        preview=_preview(parcel),
        greeting=language.say(
            "greeting",
            name=isolated(_name(parcel.recipient.name, language), language.direction),
        ),
        heading=head[1],
        sections=sections,
        more=language.count("more", parcel.more) if parcel.more > 0 else None,
        button=_button(parcel, language, around.app_url),
        hints=hints,
        links=_links(parcel, language, around),
    )


def purpose_of(parcel: Parcel) -> str:
    """Name what an unsubscribe link in this mail ends."""
    if parcel.kind == "digest":
        return "digest"
    return "class:promotion" if parcel.class_ == "promotion" else parcel.type


def section_of(type_: str) -> str:
    """Name the section in which things of a type stand."""
    return _SECTIONS.get(type_.partition("_")[0], "other")


def absolute(link: str | None, app_url: str | None) -> str | None:
    """Make an address of an item's link; None where it leads nowhere on the web."""
    if not link or len(link) > _LINK_CHARS:
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme in {"https", "http"} and parts.netloc:
        return quote(link, safe=_URL_CHARS)
    if parts.scheme or parts.netloc or app_url is None:
        return None
    return f"{app_url}/{quote(link.lstrip('/'), safe=_URL_CHARS)}"


def _notification_head(parcel: Parcel, language: Language) -> tuple[str, str]:
    (item,) = parcel.items[:1]
    title = one_line(item.title, _TITLE_CHARS) or language.say("somebody")
    return title, title


def _conversation_head(parcel: Parcel, language: Language) -> tuple[str, str]:
    """
    Word subject and heading.

    The subject stays the same, because there are programs that thread by it.
    """
    count = len(parcel.items) + parcel.more
    named = _title_of(parcel.items[0], language)
    if named is not None:
        return (
            language.say("subject_in", title=named),
            language.count("heading_in", count, title=named),
        )
    names = _names(parcel.items, language)
    return (
        language.say("subject_from", names=names),
        language.count("heading_from", count, names=names),
    )


def _digest_head(parcel: Parcel, language: Language) -> tuple[str, str]:
    date = language.date(parcel.created_at)
    count = len(parcel.items) + parcel.more
    return (
        language.say(f"subject_{parcel.frequency or 'daily'}", date=date),
        language.count("heading_digest", count),
    )


def _sections(
    parcel: Parcel, language: Language, app_url: str | None
) -> Sequence[Section]:
    if parcel.kind != "digest":
        of_messages = parcel.kind == "conversation"
        return [
            Section(
                [
                    _message(item, language, _TEXT_CHARS)
                    if of_messages
                    # Its title is the heading.
                    else _notification(item, language, None, title=None)
                    for item in parcel.items
                ]
            )
        ]
    groups: dict[object, list[Item]] = {}
    for item in parcel.items:
        groups.setdefault(_group(item), []).append(item)
    return [_section(items, language, app_url) for items in groups.values()]


def _group(item: Item) -> object:
    return item.conversation_id if _is_message(item) else section_of(item.type)


def _is_message(item: Item) -> bool:
    return item.conversation_id is not None and item.notification_id is None


def _section(items: Sequence[Item], language: Language, app_url: str | None) -> Section:
    first = items[0]
    if not _is_message(first):
        return Section(
            [
                _notification(
                    item,
                    language,
                    absolute(item.link, app_url),
                    title=one_line(item.title, _TITLE_CHARS),
                )
                for item in items
            ],
            title=language.say_of("sections", section_of(first.type)),
        )
    return Section(
        [_message(item, language, _DIGEST_TEXT_CHARS) for item in items],
        title=_title_of(first, language) or _names(items, language),
        url=absolute(first.link, app_url),
    )


def _message(item: Item, language: Language, longest: int) -> Entry:
    return Entry(
        time=language.time(item.at),
        text=lines(item.text, longest) or language.say("attachment"),
        who=_name(item.sender_name, language),
    )


def _notification(
    item: Item, language: Language, url: str | None, *, title: str | None
) -> Entry:
    return Entry(
        time=language.time(item.at),
        text=lines(item.text, _TEXT_CHARS if title is None else _DIGEST_TEXT_CHARS),
        title=title and (f"{title} (×{item.count})" if item.count > 1 else title),
        url=url,
    )


def _button(parcel: Parcel, language: Language, app_url: str | None) -> Link | None:
    if parcel.kind == "digest":
        return Link(language.say("open_digest"), app_url) if app_url else None
    url = absolute(parcel.items[-1].link, app_url)
    return Link(language.say(f"open_{parcel.kind}"), url) if url else None


def _links(parcel: Parcel, language: Language, around: Around) -> Sequence[Link]:
    found = []
    if around.unsubscribe_url:
        purpose = purpose_of(parcel)
        key = {"digest": "stop_digest", "class:promotion": "stop_promotion"}
        label = language.say(key.get(purpose, "stop_type"))
        found.append(Link(label, around.unsubscribe_url))
    if around.app_url:
        found.append(Link(language.say("preferences"), around.app_url))
    return found


def _preview(parcel: Parcel) -> str:
    """Give the first words, which lists of mails show beside the subject."""
    texts = (
        one_line(
            f"{item.title}: {item.text}" if parcel.kind == "digest" else item.text,
            _PREVIEW_CHARS,
        )
        for item in parcel.items[:3]
    )
    return cut(" · ".join(text for text in texts if text), _PREVIEW_CHARS)


def _title_of(item: Item, language: Language) -> str | None:
    title = one_line(item.conversation_title or "", _TITLE_CHARS)
    return isolated(title, language.direction) if title else None


def _names(items: Sequence[Item], language: Language) -> str:
    names = list(dict.fromkeys(_name(item.sender_name, language) for item in items))
    shown = names if len(names) <= _NAMES else [*names[:_NAMES], "…"]
    return language.listed([isolated(name, language.direction) for name in shown])


def _name(name: str | None, language: Language) -> str:
    return one_line(name or "", NAME_CHARS) or language.say("somebody")
