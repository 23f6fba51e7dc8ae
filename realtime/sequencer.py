"""
Messages of a conversation in `seq` order, each once, however they arrive.

They come from this process' own commits, over the bus and from the sweep of the feed,
late, twice or not at all. What has been delivered is known from two things only: the
snapshot of the last sweep (everything it sees has been delivered) and what was
delivered since. So nothing needs to be remembered for longer than one sweep.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from realtime.announcements import Run
from storage.records import ConversationId
from storage.snapshots import Snapshot

# A run and the transaction that wrote it.
FilledRun = tuple[Run, int]

# A conversation that floods past a gap is repaired from the database instead.
_HELD_RUNS = 256


@dataclass(slots=True)
class _Place:
    """How far one conversation has been delivered; None where it is not known."""

    next_seq: int | None
    newest_xid: int
    held: dict[int, tuple[Run, int]] = field(default_factory=dict)
    # More came than is held: up to here only the database knows it all.
    dropped_to: int = 0

    @property
    def has_gap(self) -> bool:
        """Tell whether something that has come could not be delivered yet."""
        if self.held:
            return True
        return bool(self.dropped_to) and (
            self.next_seq is None or self.next_seq <= self.dropped_to
        )


class Sequencer:
    """
    Puts runs in order and hands them to `deliver(run, xid)`.

    Pure: no clock, no I/O. Whoever offers a run and hears that it is held looks again
    after a short while and, if it still is, fetches what is missing.
    """

    def __init__(self, snapshot: Snapshot, deliver: Callable[[Run, int], None]) -> None:
        self._snapshot = snapshot
        self._deliver = deliver
        self._places: dict[ConversationId, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def offer(self, run: Run, xid: int) -> bool:
        """Take a run of one transaction; False if it is held because of a gap."""
        if self._snapshot.sees(xid):
            return True
        place = self._places.get(run.conversation_id)
        if place is None:
            place = self._places[run.conversation_id] = _Place(None, xid)
        place.newest_xid = max(place.newest_xid, xid)
        if place.next_seq is None and (
            run.first_seq == 1 or self._snapshot.sees(run.prev_xid)
        ):
            # What was before this run had been delivered by the last sweep.
            place.next_seq = run.first_seq
        if place.next_seq is None or run.first_seq > place.next_seq:
            self._hold(place, run, xid)
            return False
        self._pass_on(place, run, xid)
        self._release(place)
        return not place.has_gap

    def waiting(self) -> list[ConversationId]:
        """Name the conversations that have a gap."""
        return [
            conversation
            for conversation, place in self._places.items()
            if place.has_gap
        ]

    def gap(self, conversation: ConversationId) -> tuple[bool, int | None]:
        """
        Tell whether something is missing, and from which `seq` on.

        The `seq` is None where only the last sweep's snapshot knows it.
        """
        place = self._places.get(conversation)
        if place is None:
            return False, None
        return place.has_gap, place.next_seq

    def fill(
        self, conversation: ConversationId, first_seq: int, runs: Iterable[FilledRun]
    ) -> None:
        """
        Close a gap with what the database says: all from `first_seq` to the end.

        What the database has and other transactions announce later is a repeat then,
        and passed over.
        """
        place = self._places.get(conversation)
        if place is None:
            return
        if place.next_seq is None:
            place.next_seq = first_seq
        for run, xid in runs:
            if run.first_seq <= place.next_seq:
                place.newest_xid = max(place.newest_xid, xid)
                self._pass_on(place, run, xid)
        self._release(place)

    def has_delivered(self, conversation: ConversationId, last_seq: int) -> bool:
        """Tell whether a conversation is known to be delivered up to here."""
        place = self._places.get(conversation)
        return (
            place is not None
            and place.next_seq is not None
            and last_seq < place.next_seq
        )

    def advance(self, snapshot: Snapshot) -> None:
        """Everything that this snapshot sees has been delivered."""
        self._snapshot = snapshot
        settled = [
            conversation
            for conversation, place in self._places.items()
            if not place.has_gap and snapshot.sees(place.newest_xid)
        ]
        for conversation in settled:
            del self._places[conversation]

    def _hold(self, place: _Place, run: Run, xid: int) -> None:
        """Keep a run until its turn comes."""
        if len(place.held) < _HELD_RUNS:
            place.held[run.first_seq] = (run, xid)
        else:
            place.dropped_to = max(place.dropped_to, run.last_seq)

    def _pass_on(self, place: _Place, run: Run, xid: int) -> None:
        """Deliver the part of a run that is new."""
        assert place.next_seq is not None  # noqa: S101 - for the type checker
        known = place.next_seq - run.first_seq
        if known >= len(run.payloads):
            return
        rest = Run(
            run.conversation_id,
            run.first_seq + known,
            run.prev_xid,
            run.audience,
            run.payloads[known:] if known else run.payloads,
        )
        place.next_seq = rest.last_seq + 1
        self._deliver(rest, xid)

    def _release(self, place: _Place) -> None:
        """Deliver what was held and has its turn now."""
        while place.held and place.next_seq is not None:
            first = min(place.held)
            if first > place.next_seq:
                return
            run, xid = place.held.pop(first)
            self._pass_on(place, run, xid)
