"""The outbox keeps its limits, and cutting loses and reorders nothing."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from realtime.announcements import Announcement, Run, Told
from realtime.redis_outbox import Outbox, pieces
from storage.records import ConversationId, UserId

USER = UserId(UUID(int=1))
LIMIT = 1000


def announcement(xid: int, size: int = 2) -> Announcement:
    return Announcement(xid, [Told([USER], "typing", b"x" * size)])


@given(
    st.lists(st.integers(0, 1500), max_size=3),
    st.lists(st.lists(st.integers(0, 1500), max_size=8), max_size=4),
)
def test_pieces_put_together_are_the_announcement(
    told: list[int], runs: list[list[int]]
) -> None:
    whole = Announcement(
        7,
        [Told([USER], "typing", b"x" * size) for size in told],
        [
            Run(
                ConversationId(UUID(int=number)),
                1,
                3,
                [USER] * number,
                [b"%d:" % place + b"x" * size for place, size in enumerate(sizes)],
            )
            for number, sizes in enumerate(runs)
        ],
    )
    parts = [Announcement.decode(data) for data in pieces(whole, LIMIT)]
    assert {part.xid for part in parts} == {7}
    assert list(parts[0].told) == list(whole.told)
    assert not any(part.told for part in parts[1:])
    assert joined(parts) == joined([whole])
    for part in parts:
        for run in part.runs:
            assert run.prev_xid == (3 if run.first_seq == 1 else 7)


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=30))
def test_pieces_are_no_larger_than_a_message_makes_them(sizes: list[int]) -> None:
    run = Run(ConversationId(UUID(int=1)), 1, 3, [USER], [b"x" * n for n in sizes])
    for data in pieces(Announcement(7, [], [run]), LIMIT):
        [part] = Announcement.decode(data).runs
        assert len(part.payloads) == 1 or sum(map(len, part.payloads)) <= LIMIT


def joined(parts: list[Announcement]) -> list[tuple[object, ...]]:
    """Every message with its place, in the order of the messages."""
    return [
        (run.conversation_id, list(run.audience), run.first_seq + place, payload)
        for part in parts
        for run in part.runs
        for place, payload in enumerate(run.payloads)
    ]


async def test_no_more_is_queued_than_the_limits_allow() -> None:
    outbox = Outbox(3, 1000)
    assert [outbox.put(announcement(xid)) for xid in range(4)] == [True] * 3 + [False]
    outbox = Outbox(3, 1000)
    assert not outbox.put(announcement(1, size=1001))
    assert outbox.put(announcement(2, size=900))
    assert not outbox.put(announcement(3, size=900))
    await outbox.take()
    assert outbox.put(announcement(4, size=900))


async def test_batches_are_in_order_and_end_at_their_size() -> None:
    outbox = Outbox(10, 10_000_000)
    for xid in range(4):
        outbox.put(announcement(xid, size=400_000))
    batches = [[each.xid for each in await outbox.take()] for _ in range(2)]
    assert batches == [[0, 1], [2, 3]]


async def test_what_was_taken_and_not_settled_counts_as_lost() -> None:
    outbox = Outbox(10, 10_000_000)
    for xid in range(4):
        outbox.put(announcement(xid, size=400_000))
    await outbox.take()
    assert outbox.clear() == 4
    await outbox.done()
    outbox.put(announcement(5))
    await outbox.take()
    outbox.settle()
    assert outbox.clear() == 0
    await outbox.done()
