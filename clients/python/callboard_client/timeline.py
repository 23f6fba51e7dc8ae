"""
The messages of one conversation in order, with what is missing among them. No I/O.

Putting messages and receipts in any order, any number of times, ends the same: a
newer version (deleted over edited over new) replaces an older one, an earlier
`read_at` replaces a later one, and nothing else is ever replaced.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import NamedTuple

from callboard_client.shapes import Message

__all__ = ["Gap", "Timeline", "version_of"]


# The reactions to so many messages are remembered with their time.
REACTED = 10_000


class Gap(NamedTuple):
    """
    Messages known to exist and not held: `after` < seq <= `upto`.
    """

    after: int
    upto: int


class Reacted(NamedTuple):
    """
    What the reactions to a message were at `at`.
    """

    at: str
    reactions: dict[str, list[str]]


class Mark(NamedTuple):
    """
    Somebody had read up to `seq` at `at`.
    """

    seq: int
    at: str


def version_of(message: Message) -> tuple[bool, str]:
    """
    Rank the versions of one message; a tombstone is final.
    """
    # Times of the contract have one width and one zone, so text order is time order.
    return message["deleted_at"] is not None, message["edited_at"] or ""


def earlier(one: str | None, other: str | None) -> str | None:
    """
    Give the earlier of two times, where None is never.
    """
    if one is None or other is None:
        return one or other
    return min(one, other)


class Timeline:
    """
    An ordered window on a history: every message above `base`, at most `limit`.

    A message at or below `base` is not kept; past the limit the oldest leave and
    `base` rises. `gaps` says what of the window has not been put yet.
    """

    def __init__(self, *, base: int = 0, limit: int = 10_000) -> None:
        if limit < 1:
            raise ValueError("a timeline holds at least one message")
        self.base = base
        self.last_seq = base
        self._limit = limit
        self._seqs: list[int] = []
        self._deleted: list[int] = []
        self._messages: dict[int, Message] = {}
        self._absent: set[int] = set()
        self._reads: dict[str, list[Mark]] = {}
        # By message id, also of messages that are still on their way.
        self._reacted: dict[str, Reacted] = {}

    def __len__(self) -> int:
        return len(self._seqs)

    def __iter__(self) -> Iterator[Message]:
        return (self._messages[seq] for seq in self._seqs)

    def get(self, seq: int) -> Message | None:
        """
        Give the message of that number, None if it is not held.
        """
        return self._messages.get(seq)

    def find(self, message_id: str) -> Message | None:
        """
        Give the message of that id, None if it is not held.
        """
        newest_first = (self._messages[seq] for seq in reversed(self._seqs))
        return next((each for each in newest_first if each["id"] == message_id), None)

    def put(
        self, message: Message, *, at: str | None = None, fetched: bool = False
    ) -> bool:
        """
        Take a message, a newer version of one, or a repeat.

        Reactions have no version of their own: those of the latest moment hold,
        `at` that of the event which brought the message, or now where it was
        `fetched`.

        Returns whether anything changed.
        """
        seq = message["seq"]
        self.reach(seq)
        if message["sender_id"] is not None:
            # Sending reads everything up to one's own message.
            self.mark_read(message["sender_id"], seq, message["sent_at"])
        if seq <= self.base:
            return False
        held = self._messages.get(seq)
        newest = message.copy()
        if held is not None and version_of(held) >= version_of(message):
            newest = held.copy()
        newest["reactions"] = self._reactions(message, held, at, fetched=fetched)
        known = None if held is None else held["read_at"]
        newest["read_at"] = earlier(
            earlier(message["read_at"], known), self._first_read(message)
        )
        self._absent.discard(seq)
        self._messages[seq] = newest
        if held is None:
            insort(self._seqs, seq)
        if newest["deleted_at"] and (held is None or not held["deleted_at"]):
            insort(self._deleted, seq)
        return newest != held

    def reach(self, last_seq: int) -> None:
        """
        Learn that the history goes at least as far as `last_seq`.
        """
        self.last_seq = max(self.last_seq, last_seq)
        if self.last_seq - self.base > self._limit:
            self._raise_base(self.last_seq - self._limit)

    def mark_read(self, user_id: str, seq: int, at: str) -> bool:
        """
        Learn that somebody had read up to `seq` at `at`, and date what they read.

        Returns whether a message changed.
        """
        if seq <= self.base:
            return False
        marks = self._reads.setdefault(user_id, [])
        place = bisect_left(marks, seq, key=lambda mark: mark.seq)
        if any(mark.at <= at for mark in marks[place : place + 1]):
            return False
        # Later marks up to here say nothing that this one does not say better.
        first = place
        while first and marks[first - 1].at >= at:
            first -= 1
        upto = place + (place < len(marks) and marks[place].seq == seq)
        marks[first:upto] = [Mark(seq, at)]
        since = marks[first - 1].seq if first else self.base
        return self._date(user_id, since, seq, at)

    def react(self, message_id: str, reactions: dict[str, list[str]], at: str) -> bool:
        """
        Replace the reactions to a message by those of `at`, unless later are known.

        They are kept for a message that is yet to come; a tombstone takes none.
        Returns whether a held message changed.
        """
        if not self._learn(message_id, Reacted(at, reactions)):
            return False
        held = self.find(message_id)
        if held is None or held["deleted_at"] or held["reactions"] == reactions:
            return False
        self._messages[held["seq"]] = {**held, "reactions": reactions}
        return True

    def deleted_after(self, seq: int) -> int:
        """
        Count the tombstones held after a number.
        """
        return len(self._deleted) - bisect_right(self._deleted, seq)

    @property
    def is_complete(self) -> bool:
        """
        Whether everything known to exist above `base` is held.
        """
        return len(self._seqs) + len(self._absent) == self.last_seq - self.base

    def gaps(self) -> list[Gap]:
        """
        List what is missing, oldest first.
        """
        found: list[Gap] = []
        if self.is_complete:
            return found
        before = self.base
        for seq in [*sorted({*self._seqs, *self._absent}), self.last_seq + 1]:
            if seq > before + 1:
                found.append(Gap(before, seq - 1))
            before = seq
        return found

    def give_up(self, gap: Gap) -> None:
        """
        Learn that the server does not give what is still missing of a gap.

        It is no longer reported; should it come after all, it is taken.
        """
        missing = set(range(max(gap.after, self.base) + 1, gap.upto + 1))
        missing -= self._messages.keys()
        self._absent |= missing
        while self.base + 1 in self._absent:
            self._raise_base(self.base + 1)

    def _reactions(
        self,
        message: Message,
        held: Message | None,
        at: str | None,
        *,
        fetched: bool,
    ) -> dict[str, list[str]]:
        """
        Give the latest reactions to a message that has just come.
        """
        if message["deleted_at"] or (held is not None and held["deleted_at"]):
            return {}
        if fetched and (held is None or version_of(held) <= version_of(message)):
            self._reacted.pop(message["id"], None)
            return message["reactions"]
        if at is not None and at > message["sent_at"]:
            self._learn(message["id"], Reacted(at, message["reactions"]))
        known = self._reacted.get(message["id"])
        if known is not None:
            return known.reactions
        return message["reactions"] if held is None else held["reactions"]

    def _learn(self, message_id: str, reacted: Reacted) -> bool:
        known = self._reacted.get(message_id)
        if known is not None and known.at >= reacted.at:
            return False
        self._reacted.pop(message_id, None)
        self._reacted[message_id] = reacted
        if len(self._reacted) > REACTED:
            del self._reacted[next(iter(self._reacted))]
        return True

    def _date(self, user_id: str, after: int, upto: int, at: str) -> bool:
        changed = False
        start = bisect_left(self._seqs, after + 1)
        for seq in self._seqs[start : bisect_left(self._seqs, upto + 1)]:
            message = self._messages[seq]
            read_at = earlier(message["read_at"], at)
            if message["sender_id"] != user_id and message["read_at"] != read_at:
                self._messages[seq] = {**message, "read_at": read_at}
                changed = True
        return changed

    def _first_read(self, message: Message) -> str | None:
        first: str | None = None
        for user_id, marks in self._reads.items():
            place = bisect_left(marks, message["seq"], key=lambda mark: mark.seq)
            if user_id != message["sender_id"] and place < len(marks):
                first = earlier(first, marks[place].at)
        return first

    def _raise_base(self, base: int) -> None:
        self.base = base
        for seq in self._seqs[: bisect_left(self._seqs, base + 1)]:
            del self._messages[seq]
        del self._seqs[: bisect_left(self._seqs, base + 1)]
        del self._deleted[: bisect_left(self._deleted, base + 1)]
        self._absent = {seq for seq in self._absent if seq > base}
        for marks in self._reads.values():
            del marks[: bisect_left(marks, base + 1, key=lambda mark: mark.seq)]
        self._reads = {user: marks for user, marks in self._reads.items() if marks}
