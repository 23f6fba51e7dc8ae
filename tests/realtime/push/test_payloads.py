"""What a push says, and how little of it."""

from uuid import UUID

import orjson
import pytest

from realtime.push.payloads import payload_of, tag_of, words_of
from storage.records import ConversationId
from tests.realtime.push.parcels import item, parcel_for


def test_messages_of_a_group_say_who_said_what() -> None:
    items = [
        item(text=f"line {n}", sender_name=name, conversation_title="Dancers")
        for n, name in enumerate(["Ada", "Grace"] * 4)
    ]
    words = words_of(parcel_for(items=items, more=2))
    assert words.title == "Dancers"
    assert words.body.splitlines() == [
        "Grace: line 3",
        "Ada: line 4",
        "Grace: line 5",
        "Ada: line 6",
        "Grace: line 7",
        "+5",
    ]


def test_messages_of_one_person_are_under_their_name() -> None:
    files = {"attachments": [{"name": "cv.pdf"}, {"name": "photo.png"}]}
    words = words_of(parcel_for(items=[item(), item(text="", data=files)]))
    assert words.title == "Grace"
    assert words.body == "Can you come on Monday?\ncv.pdf, photo.png"


def test_a_digest_names_what_is_in_it() -> None:
    items = [item(title=f"thing {n}") for n in range(7)]
    parcel = parcel_for(kind="digest", items=items, more=3)
    words = words_of(parcel)
    assert words.title == "Ihre Übersicht"
    assert words.body.splitlines()[-2:] == ["thing 4", "+5"]
    push = orjson.loads(payload_of(parcel, 4000, is_full=True))
    assert "conversation_id" not in push
    assert push["count"] == 10


def test_one_thing_has_one_tag_whatever_is_said_of_it() -> None:
    first = tag_of(parcel_for())
    assert first == tag_of(parcel_for(kind="retract", delivery_id=UUID(int=99)))
    assert first == tag_of(parcel_for(items=[item(seq=13, message_id=None)]))
    others = {
        tag_of(parcel_for(items=[item(conversation_id=ConversationId(UUID(int=1)))])),
        tag_of(parcel_for(items=[item(notification_id=UUID(int=1))])),
        tag_of(parcel_for(collapse_key="likes")),
        tag_of(parcel_for(kind="digest")),
        tag_of(parcel_for(kind="digest", delivery_id=UUID(int=2))),
    }
    assert len(others | {first}) == 6
    assert all(len(tag) == 32 and tag.isascii() for tag in others)


@pytest.mark.parametrize("at_most", [400, 500, 1000, 3993])
@pytest.mark.parametrize("text", ["x", '"', "\x01", "ü", "🎬", "\u202e"])
def test_whatever_is_said_fits(text: str, at_most: int) -> None:
    parcel = parcel_for(items=[item(text=text * 5000, title=text * 5000)])
    payload = payload_of(parcel, at_most, is_full=True)
    assert len(payload) <= at_most
    assert orjson.loads(payload)["conversation_id"] == str(UUID(int=7))
