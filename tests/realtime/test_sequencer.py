"""Messages come out in order and once, however they come in."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from realtime.announcements import Run
from realtime.sequencer import Sequencer
from storage.records import ConversationId
from storage.snapshots import Snapshot

HERE = ConversationId(uuid4())
# The last sweep saw everything before transaction 100.
SWEPT = Snapshot.parse("100:100:")


def run(first_seq: int, count: int = 1, prev_xid: int = 0) -> Run:
    payloads = [str(first_seq + step).encode() for step in range(count)]
    return Run(HERE, first_seq, prev_xid, (), payloads)


class Delivered(list[int]):
    """What came out, by `seq`."""

    def __call__(self, delivered: Run, _xid: int) -> None:
        """Take a run."""
        self.extend(int(payload) for payload in delivered.payloads)


def test_in_order_passes_at_once() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    assert sequencer.offer(run(1), 100)
    assert sequencer.offer(run(2, prev_xid=100), 101)
    assert out == [1, 2]


def test_the_first_run_seen_waits_for_one_that_the_sweep_has_not_seen() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    assert not sequencer.offer(run(6, prev_xid=105), 106)
    assert out == []
    assert sequencer.offer(run(5, prev_xid=99), 105)
    assert out == [5, 6]


def test_the_first_run_seen_passes_when_the_sweep_saw_the_one_before() -> None:
    out = Delivered()
    assert Sequencer(SWEPT, out).offer(run(5, prev_xid=99), 105)
    assert out == [5]


def test_what_the_sweep_saw_is_a_repeat() -> None:
    out = Delivered()
    assert Sequencer(SWEPT, out).offer(run(5, prev_xid=90), 99)
    assert out == []


def test_a_repeat_within_a_run_is_cut_off() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    sequencer.offer(run(1, count=3), 100)
    sequencer.offer(run(2, count=4), 101)
    assert out == [1, 2, 3, 4, 5]


def test_a_gap_is_named_and_can_be_filled() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    sequencer.offer(run(1), 100)
    sequencer.offer(run(4, prev_xid=102), 103)
    assert sequencer.gap(HERE) == (True, 2)
    sequencer.fill(HERE, 2, [(run(2), 101), (run(3), 102), (run(4), 103)])
    assert out == [1, 2, 3, 4]
    assert sequencer.gap(HERE)[0] is False


def test_after_a_sweep_nothing_is_remembered() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    sequencer.offer(run(1), 100)
    sequencer.advance(Snapshot.parse("101:101:"))
    assert len(sequencer) == 0
    assert sequencer.offer(run(1), 100)
    assert out == [1]


def test_what_no_room_was_left_for_counts_as_a_gap() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    sequencer.offer(run(1), 100)
    for seq in range(3, 600):
        sequencer.offer(run(seq, prev_xid=98 + seq), 99 + seq)
    sequencer.offer(run(2, prev_xid=100), 101)
    has_gap, first = sequencer.gap(HERE)
    assert has_gap
    assert first == len(out) + 1
    sequencer.fill(HERE, first, [(run(seq), 99 + seq) for seq in range(first, 600)])
    assert out == list(range(1, 600))
    assert sequencer.waiting() == []


def test_what_was_dropped_while_a_gap_was_being_filled_is_still_missing() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    sequencer.offer(run(1), 100)
    for seq in range(3, 280):
        sequencer.offer(run(seq, prev_xid=98 + seq), 99 + seq)
    # The database was read before 280 committed, which there was no room for.
    known = [(run(seq), 99 + seq) for seq in range(2, 280)]
    sequencer.offer(run(280, prev_xid=378), 379)
    sequencer.fill(HERE, 2, known)
    assert out == list(range(1, 280))
    assert sequencer.gap(HERE) == (True, 280)
    sequencer.advance(Snapshot.parse("500:500:"))
    assert sequencer.waiting() == [HERE]


def test_a_page_that_fills_a_part_leaves_the_rest_missing() -> None:
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    sequencer.offer(run(1), 100)
    for seq in range(3, 800):
        sequencer.offer(run(seq, prev_xid=98 + seq), 99 + seq)
    sequencer.fill(HERE, 2, [(run(seq), 99 + seq) for seq in range(2, 502)])
    assert sequencer.gap(HERE) == (True, 502)
    sequencer.advance(Snapshot.parse("2000:2000:"))
    assert sequencer.waiting() == [HERE]
    sequencer.fill(HERE, 502, [(run(seq), 99 + seq) for seq in range(502, 800)])
    assert out == list(range(1, 800))
    assert sequencer.waiting() == []


@given(st.data())
def test_any_order_with_repeats_comes_out_dense_and_once(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=12))
    runs, first = [], 1
    for index, size in enumerate(sizes):
        prev = 99 + index if index else 0
        runs.append((run(first, size, prev), 100 + index))
        first += size
    arriving = data.draw(st.permutations(runs + runs[: len(runs) // 2]))
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    for one, xid in arriving:
        sequencer.offer(one, xid)
    assert out == list(range(1, first))
    assert sequencer.waiting() == []


@given(st.data())
def test_losses_are_mended_by_filling_from_what_is_missing(
    data: st.DataObject,
) -> None:
    total = data.draw(st.integers(2, 20))
    runs = [
        (run(seq, prev_xid=98 + seq if seq > 1 else 0), 99 + seq)
        for seq in range(1, total + 1)
    ]
    arriving = data.draw(
        st.lists(st.sampled_from(runs), min_size=1, max_size=30, unique_by=id)
    )
    out = Delivered()
    sequencer = Sequencer(SWEPT, out)
    for one, xid in arriving:
        sequencer.offer(one, xid)
    for conversation in sequencer.waiting():
        _, missing = sequencer.gap(conversation)
        start = missing or 1
        sequencer.fill(conversation, start, runs[start - 1 :])
    expected = max((one.first_seq for one, _ in arriving), default=0)
    assert out[: len(out)] == list(range(1, len(out) + 1))
    assert len(out) >= expected
