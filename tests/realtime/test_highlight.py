"""Matches are laid back on what was written, and nothing is added or lost."""

from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from realtime.highlight import Segment, highlight
from storage.records import ConversationId, FoundMessage, Message, MessageId

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)


def found(
    body: str,
    searched: str,
    *headlines: str,
    phrases: str = "",
    begins: int | None = None,
) -> FoundMessage:
    message = Message(
        id=MessageId(uuid4()),
        conversation_id=ConversationId(uuid4()),
        seq=1,
        client_id=None,
        sender_id=None,
        kind="text",
        body=body,
        attachments=(),
        reply_to_id=None,
        metadata={},
        sent_at=MOMENT,
        edited_at=None,
        deleted_at=None,
        read_at=None,
        xid=1,
    )
    marked = [text.replace("[", "\ufdd0").replace("]", "\ufdd1") for text in headlines]
    chars = len(searched) if begins is None else len(body)
    return FoundMessage(message, chars, begins or 0, searched, marked, phrases.split())


def shown(segments: list[Segment]) -> str:
    return "".join(
        f"[{each.text}]" if each.is_match else each.text for each in segments
    )


def test_marks_of_all_headlines_count() -> None:
    segments = highlight(found("Two Cats", "two cats", "[two] cats", "two [cats]"))
    assert shown(segments) == "[Two] [Cats]"


def test_spaces_that_were_put_in_are_taken_out() -> None:
    segments = highlight(
        found("在 北京。开", "在 北京 开", " 在   [北]  [京]   开 ", phrases="北京")
    )
    assert shown(segments) == "在 [北京]。开"


def test_a_part_of_a_phrase_is_no_match() -> None:
    segments = highlight(
        found("北方在北京", "北方在北京", " [北]  方  在  [北]  [京] ", phrases="北京")
    )
    assert shown(segments) == "北方在[北京]"


def test_a_text_that_was_searched_as_another_is_shown_without_matches() -> None:
    assert highlight(found("Cats", "ca", "[ca]")) == [Segment("Cats", is_match=False)]


def test_a_part_that_was_searched_is_laid_back_where_it_stands() -> None:
    body = "Cats and " + "Dogs " * 3
    segments = highlight(found(body, "dogs dogs", "dogs [dogs]", begins=9))
    assert shown(segments) == "…Dogs [Dogs]…"


def test_a_part_at_the_end_goes_on_before_only() -> None:
    segments = highlight(found("Cats, dogs", "dogs", "[dogs]", begins=6))
    assert shown(segments) == "…[dogs]"


# A match is a word, never a space.
PIECES = st.one_of(
    st.tuples(st.text("ab<&北", min_size=1), st.booleans()),
    st.tuples(st.text(" ", min_size=1), st.just(value=False)),
)


@given(st.lists(PIECES, max_size=120))
def test_nothing_is_added_and_nothing_lost(
    pieces: list[tuple[str, bool]],
) -> None:
    body = "".join(text for text, _ in pieces)
    headline = "".join(f"[{text}]" if is_match else text for text, is_match in pieces)
    # Where spaces are put in, they stand beside what is no space.
    spaced = "".join(
        f" {character} " if character == "北" else character for character in headline
    )
    segments = highlight(found(body, body, spaced))
    text = "".join(segment.text for segment in segments)
    if len(body) <= 300:
        assert text == body
        expected = "".join(
            ("1" if is_match else "0") * len(piece) for piece, is_match in pieces
        )
        assert expected == "".join(
            ("1" if each.is_match else "0") * len(each.text) for each in segments
        )
    else:
        assert text.strip("…") in body
        assert len(text) <= 302
    kinds = [segment.is_match for segment in segments if segment.text != "…"]
    assert all(one is not other for one, other in pairwise(kinds))
