"""Announcements survive the way between nodes, and nothing else passes for one."""

import contextlib
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.announcements import Announcement, Run, Told
from storage.records import ConversationId, UserId

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
PAYLOADS = JSON.map(orjson.dumps)
SEQUENCES = st.integers(0, 2**63 - 1)


def audiences(users: st.SearchStrategy[UUID]) -> st.SearchStrategy[list[UserId]]:
    return st.lists(users.map(UserId), max_size=5)


def announcements(
    users: st.SearchStrategy[UUID],
) -> st.SearchStrategy[Announcement]:
    told = st.builds(Told, audiences(users), st.text(), PAYLOADS)
    runs = st.builds(
        Run,
        st.uuids().map(ConversationId),
        SEQUENCES,
        SEQUENCES,
        audiences(users),
        st.lists(PAYLOADS, max_size=4),
    )
    return st.builds(
        Announcement,
        SEQUENCES,
        st.lists(told, max_size=3),
        st.lists(runs, max_size=3),
    )


# So few that announcements often have some of them and not others.
FEW_USERS = [UserId(UUID(int=number)) for number in range(5)]


@given(announcements(st.uuids()))
def test_what_is_encoded_is_decoded(announcement: Announcement) -> None:
    assert Announcement.decode(announcement.encode()) == announcement


@given(announcements(st.sampled_from(FEW_USERS)), st.sets(st.sampled_from(FEW_USERS)))
def test_a_part_has_all_that_concerns_its_users(
    announcement: Announcement, users: set[UserId]
) -> None:
    part = announcement.part_for(users)
    assert part.xid == announcement.xid
    told_to = {user for told in announcement.told for user in told.audience}
    assert list(part.told) == (list(announcement.told) if told_to & users else [])
    assert list(part.runs) == [
        run for run in announcement.runs if users.intersection(run.audience)
    ]


@given(st.binary())
def test_garbage_is_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        Announcement.decode(data)


HEADS = st.fixed_dictionaries({"xid": JSON, "told": JSON, "runs": JSON})


@given(HEADS | JSON, st.lists(PAYLOADS))
@example({"xid": 1, "told": [["k", [5]]], "runs": []}, [b"{}"])
@example({"xid": 1, "told": [], "runs": [[5, 1, 0, [], 0]]}, [])
@example({"xid": None, "told": [], "runs": []}, [])
@example({"xid": 1, "told": [["k", []]], "runs": []}, [])
def test_the_wrong_json_is_refused(head: object, payloads: list[bytes]) -> None:
    with contextlib.suppress(ValueError):
        Announcement.decode(b"\n".join([orjson.dumps(head), *payloads]))


@given(st.integers(0, 500))
def test_a_cut_announcement_is_refused(length: int) -> None:
    user = UserId(UUID(int=1))
    whole = Announcement(
        1,
        [Told([user], "typing", b"{}")],
        [Run(ConversationId(UUID(int=2)), 1, 0, [user], [b"{}", b"{}"])],
    ).encode()
    lines_left = whole[:length].count(b"\n")
    if lines_left < 3:
        with pytest.raises(ValueError):  # noqa: PT011 - orjson's words or ours
            Announcement.decode(whole[:length])
