"""Mails as programs and people read them: headers, both parts, five languages."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from html.parser import HTMLParser
from uuid import UUID

import pytest

from realtime.mail.cleaning import isolated, lines, one_line
from realtime.mail.composing import Sender, compose
from realtime.mail.language import LANGUAGES, language_of
from realtime.mail.letters import Around, absolute, write_letter
from realtime.mail.links import Links
from realtime.notifications.notifier import Parcel
from storage.records import ConversationId
from tests.realtime.mail.parcels import (
    APP_URL,
    NOW,
    TALK,
    digest,
    messages,
    notification,
    parcel,
    recipient,
)

LINKS = Links(
    (b"k" * 32,), public_url="https://chat.example", mail_domain="mail.chat.example"
)
SENDER = Sender("board@chat.example", "Castboard", APP_URL)
OVERRIDE = "\u202e"


def mail_of(
    made: Parcel, links: Links = LINKS, *, may_unsubscribe: bool = True
) -> EmailMessage:
    """Compose a mail and read it as a mail program does."""
    composed = compose(made, SENDER, links, may_unsubscribe=may_unsubscribe, now=NOW)
    read = message_from_bytes(composed.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    assert not read.defects
    return read


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Give the text and the HTML."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def test_a_conversations_mail_says_who_wrote_what_when() -> None:
    made = parcel(
        messages(
            "Hi <b>Ada</b>!\nTuesday?",
            "Or Wednesday & Thursday",
            names=("Grace Hopper", "Mei"),
            title="Hamlet, casting",
        ),
        more=3,
    )
    mail = mail_of(made)
    assert mail["Subject"] == "New messages in Hamlet, casting"
    assert str(mail["To"]) == "Ada Lovelace <ada@chat.example>"
    assert str(mail["From"]) == "Castboard <board@chat.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] is None
    assert mail["List-Id"] == "<message-received.chat.example>"
    text, html = parts(mail)
    assert "5 new messages in Hamlet, casting" in text
    # In Berlin, an hour ahead.
    assert "Grace Hopper (Sat, Nov 21, 10:15\xa0AM)" in text
    assert text.index("Tuesday") < text.index("Wednesday")
    assert "and 3 more" in text
    assert f"{APP_URL}/conversations/{TALK}" in text
    assert "Hi &lt;b&gt;Ada&lt;/b&gt;!" in html
    assert "Wednesday &amp; Thursday" in html
    assert f'href="{APP_URL}/conversations/{TALK}"' in html
    assert html.startswith("<!DOCTYPE html>")
    assert '<html lang="en" dir="ltr"' in html


def test_mails_of_a_conversation_stand_together_for_one_person() -> None:
    one = mail_of(parcel(messages("One")))
    other = mail_of(parcel(messages("Two", "Three")))
    assert one["References"] == one["In-Reply-To"] == other["References"]
    assert one["Subject"] == other["Subject"]
    assert one["Message-ID"] != other["Message-ID"]
    elsewhere = [
        replace(each, conversation_id=ConversationId(UUID(int=8)))
        for each in messages("Four")
    ]
    assert mail_of(parcel(elsewhere))["References"] != one["References"]
    assert mail_of(parcel([notification()]))["References"] is None


def test_the_same_delivery_is_the_same_mail() -> None:
    made = parcel(messages("One"))
    assert (
        mail_of(made)["Message-ID"] == mail_of(replace(made, attempt=2))["Message-ID"]
    )
    assert str(made.delivery_id) in str(mail_of(made)["Message-ID"])


def test_whatever_may_be_unsubscribed_can_be_with_one_click() -> None:
    for made, purpose in (
        (parcel(messages("One")), "message_received"),
        (parcel([notification()]), "connection_request"),
        (parcel([notification("news")], class_="promotion"), "class:promotion"),
        (digest(), "digest"),
    ):
        mail = mail_of(made)
        link, address = str(mail["List-Unsubscribe"]).split(", ")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        read = LINKS.read_unsubscribe(link.strip("<>").rpartition("/")[2])
        assert read is not None
        assert (read.user_id, read.purpose) == (made.recipient.id, purpose)
        assert read.frequency == (made.frequency or "instant")
        to = address.removeprefix("<mailto:").partition("?")[0]
        assert LINKS.read_unsubscribe_address(to) == made.delivery_id
        for part in parts(mail):
            assert link.strip("<>") in part


def test_what_is_required_has_no_one_click_but_a_way_to_the_preferences() -> None:
    mail = mail_of(parcel([notification()]), may_unsubscribe=False)
    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None
    for part in parts(mail):
        assert "unsubscribe" not in part
        assert APP_URL in part


def test_without_a_place_there_are_no_links() -> None:
    mail = mail_of(parcel(messages("One")), Links((b"k" * 32,)))
    assert mail["List-Unsubscribe"] is None
    assert mail["Reply-To"] is None
    assert "replying" not in parts(mail)[0]
    # One way is enough for the header, and the click needs https.
    only_mail = Links((b"k" * 32,), mail_domain="mail.chat.example")
    mail = mail_of(parcel(messages("One")), only_mail)
    assert str(mail["List-Unsubscribe"]).startswith("<mailto:")
    assert mail["List-Unsubscribe-Post"] is None
    nowhere = compose(
        parcel(messages("One")),
        Sender("board@chat.example", "Castboard"),
        only_mail,
        may_unsubscribe=True,
        now=NOW,
    )
    assert "href" not in parts(nowhere)[1]


def test_who_answers_a_mail_answers_in_the_conversation() -> None:
    made = parcel(messages("One"))
    mail = mail_of(made)
    replying = LINKS.read_reply(mail["Reply-To"].addresses[0].addr_spec)
    assert replying is not None
    assert (replying.user_id, replying.conversation_id) == (made.recipient.id, TALK)
    assert "replying to this mail" in parts(mail)[0]
    assert mail_of(digest())["Reply-To"] is None


def test_a_digest_has_sections_and_says_what_is_left_out() -> None:
    mail = mail_of(digest())
    assert mail["Subject"] == "Your daily summary, November 21, 2026"
    text, html = parts(mail)
    heads = ["Grace Hopper", "Connections", "Applications", "Gigs", "More"]
    places = [text.index(f"== {head} ==") for head in heads]
    assert places == sorted(places)
    assert "13 things are new" in text
    assert "(×3)" in text
    assert "and 7 more" in text
    assert f"{APP_URL}/connections/1?a=1&b=2" in text
    assert f'href="{APP_URL}/connections/1?a=1&amp;b=2"' in html
    assert mail["List-Id"] == "<digest.chat.example>"


SUBJECTS: Mapping[str, Sequence[str]] = {
    "en": ("New messages from Grace Hopper", "Your weekly summary, November 21, 2026"),
    "en-GB": (
        "New messages from Grace Hopper",
        "Your weekly summary, 21 November 2026",
    ),
    "de-AT": (
        "Neue Nachrichten von Grace Hopper",
        "Ihre wöchentliche Zusammenfassung, 21. November 2026",
    ),
    "es": (
        "Mensajes nuevos de Grace Hopper",
        "Tu resumen semanal, 21 de noviembre de 2026",
    ),
    "fr_CA": (
        "Nouveaux messages de Grace Hopper",
        "Votre résumé hebdomadaire, 21 novembre 2026",
    ),
    "ar": ("رسائل جديدة من \u2068Grace Hopper\u2069", "ملخصك الأسبوعي، 21 نوفمبر 2026"),
    # What nobody has put into words, and what is none.
    "ja": ("New messages from Grace Hopper", "Your weekly summary, November 21, 2026"),
    "x" * 90: (
        "New messages from Grace Hopper",
        "Your weekly summary, November 21, 2026",
    ),
}


@pytest.mark.parametrize("locale", SUBJECTS)
def test_mails_are_in_their_readers_language(locale: str) -> None:
    talk = mail_of(parcel(messages("One"), recipient=recipient(locale)))
    summary = mail_of(digest(locale, "weekly"))
    assert (talk["Subject"], summary["Subject"]) == SUBJECTS[locale]
    language = language_of(locale)
    assert talk["Content-Language"] == language.tag
    html = parts(talk)[1]
    assert f'<html lang="{language.tag}" dir="{language.direction}"' in html


def test_every_language_says_everything_in_every_plural() -> None:
    english = language_of("en").words
    for name in LANGUAGES:
        language = language_of(name)
        assert set(language.words) == set(english)
        for key, sentence in english.items():
            own = language.words[key]
            if isinstance(sentence, str):
                assert isinstance(own, str), (name, key)
                assert _fields(own) == _fields(sentence), (name, key)
                continue
            assert not isinstance(own, str), (name, key)
            if key in {"sections", "page"}:
                assert set(own) == set(sentence), (name, key)
                continue
            needed = {language.locale.plural_form(n) for n in (*range(200), 10**6)}
            assert needed | {"other"} == set(own), (name, key)
            fields = _fields(sentence["other"]) - {"count"}
            assert all(_fields(form) - {"count"} == fields for form in own.values())
    arabic = language_of("ar")
    said = {arabic.count("heading_digest", n) for n in (0, 1, 2, 3, 11, 100)}
    assert len(said) == 6


TAGS = {
    "a",
    "bdi",
    "body",
    "div",
    "h1",
    "h2",
    "head",
    "html",
    "meta",
    "p",
    "span",
    "style",
    "table",
    "tbody",
    "td",
    "title",
    "tr",
}


class Seen(HTMLParser):
    """What there is in a page, as a browser takes it apart."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what stands in a tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [
            str(value) for name, value in attrs if name in {"href", "src", "background"}
        ]


def _fields(sentence: str) -> set[str]:
    return {part.partition("}")[0] for part in sentence.split("{")[1:]}


def test_times_are_those_of_the_reader() -> None:
    for zone, time in (
        ("Asia/Kathmandu", "Sat, Nov 21, 3:00\xa0PM"),
        ("America/Los_Angeles", "Sat, Nov 21, 1:15\xa0AM"),
        ("Pacific/Kiritimati", "Sat, Nov 21, 11:15\xa0PM"),
        ("no/zone", "Sat, Nov 21, 9:15\xa0AM"),
        ("../../etc/passwd", "Sat, Nov 21, 9:15\xa0AM"),
    ):
        assert language_of("en", zone).time(NOW) == time


HOSTILE = (
    "Ada\r\nBcc: all@chat.example",
    'Ada" <all@chat.example>, "',
    "Ada, Grace; (comment) <x@y.example>",
    "=?utf-8?q?Ada=0ABcc:_all=40chat.example?=",
    f"Ada {OVERRIDE}moc.lapyap{OVERRIDE}",
    "\u2066\u2067Ada\u2069",
    "Ada\x00\x07\x1b[31m",
    "👩‍🚀🏳️‍🌈 Ada é",
    "مرحبا بكم " * 12,
    "\ud800Ada\u2028Lovelace\x85",
    "{{ 7 * 7 }} {% raw %} {name} %(name)s",
    "</mj-text><mj-raw><script>alert(1)</script>",
    "<mj-include path='/etc/passwd' />",
    '"><img src="https://spy.example/x.png" onerror="alert(1)">',
    "' onmouseover='alert(1)' x='",
    "&quot; onclick=&quot;alert(1)&quot; &lt;img&gt; &#34;",
    "",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_or_title_breaks_out(text: str) -> None:
    item = replace(notification(title=text, text=text), link="/x")
    made = parcel([item], recipient=recipient(name=text))
    talk = parcel(
        messages(text, names=(text,), title=text), recipient=recipient("ar", text)
    )
    for each in (made, talk, replace(talk, kind="digest", frequency="daily")):
        mail = mail_of(each)
        assert mail["Bcc"] is None
        (to,) = mail["To"].addresses
        assert to.addr_spec == "ada@chat.example"
        assert len(mail["From"].addresses) == 1
        raw = compose(each, SENDER, LINKS, may_unsubscribe=True, now=NOW).as_bytes()
        assert raw.isascii()
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        plain, html = parts(mail)
        for part in (str(mail["Subject"]), str(mail["To"]), plain, html):
            assert OVERRIDE not in part
            assert "\x1b" not in part
            assert "\x00" not in part
        seen = Seen()
        seen.feed(html)
        assert seen.tags <= TAGS
        assert not any(name.startswith("on") for name in seen.attributes)
        assert all(link.startswith("https://") for link in seen.links)
        assert all(link.split("/")[2].endswith(".example") for link in seen.links)
        assert "spy.example" not in "".join(seen.links)
        assert "root:" not in html
        assert ("{{ 7 * 7 }} {% raw %} {name}" in plain) is ("7 * 7" in text)


def test_names_and_subjects_come_through_letter_by_letter() -> None:
    rng = random.Random(4)
    letters = [*"abcXYZ  ,;:\"'\\()<>@[]=?_.äößéñ", *"مرحبا", *"日本語", "👩‍🚀", "\r\n"]
    links = Links((b"k" * 32,))
    for _ in range(60):
        name = "".join(rng.choices(letters, k=rng.randrange(90)))
        title = "".join(rng.choices(letters, k=rng.randrange(1, 200)))
        made = parcel([notification(title=title)], recipient=recipient(name=name))
        raw = compose(made, SENDER, links, may_unsubscribe=True, now=NOW).as_bytes()
        # The library's own reading of long names puts spaces in.
        read = message_from_bytes(raw)
        shown, address = parseaddr(read["To"])
        assert str(make_header(decode_header(shown))) == one_line(name, 60)
        assert address == "ada@chat.example"
        if subject := one_line(title, 140):
            assert str(make_header(decode_header(read["Subject"]))) == subject


def test_what_is_long_is_cut_where_it_hurts_least() -> None:
    assert one_line("word " * 20, 12) == "word word…"
    assert one_line("x" * 20, 10) == "x" * 9 + "…"
    # An emoji of several, and a letter with its accent, go or stay as one.
    assert one_line("abcdefg👩‍🚀h", 9) == "abcdefg…"
    assert one_line("abcdefg👍🏽h", 9) == "abcdefg…"
    assert lines("a\r\nb\n\n\n\nc\t\x0bd\u2028e", 99) == "a\nb\n\nc\nd\ne"
    made = parcel(messages("y" * 9000))
    assert len(write_letter(made, Around("x")).sections[0].entries[0].text) == 1500


def test_names_of_the_other_direction_stand_for_themselves() -> None:
    assert isolated("Ada", "ltr") == "Ada"
    assert isolated("ليلى", "rtl") == "ليلى"
    assert isolated("ليلى", "ltr") == "\u2068ليلى\u2069"
    assert isolated("Ada", "rtl") == "\u2068Ada\u2069"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/gigs/1?x=1#a", "https://app.example/gigs/1?x=1#a"),
        ("gigs/1", "https://app.example/gigs/1"),
        (
            'https://elsewhere.example/a b"<>',
            "https://elsewhere.example/a%20b%22%3C%3E",
        ),
        ("/" + "x" * 3000, None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//evil.example/x", None),
        ("https://[", None),
        ("/a\r\nb", "https://app.example/a%0D%0Ab"),
        ("", None),
        (None, None),
    ],
)
def test_a_link_leads_to_the_platform_or_a_page_of_the_web(
    link: str | None, url: str | None
) -> None:
    assert absolute(link, APP_URL) == url


def test_who_has_no_address_gets_no_mail() -> None:
    made = parcel(messages("One"), recipient=recipient(email=None))
    with pytest.raises(ValueError, match="address"):
        compose(made, SENDER, LINKS, may_unsubscribe=True, now=NOW)
