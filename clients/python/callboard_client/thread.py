"""
One conversation as its events tell it: who takes part, how far each has read. No I/O.

`Conversations` in `store.py` holds one `Thread` for each; applications read
`describe()`, which has the shape of the contract.
"""

from typing import cast

from callboard_client.shapes import Conversation, Json, Message, Participant
from callboard_client.timeline import Timeline, version_of

__all__ = ["Thread"]


class Thread:
    """
    A conversation under way, from whatever was heard of it so far.

    `details` stays None until somebody told the whole conversation; `timeline`
    stays None until a message or the conversation's length was heard of.
    """

    def __init__(
        self, conversation_id: str, *, history: int | None, limit: int
    ) -> None:
        self.id = conversation_id
        self.details: Conversation | None = None
        self.timeline = Timeline(limit=limit) if history is None else None
        self._history = history
        self._limit = limit
        self._told_at = ""
        self._roster: dict[str, Participant] = {}
        self._moves: dict[str, tuple[str, Participant | None]] = {}
        self._count: tuple[str, int] | None = None
        self._read: dict[str, int] = {}
        self._delivered: dict[str, int] = {}
        self._latest: Message | None = None

    @property
    def is_complete(self) -> bool:
        """
        Whether the details and every message of the window are here.
        """
        if self.details is None or self.timeline is None:
            return False
        return self.timeline.is_complete

    def tell(self, conversation: Conversation, *, at: str | None) -> bool:
        """
        Take the whole conversation, from an event of `at` or fetched just now (None).

        Counters only rise. The rest is replaced unless a later event told it.
        Returns whether anything but counters was taken.
        """
        self._reach(conversation["last_seq"])
        if conversation["last_message"]:
            self.note(conversation["last_message"], at=at)
        for each in conversation["participants"]:
            self.mark(each["user_id"], each["read_seq"], each["delivered_seq"])
        if at is not None and at < self._told_at:
            return False
        self.details = conversation
        if at is None or self._count is None or self._count[0] <= at:
            self._count = (at or self._told_at, conversation["participant_count"])
        self._roster = {each["user_id"]: each for each in conversation["participants"]}
        if at is not None:
            self._told_at = at
            return True
        # What was fetched is newer than every move heard so far, but repeats of
        # those moves may still come: keep their times.
        self._moves = {
            user_id: (moved_at, self._roster.get(user_id))
            for user_id, (moved_at, _) in self._moves.items()
        }
        return True

    def note(
        self, message: Message, *, at: str | None = None, fetched: bool = False
    ) -> bool:
        """
        Take a message, from an event of `at` or fetched just now.

        Its sender has read and received up to it. Returns whether anything changed.
        """
        seq = message["seq"]
        timeline = self._reach(seq, is_message=True)
        if message["sender_id"] is not None:
            self.mark(message["sender_id"], seq, seq)
        changed = timeline.put(message, at=at, fetched=fetched)
        latest = self._latest
        if latest is None or (seq, version_of(message)) > (
            latest["seq"],
            version_of(latest),
        ):
            self._latest = message
            changed = True
        return changed

    def mark(
        self, user_id: str, read_seq: int, delivered_seq: int, at: str | None = None
    ) -> bool:
        """
        Move the markers of a person forward, never back.

        With `at`, what lies before `read_seq` gets its `read_at`. Returns whether
        anything changed.
        """
        before = (self._read.get(user_id, 0), self._delivered.get(user_id, 0))
        read = max(before[0], read_seq)
        after = (read, max(before[1], delivered_seq, read))
        self._read[user_id], self._delivered[user_id] = after
        dated = False
        if at is not None and self.timeline is not None:
            dated = self.timeline.mark_read(user_id, read_seq, at)
        return dated or before != after

    def move(
        self, user_id: str, participant: Participant | None, *, count: int, at: str
    ) -> bool:
        """
        Let somebody in, or out (None), after which `count` people take part.

        Returns whether this was news.
        """
        if self._count is None or self._count[0] <= at:
            self._count = (at, count)
        if participant is not None:
            self.mark(user_id, participant["read_seq"], participant["delivered_seq"])
        known = self._moves.get(user_id)
        if known is not None and known[0] >= at:
            return False
        self._moves[user_id] = (at, participant)
        return True

    def participants(self) -> list[Participant]:
        """
        List who takes part, with their newest markers, by id.
        """
        present = dict(self._roster)
        for user_id, (at, participant) in self._moves.items():
            if at < self._told_at:
                continue
            if participant is None:
                present.pop(user_id, None)
            else:
                present[user_id] = participant
        return [self._with_markers(present[user_id]) for user_id in sorted(present)]

    def describe(self, user_id: str) -> Conversation | None:
        """
        Give the conversation as `user_id` sees it, None while details are missing.
        """
        if self.details is None or self.timeline is None:
            return None
        last_seq = self.timeline.last_seq
        latest = self.timeline.get(last_seq) or self._latest
        read_seq = self._read.get(user_id, 0)
        deleted = self.timeline.deleted_after(read_seq)
        return cast(
            "Conversation",
            {
                **self.details,
                "participants": self.participants(),
                "last_seq": last_seq,
                "last_message": latest,
                "last_message_at": (
                    latest["sent_at"] if latest else self.details["last_message_at"]
                ),
                "participant_count": self._count[1] if self._count else 0,
                # A message that is not held counts as not deleted.
                "unread": max(0, last_seq - read_seq) - deleted,
            },
        )

    def _reach(self, seq: int, *, is_message: bool = False) -> Timeline:
        if self.timeline is None:
            before = seq - 1 if is_message else seq
            base = max(0, before - (self._history or 0))
            self.timeline = Timeline(base=base, limit=self._limit)
        self.timeline.reach(seq)
        return self.timeline

    def _with_markers(self, participant: Participant) -> Participant:
        user_id = participant["user_id"]
        markers: Json = {
            "read_seq": self._read.get(user_id, 0),
            "delivered_seq": self._delivered.get(user_id, 0),
        }
        return cast("Participant", {**participant, **markers})
