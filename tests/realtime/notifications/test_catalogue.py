"""The catalogue: every type in every language, and sane by default."""

from pathlib import Path

import pytest

from realtime.notifications.catalogue import (
    LOCALES,
    CatalogueError,
    Entry,
    load_catalogue,
)
from realtime.notifications.preferences import CHANNELS, resolve
from realtime.notifications.wording import (
    TITLE_CHARS,
    Reader,
    Wording,
    language_of,
    safe_link,
)

CATALOGUE = load_catalogue()

# What the issue and the five platforms name.
NAMED = {
    "connection_request",
    "connection_accepted",
    "connection_rejected",
    "message_received",
    "mention",
    "application_received",
    "application_status",
    "interview_scheduled",
    "interview_reminder",
    "offer_received",
    "offer_reminder",
    "gig_published",
    "gig_filled",
    "gig_cancelled",
    "task_assigned",
    "like",
    "wishlist",
    "project_update",
    "industry_news",
    "job_alert",
    "report_resolved",
    "moderation_warning",
    "moderation_take_down",
    "announcement",
}

_ID = "0191b1a2-0000-7000-8000-000000009ace"
_SAMPLE = {
    **dict.fromkeys(
        (
            "user_id",
            "actor_id",
            "connection_id",
            "conversation_id",
            "gig_id",
            "application_id",
            "interview_id",
            "offer_id",
            "task_id",
            "project_id",
            "content_id",
            "news_id",
            "report_id",
        ),
        _ID,
    ),
    "actor": "Grace",
    "gig": "Second lead",
    "conversation": "The cast",
    "name": "Ada",
    "data": {
        "to": "offered",
        "action": "warn",
        "title": "A title",
        "summary": "A summary",
        "message": "A message",
        "name": "Berlin",
        "count": 3,
        "groups": [{"gigs": [{"line": "Second lead, Berlin"}], "more": 2}],
        "more": 1,
        "link": "https://example.org/1",
        "starts_at": "2026-11-28T09:00:00.000Z",
        "answer_by": "2026-11-28T09:00:00.000Z",
        "due_at": "2026-11-28T09:00:00.000Z",
    },
}


def test_the_catalogue_has_what_people_can_be_told() -> None:
    assert CATALOGUE.entries.keys() >= NAMED


@pytest.mark.parametrize("entry", CATALOGUE.entries.values(), ids=lambda one: one.name)
def test_a_type_says_something_in_every_language(entry: Entry) -> None:
    assert set(entry.title) == set(entry.message) == set(LOCALES)
    for locale in LOCALES:
        for count in (0, 1, 2, 3, 11, 100, 1_000_000):
            values = _SAMPLE | {"count": count}
            wording = Wording(Reader(locale, "Asia/Kathmandu"), values, strict=True)
            title, message = wording.title(entry.title), wording.message(entry.message)
            assert title
            assert message
            assert not set("{}<>#") & set(title + message), (locale, title, message)
        key, link = wording.key(entry.collapse), wording.link(entry.link)
        assert (key is None) == (entry.collapse is None)
        assert link is not None


@pytest.mark.parametrize("entry", CATALOGUE.entries.values(), ids=lambda one: one.name)
def test_a_type_tells_nobody_who_has_not_agreed(entry: Entry) -> None:
    choices = resolve(entry, [])
    if entry.class_ == "promotion":
        assert {choice.mode for choice in choices.values()} == {"off"}
        assert not entry.required
    if entry.class_ == "service" and entry.name != "message_received":
        assert choices["in_app"].mode == "instant"
    assert set(choices) == set(CHANNELS)
    assert entry.push in {"off", "instant"}
    if entry.reminder_of:
        assert entry.remind_hours
        assert (entry.reminder_type or "") in CATALOGUE.entries


def test_texts_are_in_the_readers_language_time_and_plural() -> None:
    told = CATALOGUE.entries["application_received"]
    of_two = Wording(Reader("ar"), _SAMPLE | {"count": 2}).title(told.title)
    assert of_two == "طلبان جديدان: Second lead"
    texts = {"en": "{{ moment(data.starts_at) }}", "de": "{{ moment(data.starts_at) }}"}
    in_nepal = Wording(Reader("de-CH", "Asia/Kathmandu"), _SAMPLE)
    assert "28. November 2026" in in_nepal.title(texts)
    assert "14:45" in in_nepal.title(texts)
    assert language_of("fr-CA", {"en": "", "fr": ""}) == "fr"
    assert language_of("pt", {"fr": "", "en": ""}) == "en"


def test_what_is_not_there_or_fails_says_nothing() -> None:
    wording = Wording(Reader(), {"data": {"a": 1, "when": "soon"}})
    assert wording.title({"en": "Hi{{ data.b.c }}{{ nobody.there }}"}) == "Hi"
    assert wording.title({"en": "{{ data.a / 0 }}"}) == ""
    assert wording.title({"en": "{{ ''.__class__.__mro__ }}"}) == ""
    assert wording.title({"en": "{{ moment(data.when) }}"}) == "soon"
    assert wording.title({"en": "a\n\tb\x00\x1b c"}) == "a b c"
    assert len(wording.title({"en": "{{ 'x' * 500 }}"})) == TITLE_CHARS


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "//evil.example", "data:text/html,x", "/a b", "", "http:"],
)
def test_a_link_leads_to_a_page_or_nowhere(link: str) -> None:
    assert safe_link(link) is None
    assert safe_link("/gigs/1") == "/gigs/1"
    assert safe_link("https://example.org/?a=1") == "https://example.org/?a=1"


def test_an_operators_file_adds_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(
        "[limits]\nper_sender_a_day = 3\n"
        "[types.mention]\npush = 'off'\n"
        "[types.audition]\nclass = 'alert'\n"
        "title = { en = 'Audition' }\nmessage = { en = '{{ data.where }}' }\n"
    )
    changed = load_catalogue(file)
    assert changed.entries["mention"].push == "off"
    assert changed.entries["mention"].email == CATALOGUE.entries["mention"].email
    assert changed.entries["audition"].class_ == "alert"
    assert (changed.limits.per_sender_a_day, changed.limits.large_group) == (3, 100)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[types.x", "TOML"),
        ("[types.x]\nclass = 'alert'\n", "title"),
        ("[types.x]\nclass='alert'\ntitle={en='{{'}\nmessage={en=''}\n", "template"),
        (
            "[types.x]\nclass='alert'\ntitle={de='a'}\nmessage={en=''}\n",
            "no text in en",
        ),
        ("[types.mention]\npush = 'yearly'\n", "push"),
        ("[limits]\nlarge_group = 0\n", "limits"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_where(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(text)
    with pytest.raises(CatalogueError, match=complaint):
        load_catalogue(file)
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_catalogue(tmp_path / "none.toml")
